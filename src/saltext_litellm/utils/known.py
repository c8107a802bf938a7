"""What is known of a gateway's rows during a run: read once, and kept true by our own writes."""

from __future__ import annotations

from collections.abc import Callable, Set
from concurrent.futures import ThreadPoolExecutor

from . import row as rows_
from .client import Client
from .deployment import Deployment
from .errors import OutcomeUnknown
from .identity import Rows, find
from .row import Row

# How LiteLLM 1.106.2 begins the 500 of a write that it kept but cannot serve.
SAVED = "saved to the database"


class Known:
    """The rows of a gateway, as far as they are known.

    :param meanwhile: What else is to be done, in the time in which the gateway makes its list.
    """

    def __init__(self, client: Client, meanwhile: Callable[[], object]) -> None:
        self._client = client
        self._meanwhile = meanwhile
        self._rows: Rows | None = None
        self._changed: set[str] = set()  # written since they were read
        self._consistent = False

    def rows(self) -> Rows:
        """Every row, read once."""
        if self._rows is None:
            with ThreadPoolExecutor(1) as background:
                background.submit(self._meanwhile)
                listed = self._client.rows()
            self._rows = Rows(rows_.parse_all(listed))
        return self._rows

    def find(self, deployment: Deployment, taken: Set[str] = frozenset()) -> Row | None:
        """The row of a deployment, as it is after our own writes.

        :param taken: The ids of rows that are those of other deployments.
        """
        row = find(deployment, self.rows(), taken)
        if row is None or row.model_id not in self._changed:
            return row
        fresh = self.unlisted(row.model_id)
        if fresh is None:
            self.forget(row.model_id)
        else:
            self.rows().add(fresh)
            self._changed.discard(row.model_id)
        return fresh

    def unlisted(self, model_id: str) -> Row | None:
        """A row by its id, from the database if this worker does not serve it."""
        return rows_.parse(self._client.row(model_id))

    def remember(self, row: Row) -> None:
        """A row was written; what it has become is read when somebody asks."""
        self.rows().add(row)
        self._changed.add(row.model_id)

    def forget(self, model_id: str) -> None:
        """A row is not there any more, or not served."""
        self.rows().drop(model_id)
        self._changed.discard(model_id)

    def forget_all(self) -> None:
        """Read everything again when somebody asks."""
        self._rows = None
        self._changed.clear()

    def consult_database(self, model_id: str) -> bool:
        """Before the first change or deletion of a run, see the database as it is.

        Another worker's writes reach this one with a delay of up to 50 s (LiteLLM 1.106.2), so
        the list may be stale.

        :param model_id: A row that is to be changed or deleted.
        :returns: Whether what is known may have changed, and with it the plans.
        """
        row = self.rows().get(model_id)
        if self._consistent or (row is not None and not rows_.is_recent(row)):
            # 1.83.14 drops every row of the database for the time of a reload, 50 to 200 ms.
            return False
        self.reload(model_id)
        return True

    def reload(self, model_id: str) -> bool:
        """Let this worker read the database again.

        A PATCH that changes nothing makes it do so, and the next list comes from the same worker.
        Once a run, as our own writes do it as well.

        :returns: Whether there is such a row. It takes one to reload.
        """
        try:
            if self._client.update(model_id, {}) is None:
                self.forget(model_id)
                return False
        except OutcomeUnknown as err:
            if SAVED not in str(err):  # it did reload, and does not serve this very row
                raise
        self.forget_all()
        self._consistent = True
        return True
