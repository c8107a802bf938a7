"""Does one step, learns from its answer, even a lost one, and proves that a row is served."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NoReturn

from ..errors import (
    AlreadyThere,
    GatewayError,
    NotDone,
    NotInDatabase,
    NotSeen,
    NotServed,
    OutcomeUnknown,
    ServesLess,
)
from ..objects.overlap import Answer, send
from . import bodies
from .desired import Deployment
from .endpoints import Models
from .known import Known
from .learn import stored_by_reads
from .reveal import reveal
from .row import Row, changed, created, is_fixed
from .serving import Expected, is_harmless, still_unserved
from .steps import Create, Delete, Learn, Patch, Step
from .undo import Undo, may_break

log = logging.getLogger(__name__)

_DELETES = 2  # how often to try to delete what cannot be served


class ChangedByOthers(Exception):
    """Another client was faster. Read the gateway and plan again."""


@dataclass(frozen=True)
class Proof:
    """What became of the rows whose serving had to be proven.

    :param failures: The reasons why rows are not served as expected, by id.
    :param overtaken: The ids of those that another client has changed or deleted meanwhile.
    :param unseen: Whether nobody could see if the rows are served.
    """

    failures: Mapping[str, str]
    overtaken: frozenset[str] = frozenset()
    unseen: bool = False


class Executor:
    """Does steps on a gateway.

    :ivar gave_up: Why no further request is worth a try.
    :ivar tentative: The ids of rows that were made while the database could not be seen.
    :ivar unproven: The ids of rows that LiteLLM may not serve, and whether each was created.
    :ivar notes: Other sentences that the gateway has said.
    """

    def __init__(self, models: Models, known: Known) -> None:
        self._models = models
        self._known = known
        self.gave_up: GatewayError | None = None
        self.tentative: set[str] = set()
        self.unproven: dict[str, bool] = {}
        self.notes: list[str] = []
        self._refused: set[str] = set()  # ids that LiteLLM's database has refused once
        self._undo = Undo(models, known)
        self._lost: tuple[Mapping[str, Any], GatewayError] | None = None

    def do(self, step: Step, wanted: Deployment, sent: Answer | None = None) -> None:
        """Do a step.

        :param sent: What waits for the answer, if the step is a write that was sent before.
        :raises ChangedByOthers: Another client has changed the row, so the plan must be made again.
        :raises GatewayError: The step was not done; or it was done, and LiteLLM does not serve the
            row.
        """
        if isinstance(step, Create):
            self._create(step, sent or partial(send, self._models, step))
        elif isinstance(step, Patch):
            self._patch(step, sent or partial(send, self._models, step))
        elif isinstance(step, Learn):
            self._learn(step, wanted)
        else:
            self._delete(step)

    # ---------------------------------------------------------------- create

    def _create(self, step: Create, answered: Answer) -> None:
        row = created(step.body)
        answer = None
        try:
            answer = answered()
        except AlreadyThere as err:
            self._raise_there(step, row, err)
        except NotServed as err:
            self._raise_if_changed(row)
            raise self._not_served(step, row, err) from None
        except ServesLess as err:
            self.notes.append(str(err))
        except OutcomeUnknown as err:
            if may_break(step.body) and self._has_broken(row):
                raise self._not_served(step, row, err) from None
            found = self._look_up(row.model_id, err)
            if found is None:
                raise _not_done(err) from None
            if found.marker != row.marker:
                raise ChangedByOthers from None
            return
        self._known.put(created(step.body, answer))
        if self._known.blind:
            self._see_what_is_there(row)
        self._note_unproven(row, step.body, made=True)

    def _raise_there(self, step: Create, row: Row, err: AlreadyThere) -> NoReturn:
        """LiteLLM's database has refused a row, most likely because it has one with that id."""
        if self._known.blind and self._reveals(step, row):
            raise ChangedByOthers
        gone = self._look_up(row.model_id, err) is None
        if gone and row.model_id in self._refused:
            raise err
        self._refused.add(row.model_id)  # another client may have made it and deleted it
        raise ChangedByOthers

    def _reveals(self, step: Create, row: Row) -> bool:
        """Whether the gateway shows a row that it has, after a second one was made beside it."""
        second = reveal(self._models, self._known, step.body)
        if second is None:
            return False
        self.tentative.add(second.model_id)
        self.unproven[row.model_id] = False  # LiteLLM has not served it until now
        return True

    def _not_served(self, step: Create, row: Row, err: GatewayError) -> NotServed:
        """Take back a row that cannot be served, and what was changed in the row that it replaces.

        :returns: The error to raise.
        """
        told = f"{self._take_back(row)}: {err}"
        if step.instead and (more := self._undo.of(step.instead.model_id)):
            told = f"{told}. {more}"
        return NotServed(told, err.status)

    def _see_what_is_there(self, made: Row) -> None:
        """Read the database, now that it has a row. If it is still hidden, delete the row."""
        self.tentative.add(made.model_id)
        self._known.see(made.model_id)
        if self._known.blind and self._known.serves(made.model_id):
            self._known.complete_view()
        if self._known.blind:
            raise GatewayError(self._take_back(made, "LiteLLM saved it but does not show it"))

    def _take_back(self, row: Row, what: str = "LiteLLM saved it but cannot serve it") -> str:
        """Delete a row that was created but is not served. Returns the sentence about it."""
        failed: GatewayError | None = None
        for _ in range(_DELETES):
            try:
                self.delete(row)
            except GatewayError as again:
                failed = again
            else:
                break
        else:
            self._flag(row)
            there = "may be there" if isinstance(failed, NotSeen) else "is there"
            return f"{what}, and taking it back has failed ({failed}), so it {there}"
        if self._known.saw_database and len(self._known.rows()) and not self._models.database():
            return f"{what}. It was deleted again, but the gateway shows nothing of its database"
        return f"{what}, so it was taken back"

    def _look_up(self, model_id: str, err: GatewayError, before: Row | None = None) -> Row | None:
        """Look up a row after a write whose answer was lost; ``None`` if there is no such row.

        :param before: The row as it was.
        :raises NotSeen: It cannot be seen.
        """
        try:
            if self.gave_up is not None:
                raise self.gave_up
            self._known.read_again()
            self.is_there(model_id)
        except GatewayError as again:
            if before is not None:
                self._known.put(before)
            raise NotSeen(
                f"{err}; whether that was done cannot be seen: {again}", again.status
            ) from None
        return self._known.rows().get(model_id)

    def see_again(self, rows: Sequence[Row]) -> None:
        """Read the database again, and make sure of some rows.

        :raises GatewayError: They are as they were, as far as anybody can tell.
        """
        try:
            self._known.read_again()
            for row in rows:
                self.is_there(row.model_id)
        except GatewayError:
            for row in rows:
                self._known.put(row)
            raise

    def is_there(self, model_id: str) -> bool:
        """Whether a row exists. If it is not shown, an empty PATCH finds out.

        :raises GatewayError: The gateway does not show the row. It has it, or nobody can tell.
        """
        known = self._known
        if not known.blind and model_id in known.rows():
            return True
        unclear: GatewayError | None = None
        try:
            if not known.confirm_exists(model_id):
                known.drop(model_id)
                return False
        except GatewayError as err:
            unclear = err
        known.see(model_id)
        if not known.blind and model_id in known.rows():
            return True
        if unclear is not None:
            raise GatewayError(
                f"The gateway does not show {model_id}, and does not say whether it has it: "
                f"{unclear}",
                unclear.status,
            )
        raise GatewayError(f"The gateway does not show {model_id}, which it has")

    # ---------------------------------------------------------------- patch

    def _patch(self, step: Patch, answered: Answer) -> None:
        row, answer = step.row, None
        if self._lost is not None and self._lost[0] == step.body:
            raise self._lost[1]  # it was not done, and we do not send it again
        self._undo.note(row, step.body)
        try:
            answer = answered()
        except NotInDatabase:
            self._raise_deleted(row)
        except NotServed as err:
            written = changed(row, step.body, None)
            self._known.put(written)
            self._refuse_broken(written)
            self._raise_if_changed(written)
            self._flag(written)
            raise NotServed(
                f"LiteLLM saved the change but cannot serve it: {err}", err.status
            ) from None
        except ServesLess as err:
            self.notes.append(str(err))
        except OutcomeUnknown as err:
            if may_break(step.body) and self._has_broken(now := changed(row, step.body, None)):
                self._known.put(now)
                self._refuse_broken(now)
            if self._look_up(row.model_id, err, row) is None:
                raise ChangedByOthers from None
            self._lost = (step.body, _not_done(err))
            return
        now = changed(row, step.body, answer)
        self._known.put(now)
        if row.unreadable:
            self._undo.refuse_unreadable(now)
        elif may_break(step.body):
            self._refuse_broken(now)
        self._note_unproven(row, step.body, made=False)

    def _has_broken(self, row: Row) -> bool:
        """Whether a write whose answer was lost was done, and has broken the view of the database.

        The gateway has the row then, because nothing else can break the search for its name.
        """
        try:
            return self._known.confirm_exists(row.model_id) and self._undo.breaks(row)
        except GatewayError:
            return False  # the look-up that follows says so

    def _refuse_broken(self, row: Row) -> None:
        """Take back a change if the gateway shows nothing of its database since.

        :raises NotServed: It was taken back, or that has failed.
        """
        if self._undo.breaks(row) and (told := self._undo.of(row.model_id)) is not None:
            raise NotServed(told)

    def _raise_deleted(self, row: Row) -> NoReturn:
        """Somebody else has deleted the row: forget it and plan again."""
        self._known.drop(row.model_id)
        self._known.read_again()
        raise ChangedByOthers

    def _raise_if_changed(self, row: Row) -> None:
        """LiteLLM says that it cannot serve a row that we have just written.

        :raises ChangedByOthers: It is not as we have written it, because another client was faster.
        """
        with suppress(GatewayError):  # what cannot be seen is as it was, as far as anybody can tell
            self._known.read_again()
            now = self._known.rows().get(row.model_id)
            if now is None and self._known.confirm_exists(row.model_id):
                return
            if now is None or now.marker != row.marker:
                raise ChangedByOthers

    def _flag(self, row: Row) -> None:
        """Record in the marker that a row is not served, so that no later run counts it as done."""
        self._known.put(row)
        if row.marker is None or row.marker.unserved:
            return
        body = bodies.marked(row, replace(row.marker, unserved=True))
        try:
            self._models.update(row.model_id, body)
        except NotServed:
            pass  # it was saved
        except GatewayError as err:
            self.notes.append(f"That could not be noted in its marker: {err}")
            return
        self._known.put(changed(row, body, None))

    def _learn(self, step: Learn, wanted: Deployment) -> None:
        stored = None
        if not self._known.capabilities().serves_while_patching:
            stored = stored_by_reads(self._models, self._known, step, wanted)
        stored = stored or self._stored_by_patch(step.row)
        self._known.put(replace(step.row, stored=stored))

    def _stored_by_patch(self, row: Row) -> dict[str, Any]:
        try:
            return self._models.update(row.model_id, {})
        except NotInDatabase:
            self._raise_deleted(row)
        except NotServed:
            self._raise_if_changed(row)
            raise

    # ---------------------------------------------------------------- delete

    def _delete(self, step: Delete) -> None:
        if step.replaced_by is None:
            self.delete(step.row)
        elif self._is_replaced(step.row, step.replaced_by):
            self.delete(step.row)
            self._forget_record(step.replaced_by.model_id)

    def _is_replaced(self, row: Row, successor: Row) -> bool:
        """Whether a row may be deleted: its replacement is there, and is served.

        :raises NotServed: The replacement is not served, and was taken back.
        """
        self.see_again((row, successor))
        now = self._known.rows().get(row.model_id)
        if now is None or now.marker != row.marker or successor.model_id not in self._known.rows():
            return False  # another client has finished this, and may have made a new row
        vouched = successor.stored is not None and self._known.capabilities().reports_unserved_rows
        if not vouched and not self._is_served(successor):
            raise NotServed(
                f"{self._take_back(successor)}: {successor.model_id}, which was to take the place "
                f"of {row.model_id}"
            )
        return True

    def _is_served(self, row: Row) -> bool:
        """Whether a row of an earlier run is served."""
        if not self._known.capabilities().reports_unserved_rows or is_fixed(row.model_id):
            return not self._unserved({row.model_id: lambda _: True})
        try:
            self._known.put(replace(row, stored=self._models.update(row.model_id, {})))
        except NotInDatabase:
            self._raise_deleted(row)
        except NotServed:
            self._raise_if_changed(row)
            return False
        return True

    def delete(self, row: Row) -> None:
        """Delete a row."""
        try:
            self._models.delete(row.model_id)
        except OutcomeUnknown as err:
            if self._look_up(row.model_id, err, row) is not None:
                raise _not_done(err) from None
        self._known.drop(row.model_id)
        self.unproven.pop(row.model_id, None)

    def _forget_record(self, model_id: str) -> None:
        """Remove from a marker the id of the row that it replaced, because that row is deleted now.

        Otherwise a later row with that id, made by somebody, would count as replaced.
        """
        row = self._known.rows().get(model_id)
        patches = self._known.capabilities().serves_while_patching
        if row is None or row.marker is None or not row.marker.replaces or not patches:
            return
        body = bodies.marked(row, replace(row.marker, replaces=None))
        try:
            self._known.put(changed(row, body, self._models.update(model_id, body)))
        except GatewayError as err:
            log.debug("Forgetting what %s has replaced: %s", model_id, err)

    # ---------------------------------------------------------------- served?

    def _note_unproven(self, row: Row, body: Mapping[str, Any], made: bool) -> None:
        """Note a row that LiteLLM may have saved without serving it in this form.

        1.83.14 never says whether it serves a row. 1.106.2 says so for a create. After a change it
        goes on serving the old form of the row, and reports an error only if it serves no form.
        """
        in_doubt = not (made or is_harmless(row, body))
        if in_doubt or not self._known.capabilities().reports_unserved_rows:
            self.unproven[row.model_id] = self.unproven.get(row.model_id, False) or made

    def _unserved(self, expected: Expected) -> list[str]:
        return still_unserved(self._models, self._known, expected)

    def prove(self, expected: Expected) -> Proof:
        """Prove that LiteLLM serves the rows that it saved without saying so."""
        doubted = {one: expected[one] for one in self.unproven if one in expected}
        try:
            left = self._unserved(doubted) if doubted else []
            return self._failures(doubted, left)
        except GatewayError as err:
            message = f"It was written, but whether LiteLLM serves it could not be seen: {err}"
            return Proof(dict.fromkeys(doubted, message), unseen=True)
        finally:
            self.unproven.clear()

    def _failures(self, expected: Expected, unserved: list[str]) -> Proof:
        failures, overtaken = {}, set()
        for model_id in unserved:
            before = self._known.rows().get(model_id)
            if before and self._undo.breaks(before) and (told := self._undo.of(model_id)):
                failures[model_id] = told
                continue
            self._known.see(model_id)
            row = self._known.rows().get(model_id) or before
            if row is None or not expected[model_id](row):
                failures[model_id] = "Somebody else has changed or deleted it at the same time"
                overtaken.add(model_id)
            elif self.unproven[model_id]:
                failures[model_id] = f"{self._take_back(row)}; its log says why"
            else:
                self._flag(row)
                failures[model_id] = (
                    "LiteLLM saved the change but does not serve it; its log says why"
                )
            failures[model_id] = ". ".join([failures[model_id], *self.notes])
            self.notes.clear()
        return Proof(failures, frozenset(overtaken))


def _not_done(err: OutcomeUnknown) -> GatewayError:
    """What is known of a write whose answer was lost, and that a read does not show."""
    return err if isinstance(err, NotSeen) else NotDone(str(err), err.status)
