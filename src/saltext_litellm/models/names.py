"""Gives the rows of a gateway names as states, so that a person recognises each row. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count
from urllib.parse import urlsplit

from ..values.secrets import is_shown
from .fields import API_BASE, MODEL, REGION
from .row import ModelRow, provider

_LABEL = re.compile(r"[\w.-]{1,40}")


def of(rows: Sequence[ModelRow], set_: str | None) -> Iterator[tuple[str, ModelRow]]:
    """Each row with the name of its state, or of its model in a set, in the order of the rows.

    A row of ours keeps its name. A row that nobody manages gets its model name. If several rows
    have that model name, a word in which they differ is added.
    """
    named: dict[str, str] = {}
    taken: set[str] = set()
    for row, name in chain(_owned_names(rows, set_), _other_names(rows, set_)):
        named[row.id] = _free_name(name, taken)
        taken.add(named[row.id])
    for row in rows:
        yield named[row.id], row


def is_own(row: ModelRow, set_: str | None) -> bool:
    """Whether Salt manages a row as a state, or as a model of the given set."""
    return row.marker is not None and row.marker.set in (None, set_)


def _owned_names(rows: Sequence[ModelRow], set_: str | None) -> Iterator[tuple[ModelRow, str]]:
    for row in rows:
        if row.marker is not None and is_own(row, set_):
            yield row, row.marker.name


def _other_names(rows: Sequence[ModelRow], set_: str | None) -> Iterator[tuple[ModelRow, str]]:
    groups: defaultdict[str, list[ModelRow]] = defaultdict(list)
    for row in rows:
        if not is_own(row, set_):
            groups[row.model_name].append(row)
    # Rows that do not share their model name come first, so that each gets exactly that name.
    for model_name, group in sorted(groups.items(), key=lambda item: len(item[1]) > 1):
        if len(group) == 1:
            yield group[0], model_name
            continue
        for row, label in zip(group, _labels(group), strict=True):
            yield row, label if label.startswith(model_name) else f"{model_name}-{label}"


def _labels(group: Sequence[ModelRow]) -> list[str]:
    """A word for each row of a model name, so that no two are the same; or else a number."""
    for label in _BY:
        labels = [label(row) for row in group]
        if all(map(_LABEL.fullmatch, labels)) and max(Counter(labels).values()) == 1:
            return labels
    return [str(number) for number in range(1, len(group) + 1)]


def _model_label(row: ModelRow) -> str:
    """The upstream model, without its provider."""
    return _unless_hidden(row.get(MODEL)).rpartition("/")[2]


def _server_label(row: ModelRow) -> str:
    """The first part of the host name in the ``api_base``."""
    try:
        host = urlsplit(_unless_hidden(row.get(API_BASE))).hostname or ""
    except ValueError:  # no URL
        return ""
    label = host.partition(".")[0]
    return "" if label.isdecimal() else label


def _unless_hidden(value: object) -> str:
    return value if isinstance(value, str) and is_shown("", value) else ""


_BY: tuple[Callable[[ModelRow], str], ...] = (
    lambda row: _unless_hidden(provider(row)),
    _model_label,
    lambda row: _unless_hidden(row.get(REGION)),
    _server_label,
)


def _free_name(name: str, taken: set[str]) -> str:
    """The name, with a number if it is taken."""
    if name not in taken:
        return name
    return next(one for one in (f"{name}-{number}" for number in count(2)) if one not in taken)
