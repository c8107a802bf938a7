"""Decides the next step for one deployment. Pure.

A plan says what differs, and a step is one request. After each step the plan is made again from
what is known then, until no step is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any

from ..litellm.errors import Refused
from ..litellm.secrets import Fingerprinter
from ..litellm.trees import Path
from ..models import bodies, fields, identity
from ..models import plan as plans
from ..models.desired import Deployment
from ..models.identity import Rows, next_id
from ..models.plan import CREATE, DELETE, NONE, UPDATE, Plan, marker_of
from ..models.row import MISSING, Row, asked_to_go, changed, created, is_fixed
from .capabilities import Capabilities


@dataclass(frozen=True)
class Create:
    """Make a row.

    :param instead: The row whose place it takes.
    """

    body: Mapping[str, Any] = field(repr=False)
    instead: Row | None = None


@dataclass(frozen=True)
class Patch:
    """Change a row in place.

    :param uncertain: What LiteLLM may keep, though the body asks it to clear it.
    """

    row: Row
    body: Mapping[str, Any] = field(repr=False)
    uncertain: frozenset[Path] = frozenset()


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
    before = Rows(row for row in rows if row.model_id not in tentative) if made else Rows()
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
    asked = frozenset(path for path in plan.removed if path[:2] in going)
    # LiteLLM has kept a key before in this run. Or it is so old that it clears nothing and stops
    # serving during a PATCH, so we send none that is of no use.
    kept = asked and (not can.serves_while_patching or not row.kept.isdisjoint(going))
    if kept and plan.marker is not None and plan.marker.replaces:
        # This row takes the place of another one. First record that in its marker.
        before = row.marker or plan.marker
        return Patch(row, bodies.marked(row, plan.marker.keeping(before, plan.removed)))
    if (plan.moves_to or kept) and row.stored is None:
        return Learn(row, plan.removed)
    if plan.moves_to or kept:
        return _replace_step(wanted, plan, row, fingerprint)
    uncertain = frozenset(path for path in asked if not _is_cleared(path, can))
    # A key that LiteLLM may keep stays in the marker until it is gone.
    marker = plan.marker and plan.marker.keeping(row.marker or plan.marker, uncertain)
    if marker is not None and marker != row.marker:
        body = bodies.marked(row, marker, body)
    return Patch(row, body, uncertain)


def _fixed(plan: Plan, row: Row) -> Refused:
    """The error that a row must change, but has an id with which LiteLLM cannot change it."""
    why = "LiteLLM cannot change a row whose id has a slash; delete it, and it is created anew"
    if row.marker is None:
        return Refused(f"{row.model_id} cannot be adopted: {why}")
    return Refused(f"{row.model_id} would have to change ({', '.join(plan.changes)}), but {why}")


def _is_cleared(path: Path, can: Capabilities) -> bool:
    """Whether LiteLLM is known to clear a place."""
    if can.removes and path[0] == fields.PARAMS:
        return True
    return can.clears and fields.is_cleared_by_null(path)


def _replace_step(wanted: Deployment, plan: Plan, row: Row, fingerprint: Fingerprinter) -> Create:
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
    return Create(body, instead=row)


def undo(plan: Plan, now: Row, can: Capabilities) -> Delete | Patch:
    """The step that takes back what a plan has done.

    :param now: The row as it is now.
    :raises Refused: What was there before is not known, or cannot be written.
    """
    before = plan.row
    if before is None:
        return Delete(now)
    if before.model_id != now.model_id:
        raise Refused("its former row is deleted")
    paths = plan.touched | plan.removed
    values = {path: value for path in paths if (value := before.get(path)) is not MISSING}
    gone = paths - values.keys()
    for path in sorted(paths):
        if bodies.is_hidden(path, values.get(path)):
            raise Refused(f"its former {fields.label(path)} cannot be read back")
        if path in gone and not _is_cleared(path, can):
            raise Refused(f"LiteLLM cannot clear {fields.label(path)} in place")
    wanted = Deployment(plan.model_id or now.model_id, before.model_name, values)
    body = bodies.update_body(now, wanted, frozenset(values), gone, can.removes)
    if now.marker is None or before.marker is None:
        return Patch(now, body)
    return Patch(now, bodies.marked(now, now.marker.keeping(before.marker, plan.removed), body))


def needs_router(plan: Plan) -> bool:
    """Whether the plan makes, adopts or deletes a row, or depends on whether the row is served."""
    row = plan.row
    if plan.action != UPDATE or row is None:
        return plan.action == CREATE
    return row.marker is None or row.marker.unserved or bool(plan.leftovers or plan.moves_to)


def may_replace(plan: Plan, step: Step | None) -> bool:
    """Whether a step makes a new row in the place of a row, or may make one."""
    if isinstance(step, Patch):
        return bool(step.uncertain)
    return plan.action == UPDATE and isinstance(step, Learn | Create)


def expected(plan: Plan, step: Step) -> Row | None:
    """The row as it would be after a step."""
    if isinstance(step, Create):
        return created(step.body)
    row = plan.row
    if row is None:
        return None
    if isinstance(step, Patch):
        row = changed(row, step.body, {})
    return replace(row, marker=plan.marker, stored=None, inside=None)
