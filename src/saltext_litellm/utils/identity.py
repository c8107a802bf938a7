"""Pure: which of a gateway's rows a deployment is about."""

from __future__ import annotations

from collections.abc import Sequence

from .deployment import Deployment, next_id
from .errors import InvalidInput
from .row import Row


def find(deployment: Deployment, rows: Sequence[Row]) -> Row | None:
    """The row that a deployment is about, ``None`` if it is still to be created.

    :raises InvalidInput: It cannot be told, or it belongs to the gateway's config file.
    """
    model_id, model_name = deployment.model_id, deployment.model_name
    row = next((row for row in rows if row.model_id == model_id), None)
    if row is not None and not row.from_database:
        raise InvalidInput(
            f"{model_id} belongs to the gateway's config file, which Salt never touches"
        )
    owned = owned_by(deployment, rows)
    if row is not None or owned:
        return row or _only(owned, f"carry the marker of {deployment.name!r}")
    if model_id is not None:
        return None
    free = [
        row
        for row in rows
        if row.from_database and row.marker is None and row.model_name == model_name
    ]
    return _only(free, f"are named {model_name!r}") if free else None


def owned_by(deployment: Deployment, rows: Sequence[Row]) -> list[Row]:
    """The rows with the marker of a deployment, without one that another has replaced."""
    owner = (deployment.set, deployment.name)
    owned = [row for row in rows if row.marker and (row.marker.set, row.marker.name) == owner]
    replaced = {leftover.model_id for row in owned if (leftover := replaced_by(row, owned))}
    return [row for row in owned if row.from_database and row.model_id not in replaced]


def replaced_by(row: Row, rows: Sequence[Row]) -> Row | None:
    """The row that this one has replaced, if it is still there."""
    return next((other for other in rows if next_id(other.model_id) == row.model_id), None)


def _only(rows: Sequence[Row], what: str) -> Row:
    if len(rows) == 1:
        return rows[0]
    ids = ", ".join(sorted(row.model_id for row in rows))
    raise InvalidInput(
        f"Several deployments {what}: {ids}; say which one, as `model_id: {rows[0].model_id}`"
    )


def look_up(deployment: Deployment, rows: Sequence[Row]) -> Row | None:
    """Like :func:`find`, but to look at, so that a row of the config file will do."""
    config = [row for row in rows if not row.from_database]
    for row in config:
        if row.model_id == deployment.model_id:
            return row
    named = [row for row in config if row.model_name == deployment.model_name]
    return find(deployment, rows) or (named[0] if len(named) == 1 else None)


def beside(deployment: Deployment, rows: Sequence[Row]) -> str | None:
    """That the gateway's config file defines deployments of this name, if it does."""
    name = deployment.model_name
    ids = [row.model_id for row in rows if not row.from_database and row.model_name == name]
    if not ids:
        return None
    return f"The gateway's config file defines {name} ({', '.join(ids)}), which Salt never touches"
