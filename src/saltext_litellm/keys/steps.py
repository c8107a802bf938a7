"""Decides the plan of a key, and its next step. Pure.

A key cannot be changed, so another one takes its place: it is made under a second alias, then the
old one is deleted, then the new one gets the alias. The marker of the new one says what it
replaces. At any moment one of them works, and the next run finds both.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from ..errors import Ambiguous, Refused
from ..objects import marker as markers
from ..objects import plan as plans
from ..objects.identity import is_free, is_owned, refuse_others
from ..objects.marker import Marker
from ..objects.patch import METADATA, PERMISSION, marked, of_plan, patched, place
from ..objects.plan import CREATE, NONE, UPDATE, Plan
from ..objects.row import Rows
from ..objects.steps import Create, Delete, Update
from ..values.fingerprints import Fingerprinter
from ..values.paths import put
from ..values.secrets import REDACTED
from .kind import DURATION, FIELDS, ID, KEY, KeyDeclared, KeyRow

Step = Create[KeyRow] | Update[KeyRow] | Delete[KeyRow]

CHANGED = "key"  # what a change of the key itself is called
# What a key has that another one in its place must have too, whoever has set it.
COPIED = (
    *(path[0] for path, _ in FIELDS.arguments.values() if path != DURATION),
    *("aliases", "config", "permissions", "model_max_budget", "budget_fallbacks"),
    *("router_settings", "budget_limits", "allowed_cache_controls", "allowed_routes"),
    *("access_group_ids", "tpd_limit", "agent_id", "project_id", "organization_id"),
    *("auto_rotate", "rotation_interval", METADATA),
)


def second_alias(alias: str) -> str:
    """The alias of a key that is about to take the place of another one."""
    return f"{alias}.new"


def successor(declared: KeyDeclared, rows: Rows[KeyRow]) -> KeyRow | None:
    """The key that is about to take the place of the one that is meant."""
    row = rows.get(second_alias(declared.alias))
    is_ours = row is not None and is_owned(row, declared)
    return row if is_ours and row and row.marker and row.marker.replaces else None


def own_row(declared: KeyDeclared, rows: Rows[KeyRow]) -> KeyRow | None:
    """The row of the alias, ``None`` if there is none.

    :raises Refused: It belongs to somebody else, or two keys have the alias.
    """
    row = rows.get(declared.alias)
    if row is not None and row.has_twin:
        raise Ambiguous(
            f"Two keys have the key_alias {row.id}: delete one of them, or give it another alias",
            temporary=False,
        )
    if row is None or is_free(row, declared) or is_owned(row, declared):
        return row
    raise refuse_others(row)


def make_plan(
    declared: KeyDeclared, rows: Rows[KeyRow], fingerprint: Fingerprinter
) -> Plan[KeyRow]:
    """The plan for a key.

    :raises Refused: It belongs to somebody else, is another key than the declared one, or cannot
        be made.
    """
    row, new, token = own_row(declared, rows), successor(declared, rows), declared.token
    is_known = token is None or (row is not None and row.token == token)
    holder = None if is_known else next((one for one in rows if one.token == token), None)
    if holder is not None and holder not in (row, new):
        if row is not None or not is_owned(holder, declared):
            raise Refused(f"The gateway has this key already, as {_named(declared, holder)}")
        row = holder  # somebody has given it another alias
    ours = [one for one in (new, row) if one is not None]
    ours = [*(one for one in rows.owned_by(*declared.owner) if _is_former(one, ours)), *ours]
    if not ours:
        _refuse_unmakeable(declared)
        return plans.create(KEY, declared, fingerprint, declared.alias)
    if token is None and declared.place is None:  # any key will do
        return plans.update(KEY, declared, ours[-1], fingerprint)
    right = next((one for one in ours if one.token == token), None)
    others = tuple(one for one in ours if right is None or one.token != right.token)
    if right is None:
        _refuse_rotation(declared, others[-1])
        planned = plans.update(KEY, declared, others[-1], fingerprint)
        others = others[:-1]
    else:
        planned = plans.update(KEY, declared, right, fingerprint)
        if not others:
            return planned
    changes = {**planned.changes, CHANGED: {"old": REDACTED, "new": REDACTED}}
    return replace(planned, action=UPDATE, changes=changes, leftovers=others)


def _named(declared: KeyDeclared, holder: KeyRow) -> str:
    """The key that has the declared value, whose it is, and what to declare if it is meant."""
    if holder.marker is None:
        return f"{holder.id}: to manage that one, declare key_alias: {holder.id}"
    whose = f"{holder.id} of {holder.marker.owner!r}"
    if holder.marker.set != declared.set:
        return whose
    former = holder.marker.name
    return f"{whose}: if it was renamed, keep the name {former} and declare key_alias instead"


def _is_former(row: KeyRow, others: list[KeyRow]) -> bool:
    """Whether a row of ours has the alias of before. A copy that somebody made has another one."""
    assert row.marker is not None  # noqa: S101 - it has an owner
    return row.marker.id == row.id and row.id not in {one.id for one in others}


def _marker(marker: Marker, declared: KeyDeclared, replaces: str | None = None) -> Marker:
    return replace(marker, id=declared.alias, replaces=replaces)


def _refuse_unmakeable(declared: KeyDeclared) -> None:
    """Refuse to make a key that nobody would have afterwards."""
    if declared.key is None and declared.keep is None:
        raise Refused(
            f"There is no key {declared.alias}, and it cannot be made: key must be an sdb:// "
            "reference, and with generate: True a new key is put there; LiteLLM shows a new key "
            "once, and Salt's output is no place for it"
        )


def _refuse_rotation(declared: KeyDeclared, row: KeyRow) -> None:
    """Refuse to replace a key unless that is declared, and the key is ours."""
    what = "has another key"
    if declared.key is None:
        what = f"has a key, and there is none at {declared.place}"
    if row.marker is None:
        raise Refused(
            f"{row.id} {what}, and nobody manages it: leave out key to manage what it may do"
        )
    if not declared.rotate:
        raise Refused(
            f"{row.id} {what}, which LiteLLM cannot change: rotate: True makes the declared key "
            "and deletes the old one, with what it has spent"
        )
    _refuse_unmakeable(declared)


def next_step(declared: KeyDeclared, plan: Plan[KeyRow]) -> Step | None:
    """The next step of a plan, ``None`` if nothing is left to do."""
    if plan.action == NONE:
        return None
    assert plan.marker is not None  # noqa: S101 - such a plan has one
    if plan.action == CREATE:
        return Create(_whole(declared, {}, declared.alias, _marker(plan.marker, declared)))
    if plan.leftovers:
        return Delete(plan.leftovers[0])
    row = plan.row
    assert row is not None  # noqa: S101 - such a plan has one
    if CHANGED in plan.changes:
        alias = declared.alias if row.id != declared.alias else second_alias(declared.alias)
        marker = _marker(plan.marker, declared, replaces=row.id)
        return Create(_whole(declared, _copied(declared, plan, row), alias, marker))
    patch = of_plan(declared, plan, row)
    if plan.moves_to:
        patch[ID] = plan.moves_to
    return Update(
        row, {**patch, METADATA: _marked(patch, declared, _marker(plan.marker, declared))}
    )


def _whole(
    declared: KeyDeclared, copied: dict[str, Any], alias: str, marker: Marker
) -> dict[str, Any]:
    """The body of a create. Without a key, if that is still to be made."""
    body = {**({"key": declared.key} if declared.key else {}), ID: alias, **copied}
    for path, value in declared.values.items():
        put(body, place(path), value)
    return {**body, METADATA: _marked(body, declared, marker)}


def _marked(body: Any, declared: KeyDeclared, marker: Marker) -> dict[str, Any]:
    """The metadata of a body, with a marker, which keeps the duration."""
    metadata = marked(body, marker)
    if DURATION in declared.values:
        metadata[markers.KEY][DURATION[0]] = declared.values[DURATION]
    return metadata


def _copied(declared: KeyDeclared, plan: Plan[KeyRow], row: KeyRow) -> dict[str, Any]:
    """What the key in the place of another one has: all that this one has, and expires with it."""
    patch = of_plan(declared, plan, row)
    found = {**row.data, **patched({key: one for key, one in patch.items() if one}, row.data)}
    gone = {key for key, value in patch.items() if not value}
    copied = {
        key: found[key]
        for key in COPIED
        if key not in gone and FIELDS.is_set((key,), found.get(key)) and found.get(key) is not None
    }
    if permission := row.data.get(PERMISSION):
        copied[PERMISSION] = {
            key: value for key, value in permission.items() if isinstance(value, list) and value
        }
    if (at := row.expires()) is not None and DURATION not in plan.removed:
        left = (at - datetime.now(timezone.utc)).total_seconds()
        copied[DURATION[0]] = f"{max(int(left), 1)}s"
    return copied
