"""The fallbacks of one gateway. All reads and writes of fallbacks begin here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import replace
from typing import Any

from ..errors import OutcomeUnknown, Refused
from ..models.deployments import Deployments
from ..objects import plan as plans
from ..objects.declared import Declared
from ..objects.execute import Answer, Executor
from ..objects.operations import Check, plain
from ..objects.outcome import Options, Outcome
from ..objects.plan import DELETE, NONE, Plan
from ..objects.row import Row, Rows
from ..objects.run import Run
from ..objects.steps import Update
from ..objects.store import Store
from . import rules
from .endpoints import FallbackEndpoints, UnknownModel
from .settle import OVERWRITTEN, confirm, settle

_ONLY_HERE = (
    "Other workers of the gateway follow it only when they are started again, as LiteLLM before "
    "1.109 does not tell them of content_policy fallbacks"
)


class Fallbacks:
    """The fallbacks of a gateway, with what is known of them.

    :param deployments: The models of the gateway, which rules name.
    """

    def __init__(self, endpoints: FallbackEndpoints, deployments: Deployments) -> None:
        self._endpoints, self._deployments = endpoints, deployments
        self._settings: dict[str, Any] = {}
        self.store: Store[Row] = Store(self._read, Rows, lambda: None)

    def _read(self, _: Rows[Row] | None) -> Rows[Row]:
        """The rules as this worker knows them: as stored, but perhaps up to 60 s ago."""
        self._settings = self._endpoints.settings()
        return rules.parse(self._settings)

    def forget(self) -> None:
        """Read everything anew when it is next needed, because others may have changed it."""
        self.store.forget()

    def apply(self, declared: Sequence[Declared], options: Options) -> list[Outcome]:
        """Make rules as declared, or say what would be done.

        :raises Refused: With every mistake that is found before the first write.
        """
        _refuse_twice(declared)

        def plan(one: Declared, _: Set[str]) -> Plan[Row]:
            return rules.make_plan(one, self.store.rows(forecast=options.test))

        def check(one: Declared, planned: Plan[Row]) -> None:
            if planned.action == NONE:
                return
            rules.refuse_foreign(str(one.id), planned.row, self._configured())
            named = {one.values[rules.MODEL,], *one.values[rules.TARGETS,]}
            known = self._deployments.model_names(named, test=options.test)
            rules.refuse_unknown(one, known, self._aliases())

        # A write may be repeated, so one whose answer was lost is sent again.
        executor = Executor(
            rules.FALLBACK, self._endpoints, self.store, lambda _: True, reads_prove=False
        )

        def do(step: Update[Row], _: Declared, __: Plan[Row], sent: Answer | None) -> None:
            try:
                executor.do(step, sent)
            except UnknownModel:  # another worker may have it
                if not self._endpoints.refresh():
                    raise
                executor.do(step, None)

        operations = plain(
            executor,
            plan=plan,
            next_step=rules.next_step,
            check=check,
            may_overlap=lambda _: False,  # LiteLLM would lose one of two
            notes=lambda _, planned, __: self._notes(planned),
            checks=() if options.test else (Check(after=self._confirm),),
        )
        return Run(replace(operations, do=do), options).converge(declared)

    def remove(self, declared: Declared, *, test: bool) -> Outcome:
        """Delete a rule.

        :raises Refused: It belongs to the gateway's config file, or LiteLLM cannot delete it.
        """
        row_id = str(declared.id)
        row, configured = self.store.rows(forecast=test).get(row_id), self._configured()
        absent = Outcome(declared.name, NONE, row_id)
        if row is not None:
            rules.refuse_foreign(row_id, row, configured)
            rules.refuse_undeletable(row_id, self._settings)
        elif test or rules.type_of(row_id) in configured or not rules.fits_in_url(row_id):
            return absent  # else the database says so
        changes = plans.delete(rules.FALLBACK, row or Row(row_id, None, {})).changes
        deleted = replace(absent, action=DELETE, changes=changes)
        if test:
            self.store.predict(None, [row_id])
            return deleted
        try:
            if not self._delete_once(row_id) and row is None:
                return absent
        except OutcomeUnknown as err:
            return replace(absent, failure=str(err), unknown=True)
        self.store.drop(row_id)

        def left() -> list[str]:
            return [row_id] if row_id in self.store.rows() else []

        why = settle(self.store, self._endpoints.refresh, left, self._delete_once)
        if why is not None and left():
            unknown = why is not OVERWRITTEN  # it was sent again
            failure = why if unknown else f"{row_id} is still there: {why}"
            return replace(absent, failure=failure, unknown=unknown)
        return replace(deleted, failure=why)

    def _delete_once(self, row_id: str) -> bool:
        """Delete a rule; ``False`` if the database has none, perhaps as the first try was done."""
        try:
            return self._send_delete(row_id)
        except OutcomeUnknown:
            return self._send_delete(row_id)  # which does no harm

    def _send_delete(self, row_id: str) -> bool:
        if rules.fits_in_url(row_id):
            return self._endpoints.delete(row_id)
        self._endpoints.refresh()
        self.store.read_again()
        self._endpoints.replace(*rules.without(self._settings, row_id))
        return True

    def _confirm(self, run: Run[Any, Any]) -> None:
        """After the last write: whether LiteLLM has kept all of them."""

        def missing(one: Declared, outcome: Outcome) -> Collection[str]:
            return () if rules.is_kept(one, self.store.rows()) else outcome.changes

        refresh, write = self._endpoints.refresh, self._endpoints.create
        confirm(run, self.store, refresh, missing, lambda one: write(rules.body(one)))

    # ---------------------------------------------------------------- what is known

    def _configured(self) -> frozenset[str]:
        """The types whose rules belong to the gateway's config file."""
        return rules.configured(self._settings)

    def _aliases(self) -> dict[str, Any]:
        return self._settings.get("current_values", {}).get(rules.ALIASES) or {}

    def _notes(self, planned: Plan[Row]) -> Iterator[str]:
        is_policy = planned.id is not None and rules.type_of(planned.id) == "content_policy"
        if planned.action == NONE or not is_policy:
            return
        if not self._deployments.versions.of_version().removes:
            yield _ONLY_HERE

    def naming(self, model: str, *, test: bool) -> list[str]:
        """The rules that are of a model or name it, as far as this run has read them."""
        rows = () if self.store.last_read is None else self.store.rows(forecast=test)
        return sorted(row.id for row in rows if rules.names(row, model))

    def listed(self, row_id: str | None = None) -> list[dict[str, Any]]:
        """The rules, or the one of an id, and what they name that is no model of the gateway."""
        rows = [row for row in self.store.rows() if row_id in (None, row.id)]
        known = {row.model_name for row in self._deployments.all_rows()} if rows else set()
        return [rules.summary(row, known, self._aliases()) for row in rows]


def _refuse_twice(declared: Sequence[Declared]) -> None:
    """Refuse two declarations of one rule: each would undo the other."""
    times = Counter(one.id for one in declared)
    if twice := sorted(str(row_id) for row_id in times if times[row_id] > 1):
        raise Refused(*(f"{row_id} is declared twice" for row_id in twice))
