"""Reads the arguments that declare an object: checks them, and gives each value its place."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..errors import InvalidInput
from ..values import checks, placeholders, texts
from ..values.paths import Path, leaves
from ..values.quote import short
from ..values.secrets import hides, is_secret
from .fields import Fields, Values

Resolve = Callable[[Any], Any]
Arguments = Mapping[str, Any]

_MOST_WARNINGS = 20  # of one object


def with_trimmed_names(fields: Fields, arguments: Arguments) -> dict[str, Any]:
    """The arguments, without spaces and line breaks at the ends of the names in a row."""
    names = {key: arguments[key] for key in fields.names if isinstance(arguments.get(key), str)}
    return {**arguments, **{key: texts.trimmed(name) for key, name in names.items()}}


def read(
    fields: Fields,
    arguments: Arguments,
    resolve: Resolve,
    mistakes: checks.Mistakes,
    check_value: Callable[[Path, Any], None],
) -> tuple[dict[Path, Any], list[str]]:
    """The values that arguments declare, by place, and the names of those that were trimmed.

    The mistakes in other values are noted.

    :param arguments: Values by name. ``None`` means not declared. Other names are ignored.
    :param resolve: Replaces an ``sdb://`` reference by its value. Used where the fields allow it.
    :param check_value: Refuses a value, no matter which argument declares it.
    """
    for argument, check in {"name": checks.title, **fields.names}.items():
        with mistakes.noted():
            if arguments.get(argument) is not None:
                check(argument, arguments[argument])
    values: dict[Path, Any] = {}
    trimmed: list[str] = []
    for section in fields.sections:
        with mistakes.noted():
            for path, value in _section(fields, section, arguments.get(section)):
                with mistakes.noted():
                    values[path] = _value_to_send(fields, path, value, resolve, trimmed)
    for argument, (path, check) in fields.arguments.items():
        value = arguments.get(argument)
        if value is None or (path in values and value == fields.defaults.get(argument)):
            continue
        with mistakes.noted():
            if path in values:
                raise InvalidInput(f"{argument} and {':'.join(path)} say the same thing: keep one")
            value = texts.resolved(value, resolve) if fields.takes_sdb(path) else value
            if isinstance(value, str):
                value = _trimmed(fields, path, value, trimmed)
            values[path] = check(argument, value)
    for path, value in values.items():
        with mistakes.noted():
            check_value(path, value)
    return values, trimmed


def texts_in(fields: Fields, path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """Every text in a value with its place, also those in a secret that is JSON."""
    if fields.is_hidden(path):
        value = _parsed_json(value)
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts_in(fields, (*path, key), item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(fields, path, item)
    elif isinstance(value, str):
        yield path, value


def text_warnings(
    fields: Fields, values: Values, trimmed: Iterable[str], titles: Arguments
) -> Iterator[str]:
    """Warnings about texts that LiteLLM takes, but that are probably not meant.

    :param trimmed: The names of the texts that were trimmed.
    :param titles: The names that the object has, by the arguments that give them.
    """
    for name in trimmed:
        yield f"{short(name)} has spaces or line breaks at its ends, which are left out"
    for key, title in titles.items():
        if found := placeholders.doubtful(title or "", placeholders.TITLE):
            yield f"{key} looks like {found}; it is sent as given"
    for path, value in values.items():
        for place, text in texts_in(fields, path, value):
            if found := placeholders.doubtful(text, fields.text_at(place)):
                yield f"{short(fields.label(place))} looks like {found}; it is sent as given"


def bounded(warnings: Iterable[str]) -> tuple[str, ...]:
    """Each warning once, and not too many of them."""
    found = list(dict.fromkeys(warnings))
    more = len(found) - _MOST_WARNINGS
    return (*found[:_MOST_WARNINGS], *([f"and {more} more warnings"] if more > 0 else ()))


def _section(fields: Fields, section: str, declared: Any) -> Iterator[tuple[Path, Any]]:
    """The values that a section declares, by place."""
    if declared is None:
        return
    for key, value in checks.plain(section, checks.mapping(section, declared)).items():
        if (section, key) in fields.json_strings and value is not None:
            yield (section, key), value
        else:
            yield from leaves((section, key), value)


def check_texts(fields: Fields, path: Path, value: Any) -> None:
    """Refuse a mask or a template in the place of a value, and a mask as the login of a URL."""
    for place, text in texts_in(fields, path, value):
        name = fields.label(place)
        if hides(place[-1]) and not fields.is_free_text(place):
            checks.text(name, text)
        if fields.is_hidden(place):
            checks.secret(name, text)
        else:
            checks.login(name, text)
        checks.filled(name, text, fields.text_at(place))


def _parsed_json(value: Any) -> Any:
    """The content of a string that holds JSON. Credentials are sent in this form."""
    if texts.looks_like_json(value):
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _value_to_send(
    fields: Fields, path: Path, value: Any, resolve: Resolve, trimmed: list[str]
) -> Any:
    """The value to send: with its references resolved, and in the form that LiteLLM wants."""
    value = _resolved(fields.takes_sdb(path), _read_json(fields, path, value), resolve)
    value = _trimmed(fields, path, _read_json(fields, path, value), trimmed)
    if path in fields.json_strings and isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    return fields.in_stored_form(path, value)


def _read_json(fields: Fields, path: Path, value: Any) -> Any:
    """The mapping in a value that LiteLLM wants as JSON, so that its spelling makes no change."""
    if path not in fields.json_strings or not texts.looks_like_json(value):
        return value
    return texts.parsed(fields.label(path), value)


def _resolved(allowed: bool, value: Any, resolve: Resolve) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _resolved(allowed or is_secret(key), item, resolve) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_resolved(allowed, item, resolve) for item in value]
    return checks.plain("a secret", texts.resolved(value, resolve)) if allowed else value


def _trimmed(fields: Fields, path: Path, value: Any, trimmed: list[str]) -> Any:
    """A value whose texts of one line have neither spaces nor line breaks at their ends.

    :param trimmed: Gets the names of the texts that had.
    """
    if isinstance(value, Mapping):
        return {key: _trimmed(fields, (*path, key), item, trimmed) for key, item in value.items()}
    if isinstance(value, list):
        return [_trimmed(fields, path, item, trimmed) for item in value]
    if not isinstance(value, str) or not fields.is_one_line(path):
        return value
    bare = texts.one_line(fields.label(path), value, secret=fields.is_hidden(path))
    if bare != value:
        trimmed.append(fields.label(path))
    return bare
