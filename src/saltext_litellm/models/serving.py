"""Looks whether LiteLLM serves rows in the form in which they were written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..objects.planning import PAUSE
from .endpoints import ModelEndpoints
from .fields import PARAMS, is_limit
from .identity import ModelRows
from .row import ModelRow, parse_all
from .views import Views

# For the ids of rows: whether a row, as a worker serves it, is as it was written.
Expected = Mapping[str, Callable[[ModelRow], bool]]

_LOOKS = 36  # how often to check whether some worker serves a row
_LOOKS_WITHOUT_PAUSE = 6  # so many of the first looks


def unserved(
    models: ModelEndpoints, expected: Expected, looks: int, vouched: bool = False
) -> list[str]:
    """The ids of the rows that no worker serves as expected.

    :param looks: How often to look, which may reach another worker each time.
    :param vouched: LiteLLM has said that it serves each of them in some form. Then one that no
        worker shows counts as served: it is for another environment.
    """
    left, shown = list(expected), set()
    for attempt in range(looks):
        if attempt:
            models.elsewhere(PAUSE if attempt > _LOOKS_WITHOUT_PAUSE else 0)
        served = ModelRows(parse_all(models.router()))
        shown |= {one for one in left if one in served}
        left = [one for one in left if (row := served.get(one)) is None or not expected[one](row)]
        if not left or (vouched and attempt > _LOOKS_WITHOUT_PAUSE and shown.isdisjoint(left)):
            break
    return [one for one in left if one in shown] if vouched else left


def still_unserved(
    models: ModelEndpoints, views: Views, expected: Expected, vouched: bool
) -> list[str]:
    """The ids of the rows that no worker serves as expected, not even after a reload."""
    left = unserved(models, expected, _LOOKS, vouched)
    if left:
        # If a poll reads the row just before the write and loads it just after, 1.83.14 may
        # drop the row, and 1.106.2 serves it as it was, both until the next poll.
        views.reload_worker(left[0])
        left = unserved(models, {one: expected[one] for one in left}, _LOOKS_WITHOUT_PAUSE)
    return left


def is_harmless(row: ModelRow, body: Mapping[str, Any]) -> bool:
    """Whether LiteLLM can serve a row after a change as it could before."""
    return all(
        is_limit((PARAMS, key)) or row.data.get(PARAMS, {}).get(key) == value
        for key, value in (body.get(PARAMS) or {}).items()
    )
