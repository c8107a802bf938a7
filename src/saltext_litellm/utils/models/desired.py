"""Turns the arguments of ``present`` into a deployment, with LiteLLM's field names."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..litellm import checks
from ..litellm.errors import InvalidInput
from ..litellm.quote import line, quoted, short, suggested
from ..litellm.secrets import hides, is_secret
from ..litellm.trees import Path, leaves
from . import fields
from .fields import (
    API_BASE,
    ARGUMENTS,
    BASE_MODEL,
    DOUBLING_PROVIDERS,
    INFO,
    JSON_STRINGS,
    MAY_BE_EMPTY,
    MODE,
    MODE_SPELLINGS,
    MODEL,
    MODES,
    PARAMS,
    PROVIDER,
    REFERENCE,
    RESERVED,
    SECTIONS,
    TIER,
    TIERS,
    derived_model,
    is_price,
    is_secret_at,
    label,
)
from .misspelt import meant

Resolve = Callable[[Any], Any]

_NAMES = {"name": checks.title, "model_name": checks.title, "model_id": checks.identifier}


@dataclass(frozen=True)
class Deployment:
    """A deployment as it is declared.

    :param name: The name of the state, which owns the row.
    :param model_name: The public name that clients call; ``None`` if it must stay as it is.
    :param values: The declared values by their place in a row.
    :param model_id: The row's id, if the user chose one.
    :param set: The ``managed`` state it belongs to, if any.
    :param gateway: The name of the gateway that it is for, if the profile has one.
    :param listed: Whether it comes from a list. There, only their order tells entries with the same
        model name apart.
    :param warnings: Values that are no mistake, but that the user should check.
    """

    name: str
    model_name: str | None
    values: Mapping[Path, Any] = field(repr=False)
    model_id: str | None = None
    set: str | None = None
    gateway: str | None = None
    listed: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def team(self) -> str | None:
        """The team whose row it declares, if it declares one."""
        return self.values.get(fields.TEAM)


def desired(arguments: Mapping[str, Any], resolve: Resolve, *, partial: bool = False) -> Deployment:
    """Check and normalise the arguments of ``present``.

    :param arguments: Values by name. ``None`` means not declared. Other names are ignored.
    :param resolve: Replaces an ``sdb://`` reference by its value. Used for secrets only.
    :param partial: Whether the deployment exists, so that the arguments may be incomplete.
    :raises InvalidInput: With every mistake. Each mistake names its argument.
    """
    mistakes = checks.Mistakes()
    with mistakes.noted():
        checks.title("name", arguments.get("name"))
    values = _declared(arguments, resolve, mistakes)
    with mistakes.noted():
        _add_model(values, arguments, partial)
    mistakes.refuse()
    name, model_name = arguments["name"], arguments.get("model_name")
    return Deployment(
        name=name,
        model_name=name if model_name is None and not partial else model_name,
        values=values,
        model_id=arguments.get("model_id"),
        warnings=(*_warnings(values), *_odd_names(values)),
    )


def mistakes_in(arguments: Mapping[str, Any], resolve: Resolve) -> tuple[str, ...]:
    """The mistakes in arguments that may be incomplete."""
    mistakes = checks.Mistakes()
    _declared(arguments, resolve, mistakes)
    return tuple(mistakes.found)


def _declared(
    arguments: Mapping[str, Any], resolve: Resolve, mistakes: checks.Mistakes
) -> dict[Path, Any]:
    """The values that arguments declare, by place. The mistakes in other values are noted."""
    for argument, named in _NAMES.items():
        with mistakes.noted():
            if arguments.get(argument) is not None:
                named(argument, arguments[argument])
    values: dict[Path, Any] = {}
    for section in SECTIONS:
        with mistakes.noted():
            for path, value in _section(section, arguments.get(section)):
                with mistakes.noted():
                    values[path] = _value_to_send(path, value, resolve)
    for argument, (path, check) in ARGUMENTS.items():
        value = arguments.get(argument)
        if value is None or (path == TIER and value == "free" and path in values):
            continue
        with mistakes.noted():
            if path in values:
                raise InvalidInput(f"{argument} and {':'.join(path)} say the same thing: keep one")
            values[path] = check(argument, resolve(value) if is_secret(path[-1]) else value)
    for path, value in values.items():
        with mistakes.noted():
            _check_value(path, value)
    if isinstance(values.get(MODE), str):
        values[MODE] = MODE_SPELLINGS.get(values[MODE], values[MODE])
    return values


def named(name: Any, model_id: Any) -> Deployment:
    """A deployment to look up by the name of its state, by its model name, or by its id."""
    if name is None and model_id is None:
        raise InvalidInput("name or model_id is needed")
    mistakes = checks.Mistakes()
    with mistakes.noted():
        model_id = None if model_id is None else checks.identifier("model_id", model_id)
    with mistakes.noted():
        name = model_id if name is None else checks.title("name", name)
    mistakes.refuse()
    return Deployment(name=name, model_name=name, values={}, model_id=model_id)


def _section(section: str, declared: Any) -> Iterator[tuple[Path, Any]]:
    """The values that ``litellm_params`` or ``model_info`` declares, by place."""
    if declared is None:
        return
    for key, value in checks.plain(section, checks.mapping(section, declared)).items():
        if (section, key) in JSON_STRINGS and value is not None:
            yield (section, key), value
        else:
            yield from leaves((section, key), value)


def _check_value(path: Path, value: Any) -> None:
    """Check a value, no matter which argument declares it."""
    name = label(path)
    if path[0] == INFO and path[1] in RESERVED:
        raise InvalidInput(f"{INFO}:{path[1]} cannot be declared: {RESERVED[path[1]]}")
    if path == TIER and value not in TIERS:
        raise InvalidInput(f"tier must be free or paid, not {quoted(value)}")
    if path[0] == INFO and is_price(path[1]):
        # LiteLLM drops a price in model_info; it mirrors those in litellm_params there.
        raise InvalidInput(f"{':'.join(path)} is dropped by LiteLLM: it belongs in {PARAMS}")
    if path == MODEL:
        checks.text(":".join(MODEL), value)
    _check_secrets(name, any(map(hides, path[1:])), value)
    _check_not_empty(name, path[-1], value)
    fields.check(path, value)


def _check_secrets(name: str, secret: bool, value: Any) -> None:
    """Refuse a mask or a placeholder in the place of a secret, and a mask as the login of a URL."""
    if secret:
        checks.secret(name, _parsed_json(value))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_secrets(f"{name}:{key}", hides(key), item)
    elif isinstance(value, list):
        for item in value:
            _check_secrets(name, False, item)
    elif isinstance(value, str):
        checks.login(name, value)


def _check_not_empty(name: str, key: str, value: Any) -> None:
    """Refuse an empty secret."""
    value = _parsed_json(value)
    if isinstance(value, Mapping):
        for inner, item in value.items():
            _check_not_empty(f"{name}:{inner}", inner, item)
    elif isinstance(value, list):
        for item in value:
            _check_not_empty(name, key, item)
    elif isinstance(value, str) and hides(key) and key not in MAY_BE_EMPTY and not value.strip():
        raise InvalidInput(f"{short(name)} must not be empty")


def _parsed_json(value: Any) -> Any:
    """The content of a string that holds JSON. Credentials are sent in this form."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _add_model(values: dict[Path, Any], arguments: Mapping[str, Any], partial: bool) -> None:
    """Derive the upstream model from provider and base model, or raise what is missing.

    :param arguments: The arguments as given. One that was refused is wrong, but not missing.
    """
    params = arguments.get(PARAMS)
    if params is not None and (not isinstance(params, Mapping) or params.get("model") is not None):
        return
    provider, base_model = (
        arguments.get(name) if values.get(path) is None else values[path]
        for name, path in (("custom_llm_provider", PROVIDER), ("base_model", BASE_MODEL))
    )
    if provider is not None and base_model is not None:
        values[MODEL] = derived_model(values)
    elif provider is not None or base_model is not None:
        given, lacking = "custom_llm_provider", "base_model"
        if base_model is not None:
            given, lacking = lacking, given
        raise InvalidInput(f"{given} needs {lacking} too, or litellm_params with a model")
    elif not partial:
        raise InvalidInput(
            "custom_llm_provider and base_model are missing, or litellm_params with a model"
        )


def _value_to_send(path: Path, value: Any, resolve: Resolve) -> Any:
    """The value to send: with its references resolved, and in the form that LiteLLM wants."""
    value = _resolved(is_secret_at(path), value, resolve)
    if path in JSON_STRINGS and isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    return fields.in_stored_form(path, value)


def _resolved(secret: bool, value: Any, resolve: Resolve) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _resolved(secret or is_secret(key), item, resolve) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_resolved(secret, item, resolve) for item in value]
    return checks.plain("a secret", resolve(value)) if secret else value


def _warnings(values: Mapping[Path, Any]) -> Iterator[str]:
    """Warnings about values that LiteLLM takes, but that are probably not meant."""
    mode, base = values.get(MODE), values.get(API_BASE)
    if isinstance(mode, str) and mode not in MODES:
        yield f"unknown mode {quoted(mode)}{suggested(mode, MODES)}; written as given"
    provider, base_model = values.get(PROVIDER), values.get(BASE_MODEL)
    doubled = isinstance(base_model, str) and base_model.startswith(f"{provider}/")
    # A self-hosted server may have a model with the name openai/gpt-oss-20b, and some providers
    # begin all their names in this way.
    if (
        doubled
        and base is None
        and provider not in DOUBLING_PROVIDERS
        and values.get(MODEL) == derived_model(values)
    ):
        yield f"base_model begins with the provider, so the model is {short(values[MODEL])}"
    if isinstance(base, str) and not base.startswith(REFERENCE) and "://" not in base:
        yield f"model_api_base {quoted(base)} does not begin with https:// or http://"


def _odd_names(values: Mapping[Path, Any]) -> Iterator[str]:
    """Warnings about names in ``litellm_params`` that LiteLLM does not know, or stumbles over."""
    watsonx = str(values.get(MODEL)).startswith("watsonx")  # it has an apikey of its own
    for key in sorted({path[1] for path in values if path[0] == PARAMS}):
        name = meant(key)
        if name is not None and not (watsonx and key == "apikey"):
            word = line(short(key))
            yield f"LiteLLM has no parameter {word} and sends it to the provider: is {name} meant?"
        if key == "provider_affinity_header":
            # It checks the encrypted value, which is no name of a header.
            yield f"LiteLLM 1.106 can neither change nor delete a row that has {key}"
