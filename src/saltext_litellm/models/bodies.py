"""Makes the bodies of requests that write, with LiteLLM's quirks."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import Refused
from ..objects import marker as markers
from ..objects.marker import Marker
from ..objects.row import MISSING
from ..values.paths import Path, drop, leaves, nested, put
from ..values.secrets import holds_secret
from .desired import Deployment
from .fields import (
    BLOCKED,
    FIELDS,
    INFO,
    PARAMS,
    RESET_INFO,
    SECTIONS,
    TEAM,
    UNREADABLE,
    WAYS,
    is_secret_at,
)
from .row import ModelRow, known_info, left_out, own_info, stored_section

_MASKED = "****"


def create_body(wanted: Deployment, marker: Marker, model_id: str) -> dict[str, Any]:
    """The body of ``/model/new``."""
    body = nested(wanted.values)
    body.setdefault(INFO, {}).update(_own_info(model_id, marker))
    return {"model_name": wanted.model_name, **body}


def probe_body(row: Mapping[str, Any], beside: Iterable[ModelRow] = ()) -> dict[str, Any]:
    """The body of ``/health/test_connection``.

    :param row: The row that would be written. Its id is left out, because LiteLLM would add what is
        stored under the id.
    :param beside: The rows from which LiteLLM (1.83.14 to 1.110.2) may take parameters that are not
        given. A null in the body prevents this. We cannot see all such rows: 1.83.14 still uses a
        wildcard row that was deleted.
    """
    own = ("id", "db_model", markers.KEY)
    info = {key: value for key, value in (row.get(INFO) or {}).items() if key not in own}
    keys = {key for row in beside for key in row.data.get(PARAMS) or {}}
    keys |= {key for _, key in UNREADABLE | WAYS}
    params = {**dict.fromkeys(sorted(keys)), **(row.get(PARAMS) or {})}
    mode = {} if info.get("mode") is None else {"mode": info["mode"]}
    return {PARAMS: params, INFO: info, **mode}


def update_body(
    row: ModelRow,
    wanted: Deployment,
    touched: frozenset[Path],
    removed: frozenset[Path],
    removes: bool,
) -> dict[str, Any]:
    """The body of a PATCH.

    :param touched: The declared values to write.
    :param removed: The values to remove.
    :param removes: Whether LiteLLM removes parameters by their names (from 1.109 on). All else is
        removed by a null.
    :raises Refused: A mapping can only be written whole, but has a secret that somebody else set.
    """
    body: dict[str, Any] = {}
    if wanted.model_name not in (None, row.model_name):
        body["model_name"] = wanted.model_name
    if BLOCKED in touched | removed:
        body["blocked"] = wanted.values.get(BLOCKED, False)
    for section in SECTIONS:
        keys = sorted({path[1] for path in touched | removed if path[0] == section})
        if keys:
            body[section] = {
                key: _whole_value((section, key), row, wanted.values, removed) for key in keys
            }
    if PARAMS in body:
        params = body[PARAMS]
        going = sorted(key for key, value in params.items() if value is None and removes)
        if going:
            body["litellm_params_to_remove"] = going
        # LiteLLM 1.106.2 resets five booleans on any PATCH that does not send them, and newer
        # versions reset more. So every boolean that the row shows is sent back unchanged.
        shown = row.data.get(PARAMS, {})
        kept = {key: value for key, value in shown.items() if isinstance(value, bool)}
        body[PARAMS] = {k: v for k, v in {**kept, **params}.items() if k not in going}
    if "model_name" in body and row.team is not None:
        # Without it LiteLLM (1.106.2) would write over the row's internal name.
        body.setdefault(INFO, {})[TEAM[1]] = row.team
    if INFO in body:
        body[INFO] = {**_patched_info(row), **body[INFO]}
    return body


def marked(row: ModelRow, marker: Marker, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body of a PATCH with a marker added to it. Without a body, only the marker is written."""
    body = dict(body or {})
    info = {**_patched_info(row), **body.get(INFO, {}), markers.KEY: marker.dump()}
    return {**body, INFO: info}


def replacement_body(
    wanted: Deployment,
    row: ModelRow,
    stored: Mapping[str, Any],
    removed: frozenset[Path],
    marker: Marker,
    model_id: str,
) -> dict[str, Any]:
    """The body of ``/model/new`` for a row that replaces another one.

    :param row: The row to replace, as it was read. The settings of others are copied from it.
    :param stored: The row to replace, as a write has returned it: only what is stored, with
        encrypted strings.
    :raises Refused: The row has a secret that somebody else set, and that would be lost.
    """
    tree: dict[str, Any] = {}
    for section in SECTIONS:
        kept = copy.deepcopy(stored_section(stored, section))
        for path in removed:
            if path[0] == section:
                drop(kept, path[1:])
        tree[section] = {
            key: _kept_value((section, key), value, row)
            if (section, key) not in wanted.values
            else value
            for key, value in kept.items()
            if value is not None
        }
    for path, value in wanted.values.items():
        put(tree, path, value)
    if stored.get("blocked") and BLOCKED not in removed:
        tree.setdefault("blocked", True)
    tree[INFO].update(_own_info(model_id, marker))
    return {"model_name": wanted.model_name or row.model_name, **tree}


def as_stored(
    row: ModelRow,
    wanted: Deployment,
    removed: frozenset[Path],
    masks: Mapping[str, Any] | None,
    cost_map: Mapping[str, Any],
) -> dict[str, Any]:
    """What is stored in a row, as far as reads show it, in the form that a write returns.

    :param masks: The masks of the secrets that reads leave out.
    :raises Refused: To replace the row would probably lose a secret that somebody else set.
    """
    if masks is None:
        raise Refused(f"The gateway does not say which secrets {row.id} has")
    params = {**row.data.get(PARAMS, {}), **left_out(masks)}
    for key, value in params.items():
        for path, leaf in leaves((PARAMS, key), value):
            ours = path in wanted.values or path in removed
            if not ours and (is_secret_at(path) or holds_secret("", leaf)):
                raise _lost_secret(path)
    return as_read(replace(row, data={**row.data, PARAMS: params}), cost_map)


def as_read(row: ModelRow, cost_map: Mapping[str, Any]) -> dict[str, Any]:
    """A row in the form that a write returns, with what reads show of it."""
    info = dict(own_info(row, known_info(row, cost_map)))
    return {PARAMS: row.data.get(PARAMS, {}), INFO: info, "blocked": row.get(BLOCKED)}


def is_hidden(path: Path, shown: Any) -> bool:
    """Whether a value that a read shows is not the stored one, or may have a mask inside."""
    masked = FIELDS.meaning(path).masked and _MASKED in str(shown)
    return is_secret_at(path) or masked or holds_secret("", shown)


def _own_info(model_id: str, marker: Marker) -> dict[str, Any]:
    return {"id": model_id, "db_model": True, markers.KEY: marker.dump()}


def _patched_info(row: ModelRow) -> dict[str, Any]:
    """The keys that any PATCH with model_info must send. Else LiteLLM stores a random id."""
    reset = {RESET_INFO[1]: True} if row.get(RESET_INFO) is True else {}
    return {"id": row.id, "db_model": True, **reset}


def _kept_value(path: Path, value: Any, row: ModelRow) -> Any:
    """A value that somebody else set, in a form that can be sent again."""
    if path[0] != PARAMS or not isinstance(value, str):
        return value  # only the strings of litellm_params are encrypted
    shown = row.get(path)
    if is_hidden(path, shown) or not isinstance(shown, str):
        raise _lost_secret(path)
    return shown


def _lost_secret(path: Path) -> Refused:
    return Refused(
        f"LiteLLM cannot clear everything in place, so the deployment would have to be replaced, "
        f"but {':'.join(path)}, which is not declared, cannot be read back and would be lost: "
        "declare it too"
    )


def _whole_value(
    top: Path, row: ModelRow, declared: Mapping[Path, Any], removed: frozenset[Path]
) -> Any:
    """The value to send for a top-level key, ``None`` to remove it.

    A PATCH replaces a whole mapping, so the values of others in it are sent back.
    """
    stored = row.stored_value(top)
    current = row.get(top) if stored is MISSING else stored
    if top in declared and declared[top] != {}:
        return declared[top]
    tree: dict[str, Any] = copy.deepcopy(dict(current)) if isinstance(current, Mapping) else {}
    for path in removed:
        if path[:2] == top:
            drop(tree, path[2:])
    ours = {path: value for path, value in declared.items() if path[:2] == top and path != top}
    for path, value in leaves(top, tree) if tree and stored is MISSING else ():
        if path not in ours and (is_secret_at(path) or holds_secret("", value)):
            raise Refused(
                f"{':'.join(path)} is not declared and cannot be read back, but "
                f"{':'.join(top)} can only be written whole: declare it too"
            )
    for path, value in ours.items():
        put(tree, path[2:], value)
    return tree if tree or top in declared else None
