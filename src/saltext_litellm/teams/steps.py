"""Decides the plan of a team, and its next step. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from ..objects import plan as plans
from ..objects.declared import Declared
from ..objects.identity import derived_ids, is_free, is_owned, only_one, refuse_others
from ..objects.patch import METADATA, marked, of_plan, place
from ..objects.plan import CREATE, NONE, Plan
from ..objects.row import MISSING, Row, Rows
from ..objects.steps import Create, Update
from ..values.fingerprints import Fingerprinter
from ..values.paths import Path, put
from .kind import (
    ADD,
    ADMIN,
    ALIAS,
    CHANGE,
    ID,
    MEMBERS,
    REMOVE,
    ROSTER,
    TEAM,
    UPDATE,
    member_keys,
    roster,
    seen_by,
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


def only(rows: list[Row], alias: str, label: str = ID) -> Row:
    """The row of an alias.

    :param label: The argument that says which row is meant.
    :raises Ambiguous: Several have it.
    """
    return _only_one(rows, f"are named {alias!r}", label)


def _ids(declared: Declared) -> Iterator[str]:
    return derived_ids("team", *declared.owner)


def _only_one(rows: list[Row], what: str, label: str = ID) -> Row:
    return only_one(rows, f"Several teams {what}", label, lambda row: str(row.data.get(ALIAS)))


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
    return plans.update(TEAM, declared, seen_by(row, _members(declared)), fingerprint)


def _members(declared: Declared) -> frozenset[str]:
    """The keys of the declared members."""
    return frozenset(path[1] for path in declared.values if path[0] == MEMBERS)


def next_step(declared: Declared, plan: Plan[Row]) -> Step | None:
    """The next step of a plan, ``None`` if nothing is left to do.

    What LiteLLM may refuse without a licence comes first: admins, and then all that is no member.
    A member who is to go stays in the marker until he is gone.
    """
    if plan.action == NONE:
        return None
    if plan.action == CREATE:
        return Create(_whole(declared, plan))
    row, marker = plan.row, plan.marker
    assert row is not None and marker is not None  # noqa: S101, PT018 - such a plan has both
    going = frozenset(path for path in plan.removed if path[0] == MEMBERS)
    if going and row.marker is not None:
        marker = marker.keeping(row.marker, going)
    due = {path[1]: declared.values[path] for path in plan.touched if path[0] == MEMBERS}
    admins = {key: role for key, role in due.items() if role == ADMIN}
    patch = of_plan(declared, plan, row, without=MEMBERS)
    patch[METADATA] = marked(patch, marker)
    step = _member_step(admins, row)
    if step is None and (marker != row.marker or len(patch) > 1 or len(patch[METADATA]) > 1):
        step = {UPDATE: patch}
    step = step or _member_step(due, row) or {REMOVE: who(row, min(going)[1], _members(declared))}
    return Update(row, step)


def written(step: Step, plan: Plan[Row]) -> Set[Path]:
    """The places that a step of a plan writes."""
    if isinstance(step, Create):
        return plan.touched
    due = plan.touched | plan.removed
    if UPDATE in step.body:
        return {path for path in due if path[0] != MEMBERS}
    ((_, what),) = step.body.items()
    sent = [{*member_keys(one)} for one in what.get("member", [what])]
    known = [{*member_keys(one)} for one in roster(step.row.data)]
    keys = set().union(*sent, *(one for one in known if any(map(one.intersection, sent))))
    return {path for path in due if path[0] == MEMBERS and path[1] in keys}


def _whole(declared: Declared, plan: Plan[Row]) -> dict[str, Any]:
    """The body of a create."""
    body: dict[str, Any] = {ID: plan.id}
    for path, value in declared.values.items():
        if path[0] != MEMBERS:
            put(body, place(path), value)
    members = [
        {**who(None, path[1]), "role": role}
        for path, role in declared.values.items()
        if path[0] == MEMBERS
    ]
    assert plan.marker is not None  # noqa: S101 - such a plan has one
    return {**body, **({ROSTER: members} if members else {}), METADATA: marked(body, plan.marker)}


def _member_step(due: Mapping[str, str], row: Row) -> dict[str, Any] | None:
    """The request that gives members their roles, ``None`` if there is none.

    :param due: The roles by member.
    """
    new = sorted(key for key in due if row.get((MEMBERS, key)) is MISSING)
    if new:
        return {ADD: {"member": [{**who(None, key), "role": due[key]} for key in new]}}
    key = min(due, default=None)
    return None if key is None else {CHANGE: {**who(row, key), "role": due[key]}}
