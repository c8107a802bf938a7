"""Makes objects as declared: acts step by step, and plans again, until nothing is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Generic

from ..errors import GatewayError, LiteLLMError, NotSeen, Refused, TrialFailed
from . import notes, prune
from .execute import ChangedByOthers, is_hopeless
from .operations import D, Operations, Planned
from .outcome import Options, Outcome
from .overlap import Ahead, Sent
from .plan import NONE, Changes, Plan
from .planning import Planner
from .row import R
from .steps import Create, Update

_MOST_STEPS = 20  # for one object; the longest replacement takes nine


class Run(Generic[D, R]):
    """One run for some objects, which all belong to one set or to no set.

    :ivar planned: The objects, each with its plan before the first write.
    :ivar outcomes: What has become of each, by its name.
    """

    def __init__(self, operations: Operations[D, R], options: Options) -> None:
        self._operations, self.options, self._checks = operations, options, operations.checks
        self._store, self._fields = operations.store, operations.kind.fields
        self.planner = Planner(operations, options)
        self.planned: Planned[D, R] = []
        self.outcomes: dict[str, Outcome] = {}
        self._used: frozenset[str] = frozenset()  # ids of the rows that were planned
        self._replacing: dict[str, Create[R]] = {}  # by name: the step that makes another row

    def converge(self, declared: Sequence[D]) -> list[Outcome]:
        """Make the objects as declared.

        :raises Refused: With every mistake that is found before the first write.
        """
        self.planned = self.planner.plan_all(declared)
        self._used = frozenset(plan.id for _, plan in self.planned if plan.id)
        for check in self._checks:
            check.before(self.planned)
        goes_on = self._predict_all() if self.options.test else self._apply_all()
        for check in self._checks:
            check.after(self)
        undeclared = self._undeclared(goes_on)
        return [*(self.outcomes[one.name] for one, _ in self.planned), *undeclared]

    def _predict_all(self) -> bool:
        """Record what would be done. Returns whether the run would go on."""
        for declared, plan in self.planned:
            if plan.action == NONE:
                self.outcomes[declared.name] = self._outcome(declared, plan, {})
            else:
                self.converge_one(declared)
        return True

    def _apply_all(self) -> bool:
        """Do what is due. Returns ``False`` if the gateway is out of reach: the run must end."""
        due = [one.name for one, plan in self.planned if plan.action != NONE]
        declared = {one.name: one for one, _ in self.planned}
        reads, done = self._store.reads, 0
        executor = self._operations.executor
        # Also where each write waits for its turn: then it sends nothing ahead.
        with Ahead(
            self._operations.endpoints,
            due,
            lambda name: self._write_ahead(declared[name]),
            self._view,
        ) as ahead:
            for one, plan in self.planned:
                sent = ahead.turn(one.name)
                if sent is None and executor.gave_up is not None:
                    self.outcomes[one.name] = Outcome(one.name, NONE, tried=one.name not in due)
                elif plan.action == NONE and reads == self._store.reads:
                    self.outcomes[one.name] = self._outcome(one, plan, {})
                else:
                    self.converge_one(one, sent)
                    if one.name in due and executor.gave_up is None:
                        done += 1
                        self.options.progress(done, len(due), one.name)
        return executor.gave_up is None

    def _view(self) -> int | None:
        """After which read writes are planned now, ``None`` if each must wait for its turn."""
        goes_on = self._operations.executor.gave_up is None and self._operations.sees_all()
        return self._store.reads if goes_on else None

    def _write_ahead(self, declared: D) -> Create[R] | Update[R] | None:
        """The first write of an object, if it may be sent before its turn.

        It is to a row of its own, and is nothing of a replacement.
        """
        if self._obstacle(declared) is not None:
            return None
        try:
            plan = self.planner.plan_now(declared)
            step = self.planner.next_step(declared, plan)
        except LiteLLMError:
            return None  # it is reported in its turn
        is_plain = isinstance(step, Update) or (isinstance(step, Create) and step.instead is None)
        return step if is_plain and self._operations.may_overlap(plan) else None

    def converge_one(self, declared: D, sent: Sent[R] | None = None) -> None:
        """Make an object as declared, or predict that, and record its outcome.

        :param sent: Its first write, if that was sent before. Then its plan stays as it was,
            whatever was read since.
        """
        error: LiteLLMError | None = None
        try:
            if (failure := self._obstacle(declared)) is not None:
                raise TrialFailed(failure)
            if sent is None:
                self.planner.plan_now(declared)
            self._do_steps(declared, self.planner.first[declared.name], sent)
        except LiteLLMError as err:
            error = self._operations.give_up(declared, err)
        self.outcomes[declared.name] = self._final_outcome(declared, error)
        if is_hopeless(error):
            executor = self._operations.executor
            executor.gave_up = executor.gave_up or error

    def _obstacle(self, declared: D) -> str | None:
        """Why an object must not be written."""
        found = (check.obstacle(declared) for check in self._checks)
        return next((why for why in found if why is not None), None)

    def _do_steps(self, declared: D, plan: Plan[R], sent: Sent[R] | None) -> None:
        """Do one step after another, and plan again after each.

        :param sent: The first step, if that was sent before.
        """
        for _ in range(_MOST_STEPS):
            step = self.planner.next_step(declared, plan) if sent is None else sent.write
            if step is None:
                return
            try:
                if self.options.test:
                    self._operations.foresee(step, declared, plan)
                else:
                    self._operations.do(step, declared, plan, sent.answer if sent else None)
            except ChangedByOthers:
                plan = self.planner.plan_anew(declared)
                self.planner.check(declared, plan)
            else:
                if isinstance(step, Create) and step.instead is not None:
                    self._replacing.setdefault(declared.name, step)
                plan = self.planner.plan(declared)
                if plan.fresh:
                    self.planner.first[declared.name] = plan
            sent = None
        raise LiteLLMError("Another client keeps changing it")

    # ---------------------------------------------------------------- outcomes

    def _final_outcome(self, declared: D, error: LiteLLMError | None) -> Outcome:
        """The outcome of an object: the planned changes, except those that are still due."""
        first = self.planner.first[declared.name]
        try:
            left = self.planner.plan(declared)
        except Refused:
            left = first
        changes = {
            key: change for key, change in first.changes.items() if left.changes.get(key) != change
        }
        before, now = first.row, left.row
        if before and now and before.id != now.id:
            label = self._operations.kind.id_label
            gone = changes.get(label, {}).get("old", before.id)
            changes[label] = {"old": gone, "new": now.id}
        outcome = self._outcome(declared, first if changes else left, changes)
        sentences = [*outcome.notes, *self._operations.take_notes()]
        replacing = self._replacing.get(declared.name)
        lasting = None if replacing is None else replacing.lasting
        if self.options.test and changes:
            sentences += notes.foreseen(self._fields, first, lasting)
        elif lasting is not None and changes:
            sentences.append(notes.replaced(self._fields, first, now, lasting))
        return replace(
            outcome,
            action=first.action if changes else NONE,
            id=now.id if now else None,
            notes=tuple(sentences),
            failure=None if error is None else str(error),
            unknown=isinstance(error, NotSeen),
            replaces=lasting is not None and bool(changes),
        )

    def _outcome(self, declared: D, plan: Plan[R], changes: Changes) -> Outcome:
        sentences = [
            note.pending if self.options.test else note.done
            for note in plan.notes
            if note.key in changes
        ]
        sentences += self._operations.notes(declared, plan, self._used)
        warnings = self._operations.warnings(declared)
        return Outcome(
            declared.name, plan.action, plan.id, changes, tuple(sentences), warnings=warnings
        )

    def _orphans(self) -> list[R]:
        """The rows that the set owns, and that it neither declares nor uses any more."""
        used = {outcome.id for outcome in self.outcomes.values()}
        return self.planner.orphans(self.planned, used)

    def _why_kept(self, row: R) -> str | None:
        """Why a row must not be deleted. One of which that cannot be seen is kept as well."""
        try:
            return self._operations.why_kept(row)
        except GatewayError as err:
            return str(err)

    def _undeclared(self, goes_on: bool) -> list[Outcome]:
        """The outcomes of the rows that the set owns and does not declare.

        :param goes_on: Whether the gateway still takes requests.
        """
        orphans, options, kind = self._orphans(), self.options, self._operations.kind
        if not options.prune:
            return [prune.left_alone(row) for row in orphans]
        outcomes = self.outcomes.values()
        if not goes_on or any(one.failure for one in outcomes):
            return [prune.not_deleted(row) for row in orphans]
        kept = {row.id: why for row in orphans if (why := self._why_kept(row))}
        left = [prune.not_deleted(row, kept[row.id]) for row in orphans if row.id in kept]
        orphans = [row for row in orphans if row.id not in kept]
        if options.test:
            for row in orphans:
                self._store.predict(None, [row.id])
            return [*left, *(prune.deleted(kind, row) for row in orphans)]
        error = None
        if orphans and any(one.changes for one in outcomes):
            try:
                self._operations.see_again(orphans)  # the writes have taken time
                orphans = [row for row in self._orphans() if row.id not in kept]
            except GatewayError as err:
                error = err
        send = self._operations.delete
        return [*left, *prune.delete(kind, orphans, send, options.progress, error)]
