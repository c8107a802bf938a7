"""The budgets of one gateway. All reads and writes of budgets begin here.

A budget has no room for a marker, so nobody owns one: what is declared is set, and all else stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..keys.endpoints import KeyEndpoints
from ..keys.kind import TOKEN
from ..objects.declared import Declared
from ..objects.execute import Executor
from ..objects.operations import plain
from ..objects.outcome import Options, Outcome
from ..objects.row import Row, Rows
from ..objects.run import Run
from ..objects.store import Store
from ..values.quote import counted
from . import steps
from .endpoints import BudgetEndpoints
from .kind import BUDGET, ID, parse, refuse_members


class Budgets:
    """The budgets of a gateway, with what is known of them.

    :param keys: The endpoints of the keys, some of which may use a budget.
    :param foreseen_keys: How many more keys would use a budget with ``test``.
    """

    def __init__(
        self,
        endpoints: BudgetEndpoints,
        keys: KeyEndpoints,
        foreseen_keys: Callable[[str], int],
    ) -> None:
        self._endpoints, self._keys, self._foreseen_keys = endpoints, keys, foreseen_keys
        self.store: Store[Row] = Store(self._read, Rows, lambda: None)

    def _read(self, _: Rows[Row] | None) -> Rows[Row]:
        return Rows(row for row in map(parse, self._endpoints.list()) if row is not None)

    def apply(self, declared: Sequence[Declared], options: Options) -> list[Outcome]:
        """Make budgets as declared, or say what would be done.

        :raises Refused: With every mistake that is found before the first write.
        """
        operations = plain(
            self._executor(),
            plan=lambda one, _: steps.make_plan(one, self.store.rows(forecast=options.test)),
            next_step=steps.next_step,
        )
        run: Run[Any, Row] = Run(operations, options)
        return run.converge(declared)

    def _executor(self) -> Executor[Row]:
        return Executor(BUDGET, self._endpoints, self.store, lambda row: row in self.store.rows())

    def remove(self, declared: Declared, *, test: bool, any_owner: bool) -> Outcome:  # noqa: ARG002
        """Delete a budget.

        :raises Refused: Something uses it, or LiteLLM made it for the members of a team.
        """
        refuse_members(str(declared.id))
        row = self.store.rows(forecast=test).get(declared.id)
        why = None if row is None else self._why_kept(row, test)
        return self._executor().remove(declared.name, row, why, test=test)

    def _why_kept(self, row: Row, test: bool) -> str | None:
        """Why a budget must not be deleted: LiteLLM would leave its users without limits."""
        found = {
            "key": map(self._whole, self._keys.list()),
            "customer": self._endpoints.customers(),
        }
        counts = {what: sum(one.get(ID) == row.id for one in rows) for what, rows in found.items()}
        counts["key"] += self._foreseen_keys(row.id) if test else 0
        if not any(counts.values()):
            return None
        return (
            f"{counted(counts)} of the gateway would have no limits without the budget "
            f"{row.id}: give them another one first"
        )

    def _whole(self, key: Mapping[str, Any]) -> Mapping[str, Any]:
        """A key of a list, with its budget. 1.83.14 shows that only of a single key."""
        return key if ID in key else self._keys.info(key[TOKEN]) or {}

    def forget(self) -> None:
        """Read everything anew when it is next needed, because others may have changed it."""
        self.store.forget()
