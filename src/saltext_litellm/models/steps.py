"""Decides the next step for one deployment. Pure.

A plan says what differs, and a step is one request. After each step the plan is made again from
what is known then, until no step is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import Refused
from ..objects import plan as plans
from ..objects.plan import CREATE, DELETE, NONE, UPDATE, Plan, marker_of
from ..values.fingerprints import Fingerprinter
from ..values.paths import Path
from . import bodies, fields, identity
from .desired import Deployment
from .identity import Rows, next_id
from .row import Row, asked_to_go, is_fixed
from .versions import Capabilities


@dataclass(frozen=True)
class Create:
    """Make a row.

    :param instead: The row whose place it takes.
    :param lasting: The places because of which it does, as LiteLLM cannot clear them.
    """

    body: Mapping[str, Any] = field(repr=False)
    instead: Row | None = None
    lasting: frozenset[Path] = frozenset()


@dataclass(frozen=True)
class Patch:
    """Change a row in place."""

    row: Row
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Learn:
    """Ask for the stored form of a row that must be replaced."""

    row: Row
    removed: frozenset[Path]


@dataclass(frozen=True)
class Delete:
    """Delete a row.

    :param replaced_by: The row that has taken its place.
    """

    row: Row
    replaced_by: Row | None = None


Step = Create | Patch | Learn | Delete


def make_plan(
    wanted: Deployment,
    rows: Rows,
    fingerprint: Fingerprinter,
    *,
    taken: Set[str] = frozenset(),
    tentative: Set[str] = frozenset(),
    blind: bool = False,
    partial: bool = False,
) -> Plan:
    """The plan for a deployment.

    :param taken: The ids of rows that other deployments use.
    :param tentative: The ids of rows that this run made while it could not see the database. If
        another row fits, they are deleted.
    :param blind: Whether the gateway does not show its database.
    :param partial: Change the declared values of an existing row, and leave the rest.
    :raises Refused: Several rows fit, or there is no row to change.
    """
    if partial:
        row = identity.look_up(wanted, rows)
        if row is None:
            raise Refused(f"There is no deployment {wanted.name!r} to update")
        return plans.update(wanted, row, fingerprint, partial=True)
    made = [row for row in rows.owned(wanted) if row.model_id in tentative]
    ours = {*tentative, *(identity.second_id(row.model_id) for row in made)}
    before = Rows(row for row in rows if row.model_id not in ours) if made else Rows()
    row = identity.find(wanted, before, taken)
    if row is not None:
        # The tentative rows are not reported: they are deleted in the same run.
        found = plans.update(wanted, row, fingerprint)
        return replace(found, action=UPDATE, leftovers=tuple(made))
    row = identity.find(wanted, rows, taken)
    if row is None:
        model_id = identity.free_id(wanted, rows)
        return plans.create(wanted, fingerprint, model_id, tentative=blind)
    others = taken - {wanted.model_id}
    return plans.update(
        wanted,
        row,
        fingerprint,
        leftovers=identity.leftovers(row, wanted, rows, others),
        supersedes=identity.superseded(row, wanted, rows, others),
    )


def next_step(
    wanted: Deployment, plan: Plan, can: Capabilities, fingerprint: Fingerprinter
) -> Step | None:
    """The next step of a plan, ``None`` if nothing is left to do.

    :raises Refused: The step would lose a secret that somebody else set.
    """
    if plan.action == NONE:
        return None
    if plan.action == CREATE:
        assert plan.marker and plan.model_id  # noqa: S101, PT018 - such a plan has them
        return Create(bodies.create_body(wanted, plan.marker, plan.model_id))
    assert plan.row is not None  # noqa: S101 - such a plan has one
    if plan.action == DELETE:
        return Delete((*plan.leftovers, plan.row)[0])
    if plan.leftovers:
        marker, before = plan.row.marker, plan.leftovers[0]
        replaced = marker is not None and marker.replaces == before.model_id
        return Delete(before, replaced_by=plan.row if replaced else None)
    return _change_step(wanted, plan, plan.row, can, fingerprint)


def _change_step(
    wanted: Deployment, plan: Plan, row: Row, can: Capabilities, fingerprint: Fingerprinter
) -> Step:
    if is_fixed(row.model_id):
        raise _fixed(plan, row)
    body = bodies.update_body(row, wanted, plan.touched, plan.removed, can.removes)
    going = asked_to_go(body)
    lasting = frozenset(
        path
        for path in plan.removed
        # What LiteLLM has kept before in this run, it would keep again.
        if path[:2] in going and (path[:2] in row.kept or not _is_cleared(path[:2], can))
    )
    if lasting and plan.marker is not None and plan.marker.replaces:
        # This row takes the place of another one. First record that in its marker.
        before = row.marker or plan.marker
        return Patch(row, bodies.marked(row, plan.marker.keeping(before, plan.removed)))
    if (plan.moves_to or lasting) and row.stored is None:
        return Learn(row, plan.removed)
    if plan.moves_to or lasting:
        return _replace_step(wanted, plan, row, fingerprint, lasting)
    if plan.marker is not None and plan.marker != row.marker:
        body = bodies.marked(row, plan.marker, body)
    return Patch(row, body)


def _fixed(plan: Plan, row: Row) -> Refused:
    """The error that a row must change, but has an id with which LiteLLM cannot change it."""
    why = "LiteLLM cannot change a row whose id has a slash; delete it, and it is created anew"
    if row.marker is None:
        return Refused(f"{row.model_id} cannot be adopted: {why}")
    return Refused(f"{row.model_id} would have to change ({', '.join(plan.changes)}), but {why}")


def _is_cleared(path: Path, can: Capabilities) -> bool:
    """Whether LiteLLM clears a place in a PATCH. No version clears a key of ``model_info``."""
    return (can.removes and path[0] == fields.PARAMS) or (
        can.clears and fields.is_cleared_by_null(path)
    )


def _replace_step(
    wanted: Deployment,
    plan: Plan,
    row: Row,
    fingerprint: Fingerprinter,
    lasting: frozenset[Path],
) -> Create:
    """Create the row that replaces a row that cannot be changed as declared.

    If the user chose the id, the first replacement has another id. So there is always a row with
    all values of others, until a row with the chosen id is made again.
    """
    assert row.stored is not None  # noqa: S101 - learnt before
    model_id = plan.moves_to or next_id(row)
    marker = marker_of(wanted, fingerprint, model_id, row.marker)
    forms = plan.marker.forms if plan.marker else {}
    marker = replace(marker, replaces=row.model_id, forms=forms)
    body = bodies.replacement_body(wanted, row, row.stored, plan.removed, marker, model_id)
    return Create(body, row, lasting)


def needs_router(plan: Plan) -> bool:
    """Whether the plan makes, adopts or deletes a row, or depends on whether the row is served."""
    row = plan.row
    if plan.action != UPDATE or row is None:
        return plan.action == CREATE
    return row.marker is None or row.marker.unserved or bool(plan.leftovers or plan.moves_to)
