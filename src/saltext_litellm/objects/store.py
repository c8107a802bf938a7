"""The rows of one kind on one gateway, as a run knows them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic

from .row import R, Rows


@dataclass(frozen=True)
class Prediction(Generic[R]):
    """What a state would do with ``test=True``.

    :param state: The state that has predicted it, ``None`` outside of a run.
    :param row: The row that it would write.
    :param gone: The ids of the rows that it would delete.
    """

    state: str | None
    row: R | None
    gone: tuple[str, ...]


class Store(Generic[R]):
    """The rows of a kind: read once, and updated by our own writes.

    :param read: Reads the rows. It gets those that were known before, ``None`` at first.
    :param index: Makes an index of rows.
    :param meanwhile: A function to call while the gateway prepares its first answer.
    :ivar state: The state of a run that looks at the rows now.
    :ivar reads: How often the rows were read.
    """

    def __init__(
        self,
        read: Callable[[Rows[R] | None], Rows[R]],
        index: Callable[[Collection[R]], Rows[R]],
        meanwhile: Callable[[], object],
    ) -> None:
        self._read, self._index, self._meanwhile = read, index, meanwhile
        self._rows: Rows[R] | None = None
        self._forecast: Rows[R] | None = None
        self._predicted: list[Prediction[R]] = []
        self.state: str | None = None
        self.reads = 0

    def rows(self, forecast: bool = False) -> Rows[R]:
        """Every row, read once.

        :param forecast: As they would be after what was only predicted in this run.
        """
        if self._rows is None:
            with ThreadPoolExecutor(1) as background:
                background.submit(self._meanwhile)
                self.replace(self._read(None))
        assert self._rows is not None  # noqa: S101 - just read
        return self._predicted_rows() if forecast and self._predicted else self._rows

    @property
    def last_read(self) -> Rows[R] | None:
        """The rows as they are known, ``None`` if they were not read yet."""
        return self._rows

    def read_again(self) -> None:
        """Read the rows again, because an answer was not as expected."""
        self.replace(self._read(self._rows))

    def replace(self, rows: Rows[R]) -> None:
        """Take rows that were read just now."""
        self.reads += 1
        if rows is not self._rows:
            self._rows, self._forecast = rows, None

    def forget(self) -> None:
        """Read the rows anew when they are next needed, because others may have changed them."""
        self._rows = self._forecast = None

    def put(self, row: R) -> None:
        """Record a row that was written."""
        for rows in self._all():
            rows.add(row)

    def drop(self, row_id: str) -> None:
        """Record that a row is gone."""
        for rows in self._all():
            rows.drop(row_id)

    def _all(self) -> list[Rows[R]]:
        return [rows for rows in (self._rows, self._forecast) if rows is not None]

    # ---------------------------------------------------------------- predictions

    def predict(self, row: R | None, gone: Collection[str] = ()) -> None:
        """Record what would be written and deleted with ``test=True``."""
        prediction = Prediction(self.state, row, tuple(gone))
        _apply(prediction, self._predicted_rows())
        self._predicted.append(prediction)

    def foreseen(self, counts: Callable[[R], bool]) -> int:
        """How many more rows of a sort there would be, by what was only predicted in this run."""
        if not self._predicted:
            return 0
        return sum(map(counts, self._predicted_rows())) - sum(map(counts, self.rows()))

    def forget_predictions(self, state: str | None) -> None:
        """Forget what a state has predicted, because it is about to say it again."""
        self._predicted = [one for one in self._predicted if one.state != state]
        self._forecast = None

    def _predicted_rows(self) -> Rows[R]:
        if self._forecast is None:
            self._forecast = self._index(list(self.rows()))
            for prediction in self._predicted:
                _apply(prediction, self._forecast)
        return self._forecast


def _apply(prediction: Prediction[R], rows: Rows[R]) -> None:
    """Change rows as it was predicted."""
    for row_id in prediction.gone:
        rows.drop(row_id)
    if prediction.row is not None:
        rows.add(prediction.row)
