"""A row of the model table as the gateway reports it, and as our writes change it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..objects import marker as markers
from ..objects.marker import Marker
from ..objects.row import MISSING, Row
from ..values.compare import same
from ..values.paths import Path, leaves, put
from ..values.secrets import redact
from .fields import (
    BLOCKED,
    INFO,
    KNOWN_PROVIDER,
    MODEL,
    PARAMS,
    PROVIDER,
    SECTIONS,
    SERVER_KEYS,
    TEAM,
    VERIFIABLE,
    is_price,
    is_readable,
    is_set,
    is_top,
)


@dataclass(frozen=True)
class ModelRow(Row):
    """A row of LiteLLM's model table.

    :param model_name: The public name. For a team's row, the name that the team uses.
    :param team: The id of the team that the row belongs to. Only the team can call it.
    :param stored: The row as a write of this run has returned it: only what is stored.
    :param forms: A mark for each value that a write of this run has sent, and that LiteLLM stores
        in another form.
    :param kept: The places that LiteLLM was asked to clear in this run, but has kept.
    :param inside: The row as it is stored, if it was looked up to verify the secrets.
    :param unreadable: Whether LiteLLM cannot load what is stored, so that the data is older.
    """

    model_name: str = ""
    team: str | None = None
    stored: Mapping[str, Any] | None = field(default=None, repr=False)
    forms: Mapping[Path, str] = field(default_factory=dict)
    kept: frozenset[Path] = frozenset()
    inside: Mapping[str, Any] | None = field(default=None, repr=False)
    unreadable: bool = False

    @property
    def names(self) -> Mapping[str, str]:
        """Its public name."""
        return {"model_name": self.model_name}

    def get(self, path: Path) -> Any:
        """The value at a path, or ``MISSING``."""
        if path == BLOCKED:
            return bool(self.data.get(INFO, {}).get("blocked", self.data.get("blocked", False)))
        return super().get(path)

    def stored_value(self, path: Path) -> Any:
        """The stored value at a path, even if it is a secret; ``MISSING`` if it is unknown.

        LiteLLM encrypts the strings of ``litellm_params``, but not the values in its mappings and
        lists. A stored value counts only if a read shows the same value or its mask.
        """
        if self.inside is None or path[0] not in SECTIONS:
            return MISSING
        value = _inside(stored_section(self.inside, path[0]), path[1:])
        encrypted = isinstance(value, str) and path[0] == PARAMS and is_top(path)
        believed = not encrypted and same(value, self.get(path), masked=True)
        return value if believed else MISSING


def is_fixed(model_id: str) -> bool:
    """Whether LiteLLM can create and delete a row, but not change it, because its id has a slash.

    LiteLLM 1.83.14 and 1.106.2 answer 404 to the PATCH, and do not show the masks of its secrets.
    """
    return "/" in model_id


def parse_all(listed: list[dict[str, Any]]) -> list[ModelRow]:
    """The rows of a list, without the agents that LiteLLM lists as ``a2a/…``."""
    found = (parse(data) for data in listed)
    return [row for row in found if row and (row.marker or not row.model_name.startswith("a2a/"))]


def parse(data: Mapping[str, Any]) -> ModelRow | None:
    """A row of a list; ``None`` if it is not one."""
    info = data.get(INFO)
    if not isinstance(info, Mapping) or not isinstance(info.get("id"), str):
        return None
    if not isinstance(data.get(PARAMS), Mapping):
        data = {**data, PARAMS: {}}
    team = info.get(TEAM[1]) or None
    public_name = info.get("team_public_model_name") if team else None
    marker, copied = markers.of_row(info.get(markers.KEY), info["id"])  # the UI copies it too
    return ModelRow(
        id=info["id"],
        model_name=str(public_name or data.get("model_name") or ""),
        from_database=bool(info.get("db_model")),
        marker=marker,
        data=data,
        team=None if team is None else str(team),
        copied=copied,
    )


def created(body: Mapping[str, Any], answer: Mapping[str, Any] | None = None) -> ModelRow:
    """The row that a create makes.

    :param answer: The row as the write returned it.
    """
    row = parse(body)
    assert row is not None  # noqa: S101 - the body of a create has an id
    return _learnt(replace(row, stored=answer), body, answer)


def changed(row: ModelRow, body: Mapping[str, Any], answer: Mapping[str, Any] | None) -> ModelRow:
    """The row that a PATCH makes of a row.

    :param answer: The row as the write returned it. The values that it does not have are cleared.
    """
    data, sent = dict(row.data), set()
    for section in SECTIONS:
        values = {k: v for k, v in (body.get(section) or {}).items() if v is not None}
        data[section] = {**(data.get(section) or {}), **values}
        sent |= {(section, key) for key in values}
    if "blocked" in body:
        data[INFO]["blocked"] = body["blocked"]
    asked = asked_to_go(body)
    kept = frozenset(path for path in asked if answer is None or is_stored(answer, path))
    for section, key in asked - kept:
        data[section].pop(key, None)
    marker = Marker.load(data[INFO].get(markers.KEY)) if (INFO, markers.KEY) in sent else row.marker
    if marker is not None and row.marker is not None:
        # We still have to remove what LiteLLM has kept.
        stayed = frozenset(path for path in row.marker.keys if path[:2] in kept)
        marker = marker.keeping(row.marker, stayed)
    row = replace(
        row,
        model_name=str(body.get("model_name", row.model_name)),
        marker=marker,
        data=data,
        unset=(row.unset - sent) | (asked - kept),
        copied=None if marker else row.copied,
        stored=answer if answer is not None else row.stored,
        kept=row.kept | kept,
        inside=None,
        unreadable=False,
    )
    return _learnt(row, body, answer)


def _learnt(row: ModelRow, body: Mapping[str, Any], answer: Mapping[str, Any] | None) -> ModelRow:
    """A row that was written, with the values in the form in which LiteLLM stores them.

    LiteLLM turns the values of the fields that it declares into its own types: ``"yes"`` becomes
    true, ``"09:00"`` becomes ``"09:00:00"``. Which fields those are differs by version. The answer
    of a write shows it, but not for a string in ``litellm_params``, which is encrypted.
    """
    data, forms = dict(row.data), dict(row.forms)
    for section in SECTIONS if answer else ():
        stored = stored_section(answer or {}, section)
        for path, sent in leaves((section,), body.get(section)):
            found = _inside(stored, path[1:])
            hidden = isinstance(found, str) and section == PARAMS and is_top(path)
            if found is None or hidden or markers.is_same_form(sent, found):
                forms.pop(path, None)
                continue
            if data[section] is row.data[section]:
                data[section] = copy.deepcopy(row.data[section])
            forms[path] = markers.form(sent, found)
            put(data, path, found)
    return replace(row, data=data, forms=forms)


def _inside(value: Any, keys: Path) -> Any:
    """What a mapping holds at a path, ``None`` if nothing."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def asked_to_go(body: Mapping[str, Any]) -> frozenset[Path]:
    """The places that a PATCH asks LiteLLM to clear."""
    nulls = {
        (section, key)
        for section in SECTIONS
        for key, value in (body.get(section) or {}).items()
        if value is None
    }
    return frozenset(nulls | {(PARAMS, key) for key in body.get("litellm_params_to_remove", ())})


def with_masks(row: ModelRow, masks: Mapping[str, Any] | None) -> ModelRow:
    """A row with the masks of the secrets that reads leave out.

    :param masks: From ``/credentials/by_model``; ``None`` if the gateway does not say.
    """
    if masks is None:
        return row
    data = {**row.data, PARAMS: {**row.data.get(PARAMS, {}), **left_out(masks)}}
    unset = frozenset((PARAMS, key) for key in VERIFIABLE if masks.get(key) is None)
    return replace(row, data=data, unset=unset)


def left_out(masks: Mapping[str, Any]) -> dict[str, Any]:
    """The masks of the secrets that reads leave out."""
    return {key: mask for key, mask in masks.items() if not is_readable((PARAMS, key))}


def stored_section(answer: Mapping[str, Any], section: str) -> dict[str, Any]:
    """A section of the raw row that a write returns."""
    value = answer.get(section) or {}
    return dict(json.loads(value) if isinstance(value, str) else value)


def is_stored(answer: Mapping[str, Any], path: Path) -> bool:
    """Whether the raw row that a write returns has a value at a path."""
    value = _inside(stored_section(answer, path[0]), path[1:])
    return value is not None and is_set(path, value)


def summary(row: ModelRow) -> dict[str, Any]:
    """A row in short, without secrets."""
    marker = row.marker
    short = {
        "model_name": row.model_name,
        "model_id": row.id,
        "model": _or_none(row.get(MODEL)),
        "provider": provider(row),
        "blocked": row.get(BLOCKED),
        "owner": None if marker is None else marker.owner,
        "source": "database" if row.from_database else "config",
    }
    if row.team is not None:
        short["team"] = row.team
    return {key: redact(value) for key, value in short.items()}


def provider(row: ModelRow) -> Any:
    """The provider of a row: the declared one, or the one that LiteLLM takes from the model."""
    declared, model = row.get(PROVIDER), row.get(MODEL)
    if declared is not MISSING:
        return declared
    prefix, slash, _ = model.partition("/") if isinstance(model, str) else ("", "", "")
    return prefix if slash else _or_none(row.get(KNOWN_PROVIDER))


def whole(row: ModelRow) -> dict[str, Any]:
    """Everything that the gateway shows of a row, without secrets and unset keys."""
    sections = {section: redact(row.data.get(section) or {}) for section in SECTIONS}
    return summary(row) | {
        section: {key: value for key, value in values.items() if value is not None}
        for section, values in sections.items()
    }


def _or_none(value: Any) -> Any:
    return None if value is MISSING else value


def own_info(row: ModelRow, known: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values stored in a row's ``model_info``, without those that LiteLLM adds on reads."""
    for key, value in (row.data.get(INFO) or {}).items():
        derived = key in SERVER_KEYS or is_price(key) or key.endswith(("_cost", "_costs"))
        if value is not None and not derived and known.get(key, MISSING) != value:
            yield key, value


def known_info(row: ModelRow, cost_map: Mapping[str, Any]) -> Mapping[str, Any]:
    """The cost map's entry for a row's model, as LiteLLM looks it up."""
    names = [row.get((INFO, "key")), row.get((INFO, "base_model")), row.get(MODEL)]
    names += [str(name).partition("/")[2] for name in names]
    for name in names:
        entry = cost_map.get(name) if isinstance(name, str) else None
        if isinstance(entry, Mapping):
            # LiteLLM 1.110.2 shows this key in rows, but not in its cost map.
            most = entry.get("max_output_tokens", entry.get("max_input_tokens"))
            return {"max_tokens": most, **entry}
    return {}
