"""Makes deployments as declared: acts step by step, and plans again, until nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ..errors import GatewayError, LiteLLMError, NotSeen, NotServed, Refused, TrialFailed
from ..models import notes, references
from ..models.bodies import as_read
from ..models.desired import Deployment
from ..models.endpoints import Models
from ..models.execute import ChangedByOthers, Executor
from ..models.fields import PARAMS
from ..models.health import Written, health_of
from ..models.known import Known
from ..models.preflight import Trials, is_due
from ..models.row import Row, changed, created, left_out
from ..models.serving import unserved
from ..models.steps import Create, Learn, Patch, Step
from ..values.fingerprints import Fingerprinter
from ..values.paths import Path
from . import plan as plans
from . import prune
from .outcome import Options, Outcome
from .overlap import Ahead, Sent
from .plan import NONE, Changes, Plan
from .planning import Planned, Planner

_FLAGGED_LOOKS = 3  # how often to check whether a flagged row is served by now
_MOST_RACES = 3  # how often to act again because another client was faster
_MOST_STEPS = 20  # for one deployment; a replacement with a chosen id takes nine


class Converge:
    """One run for some deployments, which all belong to one set or to no set."""

    def __init__(
        self, models: Models, known: Known, fingerprint: Fingerprinter, options: Options
    ) -> None:
        self._models, self._known, self._fingerprint = models, known, fingerprint
        self._options = options
        self._executor = Executor(models, known)
        self._planner = Planner(models, known, fingerprint, options, self._executor.tentative)
        self._used: frozenset[str] = frozenset()  # ids of the rows that were planned
        self._speaking: frozenset[str] = frozenset()  # the names of those that tell of others' rows
        self._replaced: dict[str, frozenset[Path]] = {}  # by name: because of which places
        self._trials = Trials(models, known)
        self._outcomes: dict[str, Outcome] = {}
        self._unsure: dict[str, tuple[str, ...]] = {}  # warnings, by the name of the deployment

    def run(self, wanted: Sequence[Deployment]) -> list[Outcome]:
        """Make the deployments as declared.

        :raises Refused: With every mistake that is found before the first write.
        """
        planned = self._planner.plan_all(wanted)
        self._used = frozenset(plan.model_id for _, plan in planned if plan.model_id)
        self._speaking = notes.speaking(planned)
        self._unsure = {
            one.name: (references.warning(one.values),)
            for one in wanted
            if references.unsure(one.values) and not self._known.capabilities().resolves
        }
        self._trials.make(planned, self._options)
        if self._options.test:
            goes_on = self._predict(planned)
        else:
            goes_on = self._apply_all(planned)
            self._check_served(planned)
            self._check_health(planned)
        self._note_doubts()
        undeclared = self._undeclared(planned, goes_on)
        return [*(self._outcomes[one.name] for one, _ in planned), *undeclared]

    # ---------------------------------------------------------------- predicting

    def _predict(self, planned: Planned) -> bool:
        """Record what would be done. Returns whether the run would go on."""
        for wanted, plan in planned:
            if plan.action == NONE:
                self._outcomes[wanted.name] = self._outcome(wanted, plan, {})
            else:
                self._apply(wanted, None)
        return True

    def _foresee(self, step: Step) -> None:
        """Record what a step would do. A real run learns of a row by a PATCH, this one by reads."""
        if isinstance(step, Create):
            self._known.predict(created(step.body), ())
        elif isinstance(step, Patch):
            self._known.predict(replace(changed(step.row, step.body, {}), stored=None), ())
        elif isinstance(step, Learn):
            there = self._known.rows().get(step.row.model_id)
            seen = self._known.see_masks(there) if there is not None else None
            masks = left_out(seen.data.get(PARAMS, {})) if seen is not None else {}
            params = {**masks, **step.row.data.get(PARAMS, {})}
            row = replace(step.row, data={**step.row.data, PARAMS: params})
            self._known.predict(replace(row, stored=as_read(row, {})), ())
        else:
            self._known.predict(None, [step.row.model_id])
            now = step.replaced_by
            if now and now.marker and self._known.capabilities().serves_while_patching:
                self._known.predict(replace(now, marker=replace(now.marker, replaces=None)), ())

    # ---------------------------------------------------------------- doing

    def _apply_all(self, planned: Planned) -> bool:
        """Do what is due. Returns ``False`` if the gateway is out of reach: the run must end."""
        due = [one.name for one, plan in planned if plan.action != NONE]
        wanted = {one.name: one for one, _ in planned}
        reads, done = self._known.reads, 0
        with Ahead(
            self._models, due, lambda name: self._write_ahead(wanted[name]), self._view
        ) as ahead:
            for one, plan in planned:
                sent = ahead.turn(one.name)
                if sent is None and self._executor.gave_up is not None:
                    self._outcomes[one.name] = Outcome(one.name, NONE, tried=one.name not in due)
                elif plan.action == NONE and reads == self._known.reads:
                    self._outcomes[one.name] = self._outcome(one, plan, {})
                else:
                    self._apply(one, sent)
                    if one.name in due and self._executor.gave_up is None:
                        done += 1
                        self._options.progress(done, len(due), one.name)
        return self._executor.gave_up is None

    def _view(self) -> int | None:
        """After which read writes are planned now, ``None`` if each must wait for its turn."""
        waits = self._known.blind or self._executor.gave_up is not None
        return None if waits else self._known.reads

    def _write_ahead(self, wanted: Deployment) -> Create | Patch | None:
        """The first write of a deployment, if it may be sent before its turn.

        It is to a row of its own. It is nothing of a replacement, and no PATCH to a LiteLLM that
        serves less during a PATCH.
        """
        if self._trials.failure(wanted) is not None:
            return None
        try:
            plan = self._planner.plan_now(wanted)
            step = self._planner.next_step(wanted, plan)
        except LiteLLMError:
            return None  # it is reported in its turn
        if isinstance(step, Create):
            return None if step.instead is not None else step
        patches = self._known.capabilities().serves_while_patching
        flagged = plan.changes.keys() == {"served"}
        return step if isinstance(step, Patch) and patches and not flagged else None

    def _apply(self, wanted: Deployment, sent: Sent | None) -> None:
        """Make a deployment as declared, and record its outcome.

        :param sent: Its first write, if that was sent before. Then its plan stays as it was,
            whatever was read since.
        """
        error: LiteLLMError | None = None
        try:
            if (failure := self._trials.failure(wanted)) is not None:
                raise TrialFailed(failure)
            if sent is None:
                self._planner.plan_now(wanted)
            self._do_steps(wanted, self._planner.first[wanted.name], sent)
        except LiteLLMError as err:
            error = self._error_to_report(wanted, err)
        self._outcomes[wanted.name] = self._final_outcome(wanted, error)
        if prune.is_hopeless(error):
            self._executor.gave_up = self._executor.gave_up or error

    def _error_to_report(self, wanted: Deployment, err: LiteLLMError) -> LiteLLMError:
        """The error to report. If the plan is refused now, delete the tentative row of this run."""
        try:
            for row in self._planner.rows().owned(wanted) if isinstance(err, Refused) else ():
                if row.model_id in self._executor.tentative:
                    self._executor.delete(row)
        except GatewayError as again:
            return GatewayError(f"{err}; and what was created is there: {again}", again.status)
        return err

    def _do_steps(self, wanted: Deployment, plan: Plan, sent: Sent | None) -> None:
        """Do one step after another, and plan again after each.

        :param sent: The first step, if that was sent before.
        """
        for _ in range(_MOST_STEPS):
            step = self._planner.next_step(wanted, plan) if sent is None else sent.write
            if step is None:
                return
            if sent is None and self._is_flagged(wanted, plan):
                raise NotServed(notes.NOT_SERVED)
            try:
                if self._options.test:
                    self._foresee(step)
                else:
                    self._executor.do(step, wanted, sent.answer if sent else None)
            except ChangedByOthers:
                plan = self._planner.plan_anew(wanted)
                self._planner.check(wanted, plan)
            else:
                if isinstance(step, Create) and step.instead is not None:
                    self._replaced.setdefault(wanted.name, step.lasting)
                plan = self._planner.plan(wanted)
                if not self._executor.tentative.isdisjoint(one.model_id for one in plan.leftovers):
                    self._planner.first[wanted.name] = plan  # the tentative row is not reported
            sent = None
        raise LiteLLMError("It does not come to rest: somebody else changes it at the same time")

    def _final_outcome(self, wanted: Deployment, error: LiteLLMError | None) -> Outcome:
        """The outcome of a deployment: the planned changes, except those that are still due."""
        first = self._planner.first[wanted.name]
        try:
            left = self._planner.plan(wanted)
        except Refused:
            left = first
        changes = {
            key: change for key, change in first.changes.items() if left.changes.get(key) != change
        }
        before, now = first.row, left.row
        if before and now and before.model_id != now.model_id:
            gone = changes.get("model_id", {}).get("old", before.model_id)
            changes["model_id"] = {"old": gone, "new": now.model_id}
        outcome = self._outcome(wanted, first if changes else left, changes)
        sentences = [*outcome.notes, *self._executor.notes]
        lasting = self._replaced.get(wanted.name)
        if self._options.test and changes:
            sentences += notes.foreseen(first, lasting)
        elif lasting is not None and changes:
            sentences.append(notes.replaced(first, now, lasting))
        self._executor.notes.clear()
        return replace(
            outcome,
            action=first.action if changes else NONE,
            model_id=now.model_id if now else None,
            notes=tuple(sentences),
            failure=None if error is None else str(error),
            unknown=isinstance(error, NotSeen),
            replaces=lasting is not None and bool(changes),
        )

    def _outcome(self, wanted: Deployment, plan: Plan, changes: Changes) -> Outcome:
        test = self._options.test
        sentences = [
            note.pending if test else note.done for note in plan.notes if note.key in changes
        ]
        speaks, rows = wanted.name in self._speaking, self._planner.rows()
        sentences += notes.namesake_notes(wanted, plan, rows, self._known, self._used, speaks)
        if wanted.name in self._planner.unverified:
            sentences.append(self._planner.unverified[wanted.name])
        sentences += self._trials.notes(wanted)
        warnings = self._unsure.get(wanted.name, ())
        return Outcome(
            wanted.name, plan.action, plan.model_id, changes, tuple(sentences), warnings=warnings
        )

    # ---------------------------------------------------------------- afterwards

    def _check_served(self, planned: Planned) -> None:
        """Check whether LiteLLM serves the rows that it saved without saying so.

        Where another client was faster, plan and act again.
        """
        for _ in range(_MOST_RACES):
            overtaken = self._prove(planned)
            if not overtaken or self._executor.gave_up is not None:
                return
            for wanted in overtaken:
                self._apply(wanted, None)
        self._prove(planned)

    def _prove(self, planned: Planned) -> list[Deployment]:
        """Record which rows are not served. Returns those that another client has changed."""
        served = {
            outcome.model_id: partial(self._is_served_as_declared, one)
            for one, _ in planned
            if not (outcome := self._outcomes[one.name]).failure and outcome.model_id
        }
        proof, overtaken = self._executor.prove(served), []
        for wanted, _ in planned:
            outcome = self._outcomes[wanted.name]
            failure = proof.failures.get(outcome.model_id or "")
            if failure is not None:
                gone = outcome.model_id not in self._known.rows()
                self._outcomes[wanted.name] = replace(
                    outcome.undone() if gone else outcome, failure=failure, written=proof.unseen
                )
            if outcome.model_id in proof.overtaken:
                overtaken.append(wanted)
        return overtaken

    def _check_health(self, planned: Planned) -> None:
        """With ``verify``: let LiteLLM check what was written, and record what fails."""
        written = []
        for one, _ in planned if self._options.verify else ():
            outcome, first = self._outcomes[one.name], self._planner.first[one.name]
            row = self._known.rows().get(outcome.model_id or "")
            if row and outcome.changes and not outcome.failure and is_due(one, first):
                written.append(Written(one, row, partial(self._is_served_as_declared, one)))
        for name, health in health_of(self._models, written).items():
            outcome = self._outcomes[name]
            self._outcomes[name] = replace(
                outcome,
                failure=health.failure,
                written=health.failure is not None,
                notes=(*outcome.notes, *([health.note] if health.note else ())),
            )

    def _note_doubts(self) -> None:
        """Say where LiteLLM may not know a provider, unless it has shown that it does."""
        for name, doubt in self._planner.providers.doubts.items():
            outcome = self._outcomes[name]
            if outcome.failure:
                failure = f"{outcome.failure.rstrip('.')}. {doubt}"
                self._outcomes[name] = replace(outcome, failure=failure)
            elif self._options.test:
                self._outcomes[name] = replace(outcome, notes=(*outcome.notes, doubt))

    def _is_served_as_declared(self, wanted: Deployment, row: Row) -> bool:
        """Whether a row, in the form that LiteLLM serves, is as declared."""
        known = self._known.rows().get(row.model_id)
        row = row if known is None else replace(row, forms=known.forms)
        plan = plans.update(wanted, row, self._fingerprint, partial=self._options.partial)
        return plan.changes.keys() <= {"served"}

    def _is_flagged(self, wanted: Deployment, plan: Plan) -> bool:
        """Whether LiteLLM could not serve a row after its last write, and still cannot."""
        if plan.changes.keys() != {"served"} or plan.row is None:
            return False
        served = {plan.row.model_id: partial(self._is_served_as_declared, wanted)}
        return bool(unserved(self._models, served, _FLAGGED_LOOKS))

    def _orphans(self, planned: Planned) -> list[Row]:
        """The rows that the set owns, and that it neither declares nor uses any more."""
        used = {outcome.model_id for outcome in self._outcomes.values()}
        return self._planner.orphans(planned, used)

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
