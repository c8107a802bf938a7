"""Turns the teams of a gateway into states, or a set, that declare the same. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import InvalidInput
from ..objects import marker as markers
from ..objects.export import Arguments, Export, declare
from ..objects.patch import METADATA, SETTINGS, unshown
from ..objects.row import Row
from ..values.paths import Path, leaves
from ..values.quote import joined
from ..values.secrets import is_shown
from .kind import (
    ALIAS,
    ALIASES,
    FIELDS,
    ID,
    MEMBER_BUDGET,
    MEMBERS,
    POINTER,
    declared,
    roster,
)

_OF_THE_KEY = "default_user_id"  # LiteLLM makes the user of the admin key a member of each team
# The columns that a team may be given as settings, without a licence.
_COLUMNS = ("soft_budget", "tpd_limit", "budget_limits", "router_settings", "organization_id")
_LISTS = ("access_group_ids", "default_team_member_models")


def export(rows: Iterable[Row], set_: str | None) -> Export:
    """The states of the teams of a gateway.

    :param set_: The set that the teams become objects of; ``None`` for states.
    """
    found: dict[str, Arguments] = {}
    left_out: dict[str, str] = {}
    owners: dict[str, str] = {}
    lacking: list[str] = []
    rows = sorted(rows, key=lambda row: (str(row.data.get(ALIAS)), row.id))
    for name, row in _named(rows):
        arguments: Arguments = {}
        for path, value in _values(row):
            declare(FIELDS, arguments, path, value)
        if not row.data.get(ALIAS):
            left_out[row.id] = "it has no team_alias"
            continue
        if name != row.data.get(ALIAS):
            arguments[ID] = row.id
        try:
            declared({**arguments, "name": name}, lambda value: value)
        except InvalidInput as err:
            left_out[row.id] = str(err)
            continue
        found[name] = {
            key: arguments[key] for key in arguments if (key, arguments[key]) != (ALIAS, name)
        }
        if hidden := unshown(row.data[METADATA]):
            lacking.append(f"{joined(hidden)} of {name}, a secret or named like one")
        if row.marker and row.marker.set not in (None, set_):
            owners[name] = row.marker.owner
    return Export(
        "litellm_team",
        "team",
        set_,
        found,
        left_out=left_out,
        owners=owners,
        lacking=tuple(lacking),
        id_label=ID,
    )


def _named(rows: list[Row]) -> Iterator[tuple[str, Row]]:
    """Each row with the name of its state: its owner's, or its alias if only one row has that."""
    times = Counter(row.data.get(ALIAS) for row in rows)
    for row in rows:
        alias = row.data.get(ALIAS)
        name = (
            alias if isinstance(alias, str) and times[alias] == 1 else f"{alias or 'team'} {row.id}"
        )
        yield row.marker.name if row.marker else name, row


def _values(row: Row) -> Iterator[tuple[Path, Any]]:
    """The values that are set in a row, by path."""
    for path in (path for path, _ in FIELDS.arguments.values()):
        if FIELDS.is_set(path, row.get(path)):
            yield path, row.get(path)
    yield from leaves((ALIASES,), row.data.get(ALIASES) or None)
    for member in roster(row.data):
        key = member.get("user_email") or member.get("user_id")
        if isinstance(key, str) and key != _OF_THE_KEY:
            yield (MEMBERS, key), member.get("role")
    for key, value in row.data[METADATA].items():
        for path, one in leaves((METADATA, key), value):
            if (
                key not in (markers.KEY, POINTER)
                and not FIELDS.is_hidden(path)
                and is_shown("", one)
            ):
                yield path, one
    for key in (*_COLUMNS, *_LISTS, *MEMBER_BUDGET):
        path = (SETTINGS, key)
        if key not in FIELDS.arguments and FIELDS.is_set(path, row.get(path)):
            yield from leaves(path, row.get(path))
