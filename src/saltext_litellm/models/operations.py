"""Answers for models what a run asks: match, plan, check, next step, do, foresee, notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from functools import partial
from typing import Any

from ..errors import GatewayError, LiteLLMError, NotServed, Refused
from ..objects.execute import Answer
from ..objects.operations import Check, Operations
from ..objects.plan import CREATE, UPDATE
from ..objects.steps import Create, Delete, Update
from ..values.fingerprints import Fingerprinter
from . import bodies, fields, identity, notes, pools, references, steps
from .afterwards import Afterwards
from .desired import Deployment
from .endpoints import ModelEndpoints
from .execute import ModelExecutor
from .fields import PARAMS
from .identity import ModelRows
from .kind import DEPLOYMENT, ModelPlan
from .options import ModelOptions
from .preflight import Trials
from .providers import Providers
from .row import ModelRow, changed, created, left_out
from .serving import unserved
from .steps import Learn, Step
from .verification import Verification
from .versions import OLD, Versions
from .views import Views

_MAY_NOT_SEE = (401, 403)  # a viewer may not list credentials (LiteLLM 1.83.14)
_FLAGGED_LOOKS = 3  # how often to check whether a flagged row is served by now


class ModelOperations:
    """What one run does; see :class:`~..objects.operations.Operations`."""

    def __init__(
        self,
        models: ModelEndpoints,
        views: Views,
        versions: Versions,
        fingerprint: Fingerprinter,
        options: ModelOptions,
        has_credential: Callable[[str, bool], bool],
    ) -> None:
        self._has_credential = has_credential
        self._models, self._store = models, views.store
        self._views, self._versions = views, versions
        self._fingerprint, self._options = fingerprint, options
        self._executor = ModelExecutor(models, views, versions)
        self._made: set[str] = set()  # the ids of rows that this run has made
        self._providers = Providers(models, views.router)
        self._trials = Trials(models, views, versions, options)
        self._verification = Verification(models, views, versions, options)
        self._unseen: dict[str, str] = {}  # notes on credentials, by the name of the deployment
        self._speaking: frozenset[str] = frozenset()  # the names of those that tell of others' rows
        self._unsure: dict[str, tuple[str, ...]] = {}  # warnings, by the name of the deployment

    def as_value(self) -> Operations[Deployment, ModelRow]:
        """The operations, as a run takes them."""
        after = Afterwards(
            self._models,
            self._views,
            self._executor,
            self._options,
            self._is_as_declared,
            self._providers.doubts,
        )
        return Operations(
            kind=DEPLOYMENT,
            endpoints=self._models,
            store=self._store,
            executor=self._executor.executor,
            match=self.match,
            plan=self.plan,
            look_closer=self.look_closer,
            check=self.check,
            next_step=self.next_step,
            sees_all=lambda: not self._views.blind,
            may_overlap=self.may_overlap,
            do=self.do,
            foresee=self.foresee,
            delete=self._executor.delete,
            see_again=self._executor.see_again,
            give_up=self.give_up,
            notes=self.notes,
            take_notes=self._executor.take_notes,
            warnings=lambda declared: self._unsure.get(declared.name, ()),
            checks=(
                Check(before=self._prepare_words),
                Check(before=self._trials.make, obstacle=self._trials.failure),
                Check(after=after.check_served),
                Check(after=after.check_health),
                Check(after=after.note_doubts),
            ),
        )

    # ---------------------------------------------------------------- planning

    def match(self, declared: Sequence[Deployment]) -> Sequence[Deployment]:
        """The deployments of a set. Those of a list have the names of their rows."""
        name = self._options.set
        if name is None:
            return declared
        return pools.matched(name, declared, self._rows(), self._fingerprint)

    def plan(self, declared: Deployment, taken: Set[str]) -> ModelPlan:
        """The plan of a deployment, by the rows as they are known now."""
        if self._options.partial and identity.look_up(declared, self._rows()) is None:
            self._views.refuse_in_config(declared)
        plan = self._plan(declared, taken)
        row = plan.row
        if row is None or row.id in self._made or not self._verification.is_due(row):
            return plan
        self._verification.verify(declared, row)
        return self._plan(declared, taken)

    def _plan(self, declared: Deployment, taken: Set[str]) -> ModelPlan:
        return steps.make_plan(
            declared,
            self._rows(),
            self._fingerprint,
            taken=taken,
            tentative=self._executor.tentative,
            blind=self._views.blind,
            partial=self._options.partial,
        )

    def _rows(self) -> ModelRows:
        """The rows as they are known, with ``test`` as they would be by now."""
        return self._views.rows(forecast=self._options.test)

    def look_closer(self, plans: Sequence[ModelPlan], prunes: bool) -> None:
        """Let the two views check each other, if rows are made, adopted or deleted."""
        prunes = prunes or (self._options.prune and self._views.blind)
        if prunes or any(map(steps.needs_router, plans)):
            self._views.compare_views()
            if self._options.test or not plans:
                self._views.look_again()

    def check(self, declared: Deployment, plan: ModelPlan) -> None:
        """Refuse what the gateway would save but not serve, and rows of its config file."""
        if plan.action == CREATE and declared.id is not None:
            self._views.refuse_config(declared.id)
        self._check_credential(declared, plan)
        self._providers.check(declared, plan)
        if fields.BLOCKED in plan.touched and declared.values[fields.BLOCKED]:
            self._versions.require_blocking()

    def _check_credential(self, declared: Deployment, plan: ModelPlan) -> None:
        """Refuse a credential that is nowhere: LiteLLM would answer callers with an error."""
        name = declared.values.get(fields.CREDENTIAL)
        if fields.CREDENTIAL not in plan.touched or not isinstance(name, str):
            return
        try:
            is_there = self._has_credential(name, self._options.test)
        except GatewayError as err:
            if err.status not in _MAY_NOT_SEE:
                raise
            self._unseen[declared.name] = notes.credential_not_seen(name)
        else:
            if not is_there:
                raise Refused(notes.no_credential(name))

    def next_step(self, declared: Deployment, plan: ModelPlan) -> Step | None:
        """The next step of a plan."""
        can = OLD
        if plan.action == UPDATE:
            removing = any(
                path[0] == PARAMS and not fields.is_cleared_by_null(path[:2])
                for path in plan.removed
            )
            can = self._versions.can(removing)
        return steps.next_step(declared, plan, can, self._fingerprint)

    # ---------------------------------------------------------------- doing

    def may_overlap(self, plan: ModelPlan) -> bool:
        """Whether the first write may overlap: no PATCH to a LiteLLM that serves less meanwhile."""
        if plan.action == CREATE:
            return True
        return self._versions.can().serves_while_patching and plan.changes.keys() != {"served"}

    def do(self, step: Any, declared: Deployment, plan: ModelPlan, sent: Answer | None) -> None:
        """Do a step."""
        if sent is None:
            self._refuse_unserved(declared, plan)
        if isinstance(step, Create):
            self._made.add(created(step.body).id)
        self._executor.do(step, declared, sent)

    def foresee(self, step: Any, declared: Deployment, plan: ModelPlan) -> None:
        """Record what a step would do. A real run learns of a row by a PATCH, this one by reads."""
        self._refuse_unserved(declared, plan)
        store = self._store
        if isinstance(step, Create):
            self._made.add(created(step.body).id)
            store.predict(created(step.body))
        elif isinstance(step, Update):
            store.predict(replace(changed(step.row, step.body, {}), stored=None))
        elif isinstance(step, Learn):
            store.predict(self._learnt_by_reads(step.row))
        elif isinstance(step, Delete):
            store.predict(None, [step.row.id])
            now = step.replaced_by
            if now and now.marker and self._versions.can().serves_while_patching:
                store.predict(replace(now, marker=replace(now.marker, replaces=None)))

    def _learnt_by_reads(self, row: ModelRow) -> ModelRow:
        there = self._store.rows().get(row.id)
        seen = self._verification.see_masks(there) if there is not None else None
        masks = left_out(seen.data.get(PARAMS, {})) if seen is not None else {}
        params = {**masks, **row.data.get(PARAMS, {})}
        row = replace(row, data={**row.data, PARAMS: params})
        return replace(row, stored=bodies.as_read(row, {}))

    def give_up(self, declared: Deployment, err: LiteLLMError) -> LiteLLMError:
        """If the plan is refused now, delete the tentative row of this run."""
        owned = self._rows().owned_by(*declared.owner) if isinstance(err, Refused) else ()
        try:
            for row in owned:
                if row.id in self._executor.tentative:
                    self._executor.delete(row)
        except GatewayError as again:
            return GatewayError(f"{err}; and what was created is there: {again}", again.status)
        return err

    def _refuse_unserved(self, declared: Deployment, plan: ModelPlan) -> None:
        """Refuse to count a row as done that LiteLLM could not serve after its last write.

        :raises NotServed: It still cannot.
        """
        if plan.changes.keys() != {"served"} or plan.row is None:
            return
        expected = {plan.row.id: partial(self._is_as_declared, declared)}
        if unserved(self._models, expected, _FLAGGED_LOOKS):
            raise NotServed(notes.NOT_SERVED)

    def _is_as_declared(self, declared: Deployment, row: ModelRow) -> bool:
        """Whether a row, in the form that LiteLLM serves, is as declared."""
        known = self._store.rows().get(row.id)
        row = row if known is None else replace(row, forms=known.forms)
        plan = steps.update(declared, row, self._fingerprint, partial=self._options.partial)
        return plan.changes.keys() <= {"served"}

    # ---------------------------------------------------------------- words

    def _prepare_words(self, planned: Sequence[tuple[Deployment, ModelPlan]]) -> None:
        """Find out before the first write who tells of others' rows, and what to warn of."""
        self._speaking = notes.speaking(planned)
        self._unsure = {
            one.name: (references.warning(one.values),)
            for one, _ in planned
            if references.unsure(one.values) and not self._versions.can().resolves
        }

    def notes(self, declared: Deployment, plan: ModelPlan, used: Set[str]) -> Iterator[str]:
        """What there is to say of a deployment beside its changes."""
        speaks = declared.name in self._speaking
        yield from notes.namesake_notes(declared, plan, self._rows(), self._views, used, speaks)
        if declared.name in self._verification.notes:
            yield self._verification.notes[declared.name]
        yield from self._trials.notes(declared)
        if declared.name in self._unseen:
            yield self._unseen[declared.name]
