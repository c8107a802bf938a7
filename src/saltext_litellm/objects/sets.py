"""Reads what a ``managed`` state declares: its objects and their defaults. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol

from ..errors import InvalidInput
from ..values import checks
from ..values.quote import kind, quoted, short, unknown_key
from .fields import Fields
from .operations import D
from .reading import Resolve

Arguments = dict[str, Any]


class Entry(Protocol):
    """An object in another form than arguments of ``present``."""

    warnings: list[str]

    def arguments(self, mistakes: checks.Mistakes) -> Arguments:
        """The object as arguments of ``present``. Mistakes are noted."""


@dataclass(frozen=True)
class Reader(Generic[D]):
    """How the objects of a kind are read.

    :param noun: What one is called.
    :param id_label: LiteLLM's word for the id of a row.
    :param fields: The fields of the kind.
    :param read: Turns arguments into a declared object.
    :param mistakes_in: The mistakes in arguments that may be incomplete.
    """

    noun: str
    id_label: str
    fields: Fields
    read: Callable[[Arguments, Resolve], D]
    mistakes_in: Callable[[Arguments, Resolve], tuple[str, ...]]
    of_entry: Callable[[D, Entry], D] = field(default=lambda declared, _: declared)


def read(
    reader: Reader[D],
    name: str,
    objects: Iterable[tuple[Any, Any]],
    defaults: Any,
    resolve: Resolve,
) -> list[D]:
    """Check and normalise every object of a set.

    :param objects: Each with its name: arguments of ``present``, or an :class:`Entry`.
    :param defaults: Arguments of ``present`` for each object that does not declare them itself.
    :raises InvalidInput: With every mistake and its object's name. Mistakes in defaults appear
        once.
    """
    found, mistakes = [], checks.Mistakes()
    below, known = _defaults(reader, defaults, resolve)
    mistakes.add(*(f"defaults: {one}" for one in known))
    for title, arguments in objects:
        shown = short(title) if isinstance(title, str) else quoted(title)
        with mistakes.noted(f"{shown}: ", known):
            declared = _declared(reader, title, arguments, below, resolve, bool(known))
            if declared is not None:
                found.append(replace(declared, set=name))
    ids = Counter(one.id for one in found if one.id is not None)
    for row_id in sorted(row_id for row_id, times in ids.items() if times > 1):
        mistakes.add(f"{reader.id_label} {row_id} is given twice")
    mistakes.refuse()
    return found


def _defaults(
    reader: Reader[D], defaults: Any, resolve: Resolve
) -> tuple[Arguments, tuple[str, ...]]:
    """The defaults, and what is wrong with them."""
    if defaults is None:
        return {}, ()
    if not isinstance(defaults, Mapping):
        return {}, (f"they must be a mapping, not {kind(defaults)}",)
    mistakes = checks.Mistakes()
    below = _known_arguments(reader.fields, defaults, mistakes)
    return below, (*mistakes.found, *reader.mistakes_in(below, resolve))


def _known_arguments(
    fields: Fields, declared: Mapping[Any, Any], mistakes: checks.Mistakes
) -> Arguments:
    """The arguments of ``present`` that are known and can be read. Mistakes are noted."""
    found: Arguments = {}
    for key, value in declared.items():
        with mistakes.noted():
            if key not in fields.known:
                raise InvalidInput(f"there is no argument {unknown_key(key, fields.known)}")
            is_section = key in fields.sections and isinstance(value, Mapping)
            found[key] = checks.plain(key, value) if is_section else value
    return found


def _declared(
    reader: Reader[D],
    title: Any,
    given: Any,
    defaults: Arguments,
    resolve: Resolve,
    flawed: bool,
) -> D | None:
    """One object of a set; ``None`` if only the defaults are wrong.

    :param flawed: Whether the defaults are wrong. If so, nothing counts as missing.
    """
    if not isinstance(title, str):
        raise InvalidInput(f"the name of a {reader.noun} must be a string: put it in quotes")
    mistakes, fields = checks.Mistakes(), reader.fields
    is_plain = isinstance(given, Mapping) or given is None
    if is_plain:
        arguments = {**fields.defaults, **_known_arguments(fields, given or {}, mistakes)}
        places = fields.places(defaults)
        for key in fields.defaults.keys() - (given or {}).keys():
            if key in defaults or fields.place(key) in places:
                arguments.pop(key)
    elif hasattr(given, "arguments"):
        arguments = given.arguments(mistakes)
    else:
        raise InvalidInput(f"its arguments must be a mapping, not {kind(given)}")
    merged = {**_merged(fields, defaults, arguments), "name": title}
    if not flawed and not mistakes.found:
        declared = reader.read(merged, resolve)
        return declared if is_plain else reader.of_entry(declared, given)
    mistakes.add(*reader.mistakes_in(merged, resolve))
    mistakes.refuse()
    return None


def _merged(fields: Fields, defaults: Arguments, arguments: Arguments) -> Arguments:
    """Merge arguments with defaults. If both declare a value, the argument counts."""
    declared = fields.places(arguments)
    merged = {
        key: value
        for key, value in defaults.items()
        if key not in fields.sections and fields.place(key) not in declared
    }
    merged |= {key: value for key, value in arguments.items() if value is not None}
    for section in fields.sections:
        below, above = defaults.get(section) or {}, arguments.get(section) or {}
        if not isinstance(below, Mapping) or not isinstance(above, Mapping):
            continue  # what is no mapping is refused with the other mistakes
        kept = {key: value for key, value in below.items() if (section, key) not in declared}
        if kept or above:
            merged[section] = _merged_mappings(kept, above)
    return merged


def _merged_mappings(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if value is None and under is not None:
            continue  # a null declares nothing
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged_mappings(under, value) if both else value  # type: ignore[arg-type]
    return merged
