"""Says in what a document and a gateway differ, and which of them is in force. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..objects.outcome import Outcome
from ..objects.row import Row
from .converge import KINDS, Part

Line = dict[str, Any]

ABSENT, PRESENT = "absent", "present"


def lines(
    parts: Mapping[str, Part],
    rows: Mapping[str, Iterable[Row]],
    in_force: Callable[[str, str | None, str], str],
) -> Iterator[Line]:
    """A line for each value that differs, and for each object that only one of them has.

    :param parts: What would be done to make the gateway as the document says.
    :param rows: All that the gateway has, by kind.
    :param in_force: Whether the database or the config file of the gateway is in force: for a
        kind, the id of a row, and the name of an object.
    """
    for kind, part in parts.items():
        noun, id_label = KINDS[kind]
        for one in part.outcomes:
            where = in_force(kind, one.id, one.name)
            for key, file, gateway in _differing(one, id_label):
                yield _line(f"{noun} {one.name}", key, file, gateway, where)
        used = {one.id for one in part.outcomes if one.declared}
        for row in rows[kind]:
            if row.id not in used and row.from_database:
                yield _line(f"{noun} {row.owner}", "", ABSENT, PRESENT, "database")
