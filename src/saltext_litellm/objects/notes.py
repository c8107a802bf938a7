"""Notes on how a row was replaced, or would be."""

from __future__ import annotations

from collections.abc import Iterator

from ..values.paths import Path
from .fields import Fields
from .plan import Plan
from .row import R, Row


def foreseen(fields: Fields, first: Plan[R], lasting: frozenset[Path] | None) -> Iterator[str]:
    """Notes on how an update would be done.

    :param first: The plan before the first step.
    :param lasting: What LiteLLM cannot clear in place, ``None`` if the row is not replaced.
    """
    if first.leftovers:
        ids = ", ".join(row.id for row in first.leftovers)
        yield f"{ids}, which it has replaced, would be deleted"
    if lasting:
        what = _labels(fields, lasting)
        yield f"It needs a new row, because LiteLLM cannot clear {what} in place"
    elif lasting is not None:
        yield "It would be replaced, because LiteLLM cannot change an id"


def replaced(fields: Fields, first: Plan[R], now: Row | None, lasting: frozenset[Path]) -> str:
    """The note on how a row was replaced.

    :param first: The plan before the first step.
    :param now: The row that exists now.
    :param lasting: What LiteLLM cannot clear in place.
    """
    old, words = first.row, _labels(fields, lasting)
    why = f"LiteLLM cannot clear {words} in place" if words else "LiteLLM cannot change an id"
    if old is None or now is None or old.id == now.id:
        return f"Its row was made anew under its id, because {why}"
    return f"It was replaced by row {now.id} (was {old.id}), because {why}"


def _labels(fields: Fields, paths: frozenset[Path]) -> str:
    return ", ".join(sorted(map(fields.label, paths)))
