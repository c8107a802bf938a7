"""Decides the plan of a credential, and its next step. Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import Refused
from ..objects import marker as markers
from ..objects import plan as plans
from ..objects.declared import Declared
from ..objects.identity import is_free, is_owned, refuse_configured, refuse_others
from ..objects.marker import Marker
from ..objects.plan import CREATE, NONE, Plan
from ..objects.row import Row, Rows
from ..objects.steps import Create, Update
from ..values.fingerprints import Fingerprinter
from ..values.paths import Path, drop, leaves, put
from .kind import CREDENTIAL, DELETE, INFO, LABEL, VALUES, is_unreadable

Step = Create[Row] | Update[Row]


def own_row(declared: Declared, rows: Rows[Row]) -> Row | None:
    """The row of a credential, which has its name; ``None`` if there is none.

    :raises Refused: It belongs to somebody else.
    """
    row = rows.get(declared.id)
    if row is None or (row.from_database and (is_free(row, declared) or is_owned(row, declared))):
        return row
    raise refuse_others(row) if row.from_database else refuse_configured(row.id)


def make_plan(declared: Declared, rows: Rows[Row], fingerprint: Fingerprinter) -> Plan[Row]:
    """The plan for a credential.

    :raises Refused: Its row belongs to somebody else.
    """
    row = own_row(declared, rows)
    if row is None:
        return plans.create(CREDENTIAL, declared, fingerprint, declared.name)
    return plans.update(CREDENTIAL, declared, row, fingerprint)


def deletes_values(plan: Plan[Row]) -> bool:
    """Whether a plan removes a value, so that it depends on what LiteLLM can do."""
    return any(path[0] == VALUES for path in plan.removed)


def check(declared: Declared, plan: Plan[Row]) -> None:
    """Refuse a credential without a value, which LiteLLM does not make. 1.83 makes some anew."""
    if plan.action == CREATE and not any(path[0] == VALUES for path in declared.values):
        raise Refused(f"{VALUES} is missing: LiteLLM makes no credential without a value")
    if plan.row and deletes_values(plan) and not _values_after(declared, plan, plan.row):
        raise Refused(f"{VALUES} is missing: nothing would be left in it. To delete it, use absent")


def next_step(
    declared: Declared, plan: Plan[Row], *, deletes: bool, merges: bool = False
) -> Step | None:
    """The next step of a plan, ``None`` if nothing is left to do.

    :param deletes: Whether LiteLLM deletes values by their names (from 1.106 on).
    :param merges: Whether LiteLLM merges ``credential_info`` (from 1.110 on).
    :raises Refused: It would lose a secret that somebody else set.
    """
    if plan.action == NONE:
        return None
    assert plan.marker is not None  # noqa: S101 - such a plan has one
    if plan.action == CREATE:
        return Create(_whole(declared, {}, plan.marker))
    assert plan.row is not None  # noqa: S101 - such a plan has one
    row, values = plan.row, _values_after(declared, plan, plan.row)
    going = sorted(key for key in row.data[VALUES] if key not in values)
    if going and not deletes:
        return _made_anew(declared, plan, row, values)
    touched = {path[1] for path in plan.touched | plan.removed if path[0] == VALUES}
    written = {key: values[key] for key in sorted(touched) if key in values}
    for path in _unreadable(declared, written):
        raise Refused(
            f"{':'.join(path)} is not declared and cannot be read back, but {':'.join(path[:2])} "
            "can only be written whole: declare it too"
        )
    body: dict[str, Any] = {
        VALUES: written,
        INFO: _info_after(declared, plan, row, plan.marker, merges=merges),
    }
    if going:
        body[DELETE] = going
    if LABEL in plan.touched | plan.removed:
        body[LABEL[0]] = declared.values.get(LABEL)
    return Update(row, body)


def _whole(declared: Declared, others: Mapping[str, Any], marker: Marker) -> dict[str, Any]:
    """The body of a create.

    :param others: The values of others, which it must have as well.
    """
    body = copy.deepcopy(dict(others))
    for path, value in declared.values.items():
        put(body, path, value)
    info = {**body.get(INFO, {}), markers.KEY: marker.dump()}
    return {"credential_name": declared.name, VALUES: {}, **body, INFO: info}


def _values_after(declared: Declared, plan: Plan[Row], row: Row) -> dict[str, Any]:
    """The values that a row has afterwards. Those of others are as they were read.

    Each of ours is as declared, as a mapping is written whole and may show a mask of it.
    """
    tree = {VALUES: copy.deepcopy(row.data[VALUES])}
    for path in plan.removed:
        if path[0] == VALUES:
            drop(tree, path)
    for path, value in declared.values.items():
        if path[0] == VALUES:
            put(tree, path, value)
    values: dict[str, Any] = tree.get(VALUES, {})
    return values


def _unreadable(declared: Declared, values: Mapping[str, Any]) -> Iterator[Path]:
    """The places in values to send where others have a secret, of which only the mask is known."""
    for key, value in values.items():
        for path, shown in leaves((VALUES, key), value):
            if path not in declared.values and is_unreadable(path, shown):
                yield path


def _info_after(
    declared: Declared, plan: Plan[Row], row: Row, marker: Marker, *, merges: bool = False
) -> dict[str, Any]:
    """The ``credential_info`` to send: with what others have in it, unless LiteLLM merges it.

    Up to LiteLLM 1.109 it replaces what is stored, while the memory of a worker merges it. From
    1.110 on, both merge it, and no key can be removed. So a key that goes is sent as null, which
    all of them understand; with the next write it is left out.
    """
    tree = {INFO: copy.deepcopy(row.data[INFO])}
    for path in plan.removed:
        if path[0] == INFO:
            drop(tree, path)
    for path in plan.touched:
        if path[0] == INFO:
            put(tree, path, declared.values[path])
    ours = {path[1] for path in plan.touched | plan.removed if path[0] == INFO}
    kept = {
        key: value
        for key, value in tree.get(INFO, {}).items()
        if value is not None and (key in ours or not merges)
    }
    gone = dict.fromkeys(sorted(path[1] for path in plan.removed if path[0] == INFO))
    return {**gone, **kept, markers.KEY: marker.dump()}


def _made_anew(
    declared: Declared, plan: Plan[Row], row: Row, values: Mapping[str, Any]
) -> Create[Row]:
    """Delete a credential and create it at once, because LiteLLM cannot delete a value of it."""
    assert plan.marker is not None  # noqa: S101 - such a plan has one
    for path in _unreadable(declared, values):
        raise Refused(
            "LiteLLM cannot clear everything in place, so the credential would have to be made "
            f"anew, but {':'.join(path)}, which is not declared, cannot be read back and would be "
            "lost: declare it too"
        )
    info = _info_after(declared, plan, row, plan.marker)
    label = {LABEL[0]: row.data[LABEL[0]]} if row.data.get(LABEL[0]) else {}
    lasting = frozenset(path for path in plan.removed if path[0] == VALUES)
    body = _whole(declared, {**label, VALUES: dict(values), INFO: info}, plan.marker)
    return Create(body, row, lasting)
