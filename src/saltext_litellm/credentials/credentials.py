"""The credentials of one gateway. All reads and writes of credentials begin here."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace

from ..errors import GatewayError, NotInDatabase, Refused
from ..models.deployments import Deployments
from ..models.versions import Capabilities
from ..objects.declared import Declared
from ..objects.execute import Executor
from ..objects.operations import plain
from ..objects.outcome import Options, Outcome
from ..objects.plan import NONE, UPDATE, Plan
from ..objects.planning import PAUSE
from ..objects.row import Row, Rows, refuse_other_gateway
from ..objects.run import Run
from ..objects.store import Store
from ..values.fingerprints import Fingerprinter
from ..values.quote import joined
from . import steps
from .endpoints import CredentialEndpoints
from .kind import CREDENTIAL, LABEL, parse

_LOOKS = 4  # how often to look for a credential that the database has
_NOT_REFRESHED = "LiteLLM may not have shown what was changed in the last half minute"


class Credentials:
    """The credentials of a gateway, with what is known of them.

    :param deployments: The models of the gateway, which may name them.
    :param names: The name that the gateway must have, and its former names. Empty for any name.
    """

    def __init__(
        self,
        endpoints: CredentialEndpoints,
        deployments: Deployments,
        fingerprint: Fingerprinter,
        names: tuple[str, ...] = (),
    ) -> None:
        self._endpoints, self._deployments = endpoints, deployments
        self._fingerprint, self._names = fingerprint, names
        self.store: Store[Row] = Store(self._read, Rows, fingerprint.prepare)

    def _read(self, _: Rows[Row] | None) -> Rows[Row]:
        """What this worker has in its memory, which may be up to 30 s old."""
        rows = [row for row in map(parse, self._endpoints.list()) if row is not None]
        refuse_other_gateway(rows, self._names, self._endpoints.url)
        return Rows(rows)

    def _refresh(self) -> bool:
        """Let this worker read its database. Returns whether that was possible.

        An empty PATCH of a model does that; no request for a credential does.
        """
        if not (self._is_recent() and self._deployments.reload_worker()):
            return False
        self.store.read_again()
        return True

    def _see_again(self, rows: Sequence[Row]) -> None:
        """List again. What is not listed any more counts as gone only if the database says so."""
        self.store.read_again()
        for row in rows:
            if row.id not in self.store.rows():
                self._exists(row.id)

    def _exists(self, name: str) -> bool:
        """Whether the database has a credential, by an update that changes nothing.

        :raises GatewayError: It has, and what it has cannot be seen.
        """
        for _ in range(_LOOKS):
            try:
                self._endpoints.update(name, {})
            except NotInDatabase:
                self.store.drop(name)
                return False
            refreshed = self._refresh()
            if name in self.store.rows():
                return True
            if not refreshed:
                break
            self._endpoints.elsewhere(PAUSE)  # a balancer has led us to another worker
        raise GatewayError(
            f"The gateway has the credential {name}, and shows only after half a minute what is in "
            "it"
        )

    def apply(self, declared: Sequence[Declared], options: Options) -> list[Outcome]:
        """Make credentials as declared, or say what would be done.

        :returns: The outcome of each, and of each row that was pruned.
        :raises Refused: With every mistake that is found before the first write.
        """

        def plan(one: Declared, _: Set[str]) -> Plan[Row]:
            rows = self.store.rows(forecast=options.test)
            return steps.make_plan(one, rows, self._fingerprint)

        def next_step(one: Declared, planned: Plan[Row]) -> steps.Step | None:
            deletes = not steps.deletes_values(planned) or self._is_recent()
            writes = planned.action == UPDATE and not options.test
            merges = writes and self._can().merges_info
            return steps.next_step(one, planned, deletes=deletes, merges=merges)

        def check(one: Declared, planned: Plan[Row]) -> None:
            steps.check(one, planned)
            if LABEL in planned.touched and not self._is_recent():
                raise Refused("The gateway's LiteLLM is too old for display_name")

        def look_closer(plans: Sequence[Plan[Row]], prunes: bool) -> None:
            # A create needs no look, as the database refuses a second row of a name. An update
            # merges its values, but replaces the marker, and up to LiteLLM 1.109 all of
            # credential_info: what is newer in the database would be lost.
            changed = [one.row for one in plans if one.row and one.action != NONE]
            adopted = [row for row in changed if row.marker is None]
            if not options.test and (changed or prunes or options.verify_secrets):
                refreshed = self._refresh()
                replaces = changed and not self._can().merges_info
                if adopted or replaces or prunes or options.verify_secrets:
                    unsure.append(not refreshed)
                self._refuse_configured(adopted)

        unsure: list[bool] = []
        operations = plain(
            self._executor(),
            plan=plan,
            next_step=next_step,
            look_closer=look_closer,
            check=check,
            see_again=self._see_again,
            why_kept=lambda row: self._why_kept(row, options.test),
            notes=lambda *_: [_NOT_REFRESHED] if any(unsure) else [],
        )
        name = self._names[0] if self._names else None
        return Run(operations, options).converge([replace(one, gateway=name) for one in declared])

    def _can(self) -> Capabilities:
        """What LiteLLM can do, by its version."""
        return self._deployments.versions.of_version()

    def _is_recent(self) -> bool:
        """Whether LiteLLM deletes values by their names, and has labels (from 1.106 on)."""
        return self._can().clears

    def _refuse_configured(self, rows: Sequence[Row]) -> None:
        """Refuse rows of the config file where LiteLLM does not say which ones these are (1.83).

        It would delete one from the memory of its worker. The database tells, by an update that
        changes nothing.
        """
        for row in () if self._is_recent() else rows:
            try:
                self._endpoints.update(row.id, {})
            except NotInDatabase:
                raise Refused(
                    f"{row.id} is not in the gateway's database: it belongs to its config file, "
                    "which Salt never touches, or was deleted just now"
                ) from None

    def _executor(self) -> Executor[Row]:
        return Executor(CREDENTIAL, self._endpoints, self.store, self._exists, reads_prove=False)

    def _why_kept(self, row: Row, test: bool) -> str | None:
        """Why a credential must not be deleted: models name it.

        LiteLLM would delete it all the same, and answer the callers of these with an error.
        """
        users = self._deployments.naming(row.id, test=test)
        if not users:
            return None
        verb, them = ("names", "it") if len(users) == 1 else ("name", "them")
        names = joined([f"{one.model_name} ({one.id})" for one in users])
        return f"{names} {verb} the credential {row.id}: change or delete {them} first"

    def remove(self, declared: Declared, *, test: bool, any_owner: bool) -> Outcome:
        """Delete a credential.

        :param any_owner: Also one that another state owns.
        :raises Refused: Models name it, or it belongs to somebody else.
        """
        is_listed = declared.name in self.store.rows()
        refreshed = test or not is_listed or self._refresh()
        row = self._to_remove(declared.name, test)
        if row is None:
            notes = () if refreshed else (_NOT_REFRESHED,)
            return Outcome(declared.name, NONE, declared.id, notes=notes)
        if not any_owner or not row.from_database:
            steps.own_row(declared, self.store.rows(forecast=test))
        if not test and row.marker is None:
            self._refuse_configured([row])
        return self._executor().remove(declared.name, row, self._why_kept(row, test), test=test)

    def _to_remove(self, name: str, test: bool) -> Row | None:
        """The credential of a name. If it is not listed, the database says whether it is there.

        :raises GatewayError: It is there, and cannot be seen.
        """
        if test or name in self.store.rows() or self._exists(name):
            return self.store.rows(forecast=test).get(name)
        return None

    def forget(self) -> None:
        """Read everything anew when it is next needed, because others may have changed it."""
        self.store.forget()

    def is_there(self, name: str, *, test: bool) -> bool:
        """Whether a model may name a credential. One that this run makes counts.

        If this worker does not list it, the database is asked, by an update that changes nothing.
        """
        if name in self.store.rows(forecast=test):
            return True
        if test:
            return False
        try:
            self._endpoints.update(name, {})
        except NotInDatabase:
            return False
        return True
