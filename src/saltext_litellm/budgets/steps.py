"""Decides the plan of a budget, and its next step. Pure."""

from __future__ import annotations

from ..objects import plan as plans
from ..objects.declared import Declared
from ..objects.plan import CREATE, NONE, Plan
from ..objects.row import Row, Rows
from ..objects.steps import Create, Update
from .kind import BUDGET, ID

Step = Create[Row] | Update[Row]


def make_plan(declared: Declared, rows: Rows[Row]) -> Plan[Row]:
    """The plan for a budget, which has its id."""
    row = rows.get(declared.id)
    if row is None:
        return plans.create(BUDGET, declared, None, str(declared.id))
    return plans.update(BUDGET, declared, row, None)


def next_step(declared: Declared, plan: Plan[Row]) -> Step | None:
    """The next step of a plan, ``None`` if nothing is left to do.

    Only what differs is sent: LiteLLM begins a new period with a ``budget_duration``.
    """
    if plan.action == NONE:
        return None
    body = {path[0]: declared.values[path] for path in sorted(plan.touched)}
    if plan.action == CREATE:
        return Create({**body, ID: plan.id})
    assert plan.row is not None  # noqa: S101 - such a plan has one
    return Update(plan.row, body)
