"""Which row is meant, and whether it may be managed or belongs to somebody else. Pure."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from ..errors import Ambiguous, Refused
from ..values.quote import joined
from .declared import Declared
from .row import R, Row, owner_of

# All ids that we choose are derived from this. Never change it: creates would make duplicates.
NAMESPACE = uuid.UUID("5b0ad5cf-6c4b-5d8e-9d0c-1f6a3f0b8f6e")

_MOST_CHOICES = 5  # rows that a sentence names


def derived_ids(*owner: str | None) -> Iterator[str]:
    """The ids that a create may choose, in this order. An owner has the same ids in every run."""
    for number in count():
        named = [*owner, *([number] if number else [])]
        yield str(uuid.uuid5(NAMESPACE, json.dumps(named, ensure_ascii=False)))


def only_one(
    rows: Sequence[R], what: str, id_label: str, text: Callable[[R], str], temporary: bool = False
) -> R:
    """The row, if there is only one.

    :param what: The beginning of a sentence: what there are several of.
    :param id_label: The argument that says which row is meant.
    :param text: Says of a row in a few words what it is.
    :param temporary: Whether another client is about to delete one of them.
    :raises Ambiguous: There are several.
    """
    if len(rows) == 1:
        return rows[0]
    rows = sorted(rows, key=lambda row: row.id)
    choices = joined([f"{row.id} ({text(row)})" for row in rows], _MOST_CHOICES)
    raise Ambiguous(
        f"{what}: {choices}; say which one is meant, as `{id_label}: {rows[0].id}`, or delete the "
        "others",
        temporary=temporary,
    )


def is_free(row: Row, declared: Declared) -> bool:
    """Whether a row may be adopted: nobody owns it, or its owner is the state that joins a set."""
    if row.marker is None:
        return True
    return declared.set is not None and owner_of(row.marker) == (None, declared.name)


def is_owned(row: Row, declared: Declared) -> bool:
    """Whether a row has the marker of what is declared."""
    return row.marker is not None and owner_of(row.marker) == declared.owner


def refuse_others(row: Row) -> Refused:
    """The error that a row belongs to somebody else."""
    owner = repr(row.marker.owner) if row.marker else "somebody else"
    return Refused(f"{row.id} belongs to {owner}, and is left alone")


def refuse_configured(row_id: str) -> Refused:
    """The error that a row belongs to the gateway's config file."""
    return Refused(f"{row_id} belongs to the gateway's config file, which Salt never touches")
