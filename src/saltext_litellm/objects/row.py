"""An object as the gateway reports it, and all objects of a kind, found by id or by owner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..errors import WrongGateway
from ..values.paths import Path
from ..values.quote import quoted
from .marker import Marker

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING"})()

Owner = tuple[str | None, str]  # the set, if any, and the name


@dataclass(frozen=True)
class Row:
    """An object as the gateway reports it.

    :param id: What LiteLLM tells it by.
    :param marker: Our marker in it, ``None`` if Salt does not manage the row.
    :param data: The row as it was read, with masked secrets.
    :param from_database: ``False`` for a row of the gateway's config file.
    :param copied: If somebody copied the row with its marker, the owner that the marker names.
    :param unset: The places that reads leave out, but that are known to have no value.
    """

    id: str
    marker: Marker | None
    data: Mapping[str, Any] = field(repr=False)
    from_database: bool = True
    copied: str | None = None
    unset: frozenset[Path] = frozenset()

    @property
    def names(self) -> Mapping[str, str]:
        """Its other names, which may change, by LiteLLM's words for them."""
        return {}

    @property
    def owner(self) -> str:
        """The name of the state that owns it, or else its id."""
        return self.marker.name if self.marker else self.id

    @property
    def address(self) -> str:
        """What requests for it name it by, if that is not its id."""
        return self.id

    def get(self, path: Path) -> Any:
        """The value at a path, or ``MISSING``."""
        value: Any = self.data
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
            if value is None:
                return MISSING
        return value

    def stored_value(self, path: Path) -> Any:  # noqa: ARG002 - for kinds that know more
        """The stored value at a path, even of a secret; ``MISSING`` if it is not known."""
        return MISSING


R = TypeVar("R", bound=Row)


class Rows(Generic[R]):
    """The rows of a gateway, found by id or by owner without a search."""

    def __init__(self, rows: Iterable[R] = ()) -> None:
        self._by_id: dict[str, R] = {}
        self._by_owner: defaultdict[Owner, dict[str, R]] = defaultdict(dict)
        for row in rows:
            self.add(row)

    def __iter__(self) -> Iterator[R]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, row_id: str | None) -> bool:
        return row_id in self._by_id

    def add(self, row: R) -> None:
        """Add a row, or replace the row that has its id."""
        self.drop(row.id)
        self._by_id[row.id] = row
        if row.marker:
            self._by_owner[owner_of(row.marker)][row.id] = row

    def drop(self, row_id: str) -> None:
        """Remove a row."""
        row = self._by_id.pop(row_id, None)
        if row is not None and row.marker:
            self._by_owner[owner_of(row.marker)].pop(row_id)

    def get(self, row_id: str | None) -> R | None:
        """The row with an id."""
        return None if row_id is None else self._by_id.get(row_id)

    def owned_by(self, set_: str | None, name: str) -> list[R]:
        """The rows of an owner."""
        return list(self._by_owner.get((set_, name), {}).values())


def owner_of(marker: Marker) -> Owner:
    """The owner that a marker names, as one value to compare."""
    return marker.set, marker.name


def refuse_other_gateway(rows: Iterable[Row], names: Sequence[str], url: str) -> None:
    """Refuse rows that were written for another gateway.

    :param names: The name that the gateway must have, and its former names. Empty for any name.
    :raises WrongGateway: The marker of a row names a gateway that is not the profile's.
    """
    for row in rows if names else ():
        name = row.marker.gateway if row.marker else None
        if name is not None and name not in names:
            raise WrongGateway(
                f"{url} is the gateway {quoted(name)}, as the marker of {row.id} says, but "
                f"gateway_name of the profile is {quoted(names[0])}"
            )
