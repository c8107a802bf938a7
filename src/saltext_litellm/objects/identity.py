"""Whether a row may be managed by what is declared, or belongs to somebody else. Pure."""

from __future__ import annotations

from ..errors import Refused
from .declared import Declared
from .row import Row, owner_of


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
