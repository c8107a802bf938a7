"""Deletes the rows that a set owns and does not declare any more, or leaves them alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeGuard

from ..errors import GatewayError, LiteLLMError, NotDone, NotSeen, NotServed
from ..models.execute import Executor
from ..models.notes import owner
from ..models.row import Row
from . import plan as plans
from .outcome import Outcome, Progress
from .plan import DELETE, NONE

# With these statuses every further request fails as well; `None` is no answer.
_HOPELESS = (None, 401, 403)


def is_hopeless(error: LiteLLMError | None) -> TypeGuard[GatewayError]:
    """Whether every further request would fail as well, and not only those for one row."""
    if not isinstance(error, GatewayError) or isinstance(error, NotDone | NotServed):
        return False
    return error.status in _HOPELESS


def left_alone(row: Row) -> Outcome:
    """The outcome of a row if the set does not prune."""
    return Outcome(owner(row), NONE, row.model_id, tried=False, declared=False, kept=True)


def deleted(row: Row) -> Outcome:
    """The outcome of a row that was deleted, or would be."""
    changes = plans.delete(row).changes
    return Outcome(owner(row), DELETE, row.model_id, changes, declared=False)


def not_deleted(row: Row, error: GatewayError | None = None) -> Outcome:
    """The outcome of a row that could not be deleted.

    :param error: Why not. ``None`` if it was not tried.
    """
    return Outcome(
        owner(row),
        NONE,
        row.model_id,
        failure=None if error is None else str(error),
        unknown=isinstance(error, NotSeen),
        tried=error is not None,
        declared=False,
    )


def delete(
    rows: Sequence[Row], executor: Executor, progress: Progress, error: GatewayError | None
) -> Iterator[Outcome]:
    """Delete rows, one after the other, until the gateway takes no more requests.

    :param error: Why the first row cannot be deleted.
    """
    hopeless = False
    for number, row in enumerate(rows, start=1):
        if hopeless:
            yield not_deleted(row)
            continue
        try:
            if error is None:
                executor.delete(row)
        except GatewayError as err:
            error = err
        if error is None:
            outcome = deleted(row)
        else:
            outcome = not_deleted(row, error)
            hopeless, error = is_hopeless(error), None
        progress(number, len(rows), outcome.name)
        yield outcome
