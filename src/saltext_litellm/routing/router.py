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
from ..objects.plan import Plan
from ..objects.row import Rows
from ..objects.run import Run
from ..objects.store import Store
from . import settings
from .endpoints import RouterEndpoints
from .settings import Settings
from .settle import confirm

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

    def _refresh(self) -> bool:
        self._live = None
        return self._endpoints.refresh()

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
        tried = [each for each in run.planned if run.outcomes[each[0].name].failure is None]
        if not test:

            def write(one: Declared) -> None:
                missing = self._missing(one, run.outcomes[one.name])
                self._endpoints.update(settings.ID, {key: one.values[key,] for key in missing})

            confirm(run, self.store, self._refresh, self._missing, write)
        for one, first in tried:
            outcome = run.outcomes[one.name]
            if outcome.failure is None:
                run.outcomes[one.name] = self._looked_at(one, first, outcome, test)

    def _missing(self, one: Declared, outcome: Outcome) -> list[str]:
        """The settings that were written, and that the database does not have."""
        kept = settings.names(one, settings.make_plan(one, self.store.rows()))
        source = self.row().source
        return [key for key in outcome.changes if key not in kept or source.get(key) != "db"]

    def _looked_at(
        self, one: Declared, first: Plan[Settings], outcome: Outcome, test: bool
    ) -> Outcome:
        """An outcome, with what LiteLLM does not act on."""
        left = first if test else settings.make_plan(one, self.store.rows())
        names = settings.names(one, left)
        notes = (*outcome.notes, *settings.unseen(self.row(), names))
        try:
            dead = self._inactive(names, test)
        except GatewayError as err:
            dead = [f"Whether LiteLLM acts on it cannot be seen: {err}"]
        return replace(
            outcome,
            notes=(*notes, *([_NOT_REFRESHED] if dead and test else [])),
            failure=". ".join(dead) or None,
            written=bool(dead) and not test,
        )

    def _inactive(self, names: Sequence[str], test: bool) -> list[str]:
        """What is stored and the router does not follow, even after reading the database."""
        if not any(self.row().source.get(name) == "db" for name in names):
            return []  # the router has what is not from the database
        found = settings.inactive(self.row(), self.live(), names)
        if found and not test and self._refresh():
            found = settings.inactive(self.row(), self.live(), names)
        return found
