"""Does the steps of deployments, and takes back what LiteLLM saves but cannot serve."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..errors import (
    AlreadyThere,
    GatewayError,
    NotInDatabase,
    NotSeen,
    NotServed,
    OutcomeUnknown,
    ServesLess,
)
from ..objects.execute import Answer, ChangedByOthers, Executor, send
from ..objects.kind import Body
from ..objects.steps import Create, Delete, Update
from . import bodies, notes
from .desired import Deployment
from .endpoints import ModelEndpoints
from .kind import DEPLOYMENT
from .reveal import reveal
from .row import ModelRow, changed, created, is_fixed
from .serving import Expected, is_harmless, still_unserved
from .steps import Learn, Step
from .stored_by_reads import stored_by_reads
from .undo import Undo, may_break
from .versions import Versions
from .views import Views

log = logging.getLogger(__name__)

_DELETES = 2  # how often to try to delete what cannot be served


@dataclass(frozen=True)
class Served:
    """What became of the rows of which it had to be seen that they are served.

    :param failures: The reasons why rows are not served as expected, by id.
    :param overtaken: The ids of those that another client has changed or deleted meanwhile.
    :param unseen: Whether nobody could see if the rows are served.
    """

    failures: Mapping[str, str]
    overtaken: frozenset[str] = frozenset()
    unseen: bool = False


class _TakenBack(NotServed):
    """LiteLLM could not load a write, and what has become of that is said."""


class ModelExecutor:
    """Does steps on the models of a gateway.

    :ivar executor: Sends the writes.
    :ivar tentative: The ids of rows that were made while the database could not be seen.
    :ivar unproven: The ids of rows that LiteLLM may not serve, and whether each was created.
    :ivar notes: Other sentences that the gateway has said.
    """

    def __init__(self, models: ModelEndpoints, views: Views, versions: Versions) -> None:
        self._models, self._views, self._versions = models, views, versions
        self.executor = Executor(DEPLOYMENT, models, views.store, views.see_if_exists)
        self.tentative: set[str] = set()
        self.unproven: dict[str, bool] = {}
        self.notes: list[str] = []
        self._undo = Undo(models, views, versions)

    def do(self, step: Step, wanted: Deployment, sent: Answer | None = None) -> None:
        """Do a step.

        :param sent: What waits for the answer, if the step is a write that was sent before.
        :raises ChangedByOthers: The plan must be made again.
        :raises GatewayError: The step was not done; or it was done, and LiteLLM does not serve the
            row.
        """
        if isinstance(step, Create):
            self._create(step, sent or partial(send, self._models, step))
        elif isinstance(step, Update):
            self._update(step, sent or partial(send, self._models, step))
        elif isinstance(step, Learn):
            self._learn(step, wanted)
        else:
            self._delete(step)

    def take_notes(self) -> list[str]:
        """What the gateway has said about the last writes."""
        told = list(self.notes)
        self.notes.clear()
        return told

    # ---------------------------------------------------------------- create

    def _create(self, step: Create[ModelRow], send_or_wait: Answer) -> None:
        row = created(step.body)
        try:
            done = self.executor.create(
                step, partial(self._hear_of_create, step, row, send_or_wait)
            )
        except _TakenBack:
            raise
        except NotServed as err:
            self._raise_if_changed(row)
            raise self._not_served(step, row, err) from None
        if not done:
            return
        if self._views.blind:
            self._see_what_is_there(row)
        self._note_unproven(row, step.body, made=True)

    def _hear_of_create(
        self, step: Create[ModelRow], row: ModelRow, send_or_wait: Answer
    ) -> Body | None:
        """The answer of a create, if it is one that is not only about models."""
        try:
            return send_or_wait()
        except ServesLess as err:
            self.notes.append(str(err))
            return None
        except AlreadyThere:
            if self._views.blind and self._reveals(step, row):
                raise ChangedByOthers from None
            raise
        except OutcomeUnknown as err:
            if may_break(step.body) and self._has_broken(row):
                raise self._not_served(step, row, err) from None
            raise

    def _reveals(self, step: Create[ModelRow], row: ModelRow) -> bool:
        """Whether the gateway shows a row that it has, after a second one was made beside it."""
        second = reveal(self._models, self._views, step.body)
        if second is None:
            return False
        self.tentative.add(second.id)
        self.unproven[row.id] = False  # LiteLLM has not served it until now
        return True

    def _not_served(self, step: Create[ModelRow], row: ModelRow, err: GatewayError) -> _TakenBack:
        """Take back a row that cannot be served, and what was changed in the row that it replaces.

        :returns: The error to raise.
        """
        told = f"{self._take_back(row)}: {err}"
        if step.instead and (more := self._undo.of(step.instead.id)):
            told = f"{told}. {more}"
        return _TakenBack(told, err.status)

    def _see_what_is_there(self, made: ModelRow) -> None:
        """Read the database, now that it has a row. If it is still hidden, delete the row."""
        self.tentative.add(made.id)
        self._views.see(made.id)
        if self._views.blind and self._views.serves(made.id):
            self._views.complete_view()
        if self._views.blind:
            raise GatewayError(self._take_back(made, notes.NOT_SHOWN))

    def _take_back(self, row: ModelRow, what: str = notes.NOT_SERVABLE) -> str:
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
            return notes.not_taken_back(what, failed, seen=not isinstance(failed, NotSeen))
        if self._views.saw_database and len(self._views.rows()) and not self._models.database():
            return notes.taken_back_unseen(what)
        return notes.taken_back(what)

    def see_again(self, rows: Sequence[ModelRow]) -> None:
        """Read the database again, and make sure of some rows.

        :raises GatewayError: They are as they were, as far as anybody can tell.
        """
        try:
            self._views.store.read_again()
            for row in rows:
                self._views.see_if_exists(row.id)
        except GatewayError:
            for row in rows:
                self._views.store.put(row)
            raise

    # ---------------------------------------------------------------- update

    def _update(self, step: Update[ModelRow], send_or_wait: Answer) -> None:
        row, body = step.row, step.body

        self._undo.note(row, body)
        try:
            done = self.executor.update(step, partial(self._hear_of_update, step, send_or_wait))
        except _TakenBack:
            raise
        except NotServed as err:
            written = changed(row, body, None)
            self._views.store.put(written)
            self._refuse_broken(written)
            self._raise_if_changed(written)
            self._flag(written)
            raise NotServed(notes.change_not_servable(err), err.status) from None
        if not done:
            return
        now = self._views.rows().get(row.id) or row
        if row.unreadable:
            self._undo.refuse_unreadable(now)
        elif may_break(body):
            self._refuse_broken(now)
        self._note_unproven(row, body, made=False)

    def _hear_of_update(self, step: Update[ModelRow], send_or_wait: Answer) -> Body | None:
        """The answer of an update, if it is one that is not only about models."""
        try:
            return send_or_wait()
        except ServesLess as err:
            self.notes.append(str(err))
            return None
        except OutcomeUnknown:
            now = changed(step.row, step.body, None)
            if may_break(step.body) and self._has_broken(now):
                self._views.store.put(now)
                self._refuse_broken(now)
            raise

    def _has_broken(self, row: ModelRow) -> bool:
        """Whether a write whose answer was lost was done, and has broken the view of the database.

        The gateway has the row then, because nothing else can break the search for its name.
        """
        try:
            return self._views.confirm_exists(row.id) and self._undo.breaks(row)
        except GatewayError:
            return False  # the look-up that follows says so

    def _refuse_broken(self, row: ModelRow) -> None:
        """Take back a change if the gateway shows nothing of its database since.

        :raises NotServed: It was taken back, or that has failed.
        """
        if self._undo.breaks(row) and (told := self._undo.of(row.id)) is not None:
            raise _TakenBack(told)

    def _raise_if_changed(self, row: ModelRow) -> None:
        """LiteLLM says that it cannot serve a row that we have just written.

        :raises ChangedByOthers: It is not as we have written it, because another client was faster.
        """
        with suppress(GatewayError):  # what cannot be seen is as it was, as far as anybody can tell
            self._views.store.read_again()
            now = self._views.rows().get(row.id)
            if now is None and self._views.confirm_exists(row.id):
                return
            if now is None or now.marker != row.marker:
                raise ChangedByOthers

    def _flag(self, row: ModelRow) -> None:
        """Record in the marker that a row is not served, so that no later run counts it as done."""
        self._views.store.put(row)
        if row.marker is None or row.marker.unserved:
            return
        body = bodies.marked(row, replace(row.marker, unserved=True))
        try:
            self._models.update(row.id, body)
        except NotServed:
            pass  # it was saved
        except GatewayError as err:
            self.notes.append(notes.not_flagged(err))
            return
        self._views.store.put(changed(row, body, None))

    def _learn(self, step: Learn, wanted: Deployment) -> None:
        stored = None
        if not self._versions.can().serves_while_patching:
            stored = stored_by_reads(self._models, self._views, step, wanted)
        stored = stored or self._stored_by_patch(step.row)
        self._views.store.put(replace(step.row, stored=stored))

    def _stored_by_patch(self, row: ModelRow) -> dict[str, Any]:
        try:
            return self._models.update(row.id, {})
        except NotInDatabase:
            self.executor.raise_deleted(row)
        except NotServed:
            self._raise_if_changed(row)
            raise

    # ---------------------------------------------------------------- delete

    def _delete(self, step: Delete[ModelRow]) -> None:
        if step.replaced_by is None:
            self.delete(step.row)
        elif self._is_replaced(step.row, step.replaced_by):
            self.delete(step.row)
            self._forget_record(step.replaced_by.id)

    def _is_replaced(self, row: ModelRow, successor: ModelRow) -> bool:
        """Whether a row may be deleted: its replacement is there, and is served.

        :raises NotServed: The replacement is not served, and was taken back.
        """
        self.see_again((row, successor))
        now = self._views.rows().get(row.id)
        if now is None or now.marker != row.marker or successor.id not in self._views.rows():
            return False  # another client has finished this, and may have made a new row
        vouched = successor.stored is not None and self._versions.can().reports_unserved_rows
        if not vouched and not self._is_served(successor):
            raise NotServed(notes.no_successor(self._take_back(successor), successor.id, row.id))
        return True

    def _is_served(self, row: ModelRow) -> bool:
        """Whether a row of an earlier run is served."""
        if not self._versions.can().reports_unserved_rows or is_fixed(row.id):
            return not self._unserved({row.id: lambda _: True})
        try:
            self._views.store.put(replace(row, stored=self._models.update(row.id, {})))
        except NotInDatabase:
            self.executor.raise_deleted(row)
        except NotServed:
            self._raise_if_changed(row)
            return False
        return True

    def delete(self, row: ModelRow) -> None:
        """Delete a row."""
        self.executor.delete(row)
        self.unproven.pop(row.id, None)

    def _forget_record(self, model_id: str) -> None:
        """Remove from a marker the id of the row that it replaced, because that row is deleted now.

        Otherwise a later row with that id, made by somebody, would count as replaced.
        """
        row = self._views.rows().get(model_id)
        patches = self._versions.can().serves_while_patching
        if row is None or row.marker is None or not row.marker.replaces or not patches:
            return
        body = bodies.marked(row, replace(row.marker, replaces=None))
        try:
            self._views.store.put(changed(row, body, self._models.update(model_id, body)))
        except GatewayError as err:
            log.debug("Forgetting what %s has replaced: %s", model_id, err)

    # ---------------------------------------------------------------- served?

    def _note_unproven(self, row: ModelRow, body: Mapping[str, Any], made: bool) -> None:
        """Note a row that LiteLLM may have saved without serving it in this form.

        1.83.14 never says whether it serves a row. 1.106.2 says so for a create. After a change it
        goes on serving the old form of the row, and reports an error only if it serves no form.
        """
        in_doubt = not (made or is_harmless(row, body))
        if in_doubt or not self._versions.can().reports_unserved_rows:
            self.unproven[row.id] = self.unproven.get(row.id, False) or made

    def _unserved(self, expected: Expected) -> list[str]:
        return still_unserved(
            self._models, self._views, expected, self._versions.can().reports_unserved_rows
        )

    def check_served(self, expected: Expected) -> Served:
        """Prove that LiteLLM serves the rows that it saved without saying so."""
        doubted = {one: expected[one] for one in self.unproven if one in expected}
        try:
            left = self._unserved(doubted) if doubted else []
            return self._failures(doubted, left)
        except GatewayError as err:
            return Served(dict.fromkeys(doubted, notes.serving_not_seen(err)), unseen=True)
        finally:
            self.unproven.clear()

    def _failures(self, expected: Expected, unserved: list[str]) -> Served:
        failures, overtaken = {}, set()
        for model_id in unserved:
            before = self._views.rows().get(model_id)
            if before and self._undo.breaks(before) and (told := self._undo.of(model_id)):
                failures[model_id] = told
                continue
            self._views.see(model_id)
            row = self._views.rows().get(model_id) or before
            if row is None or not expected[model_id](row):
                failures[model_id] = notes.CHANGED_BY_OTHERS
                overtaken.add(model_id)
            elif self.unproven[model_id]:
                failures[model_id] = notes.see_its_log(self._take_back(row))
            else:
                self._flag(row)
                failures[model_id] = notes.see_its_log(notes.CHANGE_NOT_SERVED)
            failures[model_id] = ". ".join([failures[model_id], *self.notes])
            self.notes.clear()
        return Served(failures, frozenset(overtaken))
