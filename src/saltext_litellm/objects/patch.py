"""Patches of rows that have free JSON and other mappings, most of which LiteLLM replaces whole.

A patch has what is written. In a mapping it has only the keys that are written, with null for each
that goes. The others are read just before the write, so that it keeps what anybody else has there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..values.paths import Path, leaves, put
from ..values.secrets import hides, is_shown
from . import marker as markers
from .declared import Declared
from .marker import Marker
from .plan import Plan
from .row import MISSING, R

METADATA, SETTINGS = "metadata", "settings"
PERMISSION = "object_permission"  # LiteLLM merges this one itself


def is_set(_: Path, value: Any) -> bool:
    """Whether a value is more than what a new row has."""
    return value is not MISSING and value is not False and value not in ([], {})


def is_hidden(path: Path) -> bool:
    """Whether a value is named like a secret. Names of members, aliases and settings are none."""
    return any(map(hides, path[1:] if path[0] == METADATA else path[2:]))


def unshown(metadata: Mapping[str, Any]) -> list[str]:
    """The places in metadata of what is a secret, or named like one."""
    return [
        ":".join(path)
        for path, value in leaves((METADATA,), metadata or None)
        if path[1] != markers.KEY and (is_hidden(path) or not is_shown("", value))
    ]


def place(path: Path) -> Path:
    """Where a value is in a body: settings have no mapping of their own there."""
    return path[1:] if path[0] == SETTINGS else path


def marked(body: Mapping[str, Any], marker: Marker) -> dict[str, Any]:
    """The metadata of a body, with a marker."""
    return {**body.get(METADATA, {}), markers.KEY: marker.dump()}


def of_plan(declared: Declared, plan: Plan[R], row: R, *, without: str | None = None) -> Any:
    """The patch that writes and clears what a plan says.

    :param without: A section that is left out.
    """
    patch: dict[str, Any] = {}
    for path in sorted(path for path in plan.removed if path[0] != without):
        if path[0] == SETTINGS and row.data.get(path[1]) is None:
            put(patch, (METADATA, *path[1:]), None)
        else:
            put(patch, place(path), _cleared(path, row.get(path)))
    for path in sorted(path for path in plan.touched if path[0] != without):
        put(patch, place(path), declared.values[path])
    return patch


def _cleared(path: Path, value: Any) -> Any:
    """What clears a value.

    LiteLLM (1.83.14 to 1.110.2) wants an empty list for a list. Of a team it answers 500 to a null
    there, and a key breaks by a null for a mapping.
    """
    is_inside = len(path) > (1 if path[0] != SETTINGS else 2)
    if is_inside and path[1] != PERMISSION:
        return None  # removes the key
    if isinstance(value, list):
        return []
    return False if isinstance(value, bool) else None


def patched(patch: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """What the keys of a patch become.

    :param data: The row as it is now. LiteLLM keeps some settings in its metadata.
    """
    before = {**(data.get(METADATA) or {}), **{k: v for k, v in data.items() if v is not None}}
    return {
        key: value if key == PERMISSION else _merged(before.get(key), value)
        for key, value in patch.items()
    }


def _merged(old: Any, new: Any) -> Any:
    if not isinstance(new, Mapping):
        return new
    found = dict(old) if isinstance(old, Mapping) else {}
    for key, value in new.items():
        merged = value if key == markers.KEY else _merged(found.get(key), value)
        if merged is None or (merged == {} and value != {}):
            found.pop(key, None)
        else:
            found[key] = merged
    return found


def settings_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a row shows of settings: its columns, and the metadata, where LiteLLM keeps others."""
    columns = {key: value for key, value in data.items() if value is not None}
    found = {**(data.get(METADATA) or {}), **columns}
    limits = found.get("budget_limits")
    if isinstance(limits, list):  # LiteLLM adds when each of them begins anew
        found["budget_limits"] = [
            {key: one[key] for key in one if key != "reset_at"} if isinstance(one, dict) else one
            for one in limits
        ]
    return found
