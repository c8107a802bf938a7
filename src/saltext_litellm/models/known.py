"""The rows of a gateway as this run knows them: read once, and updated by our own writes.

Decisions and sentences use the database, which all workers show in the same way. The rows that a
worker serves are read once more, when a row will be made, adopted or deleted. The two views check
each other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ..errors import (
    GatewayError,
    NotAllowed,
    NotInDatabase,
    NotServed,
    Refused,
    ServesLess,
    Unchangeable,
    WrongGateway,
)
from ..values.quote import quoted
from .encrypted import differs
from .endpoints import Listed, Models
from .identity import Rows
from .row import Row, parse_all, with_masks
from .versions import OLD, RECENT, Capabilities, by_rows, by_version

log = logging.getLogger(__name__)

PAUSE = 0.3  # seconds between two looks: LiteLLM 1.83.14 serves nothing for up to 0.2 s
_BLIND_LOOKS = 4  # how often to look again if nothing is seen
_COMPARISONS = 4  # how often the two views are compared while others write
_DOUBTED = 3  # of the rows that only one view shows, so many are looked up


@dataclass(frozen=True)
class Prediction:
    """What a state would do with ``test=True``.

    :param state: The state that has predicted it, ``None`` outside of a run.
    :param row: The row that it would write.
    :param gone: The ids of the rows that it would delete.
    """

    state: str | None
    row: Row | None
    gone: tuple[str, ...]


class Known:
    """The rows of a gateway, as far as they are known.

    :param meanwhile: A function to call while the gateway prepares its list.
    :param names: The name that the gateway must have, and its former names. Empty for any name.
    """

    def __init__(
        self, models: Models, meanwhile: Callable[[], object], names: Sequence[str] = ()
    ) -> None:
        self._models = models
        self._meanwhile = meanwhile
        self._names = names
        self.state: str | None = None  # the state of a run that looks at the rows now
        self._rows: Rows | None = None
        self._forecast: Rows | None = None
        self._predicted: list[Prediction] = []
        self._router: list[Row] | None = None
        self._config: Rows | None = None
        self._capabilities: Capabilities | None = None
        self._version_asked = False
        self._may_see_masks = True
        self.may_write = False  # whether a look may send a PATCH that changes nothing
        self.compared = False  # whether the two views have checked each other
        self._shown: frozenset[str] = frozenset()  # the ids in the view of the database
        self.saw_database = False  # whether the gateway has ever shown a row of its database
        self._incomplete = False  # whether the view of the database lacks rows
        self._looked = False  # whether we have looked several times and seen nothing
        # Whether rows that a worker serves count as deleted, but no PATCH has proven that.
        self.unproven = False
        self.reads = 0  # how often the database was read
        # Whether nothing was seen at all. Then the router of this worker is empty, and LiteLLM
        # shows nothing of its database, even if that has rows.
        self.blind = False

    # ---------------------------------------------------------------- rows

    def rows(self, forecast: bool = False) -> Rows:
        """Every row of the database, read once.

        :param forecast: As they would be after what was only predicted in this run.
        """
        if self._rows is None:
            with ThreadPoolExecutor(1) as background:
                background.submit(self._meanwhile)
                self._read()
        assert self._rows is not None  # noqa: S101 - just read
        return self._predicted_rows() if forecast and self._predicted else self._rows

    def config(self) -> Rows:
        """The rows of the gateway's config file, which stay the same."""
        if self._config is None:
            self._config = Rows(row for row in self.router() if not row.from_database)
        return self._config

    def router(self) -> list[Row]:
        """What this worker serves, read once."""
        if self._router is None:
            self._router = self._parse_rows(self._models.router())
        return self._router

    def read_again(self) -> None:
        """Read the database again, because an answer was not as expected."""
        seen = bool(self._rows)
        self._router = None
        self._read()
        self._looked = not seen
        self.look_again()

    def forget(self) -> None:
        """Read everything anew when it is next needed, because others may have changed it."""
        self._rows = self._forecast = self._router = self._config = None
        self.compared = self._incomplete = self._looked = self.blind = self.unproven = False

    def put(self, row: Row) -> None:
        """Record a row that was written."""
        for rows in self._rows_and_forecast():
            rows.add(row)

    def see_masks(self, row: Row) -> Row | None:
        """Add to a row the masks of its secrets, which reads leave out.

        :returns: ``None`` if the api_key may not see them. Then they are not asked for again.
        """
        if not self._may_see_masks:
            return None
        try:
            row = with_masks(row, self._models.masked_secrets(row.model_id))
        except NotAllowed:
            self._may_see_masks = False
            return None
        self.put(row)
        return row

    def look_inside(self, row: Row) -> bool:
        """Read what is stored in a row, by a PATCH that changes nothing, before the row is planned.

        :returns: ``False`` if LiteLLM did not return it.
        """
        try:
            stored = self._models.update(row.model_id, {})
        except NotInDatabase:
            self.drop(row.model_id)
            self.read_again()
        except (NotServed, ServesLess):
            return False
        else:
            self.put(replace(row, stored=stored, inside=stored))
        return True

    def drop(self, model_id: str) -> None:
        """Record that a row is gone."""
        for rows in self._rows_and_forecast():
            rows.drop(model_id)

    def _rows_and_forecast(self) -> list[Rows]:
        return [rows for rows in (self._rows, self._forecast) if rows is not None]

    def predict(self, row: Row | None, gone: Collection[str]) -> None:
        """Record what would be written and deleted with ``test=True``."""
        prediction = Prediction(self.state, row, tuple(gone))
        _apply(prediction, self._predicted_rows())
        self._predicted.append(prediction)

    def forget_predictions(self, state: str | None) -> None:
        """Forget what a state has predicted, because it is about to say it again."""
        self._predicted = [one for one in self._predicted if one.state != state]
        self._forecast = None

    def _predicted_rows(self) -> Rows:
        if self._forecast is None:
            self._forecast = Rows(self.rows())
            for prediction in self._predicted:
                _apply(prediction, self._forecast)
        return self._forecast

    # ---------------------------------------------------------------- capabilities

    def capabilities(self, removing: bool = False) -> Capabilities:
        """The abilities of the gateway's LiteLLM.

        :param removing: Whether something must be removed. Rows do not show how LiteLLM removes, so
            this may take a request. They show all other abilities.
        """
        if self._capabilities is None:
            self._capabilities = by_rows(self.rows())
        vague = self._capabilities is None or (removing and self._capabilities is RECENT)
        if vague and not self._version_asked:
            self._version_asked = True
            self._capabilities = by_version(self._models.version())
        return self._capabilities or OLD

    def refuse_config(self, model_id: str | None) -> None:
        """Refuse an id of the gateway's config file."""
        if model_id is not None and model_id in self.config():
            raise Refused(
                f"{model_id} belongs to the gateway's config file, which Salt never touches"
            )

    def require_blocking(self) -> None:
        """Refuse to pause deployments where LiteLLM cannot."""
        if not self.capabilities().blocks:
            raise Refused("The gateway's LiteLLM is too old to block deployments")

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
            self._read()
            if found.model_id not in self._shown:
                log.info("%s does not show all of its database", self._models.url)
                self._incomplete = True
                self._read()

    def look_again(self) -> None:
        """If nothing was seen at all, look again a few times. This may reach other workers."""
        for _ in range(0 if self._looked else _BLIND_LOOKS):
            if not self.blind:
                return
            self._models.elsewhere(PAUSE)
            self._read()
        self._looked = self.blind

    def see(self, model_id: str) -> None:
        """Read the database until it shows a row that exists.

        Give up if this worker serves the row and still shows nothing of the database.
        """
        for attempt in range(_BLIND_LOOKS * 2):
            if attempt > 1:
                self.reload_worker(model_id)
            if attempt:
                self._models.elsewhere(PAUSE)
            self.read_again()
            if not self.blind and model_id in self.rows():
                return
            if self.blind and self.serves(model_id):
                return

    def serves(self, model_id: str) -> bool:
        """Whether this worker serves a row."""
        return any(row.model_id == model_id for row in self.router())

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

    def reload_worker(self, model_id: str) -> None:
        """Let a worker read its database, by a PATCH of a row that changes nothing."""
        try:
            self.confirm_exists(model_id)
        except GatewayError as err:
            log.debug("Reloading a worker with %s: %s", model_id, err)

    def _read(self) -> None:
        self.reads += 1
        rows = self._parse_rows(self._models.database())
        for attempt in range(_BLIND_LOOKS):
            if rows or not self._served_rows():
                break
            # We read at a bad moment, or from a worker that has not loaded anything yet.
            self._models.elsewhere(PAUSE * bool(attempt))
            rows = self._parse_rows(self._models.database())
        before, found = self._rows, Rows(row for row in rows if row.from_database)
        self._shown = frozenset(row.model_id for row in found)
        self.saw_database = self.saw_database or bool(self._shown)
        if self._incomplete:
            for row in self._hidden_rows(found, before or ()):
                found.add(row)
        self.blind = not found and (not self.router() or bool(self._served_rows()))
        if self.blind and before:
            return  # keep the known rows: nothing says that they have changed
        self._rows, self._forecast = found, None
        for row in before or ():
            self._remember(row)

    def _parse_rows(self, listed: list[Listed]) -> list[Row]:
        """The rows of a list.

        :raises WrongGateway: The marker of a row names a gateway that is not the profile's.
        """
        rows = parse_all(listed)
        for row in rows if self._names else ():
            name = row.marker.gateway if row.marker else None
            if name is not None and name not in self._names:
                raise WrongGateway(
                    f"{self._models.url} is the gateway {quoted(name)}, as the marker of "
                    f"{row.model_id} says, but gateway_name of the profile is "
                    f"{quoted(self._names[0])}"
                )
        return rows

    def _served_rows(self) -> list[Row]:
        """The rows of the database that this worker serves. It may have read them long ago."""
        return [row for row in self.router() if row.from_database]

    def _remember(self, before: Row) -> None:
        """Keep what a write of this run has returned for a row, unless it was written later."""
        assert self._rows is not None  # noqa: S101 - just read
        now = self._rows.get(before.model_id)
        if before.stored is not None and now is not None and now.marker == before.marker:
            learnt = replace(now, stored=before.stored, kept=before.kept, forms=before.forms)
            self._rows.add(learnt)

    def _lacking_rows(self) -> list[Row]:
        """The rows that this worker serves, and that the view of the database lacks."""
        return [row for row in self._served_rows() if row.model_id not in self._shown]

    def _settle_blindness(self, lacking: list[Row]) -> None:
        """Nothing is seen, but this worker serves rows: they were deleted through another worker.

        The view of the database shows nothing only while the router is empty. So the database is.
        """
        if self.blind and lacking:
            self.blind, self._rows, self._forecast = False, Rows(), None
            self.reads += 1
            self.unproven = not self.may_write

    def _database_has(self, row: Row) -> bool:
        """Whether the database has a row that its view lacks."""
        if any(one.model_id == row.model_id for one in self._named_in_database(row.model_name)):
            return True
        if self._shown:
            return False  # the view is complete
        return self.may_write and self.confirm_exists(row.model_id)

    def _named_in_database(self, model_name: str) -> list[Row]:
        """The rows of the database that have about this name.

        Searches for the name with a wildcard in the place of the first letter. Only the database
        knows wildcards, so the router adds nothing. Rows that LiteLLM cannot read are not in the
        result, so they do no harm.
        """
        return self._parse_rows(self._models.database("_" + model_name[1:].replace("\\", "_")))

    def shows(self, row: Row) -> bool:
        """Whether a search for its name shows a row. If LiteLLM cannot load it, none does."""
        return any(one.model_id == row.model_id for one in self._named_in_database(row.model_name))

    def _is_unreadable(self, row: Row, shows_others: bool) -> bool:
        """Whether LiteLLM cannot load a row, and serves a former state of it.

        If no search shows anything, LiteLLM may have closed its view of the database. Then the
        length of the stored texts tells, which a PATCH that changes nothing returns.
        """
        if self.shows(row):
            return False
        try:
            return shows_others or differs(self._models.update(row.model_id, {}), row)
        except GatewayError:
            return False

    def _hidden_rows(self, shown: Rows, before: Iterable[Row]) -> list[Row]:
        """The rows that the database has, and that its view lacks.

        What a worker serves may be old, so the database proves each row: by its name, or else by a
        PATCH that changes nothing. With ``test=True`` only by its name.
        """
        lacking = {
            row.model_id: row
            for row in (*before, *self._served_rows())
            if row.model_id not in shown
        }
        found: dict[str, Row] = {}
        for name in dict.fromkeys(row.model_name for row in lacking.values()):
            found |= {row.model_id: row for row in self._named_in_database(name)}
        unnamed = [one for one in lacking if self.may_write and one not in found]
        if confirmed := list(filter(self.confirm_exists, unnamed)):
            self._router = None  # the PATCH has made this worker read the database
            served = {row.model_id: row for row in self._served_rows()}
            rows = [served.get(one, lacking[one]) for one in confirmed]
            others = bool(found)
            found |= {
                row.model_id: replace(row, unreadable=self._is_unreadable(row, others))
                for row in rows
            }
        return list(found.values())


def _apply(prediction: Prediction, rows: Rows) -> None:
    """Change rows as it was predicted."""
    for model_id in prediction.gone:
        rows.drop(model_id)
    if prediction.row is not None:
        rows.add(prediction.row)
