"""Turns the keys of a gateway into states, or a set, that declare the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import InvalidInput
from ..objects import marker as markers
from ..objects.export import Arguments, Export, Secret, declare, replaced
from ..objects.patch import METADATA, SETTINGS, unshown
from ..values.paths import Path, leaves
from ..values.quote import joined
from ..values.secrets import REDACTED, is_shown
from .kind import ALIASES, FIELDS, ID, KeyRow, declared
from .steps import COPIED

_EXAMPLE = "sk-0000000000000000"
_HINT = "A key may be an sdb:// reference. Without `key`, Salt manages only what the key may do."


def export(rows: Iterable[KeyRow], set_: str | None) -> Export:
    """The states of the keys of a gateway. LiteLLM does not show the keys themselves.

    :param set_: The set that the keys become objects of; ``None`` for states.
    """
    found: dict[str, Arguments] = {}
    left_out: dict[str, str] = {}
    owners: dict[str, str] = {}
    lacking: list[str] = []
    for row in sorted(rows, key=lambda row: row.id):
        name = row.marker.name if row.marker and row.marker.name not in found else row.id
        arguments: Arguments = {"key": Secret(name, "key", REDACTED, example=_EXAMPLE)}
        if name != row.id:
            arguments[ID] = row.id
        for path, value in _values(row):
            declare(FIELDS, arguments, path, value)
        if not row.data.get(ID):
            left_out[row.id] = f"it has no {ID}"
            continue
        try:
            filled_in = replaced(arguments, lambda secret: secret.example)
            declared({**filled_in, "name": name}, lambda value: value)
        except InvalidInput as err:
            left_out[row.id] = str(err)
            continue
        found[name] = arguments
        if hidden := unshown(row.data[METADATA]):
            lacking.append(f"{joined(hidden)} of {name}, a secret or named like one")
        if row.marker and row.marker.set not in (None, set_):
            owners[name] = row.marker.owner
    return Export(
        "litellm_key",
        "key",
        set_,
        found,
        left_out=left_out,
        owners=owners,
        lacking=tuple(lacking),
        hint=_HINT,
    )


def _values(row: KeyRow) -> Iterator[tuple[Path, Any]]:
    """The values that are set in a row, by path."""
    for path, _ in FIELDS.arguments.values():
        if FIELDS.is_set(path, row.get(path)):
            yield path, row.get(path)
    yield from leaves((ALIASES,), row.data.get(ALIASES) or None)
    for key, value in row.data[METADATA].items():
        for path, one in leaves((METADATA, key), value):
            if key != markers.KEY and not FIELDS.is_hidden(path) and is_shown("", one):
                yield path, one
    for key in COPIED:
        if key not in FIELDS.sections and (key,) not in dict(FIELDS.arguments.values()):
            path = (SETTINGS, key)
            if FIELDS.is_set(path, row.get(path)):
                yield from leaves(path, row.get(path))
