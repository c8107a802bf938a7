"""Makes deployments as declared: plans them all, then acts step by step until nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from functools import partial

from ..litellm.errors import (
    Ambiguous,
    GatewayError,
    LiteLLMError,
    NotSeen,
    NotServed,
    Refused,
    TrialFailed,
)
from ..litellm.quote import quoted, suggested
from ..litellm.secrets import Fingerprinter
from ..models import fields, identity, sets
from ..models import plan as plans
from ..models.desired import Deployment
from ..models.endpoints import Models
from ..models.plan import CREATE, NONE, UPDATE, Changes, Plan
from ..models.row import Row
from . import notes, prune
from .capabilities import OLD
from .decide import Create, Step, expected, make_plan, may_replace, needs_router, next_step
from .execute import Executor, Surprise
from .known import PAUSE, Known
from .outcome import Options, Outcome
from .trial import Trials

Planned = list[tuple[Deployment, Plan]]

_PASSING_LOOKS = 8  # how often to wait for another client to delete its row
_FLAGGED_LOOKS = 3  # how often to check whether a flagged row is served by now
_MOST_STEPS = 20  # for one deployment; a replacement with a chosen id takes nine


class Converge:
    """One run for some deployments, which all belong to one set or to no set."""

    def __init__(
        self, models: Models, known: Known, fingerprint: Fingerprinter, options: Options
    ) -> None:
        self._models, self._known, self._fingerprint = models, known, fingerprint
        self._options = options
        self._executor = Executor(models, known)
        self._verified: dict[str, int] = {}  # by id: after which read
        self._unverified: dict[str, str] = {}  # by a deployment's name: why not
        self._asked: frozenset[str] = frozenset()  # ids that others may not use
        self._used: frozenset[str] = frozenset()  # ids of the rows that were planned
        self._first: dict[str, Plan] = {}
        self._replaced: set[str] = set()
        self._trials = Trials(models, known)
        self._outcomes: dict[str, Outcome] = {}

    def run(self, wanted: Sequence[Deployment]) -> list[Outcome]:
        """Make the deployments as declared.

        :raises Refused: With every mistake that is found before the first write.
        """
        planned = self._plan_all(wanted)
        self._used = frozenset(plan.model_id for _, plan in planned if plan.model_id)
        self._first = {one.name: plan for one, plan in planned}
        self._trials.make(planned, self._options)
        if self._options.test:
            goes_on = self._predict(planned)
        else:
            goes_on = self._apply_all(planned)
            self._check_served(planned)
        undeclared = self._undeclared(planned, goes_on)
        return [*(self._outcomes[one.name] for one, _ in planned), *undeclared]

    # ---------------------------------------------------------------- planning

    def _plan_all(self, wanted: Sequence[Deployment]) -> Planned:
        """The plans of all deployments."""
        planned = self._plan_when_calm(wanted)
        prunes = self._options.prune and (self._known.blind or self._orphans(planned))
        if prunes or any(needs_router(plan) for _, plan in planned):
            reads = self._known.reads
            self._known.look_beside(self._options.test)
            if self._known.blind and (self._options.test or not planned):
                self._known.look_again()
            if self._known.reads != reads:
                planned = self._plan_each(wanted)
        self._refuse_all(planned, self._check_plan)
        return planned

    def _plan_when_calm(self, wanted: Sequence[Deployment]) -> Planned:
        """The plans of all deployments. If other clients are deleting rows, wait for them."""
        for _ in range(_PASSING_LOOKS):
            try:
                return self._plan_each(wanted)
            except Ambiguous as err:
                if not err.passing:
                    raise
                self._models.elsewhere(PAUSE)
                self._known.read_again()
        return self._plan_each(wanted)

    def _plan_each(self, wanted: Sequence[Deployment]) -> Planned:
        rows, name = self._rows(), self._options.set
        if name is not None:
            wanted = sets.matched(name, wanted, rows, self._fingerprint)
        planned: Planned = []
        mistakes: list[str] = []
        passing = False
        self._asked = frozenset(one.model_id for one in wanted if one.model_id is not None)
        adopted: set[str] = set()
        for one in wanted:
            try:
                plan = self._plan(one, adopted)
                self._next_step(one, plan)
            except Refused as err:
                mistakes.append(self._with_name(one, err))
                passing |= isinstance(err, Ambiguous) and err.passing
            else:
                planned.append((one, plan))
                if plan.row is not None:
                    adopted.add(plan.row.model_id)  # no other deployment may adopt it
        if mistakes:
            raise Ambiguous(*mistakes, passing=passing)
        return planned

    def _refuse_all(self, planned: Planned, check: Callable[[Deployment, Plan], None]) -> None:
        mistakes = []
        for one, plan in planned:
            try:
                check(one, plan)
            except Refused as err:
                mistakes.append(self._with_name(one, err))
        if mistakes:
            raise Refused(*mistakes)

    def _with_name(self, wanted: Deployment, err: Refused) -> str:
        return str(err) if self._options.set is None else f"{wanted.name}: {err}"

    def _plan(self, wanted: Deployment, adopted: Set[str] = frozenset()) -> Plan:
        def planned() -> Plan:
            return make_plan(
                wanted,
                self._rows(),
                self._fingerprint,
                taken=self._asked | adopted,
                tentative=self._executor.tentative,
                blind=self._known.blind,
                partial=self._options.partial,
            )

        plan = planned()
        row, first = plan.row, self._first.get(wanted.name)
        if row is None or not self._options.verify_secrets:
            return plan
        made = first is not None and first.action == CREATE
        if made or self._verified.get(row.model_id) == self._known.reads:
            return plan
        self._verify_secrets(wanted, row)
        return planned()

    def _verify_secrets(self, wanted: Deployment, row: Row) -> None:
        """Look at the secrets of a row as they are stored."""
        seen = self._known.see_masks(row)
        if seen is None:
            self._unverified[wanted.name] = notes.NOT_ALLOWED_TO_VERIFY
            return
        self._unverified.pop(wanted.name, None)
        if plans.nested_secrets(wanted, seen):
            if self._options.test:
                self._unverified[wanted.name] = notes.VERIFIED_IN_REAL_RUNS
            elif not self._known.capabilities().serves_while_patching:
                self._unverified[wanted.name] = notes.TOO_OLD_TO_VERIFY
            elif not self._executor.look_inside(seen):
                self._unverified[wanted.name] = notes.UNSERVED_NOT_VERIFIED
        self._verified[row.model_id] = self._known.reads

    def _rows(self) -> identity.Rows:
        return self._known.rows(forecast=self._options.test)

    def _next_step(self, wanted: Deployment, plan: Plan) -> Step | None:
        can = OLD
        if plan.action == UPDATE:
            can = self._known.capabilities(removing=bool(plan.removed))
        return next_step(wanted, plan, can, self._fingerprint)

    def _check_plan(self, wanted: Deployment, plan: Plan) -> None:
        """Refuse what the gateway would save but not serve, and rows that are not ours.

        :raises Refused: It does not know the provider, or cannot block deployments; or the id is
            one of its config file.
        """
        if plan.action == CREATE and wanted.model_id is not None:
            self._known.refuse_config(wanted.model_id)
        if plan.action != CREATE and self._options.create_only:
            raise Refused(f"{wanted.name!r} is there already, as {plan.model_id}")
        provider = wanted.values.get(fields.PROVIDER)
        if fields.PROVIDER in plan.touched and provider not in fields.PROVIDERS:
            known = self._models.providers()
            if known and provider not in known:
                raise Refused(
                    f"The gateway's LiteLLM does not know the provider {quoted(provider)}"
                    f"{suggested(provider, known)}"
                )
        if fields.BLOCKED in plan.touched and wanted.values[fields.BLOCKED]:
            self._known.require_blocking()

    # ---------------------------------------------------------------- predicting

    def _predict(self, planned: Planned) -> bool:
        """Record what would be done. Returns whether the run would go on."""
        for wanted, plan in planned:
            step = self._next_step(wanted, plan)
            outcome = self._outcome(wanted, plan, plan.changes)
            if (failure := self._trials.failure(wanted)) is not None:
                outcome = replace(outcome, action=NONE, changes={}, failure=failure)
            elif self._is_flagged(wanted, plan):
                outcome = replace(outcome, action=NONE, changes={}, failure=notes.NOT_SERVED)
            elif step is not None:
                sentences = (*outcome.notes, *notes.foreseen(plan, step))
                outcome = replace(outcome, notes=sentences, replaces=may_replace(plan, step))
                self._known.predict(expected(plan, step), [one.model_id for one in plan.leftovers])
            self._outcomes[wanted.name] = outcome
        return True

    # ---------------------------------------------------------------- doing

    def _apply_all(self, planned: Planned) -> bool:
        """Do what is due. Returns ``False`` if the gateway is out of reach: the run must end."""
        due = [one.name for one, plan in planned if plan.action != NONE]
        reads, done = self._known.reads, 0
        for number, (one, plan) in enumerate(planned):
            if plan.action == NONE and reads == self._known.reads:
                self._outcomes[one.name] = self._outcome(one, plan, {})
                continue
            error: LiteLLMError | None = None
            try:
                if (failure := self._trials.failure(one)) is not None:
                    raise TrialFailed(failure)
                self._do_steps(one, plan if reads == self._known.reads else self._plan_anew(one))
            except LiteLLMError as err:
                error = self._error_to_report(one, err)
            self._outcomes[one.name] = self._final_outcome(one, error)
            if prune.is_hopeless(error):
                for left, _ in planned[number + 1 :]:
                    self._outcomes[left.name] = Outcome(left.name, NONE, tried=left.name not in due)
                return False
            if one.name in due:
                done += 1
                self._options.progress(done, len(due), one.name)
        return True

    def _error_to_report(self, wanted: Deployment, err: LiteLLMError) -> LiteLLMError:
        """The error to report. If the plan is refused now, delete the tentative row of this run."""
        try:
            for row in self._rows().owned(wanted) if isinstance(err, Refused) else ():
                if row.model_id in self._executor.tentative:
                    self._executor.delete(row)
        except GatewayError as again:
            return GatewayError(f"{err}; and what was created is there: {again}", again.status)
        return err

    def _plan_anew(self, wanted: Deployment) -> Plan:
        self._first[wanted.name] = plan = self._plan(wanted)
        return plan

    def _do_steps(self, wanted: Deployment, plan: Plan) -> None:
        """Do one step after another, and plan again after each."""
        for _ in range(_MOST_STEPS):
            step = self._next_step(wanted, plan)
            if step is None:
                return
            if self._is_flagged(wanted, plan):
                raise NotServed(notes.NOT_SERVED)
            if isinstance(step, Create) and step.instead is not None:
                self._replaced.add(wanted.name)
            try:
                self._executor.do(step, wanted)
            except Surprise:
                plan = self._plan_anew(wanted)
                self._check_plan(wanted, plan)
            else:
                plan = self._plan(wanted)
                if not self._executor.tentative.isdisjoint(one.model_id for one in plan.leftovers):
                    self._first[wanted.name] = plan  # the tentative row is not reported
        raise LiteLLMError("It does not come to rest: somebody else changes it at the same time")

    def _final_outcome(self, wanted: Deployment, error: LiteLLMError | None) -> Outcome:
        """The outcome of a deployment: the planned changes, except those that are still due."""
        first = self._first[wanted.name]
        try:
            left = self._plan(wanted)
        except Refused:
            left = first
        changes = {
            key: change for key, change in first.changes.items() if left.changes.get(key) != change
        }
        before, now = first.row, left.row
        if before and now and before.model_id != now.model_id and "model_id" not in changes:
            changes["model_id"] = {"old": before.model_id, "new": now.model_id}
        outcome = self._outcome(wanted, first if changes else left, changes)
        sentences = [*outcome.notes, *self._executor.notes]
        if wanted.name in self._replaced and changes:
            sentences.append(notes.replaced(first, now))
        self._executor.notes.clear()
        return replace(
            outcome,
            action=first.action if changes else NONE,
            model_id=now.model_id if now else None,
            notes=tuple(sentences),
            failure=None if error is None else str(error),
            unknown=isinstance(error, NotSeen),
        )

    def _outcome(self, wanted: Deployment, plan: Plan, changes: Changes) -> Outcome:
        test = self._options.test
        sentences = [
            note.pending if test else note.done for note in plan.notes if note.key in changes
        ]
        sentences += notes.beside(wanted, plan, self._rows(), self._known, self._used)
        if wanted.name in self._unverified:
            sentences.append(self._unverified[wanted.name])
        sentences += self._trials.notes(wanted)
        return Outcome(wanted.name, plan.action, plan.model_id, changes, tuple(sentences))

    # ---------------------------------------------------------------- afterwards

    def _check_served(self, planned: Planned) -> None:
        """Check whether LiteLLM serves the rows that it saved without saying so."""
        served = {
            outcome.model_id: partial(self._is_served_as_declared, one)
            for one, _ in planned
            if not (outcome := self._outcomes[one.name]).failure and outcome.model_id
        }
        failures, unseen = self._executor.prove(served)
        for name, outcome in self._outcomes.items():
            failure = failures.get(outcome.model_id or "")
            if failure is not None:
                gone = outcome.model_id not in self._known.rows()
                self._outcomes[name] = replace(
                    outcome,
                    action=NONE if gone else outcome.action,
                    changes={} if gone else outcome.changes,
                    failure=failure,
                    unseen=unseen,
                )

    def _is_served_as_declared(self, wanted: Deployment, row: Row) -> bool:
        """Whether a row, in the form that LiteLLM serves, is as declared."""
        plan = plans.update(wanted, row, self._fingerprint, partial=self._options.partial)
        return plan.changes.keys() <= {"served"}

    def _is_flagged(self, wanted: Deployment, plan: Plan) -> bool:
        """Whether LiteLLM could not serve a row after its last write, and still cannot."""
        if plan.changes.keys() != {"served"} or plan.row is None:
            return False
        served = {plan.row.model_id: partial(self._is_served_as_declared, wanted)}
        return bool(self._executor.unserved(served, _FLAGGED_LOOKS))

    def _orphans(self, planned: Planned) -> list[Row]:
        """The rows that the set owns and does not declare."""
        if self._options.set is None:
            return []
        declared = {one.name for one, _ in planned}
        used = {plan.model_id for _, plan in planned}
        used |= {outcome.model_id for outcome in self._outcomes.values()}
        return [
            row
            for row in self._rows()
            if row.marker
            and row.marker.set == self._options.set
            and row.marker.name not in declared
            and row.model_id not in used
        ]

    def _undeclared(self, planned: Planned, goes_on: bool) -> list[Outcome]:
        """The outcomes of the rows that the set owns and does not declare.

        :param goes_on: Whether the gateway still takes requests.
        """
        orphans, options = self._orphans(planned), self._options
        if not options.prune:
            return [prune.left_alone(row) for row in orphans]
        outcomes = self._outcomes.values()
        if not goes_on or any(one.failure for one in outcomes):
            return [prune.not_deleted(row) for row in orphans]
        if options.test:
            for row in orphans:
                self._known.predict(None, [row.model_id])
            return [prune.deleted(row) for row in orphans]
        error = None
        if orphans and any(one.changes for one in outcomes):
            try:
                self._executor.see_again(orphans)  # the writes have taken time
                orphans = self._orphans(planned)
            except GatewayError as err:
                error = err
        return list(prune.delete(orphans, self._executor, options.progress, error))
