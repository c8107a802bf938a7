"""Turns the arguments of ``present`` into a deployment, with LiteLLM's field names."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ..errors import InvalidInput
from ..objects.declared import Declared
from ..values import checks, placeholders, texts
from ..values.paths import Path, leaves
from ..values.quote import line, quoted, short, suggested
from ..values.secrets import hides, is_secret
from . import fields, references
from .fields import (
    API_BASE,
    ARGUMENTS,
    BASE_MODEL,
    DOUBLING_PROVIDERS,
    INFO,
    JSON_STRINGS,
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
    is_hidden_at,
    is_price,
    is_secret_at,
    label,
)
from .misspelt import meant

Resolve = Callable[[Any], Any]

_MOST_WARNINGS = 20  # of one deployment
# Not the name of the state: by that the row is known again.
_TRIMMED_NAMES = ("model_name", "model_id")
_NAMES = {"name": checks.title, "model_name": checks.title, "model_id": checks.identifier}


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
    arguments = _with_trimmed_names(given)
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
    trimmed += [key for key in _TRIMMED_NAMES if arguments.get(key) != given.get(key)]
    return Deployment(
        name=name,
        model_name=name if model_name is None and not partial else model_name,
        values=values,
        id=arguments.get("model_id"),
        warnings=tuple(_bounded(chain(_warnings(values, trimmed, arguments), _odd_names(values)))),
    )


def mistakes_in(arguments: Mapping[str, Any], resolve: Resolve) -> tuple[str, ...]:
    """The mistakes in arguments that may be incomplete."""
    mistakes = checks.Mistakes()
    _declared(_with_trimmed_names(arguments), resolve, mistakes)
    return tuple(mistakes.found)


def _with_trimmed_names(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments, without spaces and line breaks at the ends of the names in a row."""
    names = {key: arguments[key] for key in _TRIMMED_NAMES if isinstance(arguments.get(key), str)}
    return {**arguments, **{key: texts.trimmed(name) for key, name in names.items()}}


def _declared(
    arguments: Mapping[str, Any], resolve: Resolve, mistakes: checks.Mistakes
) -> tuple[dict[Path, Any], list[str]]:
    """The values that arguments declare, by place, and the names of those that were trimmed.

    The mistakes in other values are noted.
    """
    for argument, named in _NAMES.items():
        with mistakes.noted():
            if arguments.get(argument) is not None:
                named(argument, arguments[argument])
    values: dict[Path, Any] = {}
    trimmed: list[str] = []
    for section in SECTIONS:
        with mistakes.noted():
            for path, value in _section(section, arguments.get(section)):
                with mistakes.noted():
                    values[path] = _value_to_send(path, value, resolve, trimmed)
    for argument, (path, check) in ARGUMENTS.items():
        value = arguments.get(argument)
        if value is None or (path == TIER and value == "free" and path in values):
            continue
        with mistakes.noted():
            if path in values:
                raise InvalidInput(f"{argument} and {':'.join(path)} say the same thing: keep one")
            value = texts.resolved(value, resolve) if is_secret(path[-1]) else value
            is_text = isinstance(value, str)
            values[path] = check(argument, _trimmed(path, value, trimmed) if is_text else value)
    for path, value in values.items():
        with mistakes.noted():
            _check_value(path, value)
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
    if path[0] == INFO and path[1] in RESERVED:
        raise InvalidInput(f"{INFO}:{path[1]} cannot be declared: {RESERVED[path[1]]}")
    if path == TIER and value not in TIERS:
        raise InvalidInput(f"tier must be free or paid, not {quoted(value)}")
    if path[0] == INFO and is_price(path[1]):
        # LiteLLM drops a price in model_info; it mirrors those in litellm_params there.
        raise InvalidInput(f"{':'.join(path)} is dropped by LiteLLM: it belongs in {PARAMS}")
    if path == MODEL:
        checks.text(":".join(MODEL), value)
    for place, text in _texts(path, value):
        _check_text(place, text)
    references.check(path, value)
    fields.check(path, value)


def _texts(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """Every text in a value with its place, also those in a secret that is JSON."""
    if is_hidden_at(path):
        value = _parsed_json(value)
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts((*path, key), item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(path, item)
    elif isinstance(value, str):
        yield path, value


def _check_text(path: Path, text: str) -> None:
    """Refuse a mask or a template in the place of a value, and a mask as the login of a URL."""
    name = label(path)
    if hides(path[-1]) and not fields.is_free_text(path):
        checks.text(name, text)
    if is_hidden_at(path):
        checks.secret(name, text)
    else:
        checks.login(name, text)
    checks.filled(name, text, _kind_at(path))


def _kind_at(path: Path) -> placeholders.Kind:
    """What a text at a place is for."""
    if path[0] == PARAMS and is_hidden_at(path) and not fields.is_free_text(path):
        return placeholders.SECRET
    return placeholders.NAME if fields.is_name(path) else placeholders.TEXT


def _parsed_json(value: Any) -> Any:
    """The content of a string that holds JSON. Credentials are sent in this form."""
    if texts.looks_like_json(value):
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


def _value_to_send(path: Path, value: Any, resolve: Resolve, trimmed: list[str]) -> Any:
    """The value to send: with its references resolved, and in the form that LiteLLM wants."""
    secret = is_secret_at(path)
    value = _resolved(secret, _read_json(path, value), resolve)
    value = _trimmed(path, _read_json(path, value), trimmed)
    if path in JSON_STRINGS and isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    return fields.in_stored_form(path, value)


def _read_json(path: Path, value: Any) -> Any:
    """The mapping in a value that LiteLLM wants as JSON, so that its spelling makes no change."""
    if path not in JSON_STRINGS or not texts.looks_like_json(value):
        return value
    return texts.parsed(label(path), value)


def _resolved(secret: bool, value: Any, resolve: Resolve) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _resolved(secret or is_secret(key), item, resolve) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_resolved(secret, item, resolve) for item in value]
    return checks.plain("a secret", texts.resolved(value, resolve)) if secret else value


def _trimmed(path: Path, value: Any, trimmed: list[str]) -> Any:
    """A value whose texts of one line have neither spaces nor line breaks at their ends.

    :param trimmed: Gets the names of the texts that had.
    """
    if isinstance(value, Mapping):
        return {key: _trimmed((*path, key), item, trimmed) for key, item in value.items()}
    if isinstance(value, list):
        return [_trimmed(path, item, trimmed) for item in value]
    if not isinstance(value, str) or not fields.is_one_line(path):
        return value
    bare = texts.one_line(label(path), value, secret=is_hidden_at(path))
    if bare != value:
        trimmed.append(label(path))
    return bare


def _bounded(warnings: Iterator[str]) -> Iterator[str]:
    """Each warning once, and not too many of them."""
    found = list(dict.fromkeys(warnings))
    yield from found[:_MOST_WARNINGS]
    if len(found) > _MOST_WARNINGS:
        yield f"and {len(found) - _MOST_WARNINGS} more warnings"


def _warnings(
    values: Mapping[Path, Any], trimmed: list[str], names: Mapping[str, Any]
) -> Iterator[str]:
    """Warnings about values that LiteLLM takes, but that are probably not meant."""
    for name in trimmed:
        yield f"{short(name)} has spaces or line breaks at its ends, which are left out"
    for key in ("name", "model_name"):
        if found := placeholders.doubtful(names.get(key) or "", placeholders.TITLE):
            yield f"{key} looks like {found}; it is sent as given"
    for path, value in values.items():
        for place, text in _texts(path, value):
            if found := placeholders.doubtful(text, _kind_at(place)):
                yield f"{short(label(place))} looks like {found}; it is sent as given"
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
