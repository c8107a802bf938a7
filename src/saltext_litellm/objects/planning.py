"""Plans all deployments of a run, by views of the gateway that have checked each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

from ..errors import Ambiguous, Refused
from ..models import fields, identity, notes, pools
from ..models.desired import Deployment
from ..models.endpoints import Models
from ..models.known import PAUSE, Known
from ..models.providers import Providers
from ..models.row import Row, is_fixed
from ..models.steps import Step, make_plan, needs_router, next_step
from ..models.versions import OLD
from ..values.fingerprints import Fingerprinter
from . import plan as plans
from .outcome import Options
from .plan import CREATE, UPDATE, Plan

Planned = list[tuple[Deployment, Plan]]

_LOOKS_FOR_OTHERS = 8  # how often to wait for another client to delete its row


class Planner:
    """Makes the plans of a run. The deployments all belong to one set or to no set.

    :param tentative: The ids of rows that the run makes while the database cannot be seen.
    :ivar first: The plan of each deployment before its first step, by its name.
    :ivar providers: What the gateway says of providers.
    :ivar unverified: By the name of a deployment: the note why its secrets were not verified.
    """

    def __init__(
        self,
        models: Models,
        known: Known,
        fingerprint: Fingerprinter,
        options: Options,
        tentative: Set[str],
    ) -> None:
        self._models, self._known, self._fingerprint = models, known, fingerprint
        self._options, self._tentative = options, tentative
        self.first: dict[str, Plan] = {}
        self.unverified: dict[str, str] = {}
        self.providers = Providers(models, known)
        self._verified: dict[str, int] = {}  # by id: after which read
        self._asked: frozenset[str] = frozenset()  # ids that others may not use
        self._reads: dict[str, int] = {}  # by a deployment's name: after which read it was planned

    def plan_all(self, wanted: Sequence[Deployment]) -> Planned:
        """The plans of all deployments.

        :raises Refused: With every mistake that is found before the first write.
        """
        planned = self._plan_after_others(wanted)
        prunes = self._options.prune and (self._known.blind or bool(self.orphans(planned)))
        if prunes or any(needs_router(plan) for _, plan in planned):
            reads = self._known.reads
            self._known.compare_views()
            if self._known.blind and (self._options.test or not planned):
                self._known.look_again()
            if self._known.reads != reads:
                planned = self._plan_each(wanted)
        self._refuse_all(planned, self.check)
        self.first = {one.name: plan for one, plan in planned}
        self._reads = dict.fromkeys(self.first, self._known.reads)
        return planned

    def plan_now(self, wanted: Deployment) -> Plan:
        """The plan before the first step, made anew if the gateway was read since."""
        if self._reads[wanted.name] == self._known.reads:
            return self.first[wanted.name]
        return self.plan_anew(wanted)

    def plan_anew(self, wanted: Deployment) -> Plan:
        """The plan of a deployment, because others have changed the gateway meanwhile."""
        reads = self._known.reads
        self.first[wanted.name] = plan = self.plan(wanted)
        self._reads[wanted.name] = reads
        return plan

    def plan(self, wanted: Deployment, adopted: Set[str] = frozenset()) -> Plan:
        """The plan of a deployment, by the rows as they are known now.

        :param adopted: The ids of rows that other deployments adopt.
        :raises Refused: Several rows fit, or there is no row to change.
        """

        def planned() -> Plan:
            return make_plan(
                wanted,
                self.rows(),
                self._fingerprint,
                taken=self._asked | adopted,
                tentative=self._tentative,
                blind=self._known.blind,
                partial=self._options.partial,
            )

        plan = planned()
        row, first = plan.row, self.first.get(wanted.name)
        if row is None or not self._options.verify_secrets:
            return plan
        made = first is not None and (first.row is None or first.row.model_id != row.model_id)
        if made or self._verified.get(row.model_id) == self._known.reads:
            return plan
        self._verify_secrets(wanted, row)
        return planned()

    def next_step(self, wanted: Deployment, plan: Plan) -> Step | None:
        """The next step of a plan, ``None`` if nothing is left to do."""
        can = OLD
        if plan.action == UPDATE:
            removing = any(
                path[0] == fields.PARAMS and not fields.is_cleared_by_null(path[:2])
                for path in plan.removed
            )
            can = self._known.capabilities(removing)
        return next_step(wanted, plan, can, self._fingerprint)

    def check(self, wanted: Deployment, plan: Plan) -> None:
        """Refuse what the gateway would save but not serve, and rows that are not ours.

        :raises Refused: It does not know the provider, or cannot block deployments; or the id is
            one of its config file.
        """
        if plan.action == CREATE and wanted.model_id is not None:
            self._known.refuse_config(wanted.model_id)
        if plan.action != CREATE and self._options.create_only:
            raise Refused(f"{wanted.name!r} is there already, as {plan.model_id}")
        self.providers.check(wanted, plan)
        if fields.BLOCKED in plan.touched and wanted.values[fields.BLOCKED]:
            self._known.require_blocking()

    def rows(self) -> identity.Rows:
        """The rows as they are known, with ``test`` as they would be by now."""
        return self._known.rows(forecast=self._options.test)

    def orphans(self, planned: Planned, used: Set[str | None] = frozenset()) -> list[Row]:
        """The rows that the set owns and does not declare.

        :param used: The ids of further rows that are in use.
        """
        if self._options.set is None:
            return []
        declared = {one.name for one, _ in planned}
        used = used | {plan.model_id for _, plan in planned}
        return [
            row
            for row in self.rows()
            if row.marker
            and row.marker.set == self._options.set
            and row.marker.name not in declared
            and row.model_id not in used
        ]

    def _plan_after_others(self, wanted: Sequence[Deployment]) -> Planned:
        """The plans of all deployments. If other clients are deleting rows, wait for them."""
        for _ in range(_LOOKS_FOR_OTHERS):
            try:
                return self._plan_each(wanted)
            except Ambiguous as err:
                if not err.temporary:
                    raise
                self._models.elsewhere(PAUSE)
                self._known.read_again()
        return self._plan_each(wanted)

    def _plan_each(self, wanted: Sequence[Deployment]) -> Planned:
        rows, name = self.rows(), self._options.set
        if name is not None:
            wanted = pools.matched(name, wanted, rows, self._fingerprint)
        planned: Planned = []
        mistakes: list[str] = []
        temporary = False
        self._asked = frozenset(one.model_id for one in wanted if one.model_id is not None)
        adopted: set[str] = set()
        for one in wanted:
            try:
                plan = self.plan(one, adopted)
                self.next_step(one, plan)
            except Refused as err:
                mistakes.append(self._with_name(one, err))
                temporary |= isinstance(err, Ambiguous) and err.temporary
            else:
                planned.append((one, plan))
                if plan.row is not None:
                    adopted.add(plan.row.model_id)  # no other deployment may adopt it
        if mistakes:
            raise Ambiguous(*mistakes, temporary=temporary)
        return planned

    def _verify_secrets(self, wanted: Deployment, row: Row) -> None:
        """Look at the secrets of a row as they are stored."""
        if is_fixed(row.model_id):
            self.unverified[wanted.name] = notes.FIXED_NOT_VERIFIED
            return
        seen = self._known.see_masks(row)
        if seen is None:
            self.unverified[wanted.name] = notes.NOT_ALLOWED_TO_VERIFY
            return
        self.unverified.pop(wanted.name, None)
        hidden = seen is row and not all(map(fields.is_readable, wanted.values))
        if hidden:
            self.unverified[wanted.name] = notes.MASKS_NOT_SHOWN
        if plans.nested_secrets(wanted, seen):
            if self._options.test:
                self.unverified[wanted.name] = notes.VERIFIED_IN_REAL_RUNS
            elif not self._known.capabilities().serves_while_patching:
                self.unverified[wanted.name] = notes.TOO_OLD_TO_VERIFY
            elif not self._known.look_inside(seen):
                self.unverified[wanted.name] = notes.UNSERVED_NOT_VERIFIED
        elif hidden:
            return  # LiteLLM may show them once the row is written
        self._verified[row.model_id] = self._known.reads

    def _refuse_all(self, planned: Planned, check: Callable[[Deployment, Plan], None]) -> None:
        mistakes = []
        for one, plan in planned:
            try:
                check(one, plan)
            except Refused as err:
                mistakes.append(self._with_name(one, err))
        if mistakes:
            raise Refused(*mistakes)

    def _with_name(self, wanted: Deployment, err: Refused) -> str:
        return str(err) if self._options.set is None else f"{wanted.name}: {err}"
