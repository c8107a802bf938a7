"""Deletes the rows that a set owns and does not declare any more, or leaves them alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..errors import GatewayError, NotSeen
from . import plan as plans
from .execute import is_hopeless
from .kind import Kind
from .outcome import Outcome, Progress
from .plan import DELETE, NONE
from .row import R, Row


def left_alone(row: Row) -> Outcome:
    """The outcome of a row if the set does not prune."""
    return Outcome(row.owner, NONE, row.id, tried=False, declared=False, kept=True)


def deleted(kind: Kind[R], row: R) -> Outcome:
    """The outcome of a row that was deleted, or would be."""
    changes = plans.delete(kind, row).changes
    return Outcome(row.owner, DELETE, row.id, changes, declared=False)


def not_deleted(row: Row, error: GatewayError | str | None = None) -> Outcome:
    """The outcome of a row that could not be deleted.

    :param error: Why not. ``None`` if it was not tried.
    """
    return Outcome(
        row.owner,
        NONE,
        row.id,
        failure=None if error is None else str(error),
        unknown=isinstance(error, NotSeen),
        tried=error is not None,
        declared=False,
    )


def delete(
    kind: Kind[R],
    rows: Sequence[R],
    send: Callable[[R], None],
    progress: Progress,
    error: GatewayError | None,
) -> Iterator[Outcome]:
    """Delete rows, one after the other, until the gateway takes no more requests.

    :param send: Deletes a row.
    :param error: Why the first row cannot be deleted.
    """
    hopeless = False
    for number, row in enumerate(rows, start=1):
        if hopeless:
            yield not_deleted(row)
            continue
        try:
            if error is None:
                send(row)
        except GatewayError as err:
            error = err
        if error is None:
            outcome = deleted(kind, row)
        else:
            outcome = not_deleted(row, error)
            hopeless, error = is_hopeless(error), None
        progress(number, len(rows), outcome.name)
        yield outcome
