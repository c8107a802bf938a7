"""Keeps the plan of each object of a run, and makes it anew when the gateway was read again."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any, Generic

from ..errors import Ambiguous, Refused
from .operations import D, Operations, Planned
from .outcome import Options
from .plan import CREATE, Plan
from .row import R

PAUSE = 0.3  # seconds between two looks
_LOOKS_FOR_OTHERS = 8  # how often to wait for another client to delete its row


class Planner(Generic[D, R]):
    """Makes the plans of a run. The objects all belong to one set or to no set.

    :ivar first: The plan of each object before its first step, by its name.
    """

    def __init__(self, operations: Operations[D, R], options: Options) -> None:
        self._operations, self._options = operations, options
        self._store = operations.store
        self.first: dict[str, Plan[R]] = {}
        self._asked: frozenset[str] = frozenset()  # ids that others may not use
        self._reads: dict[str, int] = {}  # by an object's name: after which read it was planned
        self._steps: dict[str, tuple[Plan[R], Any]] = {}  # by name: a plan, and its next step

    def plan_all(self, declared: Sequence[D]) -> Planned[D, R]:
        """The plans of all objects.

        :raises Refused: With every mistake that is found before the first write.
        """
        planned = self._plan_after_others(declared)
        reads = self._store.reads
        prunes = self._options.prune and bool(self.orphans(planned))
        self._operations.look_closer([plan for _, plan in planned], prunes)
        if self._store.reads != reads:
            planned = self._plan_each(declared)
        self._refuse_all(planned)
        self.first = {one.name: plan for one, plan in planned}
        self._reads = dict.fromkeys(self.first, self._store.reads)
        return planned

    def plan_now(self, declared: D) -> Plan[R]:
        """The plan before the first step, made anew if the gateway was read since."""
        if self._reads[declared.name] == self._store.reads:
            return self.first[declared.name]
        return self.plan_anew(declared)

    def plan_anew(self, declared: D) -> Plan[R]:
        """The plan of an object, because others have changed the gateway meanwhile."""
        reads = self._store.reads
        self.first[declared.name] = plan = self.plan(declared)
        self._reads[declared.name] = reads
        return plan

    def plan(self, declared: D, adopted: Set[str] = frozenset()) -> Plan[R]:
        """The plan of an object, by the rows as they are known now.

        :param adopted: The ids of rows that other objects adopt.
        :raises Refused: Several rows fit, or there is no row to change.
        """
        return self._operations.plan(declared, self._asked | adopted)

    def next_step(self, declared: D, plan: Plan[R]) -> Any:
        """The next step of a plan, made once: a mistake in it must be known before the first write.

        :raises Refused: It would lose something that somebody else has set.
        """
        kept = self._steps.get(declared.name)
        if kept is None or kept[0] is not plan:
            kept = plan, self._operations.next_step(declared, plan)
            self._steps[declared.name] = kept
        return kept[1]

    def check(self, declared: D, plan: Plan[R]) -> None:
        """Refuse what must not be written.

        :raises Refused: It is there already, or the kind says why.
        """
        if plan.action != CREATE and self._options.create_only:
            raise Refused(f"{declared.name!r} is there already, as {plan.id}")
        self._operations.check(declared, plan)

    def orphans(self, planned: Planned[D, R], used: Set[str | None] = frozenset()) -> list[R]:
        """The rows that the set owns and does not declare.

        :param used: The ids of further rows that are in use.
        """
        if self._options.set is None:
            return []
        declared = {one.name for one, _ in planned}
        used = used | {plan.id for _, plan in planned}
        return [
            row
            for row in self._store.rows(forecast=self._options.test)
            if row.marker
            and row.marker.set == self._options.set
            and row.marker.name not in declared
            and row.id not in used
        ]

    def _plan_after_others(self, declared: Sequence[D]) -> Planned[D, R]:
        """The plans of all objects. If other clients are deleting rows, wait for them."""
        for _ in range(_LOOKS_FOR_OTHERS):
            try:
                return self._plan_each(declared)
            except Ambiguous as err:
                if not err.temporary:
                    raise
                self._operations.endpoints.elsewhere(PAUSE)
                self._store.read_again()
        return self._plan_each(declared)

    def _plan_each(self, declared: Sequence[D]) -> Planned[D, R]:
        planned: Planned[D, R] = []
        mistakes: list[str] = []
        temporary = False
        declared = self._operations.match(declared)
        self._asked = frozenset(one.id for one in declared if one.id is not None)
        adopted: set[str] = set()
        for one in declared:
            try:
                plan = self.plan(one, adopted)
                self.next_step(one, plan)
            except Refused as err:
                mistakes.append(self._with_name(one, err))
                temporary |= isinstance(err, Ambiguous) and err.temporary
            else:
                planned.append((one, plan))
                if plan.row is not None:
                    adopted.add(plan.row.id)  # no other object may adopt it
        if mistakes:
            raise Ambiguous(*mistakes, temporary=temporary)
        return planned

    def _refuse_all(self, planned: Planned[D, R]) -> None:
        mistakes = []
        for one, plan in planned:
            try:
                self.check(one, plan)
            except Refused as err:
                mistakes.append(self._with_name(one, err))
        if mistakes:
            raise Refused(*mistakes)

    def _with_name(self, declared: D, err: Refused) -> str:
        return str(err) if self._options.set is None else f"{declared.name}: {err}"
