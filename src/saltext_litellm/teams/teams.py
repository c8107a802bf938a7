"""The teams of one gateway. All reads and writes of teams begin here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace
from typing import Any

from ..budgets.endpoints import BudgetEndpoints
from ..errors import GatewayError
from ..models.deployments import Deployments
from ..objects.declared import Declared
from ..objects.execute import Answer, ChangedByOthers, Executor, insist, refuse_ignored
from ..objects.identity import is_owned
from ..objects.operations import plain
from ..objects.outcome import Options, Outcome
from ..objects.patch import METADATA, PERMISSION
from ..objects.plan import CREATE, Plan
from ..objects.row import Row, Rows, refuse_other_gateway
from ..objects.run import Run
from ..objects.store import Store
from ..values.fingerprints import Fingerprinter
from ..values.paths import Path
from ..values.quote import counted, joined
from . import steps
from .endpoints import TeamEndpoints
from .kind import ALIAS, ALIASES, ID, MEMBER_BUDGET, MODELS, POINTER, TEAM, parse

_MOST = 5  # teams that a sentence names
# What a page of the list does not show, or not with each version of LiteLLM.
_ELSEWHERE = frozenset({ALIASES, PERMISSION, *MEMBER_BUDGET})


class Teams:
    """The teams of a gateway, with what is known of them.

    :param budgets: The budgets of the gateway, among which are those of the teams' members.
    :param deployments: The models of the gateway, some of which may belong to a team.
    :param foreseen_keys: How many more keys a team would have with ``test``.
    :param names: The name that the gateway must have, and its former names. Empty for any name.
    """

    def __init__(
        self,
        endpoints: TeamEndpoints,
        budgets: BudgetEndpoints,
        deployments: Deployments,
        foreseen_keys: Callable[[str], int],
        fingerprint: Fingerprinter,
        names: tuple[str, ...] = (),
    ) -> None:
        self._endpoints, self._budgets, self._deployments = endpoints, budgets, deployments
        self._foreseen_keys = foreseen_keys
        self._fingerprint, self._names = fingerprint, names
        self._wanted: frozenset[str] = frozenset()
        self.store: Store[Row] = Store(self._read, Rows, fingerprint.prepare)

    def _read(self, _: Rows[Row] | None) -> Rows[Row]:
        rows = [row for row in map(parse, self._endpoints.list()) if row is not None]
        refuse_other_gateway(rows, self._names, self._endpoints.url)
        return Rows(self._completed(rows))

    def _completed(self, rows: Sequence[Row]) -> Iterable[Row]:
        """The rows, with what is declared now or was before, and that a page does not show."""
        keys = (path for row in rows if row.marker for path in row.marker.keys)
        wanted, more = self._wanted | _elsewhere(keys), dict[str, dict[str, Any]]()
        pointers = {row.id: row.data[METADATA].get(POINTER) for row in rows}
        if wanted & MEMBER_BUDGET.keys() and any(pointers.values()):
            budgets = {one.get("budget_id"): one for one in self._budgets.list()}
            for row_id, pointer in pointers.items():
                budget = budgets.get(pointer) or {}
                more[row_id] = {key: budget.get(column) for key, column in MEMBER_BUDGET.items()}
        if ALIASES in wanted and any(ALIASES not in row.data for row in rows):
            for row_id, aliases in self._endpoints.aliases().items():
                more[row_id] = {**more.get(row_id, {}), ALIASES: aliases}
        for row in rows if PERMISSION in wanted else ():
            if row.data.get("object_permission_id") and not row.data.get(PERMISSION):
                more[row.id] = self._endpoints.info(row.id) or {}
        for row in rows:
            yield (parse({**row.data, **more[row.id]}) or row) if row.id in more else row

    def apply(self, declared: Sequence[Declared], options: Options) -> list[Outcome]:
        """Make teams as declared, or say what would be done.

        :returns: The outcome of each, and of each row that was pruned.
        :raises Refused: With every mistake that is found before the first write.
        """
        self._want(_elsewhere(path for one in declared for path in one.values))

        def plan(one: Declared, taken: Set[str]) -> Plan[Row]:
            rows = self.store.rows(forecast=options.test)
            return steps.make_plan(one, rows, self._fingerprint, taken)

        def do(step: steps.Step, one: Declared, planned: Plan[Row], sent: Answer | None) -> None:
            if planned.row is not None and planned.row.marker is None:
                self._look_again(planned.row)  # another client may have adopted it just now
            if executor.do(step, sent):
                left = plan(one, frozenset())
                refuse_ignored(TEAM, steps.written(step, planned) & (left.touched | left.removed))

        executor = self._executor()
        operations = plain(
            executor,
            plan=plan,
            next_step=steps.next_step,
            may_overlap=lambda planned: planned.row is None or planned.row.marker is not None,
            see_again=self._see_again,
            why_kept=lambda row: self._why_kept(row, options.test),
            notes=lambda one, planned, _: _notes(one, planned, self.store.rows(options.test)),
        )
        name = self._names[0] if self._names else None
        run: Run[Any, Row] = Run(replace(operations, do=do), options)
        return run.converge([replace(one, gateway=name) for one in declared])

    def complete(self) -> Rows[Row]:
        """Every row, also with what pages do not show."""
        self._want(_ELSEWHERE)
        return self.store.rows()

    def _want(self, wanted: frozenset[str]) -> None:
        """Complete the rows if more of them must be seen than before."""
        new = wanted - self._wanted
        self._wanted |= new
        if new and (rows := self.store.last_read) is not None:
            self.store.replace(Rows(self._completed(list(rows))))

    def _look_again(self, row: Row) -> None:
        found = self._endpoints.info(row.id)
        now = None if found is None else parse({**row.data, **found})
        if now is None or now.marker != row.marker:
            self.store.read_again()
            raise ChangedByOthers

    def _see_again(self, rows: Sequence[Row]) -> None:
        """List again. What is not listed any more counts as gone only if LiteLLM says so itself."""
        self.store.read_again()
        for row in rows:
            if row.id not in self.store.rows() and self._endpoints.info(row.id) is not None:
                raise GatewayError(f"The gateway's list of teams lacks {row.id}, which is there")

    def _executor(self) -> Executor[Row]:
        return Executor(TEAM, self._endpoints, self.store, self._exists)

    def _exists(self, team_id: str) -> bool:
        """Whether there is a team, by the list that was read just now."""
        return team_id in self.store.rows()

    def _why_kept(self, row: Row, test: bool) -> str | None:
        """Why a team must not be deleted: LiteLLM (1.83.14 to 1.110.2) deletes its keys with it.

        From 1.106 on, it also deletes the models that belong to it.
        """
        count = self._endpoints.count_keys(row.id) + (self._foreseen_keys(row.id) if test else 0)
        deployments = self._deployments.store.rows(forecast=test)
        models = [one.id for one in deployments if one.team == row.id]
        if not count and not models:
            return None
        found = {"model": len(models), "key": count}
        return (
            f"LiteLLM would delete {counted(found)} with the team {row.id}: delete them "
            "first, or move them to another team"
        )

    def remove(self, declared: Declared, *, test: bool, any_owner: bool) -> Outcome:
        """Delete a team.

        :param any_owner: Also one that another state owns.
        :raises Refused: Keys belong to it, several have the name, or it is somebody else's.
        """
        return insist(lambda: self._remove(declared, test, any_owner))

    def _remove(self, declared: Declared, test: bool, any_owner: bool) -> Outcome:
        """Delete a team if it is still as it was when it was listed.

        :raises ChangedByOthers: It is not.
        """
        rows = self.store.rows(forecast=test)
        row = self.find(declared.id or declared.name, test=test) if any_owner else None
        row = row or steps.find(declared, rows)
        if row is not None and not test:
            self._look_again(row)
        why = None if row is None else self._why_kept(row, test)
        return self._executor().remove(declared.name, row, why, test=test)

    def find(self, alias_or_id: str, *, test: bool, label: str = ID) -> Row | None:
        """The team of an id or an alias, ``None`` if there is none. One that this run makes counts.

        :param label: The argument that says which one is meant.
        :raises Ambiguous: Several have the alias.
        """
        rows = self.store.rows(forecast=test)
        named = [row for row in rows if row.data.get(ALIAS) == alias_or_id]
        if (row := rows.get(alias_or_id)) is not None or not named:
            return row
        return steps.only(named, alias_or_id, label)

    def forget(self) -> None:
        """Read everything anew when it is next needed, because others may have changed it."""
        self.store.forget()


def _elsewhere(paths: Iterable[Path]) -> frozenset[str]:
    """The values at some places that a page of the list does not show."""
    return _ELSEWHERE & {key for path in paths for key in path[:2]}


def _notes(one: Declared, plan: Plan[Row], rows: Rows[Row]) -> Iterable[str]:
    """What the changes do not show."""
    if (MODELS,) in plan.removed:
        yield "Without models, LiteLLM lets a team use all of them"
    former = [row.id for row in rows.owned_by(*one.owner) if row.id != plan.id]
    if former:
        yield (
            f"Left alone, though it has the marker of {one.name}, which had no or another team_id: "
            f"{joined(former, _MOST)}"
        )
    if plan.action == CREATE:
        yield from _namesakes(one, rows)


def _namesakes(one: Declared, rows: Rows[Row]) -> Iterable[str]:
    """A note on other teams with the alias of a new one: the former one of a renamed state?"""
    alias = one.values[(ALIAS,)]
    others = [row for row in rows if row.data.get(ALIAS) == alias and not is_owned(row, one)]
    owned = [(row.id, row.marker) for row in others if row.marker is not None]
    if not owned:
        return
    named = joined([f"{row_id} of {marker.owner!r}" for row_id, marker in owned], _MOST)
    yield (
        f"{named} {'has' if len(owned) == 1 else 'have'} the same team_alias, so keys must name "
        "this team by its id"
    )
    states = [marker.name for _, marker in owned if marker.set is None]
    if len(states) == 1 and one.set is None:
        yield f"If {states[0]!r} is how this state was named before, declare `name: {states[0]}`"
