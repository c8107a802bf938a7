"""Decides the plan of a deployment, and its next step. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from ..errors import Refused
from ..objects import plan as plans
from ..objects.plan import CREATE, DELETE, NONE, UPDATE, marker_of
from ..objects.steps import Create, Delete, Update
from ..values.fingerprints import Fingerprinter
from ..values.paths import Path
from . import bodies, fields, forms, identity
from .desired import Deployment
from .fields import FIELDS
from .identity import ModelRows, next_id
from .kind import DEPLOYMENT, ModelPlan
from .row import ModelRow, asked_to_go, is_fixed
from .versions import Capabilities


@dataclass(frozen=True)
class Learn:
    """Ask for the stored form of a row that must be replaced."""

    row: ModelRow
    removed: frozenset[Path]


Step = Create[ModelRow] | Update[ModelRow] | Learn | Delete[ModelRow]


def make_plan(
    wanted: Deployment,
    rows: ModelRows,
    fingerprint: Fingerprinter,
    *,
    taken: Set[str] = frozenset(),
    tentative: Set[str] = frozenset(),
    blind: bool = False,
    partial: bool = False,
) -> ModelPlan:
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
        return update(wanted, row, fingerprint, partial=True)
    made = [row for row in rows.owned_by(*wanted.owner) if row.id in tentative]
    ours = {*tentative, *(identity.second_id(row.id) for row in made)}
    before = ModelRows(row for row in rows if row.id not in ours) if made else ModelRows()
    row = identity.find(wanted, before, taken)
    if row is not None:
        # The tentative rows are not reported: they are deleted in the same run.
        found = update(wanted, row, fingerprint)
        return replace(found, action=UPDATE, leftovers=tuple(made), fresh=True)
    row = identity.find(wanted, rows, taken)
    if row is None:
        model_id = identity.free_id(wanted, rows)
        return plans.create(DEPLOYMENT, wanted, fingerprint, model_id, tentative=blind)
    others = taken - {wanted.id}
    leftovers = identity.leftovers(row, wanted, rows, others)
    supersedes = identity.superseded(row, wanted, rows, others)
    found = update(wanted, row, fingerprint, leftovers=leftovers, supersedes=supersedes)
    return replace(found, fresh=not tentative.isdisjoint(one.id for one in found.leftovers))


def update(
    wanted: Deployment,
    row: ModelRow,
    fingerprint: Fingerprinter,
    *,
    leftovers: Sequence[ModelRow] = (),
    supersedes: ModelRow | None = None,
    partial: bool = False,
) -> ModelPlan:
    """The plan that makes a row as declared; see :func:`~..objects.plan.update`."""
    return plans.update(
        DEPLOYMENT,
        wanted,
        row,
        fingerprint,
        leftovers=leftovers,
        supersedes=supersedes,
        partial=partial,
        learnt=forms.of(wanted, row, partial=partial),
    )


def next_step(
    wanted: Deployment, plan: ModelPlan, can: Capabilities, fingerprint: Fingerprinter
) -> Step | None:
    """The next step of a plan, ``None`` if nothing is left to do.

    :raises Refused: The step would lose a secret that somebody else set.
    """
    if plan.action == NONE:
        return None
    if plan.action == CREATE:
        assert plan.marker and plan.id  # noqa: S101, PT018 - such a plan has them
        return Create(bodies.create_body(wanted, plan.marker, plan.id))
    assert plan.row is not None  # noqa: S101 - such a plan has one
    if plan.action == DELETE:
        return Delete((*plan.leftovers, plan.row)[0])
    if plan.leftovers:
        marker, before = plan.row.marker, plan.leftovers[0]
        replaced = marker is not None and marker.replaces == before.id
        return Delete(before, replaced_by=plan.row if replaced else None)
    return _change_step(wanted, plan, plan.row, can, fingerprint)


def _change_step(
    wanted: Deployment,
    plan: ModelPlan,
    row: ModelRow,
    can: Capabilities,
    fingerprint: Fingerprinter,
) -> Step:
    if is_fixed(row.id):
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
        return Update(row, bodies.marked(row, plan.marker.keeping(before, plan.removed)))
    if (plan.moves_to or lasting) and row.stored is None:
        return Learn(row, plan.removed)
    if plan.moves_to or lasting:
        return _replace_step(wanted, plan, row, fingerprint, lasting)
    if plan.marker is not None and plan.marker != row.marker:
        body = bodies.marked(row, plan.marker, body)
    return Update(row, body)


def _fixed(plan: ModelPlan, row: ModelRow) -> Refused:
    """The error that a row must change, but has an id with which LiteLLM cannot change it."""
    why = "LiteLLM cannot change a row whose id has a slash; delete it, and it is created anew"
    if row.marker is None:
        return Refused(f"{row.id} cannot be adopted: {why}")
    return Refused(f"{row.id} would have to change ({', '.join(plan.changes)}), but {why}")


def _is_cleared(path: Path, can: Capabilities) -> bool:
    """Whether LiteLLM clears a place in a PATCH. No version clears a key of ``model_info``."""
    return (can.removes and path[0] == fields.PARAMS) or (
        can.clears and fields.is_cleared_by_null(path)
    )


def _replace_step(
    wanted: Deployment,
    plan: ModelPlan,
    row: ModelRow,
    fingerprint: Fingerprinter,
    lasting: frozenset[Path],
) -> Create[ModelRow]:
    """Create the row that replaces a row that cannot be changed as declared.

    If the user chose the id, the first replacement has another id. So there is always a row with
    all values of others, until a row with the chosen id is made again.
    """
    assert row.stored is not None  # noqa: S101 - learnt before
    model_id = plan.moves_to or next_id(row)
    marker = marker_of(FIELDS, wanted, fingerprint, model_id, row.marker)
    kept = plan.marker.forms if plan.marker else {}
    marker = replace(marker, replaces=row.id, forms=kept)
    body = bodies.replacement_body(wanted, row, row.stored, plan.removed, marker, model_id)
    return Create(body, row, lasting)


def needs_router(plan: ModelPlan) -> bool:
    """Whether the plan makes, adopts or deletes a row, or depends on whether the row is served."""
    row = plan.row
    if plan.action != UPDATE or row is None:
        return plan.action == CREATE
    return row.marker is None or row.marker.unserved or bool(plan.leftovers or plan.moves_to)
