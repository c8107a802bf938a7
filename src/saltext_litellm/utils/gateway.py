"""One gateway during one run: carries plans out, and knows what became of them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field, replace
from typing import Any

from . import identity
from . import plan as plans
from . import row as rows_
from .client import Client
from .deployment import BLOCKED, PROVIDER, Deployment
from .errors import GatewayError, InvalidInput, LiteLLMError, OutcomeUnknown, RowLost
from .known import SAVED, Known
from .plan import CREATE, NONE, UPDATE, Changes, Plan
from .row import Row
from .secrets import Fingerprinter

# Where in Salt's __context__ the states of one run share their gateways.
RUN = "litellm_model.run"

# From when on LiteLLM is known to fail a create that it cannot serve.
_VOUCHES_SINCE = (1, 106)


@dataclass(frozen=True)
class Outcome:
    """What was done, or would be.

    :param action: ``none``, ``create``, ``update`` or ``delete``.
    :param model_id: The row it was done to.
    :param changes: What changed, in the user's words.
    :param notes: What else there is to say, a sentence each.
    :param failure: Why the gateway is not as it should be all the same.
    """

    action: str
    model_id: str | None
    changes: Changes = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failure: str | None = None


class Gateway:
    """A gateway, what is known of it, and what can be done to it."""

    def __init__(self, client: Client, fingerprint: Fingerprinter) -> None:
        self.client = client
        self.known = Known(client, fingerprint.prepare)
        self._fingerprint = fingerprint
        self._providers: frozenset[str] | None = None
        self._can_block: bool | None = None
        self._vouches: bool | None = None

    # ---------------------------------------------------------------- questions

    def plan(self, deployment: Deployment, *, verify_secrets: bool = False) -> Outcome:
        """What :meth:`apply` would do. Only reads.

        :param verify_secrets: Also ask for the masks of secrets that the list leaves out.
        """
        plan = self._plan(deployment, verify_secrets=verify_secrets)
        row = self.known.unlisted(deployment.derived_id) if plan.action == CREATE else None
        if row is None:
            outcome = self._outcome(plan, deployment)
        else:
            plan = plans.update(deployment, row, self._fingerprint)
            outcome = self._outcome(plan, deployment)
            outcome = replace(outcome, notes=(*outcome.notes, "The gateway does not serve it yet"))
        self._check(deployment, plan)
        return outcome

    def plan_removal(self, deployment: Deployment) -> Outcome:
        """What :meth:`remove` would do. Only reads."""
        return self._removal(deployment, self.known.find(deployment))

    # ---------------------------------------------------------------- deeds

    def apply(
        self, deployment: Deployment, *, partial: bool = False, verify_secrets: bool = False
    ) -> Outcome:
        """Make a deployment as it is desired.

        :param partial: Leave alone what is not declared, and who owns it.
        :param verify_secrets: Also ask for the masks of secrets that the list leaves out.
        """
        plan = self._plan(deployment, partial=partial, verify_secrets=verify_secrets)
        while plan.action == UPDATE and self.known.consult_database(str(plan.model_id)):
            plan = self._plan(deployment, partial=partial, verify_secrets=verify_secrets)
        self._check(deployment, plan)
        return self.carry_out(deployment, plan)

    def create(self, deployment: Deployment) -> Outcome:
        """Create a deployment; refuse if it is there already."""
        plan = self._plan(deployment)
        if plan.action != CREATE:
            raise InvalidInput(f"{deployment.name!r} is there already, as {plan.model_id}")
        self._check(deployment, plan)
        return self._create(deployment, plan)

    def remove(self, deployment: Deployment) -> Outcome:
        """Delete the row of a deployment."""
        row = self.known.find(deployment)
        while row is not None and self.known.consult_database(row.model_id):
            row = self.known.find(deployment)
        outcome = self._removal(deployment, row)
        for one in (*self._replaced(deployment, row), row):
            if one is not None:
                self.delete(one.model_id)
        return outcome

    def block(self, row: Row, blocked: bool) -> None:
        """Pause a deployment, or resume it."""
        self._require_blocking()
        if not self.client.block(row.model_id, blocked):
            raise GatewayError(f"{row.model_id} is not in the gateway's database")
        self.known.remember(row)

    # ---------------------------------------------------------------- for whole sets

    def prepare(
        self,
        deployment: Deployment,
        *,
        taken: Set[str] = frozenset(),
        verify_secrets: bool = False,
    ) -> Plan:
        """The plan for one deployment of several, of which none is carried out yet.

        :param taken: The ids of rows that are those of others of them.
        :raises InvalidInput: It cannot be carried out.
        """
        plan = self._plan(deployment, taken=taken, verify_secrets=verify_secrets)
        self._check(deployment, plan)
        return plan

    def carry_out(self, deployment: Deployment, plan: Plan) -> Outcome:
        """Do what was planned."""
        if plan.action == CREATE:
            return self._create(deployment, plan)
        if plan.action == UPDATE:
            return self._update(deployment, plan)
        return self._outcome(plan, deployment)

    # ---------------------------------------------------------------- planning

    def _plan(
        self,
        deployment: Deployment,
        *,
        taken: Set[str] = frozenset(),
        partial: bool = False,
        verify_secrets: bool = False,
    ) -> Plan:
        row = self.known.find(deployment, taken)
        if row is not None:
            if verify_secrets:
                row = rows_.with_masks(row, self.client.masked_secrets(row.model_id))
            plan = plans.update(deployment, row, self._fingerprint, partial=partial)
            leftovers = identity.leftovers(row, deployment, self.known.rows(), taken)
            return plans.finish(plan, leftovers)
        if partial:
            raise InvalidInput(f"There is no deployment {deployment.name!r} to update")
        return plans.create(deployment, self._fingerprint, deployment.derived_id)

    def _outcome(self, plan: Plan, deployment: Deployment) -> Outcome:
        beside = identity.beside(deployment, self.known.rows())
        notes = (*plan.notes, beside) if beside else plan.notes
        return Outcome(plan.action, plan.model_id, plan.changes, notes)

    def _replaced(self, deployment: Deployment, row: Row | None) -> list[Row]:
        """What a row that is to go has replaced, unless it is that very row that was asked for."""
        if row is None or deployment.model_id is not None:
            return []
        return identity.leftovers(row, deployment, self.known.rows())

    def _removal(self, deployment: Deployment, row: Row | None) -> Outcome:
        plan = Plan(NONE) if row is None else plans.delete(row)
        plan = plans.finish(plan, self._replaced(deployment, row))
        # By its id it is gone; by its name there is one left, which cannot be removed.
        beside = None if deployment.model_id else identity.beside(deployment, self.known.rows())
        return Outcome(plan.action, plan.model_id, plan.changes, plan.notes, beside)

    def _check(self, deployment: Deployment, plan: Plan) -> None:
        """Refuse what the gateway would take and then not serve.

        :raises InvalidInput: It does not know the provider, or blocked deployments.
        """
        provider = deployment.values.get(PROVIDER)
        if PROVIDER in plan.touched and self._unknown_provider(provider):
            raise InvalidInput(f"The gateway's LiteLLM does not know the provider {provider!r}")
        if BLOCKED in plan.touched and deployment.values[BLOCKED]:
            self._require_blocking()

    def _unknown_provider(self, provider: Any) -> bool:
        if self._providers is None:
            self._providers = frozenset(self.client.providers())
        return bool(self._providers) and provider not in self._providers

    def _require_blocking(self) -> None:
        if self._can_block is None:
            recent = any(map(rows_.is_recent, self.known.rows())) or self._is_vouching()
            self._can_block = recent or self.client.can_block()
        if not self._can_block:
            raise InvalidInput("The gateway's LiteLLM is too old to block deployments")

    # ---------------------------------------------------------------- carrying out

    def _create(self, deployment: Deployment, plan: Plan) -> Outcome:
        model_id = str(plan.model_id)
        try:
            self.client.create(plan.body)
        except OutcomeUnknown as err:
            return self._settle(deployment, plan, err)
        self.known.remember(Row(model_id, deployment.model_name, True, plan.marker, {}))
        outcome = self._outcome(plan, deployment)
        if self._is_served(model_id) or deployment.values.get(BLOCKED):
            return outcome
        return replace(outcome, failure="The gateway does not serve it; its log says why")

    def _is_served(self, model_id: str) -> bool:
        """Whether a row that was just created is served.

        LiteLLM 1.106.2 answers a create only then with 200; 1.83.14 always does.
        """
        if self._is_vouching() or self.client.masked_secrets(model_id) is not None:
            return True
        # In 1.83.14 the poll of the database may drop a row that it was too early to see.
        return self.known.reload(model_id) and self.client.masked_secrets(model_id) is not None

    def _is_vouching(self) -> bool:
        if self._vouches is None:
            self._vouches = (self.client.version_tuple() or (0,)) >= _VOUCHES_SINCE
        return self._vouches

    def _settle(self, deployment: Deployment, plan: Plan, err: OutcomeUnknown) -> Outcome:
        """Find out what a create has come to that did not say so, and make the best of it.

        Its answer was lost; or LiteLLM has kept the row, but cannot serve it; or the id was
        there already, though not in the list that was planned by.
        """
        model_id = str(plan.model_id)
        row = self.known.unlisted(model_id)
        if row is not None and not rows_.is_recent(row):
            self.known.forget_all()  # see consult_database() for why not reload()
        elif self.known.reload(model_id):
            row = self.known.rows().get(model_id) or row
        else:
            raise err
        created = err.status is None or SAVED in str(err)
        if row is None and not created:
            # While it serves nothing at all, LiteLLM 1.106.2 does not look into its database
            # even for one id. So nothing is known of the row but that it is there.
            row = Row(model_id, deployment.model_name, True, None, {})
        outcome = self._outcome(plan if created else Plan(NONE, model_id), deployment)
        again = Plan(NONE) if row is None else plans.update(deployment, row, self._fingerprint)
        if again.action == UPDATE:
            outcome = self._update(deployment, again)
            self.known.forget_all()
        if outcome.failure is None and self.known.rows().get(model_id) is None:
            return replace(outcome, failure=f"The gateway does not serve it: {err}")
        return outcome

    def _update(self, deployment: Deployment, plan: Plan) -> Outcome:
        outcome = self._outcome(plan, deployment)
        if plan.uncertain or plan.moves_to:
            stored = self._read_as_stored(deployment, plan)
            if stored is not None:
                return self._replace(deployment, plan, stored, patched=False)
        if plan.body or plan.moves_to:
            answer, failure = self._write(deployment, plan)
            if failure:
                changes = plans.without(plan, plan.uncertain)
                return replace(outcome, changes=changes, failure=failure)
            if plan.moves_to or any(rows_.stored(answer, path) for path in plan.uncertain):
                return self._replace(deployment, plan, answer, patched=not plan.moves_to)
            if plan.uncertain and plan.marker:
                self.client.update(str(plan.model_id), rows_.marked(_row(plan), plan.marker))
        for leftover in plan.leftovers:
            self.delete(leftover.model_id)
        return outcome

    def _write(self, deployment: Deployment, plan: Plan) -> tuple[dict[str, Any], str | None]:
        """Send a PATCH. Returns the raw row, and why it is not served if it is not."""
        model_id, body = str(plan.model_id), {} if plan.moves_to else plan.body
        try:
            answer = self.client.update(model_id, body)
        except OutcomeUnknown as err:
            if SAVED not in str(err):
                raise
            self.known.forget(model_id)
            return {}, f"The gateway does not serve it: {err}"
        if answer is None:
            self.known.forget(model_id)
            raise GatewayError(f"{model_id} was deleted by somebody else meanwhile")
        if not plan.moves_to:
            row = replace(_row(plan), model_name=deployment.model_name, marker=plan.marker)
            self.known.remember(row)
        return answer, None

    def _read_as_stored(self, deployment: Deployment, plan: Plan) -> dict[str, Any] | None:
        """What is stored of a row, if a PATCH is better not sent to learn it.

        In 1.83.14 a PATCH clears nothing, and stops all rows being served for its time.
        """
        row = _row(plan)
        if rows_.is_recent(row):
            return None
        try:
            masks = self.client.masked_secrets(row.model_id)
            costs = self.client.cost_map()
            return rows_.as_stored(row, deployment, plan.removed, masks, costs)
        except InvalidInput:
            return None  # only the answer to a PATCH can tell

    def _replace(
        self, deployment: Deployment, plan: Plan, stored: dict[str, Any], *, patched: bool
    ) -> Outcome:
        """Put another row in a row's place, because LiteLLM cannot change it into that.

        :param stored: The row as it is stored.
        :param patched: Whether all has been done that can be done in place.
        """
        old = _row(plan)
        done = self._outcome(plan, deployment)
        try:
            new = plans.replacement(deployment, plan, stored, self._fingerprint)
            if new.model_id == old.model_id:
                self._recreate(deployment, plan, new, stored)
            else:
                self._create_served(deployment, new)
                self.delete(old.model_id)
            for leftover in plan.leftovers:
                self.delete(leftover.model_id)
        except RowLost as err:
            return replace(done, changes=plans.delete(old).changes, failure=str(err))
        except LiteLLMError as err:
            changes = plans.without(plan, plan.removed) if patched else {}
            return replace(done, changes=changes, failure=str(err))
        note = f"It was replaced by {new.model_id}, as LiteLLM keeps a key once it is set"
        if plan.moves_to:
            note = "It was replaced, as LiteLLM cannot change an id"
        elif new.model_id == old.model_id:
            note = "It was deleted and created again, as LiteLLM keeps a key once it is set"
        return replace(done, model_id=new.model_id, notes=(*done.notes, note))

    def _create_served(self, deployment: Deployment, new: Plan) -> None:
        """Create a row; if it is not served, take it back and fail."""
        outcome = self._create(deployment, new)
        if outcome.failure:
            self.delete(str(new.model_id))
            raise GatewayError(outcome.failure)

    def _recreate(
        self, deployment: Deployment, plan: Plan, new: Plan, answer: dict[str, Any]
    ) -> None:
        """Delete a row and create it anew under its id; if that fails, put back what was there."""
        model_id = str(new.model_id)
        before = plans.restoration(deployment, plan, answer)
        self.delete(model_id)
        try:
            self._create_served(deployment, new)
        except LiteLLMError as err:
            try:
                self.client.create(before)
            except GatewayError:
                if self.client.row(model_id) is None:
                    raise RowLost(
                        f"{model_id} was deleted to be created anew, but neither that nor putting "
                        f"it back has succeeded; apply again: {err}"
                    ) from None
            raise GatewayError(f"Nothing was removed, {model_id} was put back: {err}") from None

    def delete(self, model_id: str) -> None:
        """Delete a row."""
        try:
            self.client.delete(model_id)
        except OutcomeUnknown:
            if self.client.row(model_id) is not None:
                raise
        self.known.forget(model_id)


def _row(plan: Plan) -> Row:
    """The row of a plan that has one."""
    if plan.row is None:
        raise ValueError("a plan without a row")
    return plan.row
