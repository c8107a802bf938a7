"""Sends the request of a step, and looks up what became of it if its answer was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Generic, NoReturn, TypeGuard

from ..errors import (
    AlreadyThere,
    GatewayError,
    LiteLLMError,
    NameTaken,
    NotDone,
    NotInDatabase,
    NotSeen,
    NotServed,
    OutcomeUnknown,
    Refused,
)
from ..values.paths import Path
from . import plan as plans
from .endpoints import Endpoints
from .kind import Body, Kind
from .outcome import Outcome
from .plan import DELETE, NONE
from .row import R
from .steps import Create, Delete, Update
from .store import Store

_MOST_LOOKS = 5  # at an object that must be absent, and that others change meanwhile

Answer = Callable[[], Body | None]  # returns the row as it is stored, or raises what was raised


class ChangedByOthers(Exception):
    """Another client was faster. Read the gateway and plan again."""


# With these statuses every further request fails as well; `None` is no answer.
_HOPELESS = (None, 401, 403)


def is_hopeless(error: LiteLLMError | None) -> TypeGuard[GatewayError]:
    """Whether every further request would fail as well, and not only those for one row."""
    if not isinstance(error, GatewayError) or isinstance(error, NotDone | NotServed):
        return False
    return error.status in _HOPELESS


def send(endpoints: Endpoints, write: Create[R] | Update[R]) -> Body | None:
    """Send a write, and return the row of its answer."""
    if isinstance(write, Create):
        return endpoints.create(write.body)
    return endpoints.update(write.row.address, write.body)


class Executor(Generic[R]):
    """Sends writes.

    :param exists: Finds out whether a row exists that was just looked for by a read. Raises a
        :class:`GatewayError` if that cannot be seen.
    :param reads_prove: Whether a read shows what the database has, and not what a worker remembers.
        If not, only an answer is a proof, so an update whose answer was lost is sent once more.
    :ivar gave_up: Why no further request is worth a try.
    """

    def __init__(
        self,
        kind: Kind[R],
        endpoints: Endpoints,
        store: Store[R],
        exists: Callable[[str], bool],
        *,
        reads_prove: bool = True,
    ) -> None:
        self.kind, self.endpoints, self.store, self._exists = kind, endpoints, store, exists
        self._reads_prove = reads_prove
        self.gave_up: GatewayError | None = None
        self._refused: set[str] = set()  # ids that LiteLLM's database has refused once
        self._lost: tuple[Body, GatewayError] | None = None

    def do(self, step: Create[R] | Update[R] | Delete[R], sent: Answer | None) -> bool:
        """Do a step whose answer is all there is to know. Returns whether a write was answered.

        A row that is made anew under its own id is deleted first.

        :param sent: What waits for the answer, if the step was sent before.
        """
        if isinstance(step, Delete):
            self.delete(step.row)
            return False
        send_or_wait = sent or partial(send, self.endpoints, step)
        if isinstance(step, Update):
            return self.update(step, send_or_wait)
        if step.instead is None:
            return self.create(step, send_or_wait)
        self.delete(step.instead)
        try:
            return self.create(step, send_or_wait)
        except GatewayError as err:
            raise type(err)(
                f"It was deleted to be made anew, and is gone until this is applied again: {err}",
                err.status,
            ) from None

    def foresee(self, step: Create[R] | Update[R] | Delete[R]) -> None:
        """Record what such a step would do."""
        if isinstance(step, Delete):
            self.store.predict(None, [step.row.id])
        elif isinstance(step, Update):
            row = self.kind.changed(step.row, step.body, None)
            self.store.predict(row, [step.row.id] if row.id != step.row.id else ())
        else:
            self.store.predict(self.kind.created(step.body, None))

    def create(self, step: Create[R], send_or_wait: Answer) -> bool:
        """Create a row. Returns whether that was answered.

        :param send_or_wait: Sends the write, or waits for its answer if it was sent before.
        :raises ChangedByOthers: Somebody else has the id.
        :raises GatewayError: It was not done, or nobody can see whether it was.
        """
        row = self.kind.created(step.body, None)
        try:
            answer = send_or_wait()
        except AlreadyThere as err:
            self._raise_there(row, err)
        except OutcomeUnknown as err:
            found = self.look_up(row.id, err)
            if found is None:
                raise _not_done(err) from None
            if found.marker != row.marker:
                raise ChangedByOthers from None
            return False
        self.store.put(self.kind.created(step.body, answer))
        return True

    def _raise_there(self, row: R, err: AlreadyThere) -> NoReturn:
        """LiteLLM's database has refused a row, most likely because it has one with that id."""
        gone = self.look_up(row.id, err) is None
        if gone and row.id in self._refused:
            raise err
        self._refused.add(row.id)  # another client may have made it and deleted it
        raise ChangedByOthers

    def update(self, step: Update[R], send_or_wait: Answer) -> bool:
        """Change a row. Returns whether that was answered.

        :raises ChangedByOthers: The row is gone.
        :raises GatewayError: It was not done, or nobody can see whether it was.
        """
        if self._lost is not None and self._lost[0] == step.body:
            raise self._lost[1]  # it was not done, and we do not send it again
        try:
            answer = send_or_wait()
        except NotInDatabase:
            self.raise_deleted(step.row)
        except OutcomeUnknown as err:
            if self._reads_prove:
                self._look_whether_done(step, err)
                return False
            answer = self._send_again(step, err)
        row = self.kind.changed(step.row, step.body, answer)
        if row.id != step.row.id:
            self.store.drop(step.row.id)
        self.store.put(row)
        return True

    def _look_whether_done(self, step: Update[R], err: OutcomeUnknown) -> None:
        """Look up a row after an update whose answer was lost, so that the next plan shows it.

        The update may have given it another id.
        """
        row_id = self.kind.changed(step.row, step.body, None).id
        if self.look_up(row_id, err, step.row) is None and step.row.id not in self.store.rows():
            raise ChangedByOthers from None
        self._lost = (step.body, _not_done(err))

    def _send_again(self, step: Update[R], lost: OutcomeUnknown) -> Body | None:
        """Send an update once more whose answer was lost.

        :raises NotSeen: It was not done, or its answer was lost too.
        """
        try:
            return send(self.endpoints, step)
        except NotInDatabase:
            self.raise_deleted(step.row)
        except GatewayError as err:
            raise NotSeen(f"{lost}; a second try: {err}", err.status) from None

    def delete(self, row: R) -> None:
        """Delete a row."""
        try:
            self.endpoints.delete(row.address)
        except OutcomeUnknown as err:
            if self.look_up(row.id, err, row) is not None:
                raise _not_done(err) from None
        self.store.drop(row.id)

    def remove(self, name: str, row: R | None, why_kept: str | None, *, test: bool) -> Outcome:
        """Delete the row of an object that must be absent. Returns the outcome.

        :param name: The name of the object.
        :param row: Its row, ``None`` if there is none.
        :param why_kept: Why it must not be deleted.
        :param test: Only predict it.
        :raises Refused: It must not be deleted.
        """
        if row is None:
            return Outcome(name, NONE)
        if why_kept is not None:
            raise Refused(why_kept)
        if test:
            self.store.predict(None, [row.id])
        else:
            try:
                self.delete(row)
            except NotSeen as err:
                return Outcome(name, NONE, row.id, failure=str(err), unknown=True)
        return Outcome(name, DELETE, row.id, plans.delete(self.kind, row).changes)

    def raise_deleted(self, row: R) -> NoReturn:
        """Somebody else has deleted the row: forget it and plan again."""
        self.store.drop(row.id)
        self.store.read_again()
        if not self._reads_prove:
            self.store.drop(row.id)
        raise ChangedByOthers

    def look_up(self, row_id: str, err: GatewayError, before: R | None = None) -> R | None:
        """Look up a row after a write whose answer was lost; ``None`` if there is no such row.

        :param before: The row as it was.
        :raises NotSeen: It cannot be seen.
        :raises NotDone: It cannot be seen, but the write was refused.
        """
        try:
            if self.gave_up is not None:
                raise self.gave_up
            self.store.read_again()
            self._exists(row_id)
        except GatewayError as again:
            if before is not None:
                self.store.put(before)
            if isinstance(err, NameTaken):
                raise NotDone(f"{err} {again}", err.status) from None
            raise NotSeen(
                f"{err}; whether that was done cannot be seen: {again}", again.status
            ) from None
        return self.store.rows().get(row_id)


def _not_done(err: OutcomeUnknown) -> GatewayError:
    """What is known of a write whose answer was lost, and that a read does not show."""
    return err if isinstance(err, NotSeen) else NotDone(str(err), err.status)


def insist(remove: Callable[[], Outcome]) -> Outcome:
    """Remove an object, and look for it again each time that others have changed it meanwhile.

    :raises LiteLLMError: They do so all the time.
    """
    for _ in range(_MOST_LOOKS):
        with suppress(ChangedByOthers):
            return remove()
    raise LiteLLMError("Another client keeps changing it")


def refuse_ignored(kind: Kind[R], paths: Iterable[Path]) -> None:
    """Fail for values that LiteLLM has answered with 200, and not stored.

    It does so with names that it does not know, and with those that only a create takes.
    """
    if labels := sorted(map(kind.fields.label, paths)):
        raise GatewayError(
            f"LiteLLM has taken {', '.join(labels)}, and not stored that: it knows no such "
            f"setting, keeps it in another form, or takes it only when a {kind.noun} is made"
        )
