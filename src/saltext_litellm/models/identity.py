"""Which row a deployment is about: the index of rows, the search, the ids of new rows. Pure."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set

from ..errors import Refused
from ..objects import identity as shared
from ..objects.identity import NAMESPACE, is_free, is_owned, only_one, refuse_others
from ..objects.row import Rows, owner_of
from ..values.quote import short
from ..values.secrets import redact
from .desired import Deployment
from .fields import MODEL, NAME, TEAM, label
from .row import ModelRow


class ModelRows(Rows[ModelRow]):
    """The rows of the model table, found by their model name as well."""

    def __init__(self, rows: Iterable[ModelRow] = ()) -> None:
        self._by_name: defaultdict[str | None, dict[str, ModelRow]] = defaultdict(dict)
        self._unowned: defaultdict[str | None, dict[str, ModelRow]] = defaultdict(dict)
        super().__init__(rows)

    def add(self, row: ModelRow) -> None:
        """Add a row, or replace the row that has its id."""
        super().add(row)
        self._by_name[row.model_name][row.id] = row
        if row.marker is None:
            self._unowned[row.model_name][row.id] = row

    def drop(self, row_id: str) -> None:
        """Remove a row."""
        if (row := self.get(row_id)) is not None:
            self._by_name[row.model_name].pop(row_id)
            self._unowned[row.model_name].pop(row_id, None)
        super().drop(row_id)

    def named(self, model_name: str | None, team: str | None = None) -> list[ModelRow]:
        """The rows that have a model name, and belong to a team or, by default, to no team."""
        named = self._by_name.get(model_name, {}).values()
        return [row for row in named if row.team == team]

    def of_other_teams(self, model_name: str | None, team: str | None = None) -> list[ModelRow]:
        """The rows of teams that have a model name, but those of the given team."""
        named = self._by_name.get(model_name, {}).values()
        return [row for row in named if row.team not in (None, team)]

    def unowned(self, model_name: str | None, team: str | None = None) -> list[ModelRow]:
        """The rows among those that have no marker."""
        unowned = self._unowned.get(model_name, {}).values()
        return [row for row in unowned if row.team == team]


def derived_ids(wanted: Deployment) -> Iterator[str]:
    """The ids that a create may choose, in this order. A name has the same ids in every run."""
    return shared.derived_ids(wanted.set, wanted.name)


def free_id(wanted: Deployment, rows: ModelRows) -> str:
    """The id for a create: the one that the user chose, or else the first that no row has."""
    return wanted.id or next(one for one in derived_ids(wanted) if one not in rows)


def next_id(row: ModelRow) -> str:
    """The id of the row that replaces a row. After a crash, the next run finds the same id."""
    before = [row.marker.replaces] if row.marker and row.marker.replaces else []
    return str(uuid.uuid5(NAMESPACE, json.dumps(["replaces", row.id, *before])))


def second_id(model_id: str) -> str:
    """The id of a tentative row beside a row that the gateway has and does not show."""
    return str(uuid.uuid5(NAMESPACE, json.dumps(["beside", model_id])))


def find(wanted: Deployment, rows: ModelRows, taken: Set[str] = frozenset()) -> ModelRow | None:
    """The row of a deployment, ``None`` if it has none yet.

    :param taken: The ids of rows that belong to other deployments.
    :raises Refused: Several rows fit, or the row belongs to somebody else.
    """
    others = taken - {wanted.id}
    owned = [row for row in rows.owned_by(*wanted.owner) if row.id not in others]
    owned = _latest(owned, wanted.id)
    row = rows.get(wanted.id)
    if row is not None and not any(_replaces(other, row) for other in owned):
        return _not_of_others(row, wanted)
    if owned:
        return _only_one(owned, f"carry the marker of {wanted.name!r}")
    if wanted.id is not None:
        return None
    for row in map(rows.get, derived_ids(wanted)):
        if row is None:
            break
        if row.id not in taken and _is_free(row, wanted):
            return row
    joining = [
        row
        for row in rows.owned_by(None, wanted.name)
        if (row.model_name, row.team) == (wanted.model_name, wanted.team) and _is_free(row, wanted)
    ]
    unowned = rows.unowned(wanted.model_name, wanted.team)
    free = [row for row in (*unowned, *joining) if row.id not in taken]
    return _only_one(free, f"are named {wanted.model_name!r}") if free else None


def _not_of_others(row: ModelRow, wanted: Deployment) -> ModelRow:
    """The row that was asked for by its id, unless it belongs to somebody outside the set."""
    marker = row.marker
    ours = wanted.set is not None and marker is not None and marker.set == wanted.set
    if ours or _is_free(row, wanted) or is_owned(row, wanted):
        return row
    if marker is None:
        raise Refused(
            f"{row.id} belongs to the team {row.team!r}: if that is meant, declare {label(TEAM)}"
        )
    raise refuse_others(row)


def _is_free(row: ModelRow, wanted: Deployment) -> bool:
    """Whether a row may be adopted. A team owns its rows, unless the state declares the team."""
    of_team = row.marker is None and row.team not in (None, wanted.team)
    return is_free(row, wanted) and not of_team


def _latest(owned: list[ModelRow], model_id: str | None) -> list[ModelRow]:
    """The rows of an owner, without those that another one replaces and without tentative ones."""
    if len(owned) > 1:
        owned = [row for row in owned if not is_tentative(row)] or owned

    def goes(row: ModelRow) -> bool:
        return any(
            _is_second(row, other)
            or (
                _replaces(other, row)
                and not (_replaces(row, other) and row is _elder([row, other]))
            )
            for other in owned
        )

    def _elder(pair: list[ModelRow]) -> ModelRow:
        # Each may name the other as replaced, because a record could not be cleared (LiteLLM
        # 1.83.14). Both are complete, and one of them must stay.
        return min(pair, key=lambda row: (row.id != model_id, row.id))

    return [row for row in owned if not goes(row)]


def is_tentative(row: ModelRow) -> bool:
    """Whether a row must be deleted if its owner has another row."""
    return row.marker is not None and row.marker.tentative


def _is_second(row: ModelRow, other: ModelRow) -> bool:
    """Whether a row was made only to let the gateway show another one."""
    return row.id == second_id(other.id)


def _replaces(row: ModelRow, other: ModelRow) -> bool:
    return row.marker is not None and row.marker.replaces == other.id


def leftovers(
    row: ModelRow, wanted: Deployment, rows: ModelRows, taken: Set[str] = frozenset()
) -> list[ModelRow]:
    """The rows to delete, because this row has taken their place.

    These are the row that its marker names as replaced, and tentative rows of the same owner.

    :param taken: The ids of rows that belong to other deployments.
    """
    ours = (wanted.owner, (None, wanted.name))
    if row.marker is None or owner_of(row.marker) not in ours:
        return []
    set_, name = owner_of(row.marker)
    found = [
        one
        for one in rows.owned_by(set_, name)
        if one is not row
        and ((is_tentative(one) and not is_tentative(row)) or _is_second(one, row))
    ]
    before = rows.get(row.marker.replaces)
    if before is not None and before.marker is not None and before not in found:
        old = owner_of(before.marker)
        if old == (set_, name) or (set_ is not None and old in ((None, name), (set_, old[1]))):
            found.append(before)
    return [one for one in found if one.id not in taken]


def superseded(
    row: ModelRow, wanted: Deployment, rows: ModelRows, taken: Set[str]
) -> ModelRow | None:
    """The row that a deployment had before the user gave it the id of another row."""
    is_own = row.marker is not None and owner_of(row.marker) == wanted.owner
    if is_own or row.copied or wanted.id != row.id:
        return None
    owned = _latest([one for one in rows.owned_by(*wanted.owner) if one.id not in taken], None)
    return owned[0] if len(owned) == 1 else None


def _only_one(rows: list[ModelRow], what: str) -> ModelRow:
    temporary = any(map(is_tentative, rows))
    return only_one(rows, f"Several deployments {what}", "model_id", _model_text, temporary)


def _model_text(row: ModelRow) -> str:
    model = row.get(MODEL)
    return short(redact(model)) if isinstance(model, str) else "without a model"


def look_up(wanted: Deployment, rows: ModelRows) -> ModelRow | None:
    """The row that a person means by its id, the name of its state, or its model name.

    :raises Refused: Several rows have the name.
    """
    if wanted.id is not None:
        return rows.get(wanted.id)
    owned = _latest(rows.owned_by(*wanted.owner), None)
    if owned:
        return _only_one(owned, f"carry the marker of {wanted.name!r}")
    named = rows.named(wanted.name)
    return _only_one(named, f"are named {wanted.name!r}") if named else None


def to_remove(wanted: Deployment, rows: ModelRows) -> ModelRow | None:
    """The row to delete. Rows of other owners are left out.

    :raises Refused: Several rows have the name, or the row with the id belongs to somebody else.
    """
    if wanted.id is not None:
        row = rows.get(wanted.id)
        return None if row is None else _not_of_others(row, wanted)
    owned = _latest(rows.owned_by(*wanted.owner), None)
    if owned:
        return _only_one(owned, f"carry the marker of {wanted.name!r}")
    free = rows.unowned(wanted.model_name, wanted.team)
    return _only_one(free, f"are named {wanted.model_name!r}") if free else None


def of_model(model: str, rows: Iterable[ModelRow]) -> list[ModelRow]:
    """The rows that LiteLLM may use for an upstream model, because one of their names fits."""

    def names(row: ModelRow) -> list[str]:
        return [str(row.get(path)) for path in (NAME, MODEL)] + [row.model_name]

    return [row for row in rows if any("*" in name or name == model for name in names(row))]


def of_others(wanted: Deployment, rows: ModelRows) -> list[ModelRow]:
    """The rows that have a deployment's model name, but another owner."""
    return [
        row
        for row in rows.named(wanted.model_name, wanted.team)
        if row.marker is not None and owner_of(row.marker) != wanted.owner
    ]
