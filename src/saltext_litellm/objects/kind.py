"""What tells one kind of object from another, as a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from .fields import Fields
from .row import R

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Kind(Generic[R]):
    """A kind of object.

    :param noun: What one is called in sentences.
    :param id_label: LiteLLM's word for the id of a row.
    :param fields: Its fields.
    :param created: The row that the body of a create makes. The second argument is the answer, if
        there was one.
    :param changed: The row that the body of an update makes of a row, likewise.
    """

    noun: str
    id_label: str
    fields: Fields
    created: Callable[[Body, Body | None], R]
    changed: Callable[[R, Body, Body | None], R]
