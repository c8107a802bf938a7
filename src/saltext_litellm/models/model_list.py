"""Reads the models of a ``managed`` state, also in the form of LiteLLM's ``model_list``. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import InvalidInput
from ..objects import sets
from ..objects.export import Secret
from ..objects.sets import Arguments
from ..values import checks
from ..values.paths import put
from ..values.quote import short, suggested, unknown_key
from . import fields
from .desired import Deployment, desired, mistakes_in
from .fields import FIELDS, INFO, PARAMS, SECTIONS

_LIMITS = frozenset({"rpm", "tpm"})  # LiteLLM's router takes them beside litellm_params as well
_BLOCKED = "blocked"
_ENTRY = frozenset({"model_name", PARAMS, INFO, _BLOCKED, *_LIMITS})


def read(name: str, models: Any, defaults: Any, resolve: Callable[[Any], Any]) -> list[Deployment]:
    """Check and normalise every model of a set.

    :param models: The arguments of ``present`` by name; or LiteLLM's own ``model_list``.
    :param defaults: Arguments of ``present`` for each model that does not declare them itself.
    :raises InvalidInput: With every mistake and its model's name. Mistakes in defaults appear once.
    """
    return sets.read(_READER, name, _named_models(models), defaults, resolve)


def _listed(wanted: Deployment, entry: sets.Entry) -> Deployment:
    return replace(wanted, listed=True, warnings=(*entry.warnings, *wanted.warnings))


_READER = sets.Reader("model", "model_id", FIELDS, desired, mistakes_in, _listed)


def _named_models(models: Any) -> Iterator[tuple[Any, Any]]:
    """Every model with its name in the set."""
    if isinstance(models, Mapping):
        yield from models.items()
    elif isinstance(models, list):
        names = [_entry_name(number, entry) for number, entry in enumerate(models, start=1)]
        counts, given = dict.fromkeys(names, 0), set(names)
        for name, entry in zip(names, models, strict=True):
            # Several entries may share a model name, to balance the load between them.
            counts[name] += 1
            while counts[name] > 1 and f"{name} #{counts[name]}" in given:
                counts[name] += 1  # another model is called so
            yield (name if counts[name] == 1 else f"{name} #{counts[name]}"), _Entry(entry)
    else:
        raise InvalidInput("models must be a mapping of names, or a list in LiteLLM's own form")


def _entry_name(number: int, entry: Any) -> str:
    name = entry.get("model_name") if isinstance(entry, Mapping) else None
    return name if isinstance(name, str) and name.strip() else f"entry {number}"


def entry(name: str, arguments: Arguments) -> Arguments:
    """Arguments of ``present`` in the form of an entry of ``model_list``.

    :param arguments: Those of an export, which may have stand-ins for secrets.
    """
    found: Arguments = {"model_name": name, PARAMS: {}, **arguments}
    found |= {key: dict(found[key]) for key in SECTIONS if key in found}
    values = {}
    for key in FIELDS.arguments.keys() & found.keys():
        path, check = FIELDS.arguments[key]
        value = found.pop(key)
        if value is not None:
            values[path] = value if isinstance(value, Secret) else check(key, value)
    for path, value in sorted(values.items(), key=lambda item: item[0]):
        put(found, path, value)
    found[PARAMS] = {"model": fields.derived_model(values), **found[PARAMS]}
    if "model_id" in found:
        found.setdefault(INFO, {})["id"] = found.pop("model_id")
    return found


class _Entry:
    """An entry of LiteLLM's ``model_list``. It has another form than arguments of ``present``."""

    def __init__(self, entry: Any) -> None:
        self.entry = entry
        self.warnings: list[str] = []  # what was left out

    def arguments(self, mistakes: checks.Mistakes) -> Arguments:
        """The entry as arguments of ``present``."""
        entry = self.entry
        if not isinstance(entry, Mapping):
            raise InvalidInput("an entry must be a mapping with model_name and litellm_params")
        for key in entry:
            with mistakes.noted():
                self._check_key(key)
        if entry.get("model_name") is None:
            with mistakes.noted():
                raise InvalidInput("model_name is missing")
        sections: dict[str, Any] = {}
        for key in SECTIONS:
            sections[key] = {}
            with mistakes.noted():
                if entry.get(key) is not None:
                    sections[key] = checks.plain(key, checks.mapping(key, entry[key]))
        return {"model_name": entry.get("model_name"), **self._move_values(sections)}

    def _check_key(self, key: Any) -> None:
        """Refuse a misspelt key. One of somebody else is left out, as LiteLLM does."""
        if key in _ENTRY:
            return
        if FIELDS.argument_at((PARAMS, key)):
            raise InvalidInput(f"{key} must stand in {PARAMS}, not beside it")
        told = f"LiteLLM's model_list has no {unknown_key(key, _ENTRY)}"
        is_own = isinstance(key, str) and key.startswith("x-")
        if not is_own and (not isinstance(key, str) or suggested(key, _ENTRY)):
            raise InvalidInput(told)
        self.warnings.append(f"LiteLLM's model_list has no {short(key)}, so it is left out")

    def _move_values(self, sections: dict[str, dict[str, Any]]) -> Arguments:
        """Move values that a config file may have elsewhere to their place in the database."""
        params, info = sections[PARAMS], sections[INFO]
        found = {"model_id": info.pop("id", None), _BLOCKED: self.entry.get(_BLOCKED)}
        if type(found["model_id"]) is int:
            found["model_id"] = str(found["model_id"])
        # LiteLLM (1.106.2) pauses a deployment of a config file by model_info alone.
        _fill(found, _BLOCKED, info.pop(_BLOCKED, None))
        for key in sorted(self.entry.keys() & _LIMITS):
            _fill(params, key, self.entry[key])
        for key in [key for key in info if fields.is_price(key)]:
            # In a config file a price may stand in model_info; in the database LiteLLM drops it.
            _fill(params, key, info.pop(key))
        for key in sorted(info.keys() & fields.RESERVED.keys()):
            if info.pop(key) is not None:
                why = fields.RESERVED[key]
                self.warnings.append(f"{INFO}:{key} is not for a set, so it is left out: {why}")
        return {**found, **sections}


def _fill(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a value that is not declared yet. A null declares nothing."""
    if values.get(key) is None:
        values[key] = value
