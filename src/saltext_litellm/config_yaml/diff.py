"""Says in what a document and a gateway differ, and which of the two is in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..gateway import Gateway
from ..models.options import ModelOptions
from ..objects.declared import Declared
from ..objects.outcome import Outcome
from ..objects.plan import CREATE
from ..objects.row import Row
from .converge import KINDS, Convergence, Part

Line = dict[str, Any]

ABSENT, PRESENT = "absent", "present"
_OWNER = "owner"  # a change that is not about a value of the document
_IN_FORCE = {
    (True, True): "both",
    (True, False): "database",
    (False, True): "config",
    (False, False): "neither",
}


def diff(gateway: Gateway, name: str, declared: Mapping[str, Sequence[Any]]) -> list[Line]:
    """A line for each value that differs, and for each object that only one of them has.

    :param name: The name of the set that manages, or would manage, the gateway.
    :param declared: What the document declares, by kind.
    """
    rows: dict[str, list[Row]] = {
        "credentials": list(gateway.credentials.store.rows()),
        "models": list(gateway.deployments.all_rows()),
    }
    filed = {(kind, row.id) for kind in rows for row in rows[kind] if not row.from_database}
    own = {
        kind: [one for one in all_ if (kind, one.id) not in filed]
        for kind, all_ in declared.items()
    }
    options = ModelOptions(set=name, test=True)
    parts = Convergence(gateway, own, options).run(allow_empty=False)
    return [
        line
        for kind, part in parts.items()
        for line in _lines(kind, part, declared[kind], rows[kind])
    ]


def _lines(
    kind: str, part: Part, declared: Sequence[Declared], rows: Sequence[Row]
) -> Iterator[Line]:
    """The lines of one kind.

    :param declared: All that the document declares, also what the config file has under that id.
    :param rows: All that the gateway has.
    """
    noun, id_label = KINDS[kind]
    stored = {row.id: row for row in rows if row.from_database}
    filed = {_called(row) for row in rows if not row.from_database}
    by_name = {one.name: one for one in declared}
    used = {one.id for one in part.outcomes if one.declared}
    for one in part.outcomes if part.outcomes else ():
        meant = stored.get(one.id or "") or by_name.get(one.name)
        in_file = meant is not None and _called(meant) in filed
        in_force = _IN_FORCE[one.id in stored, in_file]
        for key, file, found in _differing(one, id_label):
            yield _line(f"{noun} {one.name}", key, file, found, in_force)
    for row in stored.values():
        if row.id not in used:
            yield _line(f"{noun} {_called(row)}", "", ABSENT, PRESENT, "database")


def _called(one: Row | Declared) -> str | None:
    return one.names.get("model_name") or one.id


def _differing(one: Outcome, id_label: str) -> Iterator[tuple[str, Any, Any]]:
    """What differs of an object: the key, the file's value and the gateway's."""
    if one.action == CREATE:
        yield "", PRESENT, ABSENT
        return
    for key, change in one.changes.items() if one.declared else ():
        if key not in (_OWNER, id_label):
            yield key, change["new"], change["old"]


def _line(what: str, key: str, file: Any, gateway: Any, in_force: str) -> Line:
    return {"object": what, "key": key, "file": file, "gateway": gateway, "in_force": in_force}
