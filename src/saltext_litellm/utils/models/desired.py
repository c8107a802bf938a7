"""What is desired: from ``present``'s arguments to a deployment, in LiteLLM's field names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..litellm import checks
from ..litellm.errors import InvalidInput
from ..litellm.secrets import is_secret
from ..litellm.trees import Path, leaves
from .fields import (
    ARGUMENTS,
    BASE_MODEL,
    INFO,
    JSON_STRINGS,
    MODE,
    MODE_SPELLINGS,
    MODEL,
    MODES,
    PARAMS,
    PROVIDER,
    RESERVED,
    SECTIONS,
    TIER,
    TIERS,
    derived_model,
    is_price,
    is_secret_at,
)

Resolve = Callable[[Any], Any]


@dataclass(frozen=True)
class Deployment:
    """What is desired.

    :param name: The name of the state: who owns the row.
    :param model_name: The public name clients call; ``None`` if it is to stay as it is.
    :param values: The declared values by their place in a row.
    :param model_id: The row's id, if the user chose one.
    :param set: The ``managed`` state it belongs to, if any.
    :param listed: Whether it comes from a list. Only its place in it tells it from other entries
        of the same model name.
    :param warnings: What the user should look at, though it is no mistake.
    """

    name: str
    model_name: str | None
    values: Mapping[Path, Any] = field(repr=False)
    model_id: str | None = None
    set: str | None = None
    listed: bool = False
    warnings: tuple[str, ...] = ()


def desired(arguments: Mapping[str, Any], resolve: Resolve, *, partial: bool = False) -> Deployment:
    """Check and normalise the arguments of ``present``.

    :param arguments: By name; ``None`` means not declared, others than ``present``'s are ignored.
    :param resolve: Replaces an ``sdb://`` reference by what it refers to. Used on secrets only.
    :param partial: The rest of the deployment exists already, so it need not be complete.
    :raises InvalidInput: With one sentence that names the argument.
    """
    name = checks.text("name", arguments.get("name"))
    model_name, model_id = arguments.get("model_name"), arguments.get("model_id")
    values = {path: _sent(path, value, resolve) for path, value in _sections(arguments).items()}
    for argument, (path, check) in ARGUMENTS.items():
        value = arguments.get(argument)
        if value is None or (path == TIER and value == "free" and path in values):
            continue
        if path in values:
            raise InvalidInput(f"{argument} and {':'.join(path)} say the same thing; keep one")
        values[path] = check(argument, resolve(value) if is_secret(path[-1]) else value)
    _check_values(values)
    _complete(values, partial)
    if model_name is None and not partial:
        model_name = name
    return Deployment(
        name=name,
        model_name=None if model_name is None else checks.text("model_name", model_name),
        values=values,
        model_id=None if model_id is None else checks.identifier("model_id", model_id),
        warnings=tuple(_warnings(values)),
    )


def named(name: Any, model_id: Any) -> Deployment:
    """A deployment to be looked up: by the name of its state or its model name, or by its id."""
    if name is None and model_id is None:
        raise InvalidInput("name or model_id is needed")
    model_id = None if model_id is None else checks.identifier("model_id", model_id)
    name = model_id if name is None else checks.text("name", name)
    return Deployment(name=name, model_name=name, values={}, model_id=model_id)


def _sections(arguments: Mapping[str, Any]) -> dict[Path, Any]:
    """What ``litellm_params`` and ``model_info`` declare."""
    values: dict[Path, Any] = {}
    for section in SECTIONS:
        declared = arguments.get(section)
        if declared is not None:
            declared = checks.plain(section, checks.mapping(section, declared))
            for key, value in declared.items():
                if (section, key) in JSON_STRINGS and value is not None:
                    values[(section, key)] = value
                else:
                    values.update(leaves((section, key), value))
    for key, advice in RESERVED.items():
        if any(path[:2] == (INFO, key) for path in values):
            raise InvalidInput(f"{INFO}:{key} cannot be declared: {advice}")
    return values


def _check_values(values: dict[Path, Any]) -> None:
    """What holds for a value wherever it was declared."""
    if TIER in values and values[TIER] not in TIERS:
        raise InvalidInput(f"tier must be free or paid, not {values[TIER]!r}")
    for path in values:
        if path[0] == INFO and is_price(path[1]):
            # LiteLLM drops a price in model_info; it mirrors those in litellm_params there.
            raise InvalidInput(f"{':'.join(path)} is dropped by LiteLLM; it belongs in {PARAMS}")
    if isinstance(values.get(MODE), str):
        values[MODE] = MODE_SPELLINGS.get(values[MODE], values[MODE])


def _complete(values: dict[Path, Any], partial: bool) -> None:
    """Derive the upstream model from provider and base model, or say what is missing."""
    provider, base_model = values.get(PROVIDER), values.get(BASE_MODEL)
    if MODEL in values:
        checks.text(":".join(MODEL), values[MODEL])
    elif provider and base_model:
        values[MODEL] = derived_model(values)
    elif provider or base_model:
        given, lacking = "custom_llm_provider", "base_model"
        if base_model:
            given, lacking = lacking, given
        raise InvalidInput(f"{given} needs {lacking} too, or litellm_params with a model")
    elif not partial:
        raise InvalidInput(
            "custom_llm_provider and base_model are missing, or litellm_params with a model"
        )


def _sent(path: Path, value: Any, resolve: Resolve) -> Any:
    """A value as it is sent: its references resolved, in the form LiteLLM wants."""
    value = _resolved(is_secret_at(path), value, resolve)
    if path in JSON_STRINGS and isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    return value


def _resolved(secret: bool, value: Any, resolve: Resolve) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _resolved(secret or is_secret(key), item, resolve) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_resolved(secret, item, resolve) for item in value]
    return checks.plain("a secret", resolve(value)) if secret else value


def _warnings(values: Mapping[Path, Any]) -> Iterator[str]:
    mode = values.get(MODE)
    if isinstance(mode, str) and mode not in MODES:
        yield f"The mode {mode!r} is none that this version of saltext-litellm knows of"
