"""The router settings of one gateway. All reads and writes of them begin here."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Any

from ..errors import GatewayError
from ..objects.declared import Declared
from ..objects.execute import Executor
from ..objects.operations import Check, plain
from ..objects.outcome import Options, Outcome
from ..objects.plan import NONE, Plan
from ..objects.row import Rows
from ..objects.run import Run
from ..objects.store import Store
from . import settings
from .endpoints import RouterEndpoints
from .settings import Settings
from .settle import settle

_NOT_REFRESHED = "A worker may follow what was changed through another one half a minute later"


class Router:
    """The router settings of a gateway, with what is known of them."""

    def __init__(self, endpoints: RouterEndpoints) -> None:
        self._endpoints = endpoints
        self._live: dict[str, Any] | None = None
        self.store: Store[Settings] = Store(self._read, Rows, lambda: None)

    def _read(self, _: Rows[Settings] | None) -> Rows[Settings]:
        """The settings as this worker knows them: as stored, but perhaps up to 60 s ago."""
        return Rows([settings.parse(self._endpoints.settings())])

    def live(self) -> dict[str, Any]:
        """What the router of this worker has, read once."""
        if self._live is None:
            self._live = self._endpoints.live()
        return self._live

    def row(self) -> Settings:
        """The settings as they are known."""
        return next(iter(self.store.rows()))

    def forget(self) -> None:
        """Read everything anew when it is next needed, because others may have changed it."""
        self.store.forget()
        self._live = None

    def listed(self) -> list[dict[str, Any]]:
        """Every setting but the fallbacks, and whether the router acts on it."""
        row, live = self.row(), self.live()
        known = sorted({*row.data, *live} - settings.FALLBACKS)
        return [settings.shown(row, live, setting) for setting in known]

    def apply(self, declared: Sequence[Declared], options: Options) -> list[Outcome]:
        """Make settings as declared, or say what would be done.

        :raises Refused: With every mistake that is found before the first write.
        """

        def plan(one: Declared, _: Set[str]) -> Plan[Settings]:
            return settings.make_plan(one, self.store.rows(forecast=options.test))

        def check(one: Declared, planned: Plan[Settings]) -> None:
            step = settings.next_step(one, planned)
            if step is not None:
                live = self.live() if step.row.merges else {}
                settings.refuse(step.row, step.body, live)

        operations = plain(
            Executor(
                settings.ROUTER, self._endpoints, self.store, lambda _: True, reads_prove=False
            ),
            plan=plan,
            next_step=settings.next_step,
            check=check,
            may_overlap=lambda _: False,  # LiteLLM would lose one of two
            checks=(Check(after=lambda run: self._look_after(run, options.test)),),
        )
        return Run(operations, options).converge(declared)

    def _look_after(self, run: Run[Any, Any], test: bool) -> None:
        """After the writes: whether LiteLLM has kept them, and acts on what is stored."""
        written = [one for one, _ in run.planned if run.outcomes[one.name].changes and not test]
        why = self._keep(written) if written else None
        for one, first in run.planned:
            outcome = run.outcomes[one.name]
            if outcome.failure is None:
                run.outcomes[one.name] = self._looked_at(one, first, outcome, why, test)

    def _keep(self, written: Sequence[Declared]) -> str | None:
        """Make sure that writes are kept. Returns why they are not."""

        def lost() -> list[Declared]:
            rows = self.store.rows()
            return [one for one in written if settings.make_plan(one, rows).action != NONE]

        def write(one: Declared) -> None:
            step = settings.next_step(one, settings.make_plan(one, self.store.rows()))
            if step is not None:
                self._endpoints.update(step.row.id, step.body)

        self._live = None
        return settle(self.store, self._endpoints.refresh, lost, write)

    def _looked_at(
        self,
        one: Declared,
        first: Plan[Settings],
        outcome: Outcome,
        why: str | None,
        test: bool,
    ) -> Outcome:
        """An outcome, with what is not kept, and with what LiteLLM does not act on."""
        left = first if test else settings.make_plan(one, self.store.rows())
        names, row = settings.names(one, left), self.row()
        found = [] if why is None else [why]
        notes = (*outcome.notes, *settings.unseen(row, names))
        try:
            dead = self._inactive(names, test)
        except GatewayError as err:
            dead = [f"Whether LiteLLM acts on it cannot be seen: {err}"]
        changes = {key: one for key, one in outcome.changes.items() if test or key in names}
        return replace(
            outcome,
            action=outcome.action if changes else NONE,
            changes=changes,
            notes=(*notes, *([_NOT_REFRESHED] if dead and test else [])),
            failure=". ".join([*found, *dead]) or None,
            written=bool(found or dead) and left.action == NONE and not test,
        )

    def _inactive(self, names: Sequence[str], test: bool) -> list[str]:
        """What is stored and the router does not follow, even after reading the database."""
        if not any(self.row().source.get(name) == "db" for name in names):
            return []  # the router has what is not from the database
        found = settings.inactive(self.row(), self.live(), names)
        if found and not test and self._endpoints.refresh():
            self._live = None
            found = settings.inactive(self.row(), self.live(), names)
        return found
