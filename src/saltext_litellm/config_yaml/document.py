"""Reads what a config.yaml declares for the gateway's database. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..budgets import kind as budgets
from ..credentials import kind as credentials
from ..errors import InvalidInput
from ..keys import kind as keys
from ..models import model_list, references
from ..models.fields import PARAMS, REFERENCE, is_reference
from ..objects import sets
from ..objects.declared import Declared
from ..objects.reading import Resolve
from ..routing import rules, settings
from ..teams import kind as teams
from ..values import checks
from ..values.quote import joined, kind, short

CREDENTIALS, MODELS, ROUTER = "credential_list", "model_list", "router_settings"
_SETTINGS, _INCLUDE, _NAME = "litellm_settings", "include", "credential_name"
# Sections that LiteLLM's config.yaml does not have, and ignores: its database alone has these.
_OF_THE_DATABASE: dict[str, sets.Reader[Any]] = {
    "budgets": budgets.READER,
    "teams": teams.READER,
    "keys": keys.READER,
}
_KNOWN = (CREDENTIALS, MODELS, ROUTER, _SETTINGS, _INCLUDE, *_OF_THE_DATABASE)
_GENERAL = "general_settings"
_ANY = "*"  # in a fallback: every model
# What LiteLLM's router takes when it starts, and not from its database (1.83.14 to 1.110.2).
_AT_START = frozenset(
    ("alerting_config", "allowed_fails_policy", "assistants_config", "cache_kwargs")
    + ("background_health_check_model_groups", "cache_responses", "caching_groups", "client_ttl")
    + ("debug_level", "default_fallbacks", "default_litellm_params", "default_priority")
    + ("default_max_parallel_requests", "deployment_affinity_ttl_seconds", "disable_cooldowns")
    + ("enable_health_check_routing", "enable_pre_call_checks", "guardrail_list", "max_fallbacks")
    + ("health_check_ignore_transient_errors", "health_check_staleness_threshold", "plugins")
    + ("model_group_affinity_config", "polling_interval", "provider_budget_config", "redis_db")
    + ("redis_host", "redis_password", "redis_port", "redis_url", "search_tools", "set_verbose")
    + ("stream_timeout", "tag_filtering_match_any")
)


@dataclass(frozen=True)
class Document:
    """What a document declares.

    :param declared: The objects by the key of their kind. A kind that it does not have is missing.
    :param notes: Sentences on what is left out, and on what the gateway needs.
    """

    declared: Mapping[str, Sequence[Any]]
    notes: tuple[str, ...] = ()


def read(name: str, content: Any, resolve: Resolve) -> Document:
    """Check and normalise all that a document declares.

    :param name: The name of the set that its credentials and models belong to.
    :raises InvalidInput: With every mistake. Each begins with its key in the document.
    """
    content = checks.mapping("the document", content)
    mistakes = checks.Mistakes()
    if content.get(_INCLUDE):
        mistakes.add(
            "only a source may have an include, as nothing says what its paths are relative to"
        )
    _refuse_misspelt(content, mistakes)
    declared: dict[str, Sequence[Declared]] = {}
    with mistakes.noted(f"{CREDENTIALS}: "):
        if (entries := _list(content.get(CREDENTIALS))) is not None:
            named = _named(entries, mistakes)
            declared["credentials"] = sets.read(credentials.READER, name, named, None, resolve)
    with mistakes.noted(f"{MODELS}: "):
        if (entries := _list(content.get(MODELS))) is not None:
            declared["models"] = model_list.read(name, entries, None, resolve)
    router, more = (_mapping(content, key, mistakes) for key in (ROUTER, _SETTINGS))
    # LiteLLM takes fallbacks of litellm_settings if router_settings has none.
    entries_of = {key: router.get(key) or more.get(key) for key in rules.KEYS.values()}
    if any(entries_of.values()):
        declared["fallbacks"] = list(_rules(entries_of, resolve, mistakes))
    held = {key: value for key, value in router.items() if _is_held(key, value)}
    if held:
        declared["router_settings"] = list(_settings(held, resolve, mistakes))
    for key, reader in _OF_THE_DATABASE.items():
        if content.get(key) is not None:
            with mistakes.noted(f"{key}: "):
                objects = checks.mapping("it", content[key])
                declared[key] = sets.read(reader, name, objects.items(), None, resolve)
    mistakes.refuse()
    return Document(declared, tuple(_notes(content, router, more)))


def _refuse_misspelt(content: Mapping[str, Any], mistakes: checks.Mistakes) -> None:
    """Refuse a section that is almost one of ours, and what is no config.yaml at all.

    LiteLLM ignores a section that it does not know. So would we, and seem to have done all.
    """
    if content and not any(key in content for key in (*_KNOWN, _GENERAL)):
        mistakes.add(f"the document has none of LiteLLM's sections, such as {MODELS}")
    for key in (str(key) for key in content if key not in (*_KNOWN, _GENERAL)):
        near = difflib.get_close_matches(key.lower(), (*_KNOWN, _GENERAL), 1, 0.85)
        if key in settings.FALLBACKS:
            mistakes.add(f"{key} must stand in {ROUTER}, not beside it")
        elif near:
            mistakes.add(f"LiteLLM has no section {short(key)} (did you mean {near[0]}?)")


def _list(found: Any) -> list[Any] | None:
    if found is not None and not isinstance(found, list):
        raise InvalidInput(f"it must be a list, not {kind(found)}")
    return found


def _mapping(content: Mapping[str, Any], key: str, mistakes: checks.Mistakes) -> Mapping[str, Any]:
    with mistakes.noted():
        return checks.mapping(key, content.get(key) or {})
    return {}


def _named(entries: list[Any], mistakes: checks.Mistakes) -> Iterator[tuple[Any, Any]]:
    """Every entry of a ``credential_list`` with its name, as arguments of ``present``."""
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, Mapping):
            mistakes.add(f"{CREDENTIALS}: entry {number} must be a mapping, not {kind(entry)}")
        elif entry.get(_NAME) is None:
            mistakes.add(f"{CREDENTIALS}: entry {number}: {_NAME} is missing")
        else:
            yield entry[_NAME], {key: value for key, value in entry.items() if key != _NAME}


def _rules(
    entries_of: Mapping[str, Any], resolve: Resolve, mistakes: checks.Mistakes
) -> Iterator[Declared]:
    """Every rule of LiteLLM's lists of fallbacks, but for those of any model."""
    for fallback_type, key in rules.KEYS.items():
        with mistakes.noted(f"{key}: "):
            for entry in _list(entries_of[key]) or ():
                if not isinstance(entry, Mapping) or len(entry) != 1:
                    raise InvalidInput(
                        "each entry must be one model with the list of its fallbacks"
                    )
                ((model, targets),) = entry.items()
                given = {"model": model, rules.TARGETS: targets, rules.TYPE: fallback_type}
                with mistakes.noted(f"{key}: {short(str(model))}: "):
                    if model != _ANY:
                        name = rules.row_id(str(model), fallback_type)
                        yield rules.declared({"name": name, **given}, resolve)


def _settings(
    held: Mapping[str, Any], resolve: Resolve, mistakes: checks.Mistakes
) -> Iterator[Declared]:
    for key, value in held.items():
        with mistakes.noted(f"{ROUTER}: "):
            if any(map(is_reference, references.texts(value))):
                raise InvalidInput(
                    f"{key} has an os.environ/ reference, which LiteLLM resolves in its config "
                    "file only; write the value"
                )
            yield settings.declared({"name": key, "value": value}, resolve)


def _is_held(key: str, value: Any) -> bool:
    """Whether a router setting is one for the database. A null declares nothing."""
    return value is not None and key not in _AT_START | settings.FALLBACKS


def _notes(
    content: Mapping[str, Any], router: Mapping[str, Any], more: Mapping[str, Any]
) -> Iterator[str]:
    """Sentences on what is left out, and on the variables that the gateway needs."""
    left_out = [key for key in content if key not in _KNOWN]
    left_out += [f"{_SETTINGS}:{key}" for key in more if key not in settings.FALLBACKS]
    left_out += [f"{ROUTER}:{key}" for key in router if key in _AT_START]
    left_out += [
        f"{key} of {_ANY}"
        for key in settings.FALLBACKS
        for entry in router.get(key) or more.get(key) or ()
        if _ANY in entry
    ]
    if left_out:
        names = joined(sorted(short(str(key)) for key in left_out))
        yield f"Left out, because only the gateway's own config file can have it: {names}"
    variables = {
        value.removeprefix(REFERENCE)
        for entry in content.get(MODELS) or ()
        for value in (entry.get(PARAMS) or {}).values()
        if is_reference(value)
    }
    if variables:
        names = joined(sorted(variables))
        yield f"The gateway needs these variables in its environment, as os.environ/ says: {names}"
