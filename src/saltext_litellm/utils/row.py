"""What the gateway reports, and what it is sent: LiteLLM's rows, with LiteLLM's quirks."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import marker as markers
from .deployment import (
    BLOCKED,
    INFO,
    MODEL,
    PARAMS,
    PROVIDER,
    Deployment,
    is_price,
    is_readable,
    is_secret_at,
    leaves,
    may_be_masked,
)
from .errors import InvalidInput
from .marker import Marker, Path
from .secrets import holds_secret, redact

# A PATCH with model_info sets it to false unless it is sent (LiteLLM 1.106.2).
_RESET_INFO = "member_auto_router"

# The secrets that /credentials/by_model knows of (LiteLLM 1.83.14 and 1.106.2).
_VERIFIABLE = ("api_key", "aws_access_key_id", "aws_secret_access_key", "vertex_credentials")

_MASKED = "****"
# What LiteLLM 1.106.2 adds to model_info on reads, beside the model's entry in its cost map.
_SERVER_KEYS = frozenset(
    ("access_via_team_ids", "blocked", "created_at", "created_by", "db_model", "direct_access")
    + ("id", "key", "litellm_provider", "member_auto_router", "pricing_overrides")
    + ("supported_openai_params", "updated_at", "updated_by", markers.KEY)
)
# LiteLLM 1.106.2 has a value for them in every row, so false is as good as not set.
_FALSE_UNLESS_SET = frozenset(
    (PARAMS, key)
    for key in ("allow_client_keepalive_override", "merge_reasoning_content_in_choices")
    + ("use_in_pass_through", "use_litellm_proxy", "use_xai_oauth")
)

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING"})()


@dataclass(frozen=True)
class Row:
    """A row as the gateway reports it.

    :param model_id: The primary key.
    :param model_name: The public name; of a team's row the one the team uses, not the internal one.
    :param from_database: ``False`` for a row of the gateway's config file.
    :param data: The row as read. Masked where it is secret.
    :param unset: What reads leave out, and is known not to be there.
    """

    model_id: str
    model_name: str
    from_database: bool
    marker: Marker | None
    data: Mapping[str, Any] = field(repr=False)
    unset: frozenset[Path] = frozenset()

    def get(self, path: Path) -> Any:
        """The value at a path, or ``MISSING``."""
        if path == BLOCKED:
            return bool(self.data.get(INFO, {}).get("blocked", self.data.get("blocked", False)))
        value: Any = self.data
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
            if value is None:
                return MISSING
        return value


def parse_all(listed: list[dict[str, Any]]) -> list[Row]:
    """The rows of a list, without the agents that LiteLLM lists as ``a2a/…`` beside them."""
    found = (parse(data) for data in listed)
    return [row for row in found if row and (row.marker or not row.model_name.startswith("a2a/"))]


def parse(data: Mapping[str, Any] | None) -> Row | None:
    """A row of a list; ``None`` where it is not one."""
    info = None if data is None else data.get(INFO)
    if data is None or not isinstance(info, Mapping) or not isinstance(info.get("id"), str):
        return None
    public_name = info.get("team_public_model_name") if info.get("team_id") else None
    return Row(
        model_id=info["id"],
        model_name=str(public_name or data.get("model_name")),
        from_database=bool(info.get("db_model")),
        marker=Marker.load(info.get(markers.KEY)),
        data=data,
    )


def is_recent(row: Row) -> bool:
    """Whether the gateway is recent enough to tell whether a row is blocked (from mid-2026)."""
    return "blocked" in row.data.get(INFO, {})


def with_masks(row: Row, masks: Mapping[str, Any] | None) -> Row:
    """A row with the masks of the secrets that reads leave out.

    :param masks: From ``/credentials/by_model``; ``None`` where the gateway cannot say.
    """
    if masks is None:
        return row
    data = {**row.data, PARAMS: {**row.data.get(PARAMS, {}), **_left_out(masks)}}
    unset = frozenset((PARAMS, key) for key in _VERIFIABLE if masks.get(key) is None)
    return replace(row, data=data, unset=unset)


def summary(row: Row, health: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A row in short.

    :param health: The last known health by model id.
    """
    marker = row.marker
    return {
        "model_name": row.model_name,
        "model_id": row.model_id,
        "model": _or_none(row.get(MODEL)),
        "provider": _or_none(row.get(PROVIDER)),
        "blocked": row.get(BLOCKED),
        "owner": None if marker is None else marker.owner,
        "source": "database" if row.from_database else "config",
        "health": (health or {}).get(row.model_id),
    }


def whole(row: Row) -> dict[str, Any]:
    """A row with everything that the gateway shows of it, but for secrets and unset keys."""
    sections = {section: redact(row.data.get(section) or {}) for section in (PARAMS, INFO)}
    short = {key: value for key, value in summary(row).items() if key != "health"}
    return short | {
        section: {key: value for key, value in values.items() if value is not None}
        for section, values in sections.items()
    }


def _or_none(value: Any) -> Any:
    return None if value is MISSING else value


def is_set(value: Any, path: Path) -> bool:
    """Whether a value at a place is there to be removed."""
    if path == BLOCKED or path in _FALSE_UNLESS_SET:
        return value is True
    return value is not MISSING


def stored(answer: Mapping[str, Any], path: Path) -> bool:
    """Whether the raw row, which a write returns, holds a value at a path."""
    value: Any = _stored_section(answer, path[0])
    for key in path[1:]:
        if not isinstance(value, Mapping) or value.get(key) is None:
            return False
        value = value[key]
    return is_set(value, path)


def create_body(deployment: Deployment, marker: Marker, model_id: str) -> dict[str, Any]:
    """The body of ``/model/new``."""
    body = _nested(deployment.values)
    info = body.setdefault(INFO, {})
    info.update({"id": model_id, "db_model": True, markers.KEY: marker.dump()})
    return {"model_name": deployment.model_name, **body}


def probe_body(deployment: Deployment) -> dict[str, Any]:
    """The body of ``/health/test_connection``."""
    body = _nested({path: value for path, value in deployment.values.items() if path != BLOCKED})
    mode = body.get(INFO, {}).get("mode")
    return body if mode is None else {**body, "mode": mode}


def update_body(
    row: Row,
    deployment: Deployment,
    touched: frozenset[Path],
    removed: frozenset[Path],
) -> dict[str, Any]:
    """The body of a PATCH.

    :param touched: The declared values that are to be written.
    :param removed: The values that are to go.
    :raises InvalidInput: A mapping must be written whole, but holds a secret of somebody else's.
    """
    body: dict[str, Any] = {}
    if row.model_name != deployment.model_name:
        body["model_name"] = deployment.model_name
    if BLOCKED in touched | removed:
        body["blocked"] = deployment.values.get(BLOCKED, False)
    for section in (PARAMS, INFO):
        keys = sorted({path[1] for path in touched | removed if path[0] == section})
        if keys:
            body[section] = {
                key: _whole((section, key), row, deployment.values, removed) for key in keys
            }
    if PARAMS in body:
        # LiteLLM 1.106.2 resets five booleans on any PATCH that does not send them, and the set
        # grows with versions. So whatever boolean the row shows is sent back as it is.
        shown = row.data.get(PARAMS, {})
        kept = {key: value for key, value in shown.items() if isinstance(value, bool)}
        body[PARAMS] = {**kept, **body[PARAMS]}
    if INFO in body:
        body[INFO].update(_own_info(row))
    return body


def marked(row: Row, marker: Marker, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body of a PATCH that also, or only, stores a marker."""
    body = dict(body or {})
    info = {**body.get(INFO, {}), **_own_info(row), markers.KEY: marker.dump()}
    return {**body, INFO: info}


def _own_info(row: Row) -> dict[str, Any]:
    """What any PATCH with model_info must send: else LiteLLM stores a random id there."""
    reset = {_RESET_INFO: True} if row.get((INFO, _RESET_INFO)) is True else {}
    return {"id": row.model_id, "db_model": True, **reset}


def cleared(body: Mapping[str, Any], removed: frozenset[Path]) -> frozenset[Path]:
    """The removed values that a PATCH can only ask to clear, by a null.

    Most are kept all the same (LiteLLM 1.106.2 clears ten keys, 1.83.14 none).
    """
    return frozenset(
        path
        for path in removed
        if path != BLOCKED and body.get(path[0], {}).get(path[1], MISSING) is None
    )


def replacement_body(
    deployment: Deployment,
    row: Row,
    answer: Mapping[str, Any],
    removed: frozenset[Path],
    marker: Marker,
    model_id: str,
) -> dict[str, Any]:
    """The body of ``/model/new`` for a row that takes another's place.

    :param row: The other, as read: what it shows of others' settings is taken over.
    :param answer: The same as a write returned it: just what is stored, strings encrypted.
    :raises InvalidInput: It holds a secret of somebody else's, which would be lost.
    """
    tree: dict[str, Any] = {}
    for section in (PARAMS, INFO):
        kept = copy.deepcopy(_stored_section(answer, section))
        for path in removed:
            if path[0] == section:
                _drop(kept, path[1:])
        tree[section] = {
            key: _survivor((section, key), value, row)
            if (section, key) not in deployment.values
            else value
            for key, value in kept.items()
            if value is not None
        }
    for path, value in deployment.values.items():
        _put(tree, path, value)
    if answer.get("blocked") and BLOCKED not in removed:
        tree.setdefault("blocked", True)
    tree[INFO].update({"id": model_id, "db_model": True, markers.KEY: marker.dump()})
    return {"model_name": deployment.model_name, **tree}


def as_stored(
    row: Row,
    deployment: Deployment,
    removed: frozenset[Path],
    masks: Mapping[str, Any] | None,
    cost_map: Mapping[str, Any],
) -> dict[str, Any]:
    """What is stored of a row, as far as reads tell, in the form in which a write returns it.

    :param masks: Of the secrets that reads leave out.
    :raises InvalidInput: A secret of somebody else's would be lost by replacing the row.
    """
    if masks is None:
        raise InvalidInput(f"The gateway does not say which secrets {row.model_id} has")
    params = {**row.data.get(PARAMS, {}), **_left_out(masks)}
    for key, value in params.items():
        nested = isinstance(value, (Mapping, list)) and value
        for path, leaf in leaves((PARAMS, key), value) if nested else ():
            ours = path in deployment.values or path in removed
            if not ours and (is_secret_at(path) or holds_secret("", leaf)):
                raise _lost(path)
    info = dict(own_info(row, known_info(row, cost_map)))
    return {PARAMS: params, INFO: info, "blocked": row.get(BLOCKED)}


def own_info(row: Row, known: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is stored in a row's ``model_info``: not what LiteLLM adds to it on reads."""
    for key, value in (row.data.get(INFO) or {}).items():
        derived = key in _SERVER_KEYS or is_price(key) or key.endswith(("_cost", "_costs"))
        if value is not None and not derived and known.get(key, MISSING) != value:
            yield key, value


def known_info(row: Row, cost_map: Mapping[str, Any]) -> Mapping[str, Any]:
    """The cost map's entry for a row's model, as LiteLLM looks it up."""
    names = [row.get((INFO, "key")), row.get((INFO, "base_model")), row.get(MODEL)]
    names += [str(name).partition("/")[2] for name in names]
    for name in names:
        entry = cost_map.get(name) if isinstance(name, str) else None
        if isinstance(entry, Mapping):
            return entry
    return {}


def _left_out(masks: Mapping[str, Any]) -> dict[str, Any]:
    return {key: mask for key, mask in masks.items() if not is_readable((PARAMS, key))}


def _survivor(path: Path, value: Any, row: Row) -> Any:
    """A value that somebody else set, as it is to be sent again."""
    if path[0] != PARAMS or not isinstance(value, str):
        return value  # only the strings of litellm_params are encrypted
    shown = row.get(path)
    masked = is_secret_at(path) or (may_be_masked(path) and _MASKED in str(shown))
    if masked or not isinstance(shown, str):
        raise _lost(path)
    return shown


def _lost(path: Path) -> InvalidInput:
    return InvalidInput(
        f"LiteLLM keeps a key once it is set, so the deployment would have to be replaced, "
        f"but {':'.join(path)}, which is not declared, cannot be read back and would be lost: "
        "declare it too"
    )


def _stored_section(answer: Mapping[str, Any], section: str) -> dict[str, Any]:
    value = answer.get(section) or {}
    return dict(json.loads(value) if isinstance(value, str) else value)


def _whole(top: Path, row: Row, declared: Mapping[Path, Any], removed: frozenset[Path]) -> Any:
    """The value to send for a top-level key, ``None`` to remove it.

    A PATCH replaces a mapping whole, so what others keep in it is sent back.
    """
    current = row.get(top)
    if top in declared and declared[top] != {}:
        return declared[top]
    tree: dict[str, Any] = copy.deepcopy(dict(current)) if isinstance(current, Mapping) else {}
    for path in removed:
        if path[:2] == top:
            _drop(tree, path[2:])
    ours = {path: value for path, value in declared.items() if path[:2] == top and path != top}
    for path, value in leaves(top, tree) if tree else ():
        if path not in ours and (is_secret_at(path) or holds_secret("", value)):
            raise InvalidInput(
                f"{':'.join(path)} is not declared and cannot be read back, but "
                f"{':'.join(top)} can only be written whole: declare it too"
            )
    for path, value in ours.items():
        _put(tree, path[2:], value)
    return tree if tree or top in declared else None


def _put(tree: dict[str, Any], keys: Path, value: Any) -> None:
    for key in keys[:-1]:
        if not isinstance(tree.get(key), dict):
            tree[key] = {}
        tree = tree[key]
    if value != {} or not isinstance(tree.get(keys[-1]), dict):
        tree[keys[-1]] = value


def _drop(tree: dict[str, Any], keys: Path) -> None:
    """Remove a key, and the mappings that it leaves empty."""
    if len(keys) > 1:
        inner = tree.get(keys[0])
        if not isinstance(inner, dict):
            return
        _drop(inner, keys[1:])
        if inner:
            return
    if keys:
        tree.pop(keys[0], None)


def _nested(values: Mapping[Path, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in values.items():
        _put(tree, path, value)
    return tree
