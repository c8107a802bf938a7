"""Pure: which of a gateway's rows a deployment is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set

from .deployment import Deployment, next_id
from .errors import InvalidInput
from .row import Row

Owner = tuple[str | None, str]


class Rows:
    """The rows of a gateway, found by id, by owner or by model name without a search."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._by_id: dict[str, Row] = {}
        self._by_owner: defaultdict[Owner, dict[str, Row]] = defaultdict(dict)
        self._by_name: defaultdict[str, dict[str, Row]] = defaultdict(dict)
        for row in rows:
            self.add(row)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._by_id.values())

    def add(self, row: Row) -> None:
        """Add a row, in place of the one of its id."""
        self.drop(row.model_id)
        self._by_id[row.model_id] = row
        self._by_name[row.model_name][row.model_id] = row
        if row.marker and row.from_database:
            self._by_owner[(row.marker.set, row.marker.name)][row.model_id] = row

    def drop(self, model_id: str) -> None:
        """Forget a row."""
        row = self._by_id.pop(model_id, None)
        if row is not None:
            self._by_name[row.model_name].pop(model_id)
            if row.marker:
                self._by_owner[(row.marker.set, row.marker.name)].pop(model_id, None)

    def get(self, model_id: str | None) -> Row | None:
        """The row of an id."""
        return None if model_id is None else self._by_id.get(model_id)

    def owned(self, deployment: Deployment) -> list[Row]:
        """The rows with a deployment's marker."""
        return list(self._by_owner.get((deployment.set, deployment.name), {}).values())

    def named(self, deployment: Deployment) -> list[Row]:
        """The rows with a deployment's model name."""
        return list(self._by_name.get(deployment.model_name, {}).values())


def find(deployment: Deployment, rows: Rows, taken: Set[str] = frozenset()) -> Row | None:
    """The row that a deployment is about, ``None`` if it is still to be created.

    :param taken: The ids of rows that are those of other deployments.
    :raises InvalidInput: It cannot be told, or it belongs to the gateway's config file.
    """
    row = rows.get(deployment.model_id)
    if row is not None and not row.from_database:
        raise InvalidInput(
            f"{row.model_id} belongs to the gateway's config file, which Salt never touches"
        )
    if row is not None:
        return row
    owned = rows.owned(deployment)
    replaced = {leftover.model_id for row in owned if (leftover := replaced_by(row, owned))}
    owned = [row for row in owned if row.model_id not in replaced | taken]
    if owned:
        return _only(owned, f"carry the marker of {deployment.name!r}")
    if deployment.model_id is not None:
        return None
    free = [
        row
        for row in rows.named(deployment)
        if row.from_database and row.model_id not in taken and _is_free(row, deployment)
    ]
    return _only(free, f"are named {deployment.model_name!r}") if free else None


def _is_free(row: Row, deployment: Deployment) -> bool:
    """Whether a row may be adopted: it is nobody's, or of the state that now is in a set."""
    marker = row.marker
    if marker is None:
        return True
    return deployment.set is not None and (marker.set, marker.name) == (None, deployment.name)


def leftovers(
    row: Row, deployment: Deployment, rows: Rows, taken: Set[str] = frozenset()
) -> list[Row]:
    """The rows that this one takes the place of.

    It has replaced them in a run that was cut off before deleting them, or is now asked for by
    its id where another one was before.

    :param taken: The ids of rows that are those of other deployments.
    """
    owned = [other for other in rows.owned(deployment) if other.model_id not in taken]
    if row.model_id == deployment.model_id:
        return [other for other in owned if other.model_id != row.model_id]
    before = replaced_by(row, owned)
    return [before] if before else []


def replaced_by(row: Row, owned: list[Row]) -> Row | None:
    """The row of the same owner whose replacement this one is."""
    if len(owned) == 1:
        return None
    return next((other for other in owned if next_id(other.model_id) == row.model_id), None)


def _only(rows: list[Row], what: str) -> Row:
    if len(rows) == 1:
        return rows[0]
    ids = ", ".join(sorted(row.model_id for row in rows))
    raise InvalidInput(
        f"Several deployments {what}: {ids}; say which one, as `model_id: {rows[0].model_id}`"
    )


def look_up(deployment: Deployment, rows: Rows) -> Row | None:
    """Like :func:`find`, but to look at, so that a row of the config file will do."""
    row = rows.get(deployment.model_id)
    if row is not None:
        return row
    config = [row for row in rows.named(deployment) if not row.from_database]
    return find(deployment, rows) or (config[0] if len(config) == 1 else None)


def beside(deployment: Deployment, rows: Rows) -> str | None:
    """That the gateway's config file defines deployments of this name, if it does."""
    ids = [row.model_id for row in rows.named(deployment) if not row.from_database]
    if not ids:
        return None
    return (
        f"The gateway's config file defines {deployment.model_name} ({', '.join(ids)}), "
        "which Salt never touches"
    )
