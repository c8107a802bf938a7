"""Decides the plan of a team, and its next step. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from ..objects import marker as markers
from ..objects import plan as plans
from ..objects.declared import Declared
from ..objects.identity import derived_ids, is_free, is_owned, only_one, refuse_others
from ..objects.plan import CREATE, NONE, Plan
from ..objects.row import MISSING, Row, Rows
from ..objects.steps import Create, Update
from ..values.fingerprints import Fingerprinter
from ..values.paths import Path, put
from .kind import (
    ADD,
    ALIAS,
    ALIASES,
    CHANGE,
    ID,
    MEMBERS,
    METADATA,
    PERMISSION,
    REMOVE,
    ROSTER,
    SETTINGS,
    TEAM,
    UPDATE,
    who,
)

Step = Create[Row] | Update[Row]


def find(declared: Declared, rows: Rows[Row], taken: Set[str] = frozenset()) -> Row | None:
    """The row of a team, ``None`` if there is none: the id given, else the marker, else the name.

    A row whose marker was wiped is known by its id, which is derived from the name.

    :param taken: The ids of rows that belong to other states.
    :raises Refused: Several rows fit, or the row belongs to somebody else.
    """
    if declared.id is not None:
        row = rows.get(declared.id)
        if row is None or is_free(row, declared) or is_owned(row, declared):
            return row
        raise refuse_others(row)
    if owned := [row for row in rows.owned_by(*declared.owner) if row.id not in taken]:
        return _only_one(owned, f"carry the marker of {declared.name!r}")
    for row in map(rows.get, _ids(declared)):
        if row is None:
            break
        if row.id not in taken and is_free(row, declared):
            return row
    alias = declared.values[(ALIAS,)]
    free = [
        row
        for row in rows
        if row.data.get(ALIAS) == alias and row.id not in taken and is_free(row, declared)
    ]
    return only(free, alias) if free else None


def only(rows: list[Row], alias: str) -> Row:
    """The row of an alias.

    :raises Ambiguous: Several have it.
    """
    return _only_one(rows, f"are named {alias!r}")


def _ids(declared: Declared) -> Iterator[str]:
    return derived_ids("team", *declared.owner)


def _only_one(rows: list[Row], what: str) -> Row:
    return only_one(rows, f"Several teams {what}", ID, lambda row: str(row.data.get(ALIAS)))


def make_plan(
    declared: Declared, rows: Rows[Row], fingerprint: Fingerprinter, taken: Set[str]
) -> Plan[Row]:
    """The plan for a team.

    :raises Refused: As :func:`find` does.
    """
    row = find(declared, rows, taken - {declared.id})
    if row is None:
        row_id = declared.id or next(one for one in _ids(declared) if one not in rows)
        return plans.create(TEAM, declared, fingerprint, row_id)
    return plans.update(TEAM, declared, row, fingerprint)


def next_step(declared: Declared, plan: Plan[Row]) -> Step | None:
    """The next step of a plan, ``None`` if nothing is left to do.

    Members come first: they are what LiteLLM refuses without a licence, and a member whose removal
    was interrupted must still be in the marker.
    """
    if plan.action == NONE:
        return None
    if plan.action == CREATE:
        return Create(_whole(declared, plan))
    row = plan.row
    assert row is not None  # noqa: S101 - such a plan has one
    return Update(row, _member_step(declared, plan, row) or {UPDATE: _patch(declared, plan, row)})


def written(step: Step, plan: Plan[Row]) -> Set[Path]:
    """The places that a step of a plan writes."""
    places = plan.touched | plan.removed
    if isinstance(step, Create):
        return places
    is_update = UPDATE in step.body
    return {path for path in places if (path[0] == MEMBERS) is not is_update}


def _whole(declared: Declared, plan: Plan[Row]) -> dict[str, Any]:
    """The body of a create."""
    body: dict[str, Any] = {ID: plan.id}
    for path, value in declared.values.items():
        if path[0] != MEMBERS:
            put(body, _place(path), value)
    members = [{**who(None, key), "role": role} for key, role in _members(declared).items()]
    return {**body, **({ROSTER: members} if members else {}), METADATA: _marked(body, plan)}


def _members(declared: Declared) -> dict[str, Any]:
    return {path[1]: value for path, value in declared.values.items() if path[0] == MEMBERS}


def _place(path: Path) -> Path:
    """Where a value is in a body."""
    return path[1:] if path[0] == SETTINGS else path


def _marked(body: Mapping[str, Any], plan: Plan[Row]) -> dict[str, Any]:
    assert plan.marker is not None  # noqa: S101 - such a plan has one
    return {**body.get(METADATA, {}), markers.KEY: plan.marker.dump()}


def _member_step(declared: Declared, plan: Plan[Row], row: Row) -> dict[str, Any] | None:
    """The next request about members, ``None`` if there is none."""
    due = {key: role for key, role in _members(declared).items() if (MEMBERS, key) in plan.touched}
    new = [key for key in due if row.get((MEMBERS, key)) is MISSING]
    for key in due.keys() - set(new):
        return {CHANGE: {**who(row, key), "role": due[key]}}
    if new:
        return {ADD: {"member": [{**who(None, key), "role": due[key]} for key in new]}}
    for path in sorted(plan.removed):
        if path[0] == MEMBERS:
            return {REMOVE: who(row, path[1])}
    return None


def _patch(declared: Declared, plan: Plan[Row], row: Row) -> dict[str, Any]:
    """The patch that writes and clears what a plan says, and the marker."""
    patch: dict[str, Any] = {}
    for path in sorted(path for path in plan.touched if path[0] != MEMBERS):
        put(patch, _place(path), declared.values[path])
    for path in sorted(path for path in plan.removed if path[0] != MEMBERS):
        if path[0] == SETTINGS and row.data.get(path[1]) is None:
            put(patch, (METADATA, *path[1:]), None)
        else:
            put(patch, _place(path), _cleared(path, row.get(path)))
    return {**patch, METADATA: _marked(patch, plan)}


def _cleared(path: Path, value: Any) -> Any:
    """What clears a value: LiteLLM wants an empty list for a list, and answers 500 to a null."""
    if path[0] in (METADATA, ALIASES):
        return None  # removes the key
    if len(path) > 2 and path[1] != PERMISSION:  # noqa: PLR2004 - inside of a setting
        return None
    if isinstance(value, list):
        return []
    return False if isinstance(value, bool) else None
