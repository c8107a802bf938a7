"""Turns the credentials of a gateway into states, or a set, that declare the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import InvalidInput
from ..objects import marker as markers
from ..objects.export import Arguments, Export, declare, replaced, value_or_secret
from ..objects.row import Row
from ..values.paths import Path, leaves
from .kind import FIELDS, INFO, LABEL, VALUES, declared


def export(rows: Iterable[Row], set_: str | None) -> Export:
    """The states of the credentials of a gateway, without those of its config file.

    :param set_: The set that the credentials become objects of; ``None`` for states.
    """
    found: dict[str, Arguments] = {}
    left_out: dict[str, str] = {}
    owners: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row.id):
        if not row.from_database:
            continue
        arguments: Arguments = {}
        for path, value in _values(row):
            managed = row.marker is not None and path in row.marker.keys
            declare(FIELDS, arguments, path, value_or_secret(FIELDS, row.id, path, value, managed))
        filled_in = replaced(arguments, lambda secret: secret.example)
        try:
            declared({**filled_in, "name": row.id}, lambda value: value)
        except InvalidInput as err:
            left_out[row.id] = str(err)
            continue
        found[row.id] = arguments
        if row.marker and row.marker.set not in (None, set_):
            owners[row.id] = row.marker.owner
    return Export("litellm_credential", "credential", set_, found, left_out=left_out, owners=owners)


def _values(row: Row) -> Iterator[tuple[Path, Any]]:
    """The values that are set in a row, by path."""
    for section in (VALUES, INFO):
        for key, value in row.data[section].items():
            if (section, key) != (INFO, markers.KEY):
                yield from leaves((section, key), value)
    if row.data.get(LABEL[0]):
        yield LABEL, row.data[LABEL[0]]
