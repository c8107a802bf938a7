"""Converge a whole set of deployments: plan all of it, then do what is needed, and prune."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf

from . import plan as plans
from .deployment import Deployment
from .errors import GatewayError, InvalidInput, LiteLLMError
from .gateway import Gateway
from .plan import CREATE, DELETE, NONE, UPDATE, Changes, Plan

# What these statuses say holds for every further request as well.
_HOPELESS = (None, 401, 403)

Progress = Callable[[int, int, str], None]


@dataclass
class SetOutcome:
    """What was done to a set, or would be.

    :param changes: By model, what changed.
    :param notes: By model, what else there is to say.
    :param failures: By model, why it is not as it should be.
    :param not_tried: The models that were left after a failure that concerns all.
    """

    changes: dict[str, Changes] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    not_tried: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Step:
    """One row that something is to be done to."""

    model: str
    plan: Plan
    deployment: Deployment | None = None  # none for one that is pruned


def converge(
    gateway: Gateway,
    name: str,
    deployments: list[Deployment],
    *,
    progress: Progress,
    prune: bool = False,
    verify_secrets: bool = False,
    test: bool = False,
) -> SetOutcome:
    """Make a set as it is declared.

    :param prune: Delete what the set owns and no longer declares.
    :param test: Only tell what would be done.
    :param progress: Called after each write with how many are done, of how many, and the model.
    :raises InvalidInput: With every mistake that is found before the first write.
    """

    def planned() -> list[_Step]:
        matched = _matched(gateway, name, deployments)
        steps = _steps(gateway, matched, verify_secrets)
        return steps + (_pruned(gateway, name, steps) if prune else [])

    steps = planned()
    while not test and (model_id := _existing(steps)) and gateway.known.consult_database(model_id):
        steps = planned()
    outcome = SetOutcome(notes={step.model: step.plan.notes for step in steps if step.plan.notes})
    due = [step for step in steps if step.plan.action != NONE]
    if test:
        outcome.changes = {step.model: step.plan.changes for step in due}
    else:
        _carry_out(gateway, due, outcome, progress)
    return outcome


def _steps(gateway: Gateway, deployments: list[Deployment], verify_secrets: bool) -> list[_Step]:
    steps, mistakes = [], []
    taken = set(_asked_for(deployments))
    for wanted in deployments:
        try:
            plan = gateway.prepare(wanted, taken=taken, verify_secrets=verify_secrets)
        except InvalidInput as err:
            mistakes.append(f"{wanted.name}: {err}")
        else:
            steps.append(_Step(wanted.name, plan, wanted))
            if plan.row is not None:
                taken.add(plan.row.model_id)
    if mistakes:
        raise InvalidInput("; ".join(mistakes))
    return steps


def _asked_for(deployments: list[Deployment]) -> frozenset[str]:
    """The rows that are asked for by their ids, and so are nobody else's."""
    return frozenset(wanted.model_id for wanted in deployments if wanted.model_id is not None)


def _pruned(gateway: Gateway, name: str, steps: list[_Step]) -> list[_Step]:
    """The end of what the set owns and no step is about."""
    declared = {step.model for step in steps}
    used = {step.plan.model_id for step in steps}
    return [
        _Step(row.marker.name, plans.delete(row))
        for row in gateway.known.rows()
        if row.marker
        and row.from_database
        and row.marker.set == name
        and row.marker.name not in declared
        and row.model_id not in used
    ]


def _existing(steps: list[_Step]) -> str | None:
    """A row that is to be changed or deleted, if there is one."""
    ids = (step.plan.model_id for step in steps if step.plan.action in (UPDATE, DELETE))
    return next(ids, None)


def _carry_out(gateway: Gateway, due: list[_Step], outcome: SetOutcome, progress: Progress) -> None:
    """Do what is due, deletions last: none is tried before everything else is in place."""
    for done, step in enumerate(due, start=1):
        if step.deployment is None and outcome.failures:
            outcome.not_tried.append(step.model)
            continue
        try:
            _do(gateway, step, outcome)
        except LiteLLMError as err:
            outcome.failures[step.model] = str(err)
            if isinstance(err, GatewayError) and err.status in _HOPELESS:
                outcome.not_tried = [left.model for left in due[done:]]
                return
        progress(done, len(due), step.model)


def _do(gateway: Gateway, step: _Step, outcome: SetOutcome) -> None:
    if step.deployment is None:
        gateway.delete(str(step.plan.model_id))
        outcome.changes[step.model] = step.plan.changes
        return
    done = gateway.carry_out(step.deployment, step.plan)
    if done.changes:
        outcome.changes[step.model] = done.changes
    if done.notes:
        outcome.notes[step.model] = done.notes
    if done.failure:
        outcome.failures[step.model] = done.failure


# ---------------------------------------------------------------- groups of one model name


def _matched(gateway: Gateway, name: str, deployments: list[Deployment]) -> list[Deployment]:
    """Deployments of lists, matched with the rows of their group that they are most like.

    Entries that share a model name have nothing but their order to be told apart by. If one is
    moved or taken out, the others shall keep their rows.
    """
    groups: dict[str, list[Deployment]] = {}
    for wanted in deployments:
        groups.setdefault(wanted.model_name, []).append(wanted)
    owned: dict[str, list[str]] = {}
    for row in gateway.known.rows():
        if row.marker and row.marker.set == name:
            owned.setdefault(row.model_name, []).append(row.marker.name)
    taken = _asked_for(deployments)
    matched: list[Deployment] = []
    spoken_for = {wanted.name for wanted in deployments}
    for model_name, group in groups.items():
        names = {wanted.name for wanted in group}
        rows = [one for one in owned.get(model_name, []) if one in names or one not in spoken_for]
        listed = all(wanted.listed for wanted in group)
        settled = not rows or (len(group) == 1 and rows == [group[0].name])
        matched += group if settled or not listed else _assigned(gateway, group, rows, taken)
        spoken_for.update(wanted.name for wanted in matched)
    return matched


def _assigned(
    gateway: Gateway, group: list[Deployment], owned: list[str], taken: frozenset[str]
) -> list[Deployment]:
    def distance(wanted: Deployment, name: str) -> float:
        """How much would have to change."""
        try:
            plan = gateway.prepare(replace(wanted, name=name), taken=taken)
        except InvalidInput:
            return inf  # said in full once the whole set is planned
        return inf if plan.action == CREATE else len(plan.changes)

    settled = {wanted.name for wanted in group if distance(wanted, wanted.name) == 0}
    names = dict.fromkeys([*owned, *(wanted.name for wanted in group)])
    free = [one for one in names if one not in settled]
    assigned = []
    for wanted in group:
        name = wanted.name
        if name not in settled:
            name = min(free, key=partial(distance, wanted))
            free.remove(name)
        assigned.append(replace(wanted, name=name))
    return assigned
