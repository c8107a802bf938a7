"""The virtual keys of one gateway. All reads and writes of keys begin here."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace
from typing import Any

from ..errors import GatewayError, Refused
from ..objects.execute import Answer, ChangedByOthers, Executor, insist, refuse_ignored
from ..objects.operations import plain
from ..objects.outcome import Options, Outcome
from ..objects.plan import Plan
from ..objects.row import Row, Rows, refuse_other_gateway
from ..objects.run import Run
from ..objects.steps import Create, Delete, Update
from ..objects.store import Store
from ..values.checks import Mistakes
from ..values.fingerprints import Fingerprinter
from ..values.paths import Path
from ..values.quote import joined
from . import steps
from .endpoints import KeyEndpoints
from .kind import BUDGET, KEY, MODELS, NEWER, PERIOD, TEAM, KeyDeclared, KeyRow, parse

_BYTES = 32  # of a new key


class Keys:
    """The keys of a gateway, with what is known of them.

    One state reads only the keys that have its alias, and a run with more states reads all.

    :param team: The team of an id or an alias, or what it would be with ``test``.
    :param has_budget: Whether the gateway has a budget, or would have it with ``test``.
    :param names: The name that the gateway must have, and its former names. Empty for any name.
    """

    def __init__(
        self,
        endpoints: KeyEndpoints,
        team: Callable[[str, bool], Row | None],
        has_budget: Callable[[str, bool], bool],
        fingerprint: Fingerprinter,
        names: tuple[str, ...] = (),
    ) -> None:
        self._endpoints, self._team, self._has_budget = endpoints, team, has_budget
        self._fingerprint, self._names = fingerprint, names
        self._alias: str | None = None  # the only one that is read; None for all
        self._login: str | None = None  # the alias of the key that the profile logs in with
        self._foreseen_keys: dict[str, str] = {}  # by place: stand for what a run would make
        self._looked_for: dict[str, KeyDeclared] = {}  # by alias: what must be seen in each read
        self.store: Store[KeyRow] = Store(self._read, Rows, fingerprint.prepare)

    # ---------------------------------------------------------------- reads

    def _read(self, _: Rows[KeyRow] | None) -> Rows[KeyRow]:
        found = [row for row in map(parse, self._endpoints.list(self._alias)) if row is not None]
        refuse_other_gateway(found, self._names, self._endpoints.url)
        times, login = Counter(row.id for row in found), self._endpoints.login
        self._login = next((row.id for row in found if row.token == login), None)
        others = [row for row in found if row.token != login]
        rows = Rows(replace(row, has_twin=times[row.id] > 1) for row in others)
        for one in self._looked_for.values():
            self._look_for(one, rows, rows.add)
        return rows

    def find(self, alias: str) -> KeyRow | None:
        """The key of an alias."""
        self._want([alias])
        return self.store.rows().get(alias)

    def all(self) -> Rows[KeyRow]:
        """Every key, but the one that the profile logs in with."""
        self._want([])
        return self.store.rows()

    def foreseen(self, path: Path, value: str) -> int:
        """How many more keys would have a value, by what was only predicted in this run.

        1.83.14 does not list the budgets of keys, so this counts only those that were looked up.
        """
        return self.store.foreseen(lambda row: row.get(path) == value)

    def _want(self, aliases: Sequence[str]) -> None:
        """Read all keys, unless only one is wanted and nothing was read yet."""
        if self.store.last_read is None:
            self._alias = aliases[0] if len(aliases) == 1 else None
        elif self._alias is not None and [self._alias] != aliases:
            self._alias = None
            self.store.forget()

    def _look_for(
        self, one: KeyDeclared, rows: Rows[KeyRow], put: Callable[[KeyRow], None]
    ) -> None:
        """Read what the list does not show: a key under another alias, and the id of its budget."""
        token, row = one.token, rows.get(one.alias)
        if self._alias is not None and token and all(row.token != token for row in rows):
            self._complete(None, token, put)
        managed = row.marker.keys if row is not None and row.marker is not None else ()
        other = row is not None and (token or one.place) and row.token != token
        matters = BUDGET in one.values or BUDGET in managed or other
        if row is not None and matters and BUDGET[0] not in row.data:  # 1.83.14 does not list it
            self._complete(row, row.token, put)

    def _complete(self, before: KeyRow | None, token: str, put: Callable[[KeyRow], None]) -> None:
        found = self._endpoints.info(token)
        row = None if found is None else parse({**(before.data if before else {}), **found})
        if row is not None:
            put(replace(row, has_twin=before is not None and before.has_twin))

    # ---------------------------------------------------------------- writes

    def apply(self, declared: Sequence[KeyDeclared], options: Options) -> list[Outcome]:
        """Make keys as declared, or say what would be done.

        :returns: The outcome of each, and of each row that was pruned.
        :raises Refused: With every mistake that is found before the first write.
        """
        _refuse_twice(declared)
        self._want([one.alias for one in declared] if options.set is None else [])
        rows = self.store.rows(forecast=options.test)
        for one in declared:
            self._refuse_login(one.alias, one.token)
            self._look_for(one, self.store.rows(), self.store.put)
            self._looked_for[one.alias] = one
        lacking = {one.alias for one in declared if one.key is None}
        made = self._foreseen_keys if options.test else {}  # the new keys, by their places
        executor = self._executor()

        def now(one: KeyDeclared) -> KeyDeclared:
            return one if one.key is not None else replace(one, key=made.get(str(one.place)))

        def plan(one: KeyDeclared, _: Set[str]) -> Plan[KeyRow]:
            rows = self.store.rows(forecast=options.test)
            return steps.make_plan(now(one), rows, self._fingerprint)

        def with_key(step: steps.Step, one: KeyDeclared, new: Callable[[KeyDeclared], str]) -> Any:
            if not isinstance(step, Create) or "key" in step.body:
                return step
            made[str(one.place)] = key = new(one)
            return replace(step, body={**step.body, "key": key})

        def do(
            step: steps.Step, one: KeyDeclared, first: Plan[KeyRow], sent: Answer | None
        ) -> None:
            self._look_again(step)
            if executor.do(with_key(step, one, _kept), sent):
                left = plan(one, frozenset())
                kept = {path for path in first.removed if _is_kept(left.row, path)}
                refuse_ignored(KEY, kept | (first.touched & left.touched))

        def foresee(step: steps.Step, one: KeyDeclared, _: Plan[KeyRow]) -> None:
            executor.foresee(with_key(step, one, lambda one: f"a new key for {one.place}"))

        operations = plain(
            executor,
            plan=plan,
            next_step=lambda one, planned: steps.next_step(now(one), planned),
            check=lambda _, planned: self._check(planned, options.test),
            may_overlap=lambda planned: _may_overlap(planned, lacking),
            see_again=self._see_again,
            notes=lambda one, planned, _: _notes(one, planned, self.store.rows(options.test)),
        )
        run: Run[Any, KeyRow] = Run(replace(operations, do=do, foresee=foresee), options)
        name = self._names[0] if self._names else None
        mistakes, mine = Mistakes(), list[KeyDeclared]()
        for one in declared:
            with mistakes.noted(f"{one.name}: " if one.set else ""):
                mine.append(replace(self._in_team(one, rows, options.test), gateway=name))
        mistakes.refuse()
        return [self._unless_expired(one, options.test) for one in run.converge(mine)]

    def _in_team(self, one: KeyDeclared, rows: Rows[KeyRow], test: bool) -> KeyDeclared:
        """A key with the id of its team, which may be declared by its alias."""
        team, row = one.values.get(TEAM), rows.get(one.alias)
        if team is None or (row is not None and row.data.get(TEAM[0]) == team):
            return one
        found = self._team(team, test)
        if found is None:
            raise Refused(f"there is no team {team!r} on the gateway")
        return replace(one, values={**one.values, TEAM: found.id})

    def _check(self, planned: Plan[KeyRow], test: bool) -> None:
        """Refuse what LiteLLM would do, or answer with an error that says nothing."""
        if PERIOD in planned.removed and planned.row and NEWER not in planned.row.data:
            raise Refused(
                f"The gateway's LiteLLM is too old to clear {PERIOD[0]}: declare another one, or "
                "rotate the key"
            )
        if BUDGET in planned.touched:
            budget = planned.changes[BUDGET[0]]["new"]
            if not self._has_budget(budget, test):
                raise Refused(f"There is no budget {budget!r} on the gateway")

    def _refuse_login(self, alias: str, token: str | None = None) -> None:
        if self._endpoints.login == token or (self._login is not None and self._login == alias):
            raise Refused(f"{alias} is the key that the profile logs in with: it is left alone")

    def _look_again(self, step: steps.Step) -> None:
        """Look once more at a key that is to be adopted or deleted: others may be faster."""
        if isinstance(step, Create) or (isinstance(step, Update) and _is_ours(step.row)):
            return
        found = self._endpoints.info(step.row.token)
        now = None if found is None else parse(found)
        if now is None or (now.id, now.marker) != (step.row.id, step.row.marker):
            self.store.read_again()
            raise ChangedByOthers

    def _see_again(self, rows: Sequence[KeyRow]) -> None:
        """List again. What is not listed any more counts as gone only if LiteLLM says so itself."""
        self.store.read_again()
        tokens = {row.token for row in self.store.rows()}
        for row in rows:
            if row.token not in tokens and self._endpoints.info(row.token) is not None:
                raise GatewayError(f"The gateway's list of keys lacks {row.id}, which is there")

    def _unless_expired(self, outcome: Outcome, test: bool) -> Outcome:
        """The outcome, which is a failure if LiteLLM refuses the key by now."""
        row = self.store.rows(forecast=test).get(outcome.id)
        expired = row.expired() if row is not None and outcome.declared else None
        if expired is None or outcome.failure is not None:
            return outcome
        why = (
            f"It has expired, on {expired}, so LiteLLM refuses it: declare another duration, which "
            "counts from then on, or rotate it"
        )
        return replace(outcome, failure=why)

    def _executor(self) -> Executor[KeyRow]:
        return Executor(KEY, self._endpoints, self.store, lambda alias: alias in self.store.rows())

    def remove(self, declared: KeyDeclared, *, test: bool, any_owner: bool) -> Outcome:
        """Delete a key, and the one that is about to take its place.

        :param any_owner: Also one that another state owns.
        :raises Refused: It belongs to somebody else, or the profile logs in with it.
        """
        self._want([declared.alias])
        return insist(lambda: self._remove(declared, test, any_owner))

    def _remove(self, declared: KeyDeclared, test: bool, any_owner: bool) -> Outcome:
        """Delete a key if it is still as it was when it was listed.

        :raises ChangedByOthers: It is not.
        """
        rows, executor = self.store.rows(forecast=test), self._executor()
        self._refuse_login(declared.alias)
        new = steps.successor(declared, rows)
        row = rows.get(declared.alias) if any_owner else steps.own_row(declared, rows)
        for one in (new, row):
            if one is not None and not test:
                self._look_again(Delete(one))
            elif one is not None and BUDGET[0] not in one.data:  # see `foreseen`
                self._complete(one, one.token, self.store.put)
        if new is not None and row is not None:
            executor.remove(declared.name, new, None, test=test)
        return executor.remove(declared.name, row or new, None, test=test)

    def set_blocked(self, alias: str, blocked: bool) -> None:
        """Let LiteLLM refuse a key, or take it again.

        :raises Refused: There is none, or the profile logs in with it.
        """
        row = self.find(alias)
        self._refuse_login(alias)
        if row is None:
            raise Refused(f"There is no key {alias!r} on the gateway")
        self._executor().do(Update(row, {"blocked": blocked}), None)

    def forget(self) -> None:
        """Read everything anew when it is next needed, because others may have changed it."""
        self.store.forget()


def _is_kept(row: KeyRow | None, path: Path) -> bool:
    return row is not None and KEY.fields.is_set(path, row.get(path))


def _kept(one: KeyDeclared) -> str:
    """A new key, which is put where it is declared before the gateway has it."""
    assert one.keep is not None and one.place is not None  # noqa: S101, PT018 - refused before
    return one.keep(one.place, f"sk-{secrets.token_urlsafe(_BYTES)}")


def _may_overlap(plan: Plan[KeyRow], lacking: Set[str]) -> bool:
    """Whether the first write of a plan is one request for a key that is known.

    :param lacking: The aliases of keys that are still to be made.
    """
    is_first = plan.row is None and plan.id not in lacking
    return is_first or (_is_ours(plan.row) and steps.CHANGED not in plan.changes)


def _is_ours(row: KeyRow | None) -> bool:
    return row is not None and row.marker is not None


def _refuse_twice(declared: Sequence[KeyDeclared]) -> None:
    """Refuse one key for two objects: LiteLLM would answer the second create with 200."""
    for told in (Counter(one.place for one in declared), Counter(one.token for one in declared)):
        twice = [value for value, times in told.items() if value is not None and times > 1]
        names = [one.name for one in declared if {one.place, one.token} & {*twice}]
        if names:
            raise Refused(f"{' and '.join(names)} have the same key, but a key has one key_alias")


def _notes(one: KeyDeclared, plan: Plan[KeyRow], rows: Rows[KeyRow]) -> Iterable[str]:
    """What the changes do not show."""
    if (MODELS,) in plan.removed:
        yield "Without models, LiteLLM lets a key use all of them, or all of its team"
    used = {plan.id, plan.row and plan.row.id, one.alias, steps.second_alias(one.alias)}
    marked = [row.id for row in rows.owned_by(*one.owner) if row.id not in used]
    if marked:
        yield (
            f"Left alone, though it has the marker of {one.name}, as a copy or because somebody "
            f"has renamed it: {joined(marked)}"
        )
