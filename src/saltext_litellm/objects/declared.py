"""An object as it is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..values.paths import Path
from .row import Owner


@dataclass(frozen=True)
class Declared:
    """An object as it is declared, after its arguments were checked.

    :param name: The name of the state, which owns the row.
    :param values: The declared values by their place in a row.
    :param id: The row's id, if the user chose one.
    :param set: The ``managed`` state it belongs to, if any.
    :param gateway: The name of the gateway that it is for, if the profile has one.
    :param warnings: Values that are no mistake, but that the user should check.
    """

    name: str
    values: Mapping[Path, Any] = field(repr=False)
    id: str | None = None
    set: str | None = None
    gateway: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def owner(self) -> Owner:
        """The owner of its row, in the form of :func:`~.row.owner_of`."""
        return self.set, self.name

    @property
    def names(self) -> Mapping[str, str | None]:
        """Its other names, by LiteLLM's words for them; ``None`` for one that must stay."""
        return {}
