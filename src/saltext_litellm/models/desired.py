"""Turns the arguments of ``present`` into a deployment, with LiteLLM's field names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ..errors import InvalidInput
from ..objects.declared import Declared
from ..objects.reading import (
    Resolve,
    bounded,
    check_texts,
    read,
    text_warnings,
    with_trimmed_names,
)
from ..values import checks
from ..values.paths import Path
from ..values.quote import line, quoted, short, suggested
from . import fields, references, type_checks
from .fields import (
    API_BASE,
    API_KEY,
    BASE_MODEL,
    CREDENTIAL,
    DOUBLING_PROVIDERS,
    FIELDS,
    INFO,
    MODE,
    MODE_SPELLINGS,
    MODEL,
    MODES,
    PARAMS,
    PROVIDER,
    REFERENCE,
    RESERVED,
    TIER,
    TIERS,
    derived_model,
    is_price,
)
from .misspelt import meant


@dataclass(frozen=True)
class Deployment(Declared):
    """A deployment as it is declared.

    :param model_name: The public name that clients call; ``None`` if it must stay as it is.
    :param listed: Whether it comes from a list. There, only their order tells entries with the same
        model name apart.
    """

    model_name: str | None = None
    listed: bool = False

    @property
    def names(self) -> Mapping[str, str | None]:
        """Its public name."""
        return {"model_name": self.model_name}

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
    mistakes, given = checks.Mistakes(), arguments
    arguments = with_trimmed_names(FIELDS, given)
    with mistakes.noted():
        checks.title("name", arguments.get("name"))
    values, trimmed = _declared(arguments, resolve, mistakes)
    with mistakes.noted():
        _add_model(values, arguments, partial)
    name, model_name = arguments.get("name"), arguments.get("model_name")
    with mistakes.noted():
        references.check(fields.NAME, name if model_name is None else model_name)
    mistakes.refuse()
    assert isinstance(name, str)  # noqa: S101 - checked before
    trimmed += [key for key in FIELDS.names if arguments.get(key) != given.get(key)]
    warnings = text_warnings(FIELDS, values, trimmed, {"name": name, "model_name": model_name})
    return Deployment(
        name=name,
        model_name=name if model_name is None and not partial else model_name,
        values=values,
        id=arguments.get("model_id"),
        warnings=bounded(chain(warnings, _warnings(values), _odd_names(values))),
    )


def mistakes_in(arguments: Mapping[str, Any], resolve: Resolve) -> tuple[str, ...]:
    """The mistakes in arguments that may be incomplete."""
    mistakes = checks.Mistakes()
    _declared(with_trimmed_names(FIELDS, arguments), resolve, mistakes)
    return tuple(mistakes.found)


def _declared(
    arguments: Mapping[str, Any], resolve: Resolve, mistakes: checks.Mistakes
) -> tuple[dict[Path, Any], list[str]]:
    """The values that arguments declare, by place, and the names of those that were trimmed."""
    values, trimmed = read(FIELDS, arguments, resolve, mistakes, _check_value)
    if isinstance(values.get(MODE), str):
        values[MODE] = MODE_SPELLINGS.get(values[MODE], values[MODE])
    return values, trimmed


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
    return Deployment(name=name, model_name=name, values={}, id=model_id)


def _check_value(path: Path, value: Any) -> None:
    """Check a value, no matter which argument declares it."""
    if path[0] == INFO and path[1] in RESERVED:
        raise InvalidInput(f"{INFO}:{path[1]} cannot be declared: {RESERVED[path[1]]}")
    if path == TIER and value not in TIERS:
        raise InvalidInput(f"tier must be free or paid, not {quoted(value)}")
    if path[0] == INFO and is_price(path[1]):
        # LiteLLM drops a price in model_info; it mirrors those in litellm_params there.
        raise InvalidInput(f"{':'.join(path)} is dropped by LiteLLM: it belongs in {PARAMS}")
    if path[: len(MODEL)] == MODEL:
        checks.text(":".join(MODEL), value if path == MODEL else {})
    check_texts(FIELDS, path, value)
    references.check(path, value)
    type_checks.check(path, value)


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
    if CREDENTIAL in values and API_KEY in values:
        yield "model_api_key is used, and not the key of the credential that the model names"
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
