"""Reads the rows of the database and those of a worker's router; each checks the other.

Decisions and sentences use the database, which all workers show in the same way. The rows that a
worker serves are read once more, when a row will be made, adopted or deleted. The two views check
each other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import cast

from ..errors import (
    GatewayError,
    NotInDatabase,
    NotServed,
    ServesLess,
    Unchangeable,
)
from ..objects.identity import refuse_configured
from ..objects.planning import PAUSE
from ..objects.row import Rows, refuse_other_gateway
from ..objects.store import Store
from . import identity
from .desired import Deployment
from .encrypted import differs
from .endpoints import Listed, ModelEndpoints
from .identity import ModelRows
from .row import ModelRow, parse_all

log = logging.getLogger(__name__)

_BLIND_LOOKS = 4  # how often to look again if nothing is seen
_COMPARISONS = 4  # how often the two views are compared while others write
_DOUBTED = 3  # of the rows that only one view shows, so many are looked up


class Views:
    """The two views of a gateway's models.

    :param meanwhile: A function to call while the gateway prepares its list.
    :param names: The name that the gateway must have, and its former names. Empty for any name.
    :ivar store: The rows of the database.
    :ivar may_write: Whether a look may send a PATCH that changes nothing.
    :ivar compared: Whether the two views have checked each other.
    :ivar saw_database: Whether the gateway has ever shown a row of its database.
    :ivar blind: Whether both lists were empty. Then the router of this worker is empty, and LiteLLM
        shows nothing of its database, even if that has rows.
    :ivar unproven: Whether rows that a worker serves count as deleted, but no PATCH has proven
        that.
    """

    def __init__(
        self, models: ModelEndpoints, meanwhile: Callable[[], object], names: Sequence[str] = ()
    ) -> None:
        self._models = models
        self._names = names
        self.store = Store(self._read_anew, ModelRows, meanwhile)
        self._router: list[ModelRow] | None = None
        self._config: ModelRows | None = None
        self.may_write = False
        self.compared = False
        self._shown: frozenset[str] = frozenset()  # the ids in the view of the database
        self.saw_database = False
        self._incomplete = False  # whether the view of the database lacks rows
        self._looked = False  # whether we have looked several times and seen nothing
        self.unproven = False
        self.blind = False

    def rows(self, forecast: bool = False) -> ModelRows:
        """Every row of the database; see :meth:`Store.rows`."""
        return cast(ModelRows, self.store.rows(forecast))

    def config(self) -> ModelRows:
        """The rows of the gateway's config file, which stay the same."""
        if self._config is None:
            self._config = ModelRows(row for row in self.router() if not row.from_database)
        return self._config

    def router(self) -> list[ModelRow]:
        """What this worker serves, read once."""
        if self._router is None:
            self._router = self._parse_rows(self._models.router())
        return self._router

    def forget(self) -> None:
        """Read everything anew when it is next needed, because others may have changed it."""
        self.store.forget()
        self._router = self._config = None
        self.compared = self._incomplete = self._looked = self.blind = self.unproven = False

    def _read_anew(self, before: Rows[ModelRow] | None) -> Rows[ModelRow]:
        """What the store reads. After the first time, the router is read anew as well."""
        if before is None:
            return self._read(None)
        self._router = None
        found = self._read(before)
        self._looked = not before
        return self._read_until_seen(found)

    def refuse_config(self, model_id: str | None) -> None:
        """Refuse an id of the gateway's config file."""
        if model_id is not None and model_id in self.config():
            raise refuse_configured(model_id)

    def refuse_in_config(self, wanted: Deployment) -> None:
        """Refuse a deployment that the database lacks, and that the gateway's config file has."""
        if identity.look_up(wanted, self.config()) is not None:
            raise refuse_configured(wanted.name)

    # ---------------------------------------------------------------- the two views

    def compare_views(self) -> None:
        """Before a row is made, adopted or deleted: let the two views check each other."""
        if self.compared:
            return
        self.compared = True
        self.rows()
        self.config()
        self.complete_view()

    def complete_view(self) -> None:
        """Find out whether the view of the database lacks rows. If it does, add them.

        The two views were not read at the same moment. If the database has a row that its view
        lacked, another client may have made the row in between. So the view is read once more
        before it counts as incomplete.
        """
        for _ in range(_COMPARISONS):
            if self._incomplete:
                return
            lacking = self._lacking_rows()
            found = next(filter(self._database_has, lacking[-_DOUBTED:]), None)
            if found is None:
                self._settle_blindness(lacking)
                return
            self._read_database()
            if found.id not in self._shown:
                log.info("%s does not show all of its database", self._models.url)
                self._incomplete = True
                self._read_database()

    def look_again(self) -> None:
        """If both lists were empty, look again a few times. This may reach other workers."""
        if self.blind and not self._looked:
            self.store.replace(self._read_until_seen(self.store.rows()))

    def _read_until_seen(self, rows: Rows[ModelRow]) -> Rows[ModelRow]:
        for _ in range(0 if self._looked else _BLIND_LOOKS):
            if not self.blind:
                return rows
            self._models.elsewhere(PAUSE)
            rows = self._read(rows)
        self._looked = self.blind
        return rows

    def see(self, model_id: str) -> None:
        """Read the database until it shows a row that exists.

        Give up if this worker serves the row and still shows nothing of the database.
        """
        for attempt in range(_BLIND_LOOKS * 2):
            if attempt > 1:
                self.reload_worker(model_id)
            if attempt:
                self._models.elsewhere(PAUSE)
            self.store.read_again()
            if not self.blind and model_id in self.rows():
                return
            if self.blind and self.serves(model_id):
                return

    def serves(self, model_id: str) -> bool:
        """Whether this worker serves a row."""
        return any(row.id == model_id for row in self.router())

    def confirm_exists(self, model_id: str) -> bool:
        """Whether the database has a row, by a PATCH that changes nothing.

        If it has, the worker reads all rows again.

        :raises GatewayError: It cannot be seen.
        """
        try:
            self._models.update(model_id, {})
        except NotInDatabase:
            return False
        except (NotServed, ServesLess, Unchangeable):
            pass  # LiteLLM says so of a row that exists
        return True

    def see_if_exists(self, model_id: str) -> bool:
        """Whether a row exists. If it is not shown, an empty PATCH finds out.

        :raises GatewayError: The gateway does not show the row. It has it, or nobody can tell.
        """
        if not self.blind and model_id in self.rows():
            return True
        unclear: GatewayError | None = None
        try:
            if not self.confirm_exists(model_id):
                self.store.drop(model_id)
                return False
        except GatewayError as err:
            unclear = err
        self.see(model_id)
        if not self.blind and model_id in self.rows():
            return True
        if unclear is not None:
            raise GatewayError(
                f"The gateway does not show {model_id}, and does not say whether it has it: "
                f"{unclear}",
                unclear.status,
            )
        raise GatewayError(f"The gateway does not show {model_id}, which it has")

    def reload_worker(self, model_id: str) -> None:
        """Let a worker read its database, by a PATCH of a row that changes nothing."""
        try:
            self.confirm_exists(model_id)
        except GatewayError as err:
            log.debug("Reloading a worker with %s: %s", model_id, err)

    def _read_database(self) -> None:
        """Read the database once more, as the router is known."""
        self.store.replace(self._read(self.store.last_read))

    def _read(self, before: Rows[ModelRow] | None) -> Rows[ModelRow]:
        rows = self._parse_rows(self._models.database())
        for attempt in range(_BLIND_LOOKS):
            if rows or not self._served_rows():
                break
            # We read at a bad moment, or from a worker that has not loaded anything yet.
            self._models.elsewhere(PAUSE * bool(attempt))
            rows = self._parse_rows(self._models.database())
        found = ModelRows(row for row in rows if row.from_database)
        self._shown = frozenset(row.id for row in found)
        self.saw_database = self.saw_database or bool(self._shown)
        if self._incomplete:
            for row in self._hidden_rows(found, before or ()):
                found.add(row)
        self.blind = not found and (not self.router() or bool(self._served_rows()))
        if self.blind and before:
            return before  # nothing says that the known rows have changed
        for row in before or ():
            _remember(row, found)
        return found

    def _parse_rows(self, listed: list[Listed]) -> list[ModelRow]:
        """The rows of a list.

        :raises WrongGateway: The marker of a row names a gateway that is not the profile's.
        """
        rows = parse_all(listed)
        refuse_other_gateway(rows, self._names, self._models.url)
        return rows

    def _served_rows(self) -> list[ModelRow]:
        """The rows of the database that this worker serves. It may have read them long ago."""
        return [row for row in self.router() if row.from_database]

    def _lacking_rows(self) -> list[ModelRow]:
        """The rows that this worker serves, and that the view of the database lacks."""
        return [row for row in self._served_rows() if row.id not in self._shown]

    def _settle_blindness(self, lacking: list[ModelRow]) -> None:
        """Nothing is seen, but this worker serves rows: they were deleted through another worker.

        The view of the database shows nothing only while the router is empty. So the database is.
        """
        if self.blind and lacking:
            self.blind = False
            self.store.replace(ModelRows())
            self.unproven = not self.may_write

    def _database_has(self, row: ModelRow) -> bool:
        """Whether the database has a row that its view lacks."""
        if any(one.id == row.id for one in self._named_in_database(row.model_name)):
            return True
        if self._shown:
            return False  # the view is complete
        return self.may_write and self.confirm_exists(row.id)

    def _named_in_database(self, model_name: str) -> list[ModelRow]:
        """The rows of the database that have about this name.

        Searches for the name with a wildcard in the place of the first letter. Only the database
        knows wildcards, so the router adds nothing. Rows that LiteLLM cannot read are not in the
        result, so they do no harm.
        """
        return self._parse_rows(self._models.database("_" + model_name[1:].replace("\\", "_")))

    def shows(self, row: ModelRow) -> bool:
        """Whether a search for its name shows a row. If LiteLLM cannot load it, none does."""
        return any(one.id == row.id for one in self._named_in_database(row.model_name))

    def _is_unreadable(self, row: ModelRow, shows_others: bool) -> bool:
        """Whether LiteLLM cannot load a row, and serves a former state of it.

        If no search shows anything, LiteLLM may have closed its view of the database. Then the
        length of the stored texts tells, which a PATCH that changes nothing returns.
        """
        if self.shows(row):
            return False
        try:
            return shows_others or differs(self._models.update(row.id, {}), row)
        except GatewayError:
            return False

    def _hidden_rows(self, shown: ModelRows, before: Iterable[ModelRow]) -> list[ModelRow]:
        """The rows that the database has, and that its view lacks.

        What a worker serves may be old, so the database proves each row: by its name, or else by a
        PATCH that changes nothing. With ``test=True`` only by its name.
        """
        lacking = {row.id: row for row in (*before, *self._served_rows()) if row.id not in shown}
        found: dict[str, ModelRow] = {}
        for name in dict.fromkeys(row.model_name for row in lacking.values()):
            found |= {row.id: row for row in self._named_in_database(name)}
        unnamed = [one for one in lacking if self.may_write and one not in found]
        if confirmed := list(filter(self.confirm_exists, unnamed)):
            self._router = None  # the PATCH has made this worker read the database
            served = {row.id: row for row in self._served_rows()}
            rows = [served.get(one, lacking[one]) for one in confirmed]
            others = bool(found)
            found |= {
                row.id: replace(row, unreadable=self._is_unreadable(row, others)) for row in rows
            }
        return list(found.values())


def _remember(before: ModelRow, found: ModelRows) -> None:
    """Keep what a write of this run has returned for a row, unless it was written later."""
    now = found.get(before.id)
    if before.stored is not None and now is not None and now.marker == before.marker:
        found.add(replace(now, stored=before.stored, kept=before.kept, forms=before.forms))
