"""Pure: desired, current and marker → what to do, and the changes a person reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from . import deployment as fields
from .compare import same
from .deployment import Deployment, next_id
from .errors import InvalidInput
from .marker import VERSION, Marker, Path
from .row import (
    MISSING,
    Row,
    cleared,
    create_body,
    is_set,
    marked,
    replacement_body,
    update_body,
)
from .secrets import REDACTED, Fingerprinter, holds_secret, redact
from .validate import per_million

NONE, CREATE, UPDATE, DELETE = "none", "create", "update", "delete"
_REFERENCE = "os.environ/"

Changes = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Plan:
    """What is to be done to one row.

    :param action: ``none``, ``create``, ``update`` or ``delete``.
    :param model_id: The row it is done to.
    :param changes: ``{key: {old, new}}`` in the user's words, without secrets.
    :param notes: What else the user should know, a sentence each.
    :param touched: The values that are written.
    :param removed: The values that must be gone afterwards.
    :param uncertain: Those of them that the gateway may keep, so that the answer must tell.
    :param marker: The marker the row has afterwards.
    :param moves_to: The id it must get instead of its own.
    :param leftovers: The rows that it has replaced, if a run was cut off before deleting them.
    """

    action: str
    model_id: str | None = None
    row: Row | None = field(default=None, repr=False)
    changes: Changes = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    touched: frozenset[Path] = frozenset()
    removed: frozenset[Path] = frozenset()
    uncertain: frozenset[Path] = frozenset()
    marker: Marker | None = None
    moves_to: str | None = None
    leftovers: tuple[Row, ...] = ()


def create(deployment: Deployment, fingerprint: Fingerprinter, model_id: str) -> Plan:
    """Plan a new row."""
    marker = _marker(deployment, fingerprint, model_id)
    values = deployment.values
    changes = {_word(path): _change(path, MISSING, value) for path, value in _told(values, values)}
    return Plan(
        action=CREATE,
        model_id=model_id,
        changes={"model_name": {"old": None, "new": deployment.model_name}, **changes},
        body=create_body(deployment, marker, model_id),
        touched=frozenset(values),
        marker=marker,
    )


def update(
    deployment: Deployment, row: Row, fingerprint: Fingerprinter, *, partial: bool = False
) -> Plan:
    """Plan a row's way to what is desired.

    Only what is declared is compared; what we set before and is declared no longer is removed;
    anything else is somebody else's.

    :param partial: Change what is declared and leave the rest, ownership included.
    """
    if row.marker is not None and row.marker.version > VERSION:
        raise InvalidInput(
            f"{row.model_id} was last managed by a newer saltext-litellm; upgrade this one"
        )
    declared = _marker(deployment, fingerprint, row.model_id)
    marker = _refreshed(row.marker, declared) if partial else declared
    differing = {
        path: value
        for path, value in deployment.values.items()
        if not _settled(path, value, row, declared.secrets.get(path))
    }
    dropped = frozenset() if partial or row.marker is None else _dropped(row.marker, deployment)
    removed = frozenset(path for path in dropped if _is_set(path, row))
    changes = _changes(deployment, row, differing, removed) | _ownership(
        row.marker, marker, differing.keys() | removed
    )
    moves_to = None if deployment.model_id in (None, row.model_id) else deployment.model_id
    if moves_to:
        changes["model_id"] = {"old": row.model_id, "new": moves_to}
    if not changes:
        return Plan(action=NONE, model_id=row.model_id, row=row, marker=row.marker)
    body = update_body(row, deployment, frozenset(differing), removed)
    uncertain = cleared(body, removed)
    if marker is not None and marker != row.marker:
        # What is not certain to go stays ours until it is gone.
        body = marked(row, replace(marker, keys=marker.keys | uncertain), body)
    return Plan(
        action=UPDATE,
        model_id=row.model_id,
        row=row,
        changes=changes,
        notes=tuple(_notes(row, marker, differing)),
        body=body,
        touched=frozenset(differing),
        removed=removed,
        uncertain=uncertain,
        marker=marker,
        moves_to=moves_to,
    )


def finish(plan: Plan, leftovers: Sequence[Row]) -> Plan:
    """Also delete the rows that this one has replaced in a run that was cut off."""
    if not leftovers:
        return plan
    ids = ", ".join(row.model_id for row in leftovers)
    if plan.action == DELETE:
        note = f"So was {ids}, which it had replaced"
        return replace(plan, notes=(*plan.notes, note), leftovers=tuple(leftovers))
    return replace(
        plan,
        action=UPDATE,
        changes={**plan.changes, "model_id": {"old": ids, "new": plan.model_id}},
        notes=(*plan.notes, f"It has replaced {ids}, which is deleted now"),
        leftovers=tuple(leftovers),
    )


def replacement(
    deployment: Deployment, plan: Plan, answer: Mapping[str, Any], fingerprint: Fingerprinter
) -> Plan:
    """Plan the row that takes the place of one that cannot be made as desired.

    :param answer: The row to be replaced, as a write returned it.
    """
    row = plan.row
    assert row is not None  # noqa: S101 - a plan to update has one
    model_id = plan.moves_to or deployment.model_id or next_id(row.model_id)
    marker = _marker(deployment, fingerprint, model_id)
    return replace(
        plan,
        model_id=model_id,
        marker=marker,
        body=replacement_body(deployment, row, answer, plan.removed, marker, model_id),
    )


def restoration(deployment: Deployment, plan: Plan, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The body that creates a row again as it was before it was deleted, as far as is known."""
    row = plan.row
    assert row is not None and row.marker is not None  # noqa: S101, PT018 - see replacement
    lost = frozenset(path for path in plan.removed if fields.is_secret_at(path))
    marker = replace(row.marker, keys=row.marker.keys | deployment.values.keys())
    return replacement_body(deployment, row, answer, lost, marker, row.model_id)


def without(plan: Plan, paths: frozenset[Path]) -> Changes:
    """The changes of a plan but for those at some places, where they did not happen."""
    words = {_word(path) for path in paths}
    return {word: change for word, change in plan.changes.items() if word not in words}


def delete(row: Row) -> Plan:
    """Plan a row's end."""
    return Plan(
        action=DELETE,
        model_id=row.model_id,
        row=row,
        changes={
            "model_name": {"old": row.model_name, "new": None},
            "model_id": {"old": row.model_id, "new": None},
        },
    )


def _settled(path: Path, value: Any, row: Row, fingerprint: str | None) -> bool:
    """Whether a row already has a declared value, as far as can be told.

    :param fingerprint: Of the value, if it cannot be compared as it is read.
    """
    shown = row.get(path)
    if value == {}:
        return isinstance(shown, Mapping)  # we manage none of its keys
    if fingerprint is None:
        ordered, masked = path not in fields.UNORDERED, fields.may_be_masked(path)
        return shown is not MISSING and same(value, shown, ordered=ordered, masked=masked)
    known = row.marker is not None and row.marker.secrets.get(path) == fingerprint
    if shown is MISSING and fields.is_top(path) and _is_reference(value):
        return known  # LiteLLM 1.106.2 shows nothing if its environment has no such variable
    if shown is MISSING:
        return known and not fields.is_readable(path) and path not in row.unset
    if _is_reference(value):
        # Versions differ in whether they show the reference or what it refers to.
        return known or (not fields.is_secret_at(path) and shown == value)
    return known and same(value, shown, masked=True)


def _is_reference(value: Any) -> bool:
    """Whether LiteLLM takes a value from its own environment."""
    return isinstance(value, str) and value.startswith(_REFERENCE)


def _is_hidden(path: Path, value: Any) -> bool:
    """Whether a value cannot be compared as it is read, and so has a fingerprint."""
    return _is_reference(value) or fields.is_secret_at(path) or holds_secret("", value)


def _dropped(marker: Marker, deployment: Deployment) -> frozenset[Path]:
    """What we set before and is no longer declared."""
    declared = deployment.values
    left = marker.keys - declared.keys()
    if not left:
        return left
    above = {path[:length] for path in declared for length in range(1, len(path))}
    return frozenset(
        path
        for path in left - above
        if not any(declared.get(path[:length], {}) != {} for length in range(1, len(path)))
    )


def _is_set(path: Path, row: Row) -> bool:
    """Whether there is anything to remove at a place."""
    shown = row.get(path)
    if isinstance(shown, Mapping) and shown:
        return False  # we made the mapping, others filled it
    return not fields.is_readable(path) or is_set(shown, path)


# ---------------------------------------------------------------- markers


def _marker(deployment: Deployment, fingerprint: Fingerprinter, model_id: str) -> Marker:
    hidden = {p: v for p, v in deployment.values.items() if _is_hidden(p, v)}
    return Marker(
        name=deployment.name,
        set=deployment.set,
        keys=frozenset(deployment.values),
        secrets={path: fingerprint(model_id, path, value) for path, value in hidden.items()},
        key_id=fingerprint.key_id() if hidden else None,
    )


def _refreshed(marker: Marker | None, declared: Marker) -> Marker | None:
    """A row's own marker, its fingerprints in step with the secrets that are now declared."""
    if marker is None:
        return None
    secrets = {path: declared.secrets.get(path, mark) for path, mark in marker.secrets.items()}
    return replace(marker, secrets=secrets)


# ---------------------------------------------------------------- words


def _changes(
    deployment: Deployment, row: Row, differing: Mapping[Path, Any], removed: frozenset[Path]
) -> Changes:
    changes: Changes = {}
    if row.model_name != deployment.model_name:
        changes["model_name"] = {"old": row.model_name, "new": deployment.model_name}
    for path, value in _told(differing, deployment.values):
        changes[_word(path)] = _change(path, _before(path, row), value)
    for path in sorted(removed):
        changes[_word(path)] = _change(path, _before(path, row), MISSING)
    return changes


def _before(path: Path, row: Row) -> Any:
    """What stood at a place, also where reads leave it out but we know that we set it."""
    shown = row.get(path)
    return REDACTED if shown is MISSING and row.marker and path in row.marker.secrets else shown


def _ownership(old: Marker | None, new: Marker | None, told: Set[Path]) -> Changes:
    """What changes in the marker alone: the owner, and keys that have their values already."""
    if new is None:
        return {}
    if old is None or (old.set, old.name) != (new.set, new.name):
        return {"owner": {"old": None if old is None else old.owner, "new": new.owner}}
    lost, gained = old.keys - new.keys - told, new.keys - old.keys - told
    if not lost and not gained:
        return {}
    return {"managed_keys": {"old": sorted(map(_word, lost)), "new": sorted(map(_word, gained))}}


def _told(
    differing: Mapping[Path, Any], declared: Mapping[Path, Any]
) -> Iterator[tuple[Path, Any]]:
    """The values to report. The upstream model goes without saying if what it is made of does."""
    derived = fields.derived_model(declared)
    for path, value in differing.items():
        if path == fields.MODEL and value == derived and fields.MODEL_SOURCES & differing.keys():
            continue
        yield path, value


def _word(path: Path) -> str:
    """What a user calls a place in a row: its argument, or the way to it."""
    return fields.argument_at(path) or ":".join(path)


def _change(path: Path, old: Any, new: Any) -> dict[str, Any]:
    return {"old": _shown(path, old), "new": _shown(path, new)}


def _shown(path: Path, value: Any) -> Any:
    if fields.is_secret_at(path):
        return None if value is MISSING else REDACTED
    if value is MISSING:
        return None
    return per_million(value) if path in fields.COSTS else redact(value)


def _notes(row: Row, marker: Marker | None, differing: Mapping[Path, Any]) -> Iterator[str]:
    old = row.marker
    if old is None and marker is not None:
        yield "It was there already and is managed by Salt from now on"
    if (
        old is not None
        and marker is not None
        and old.key_id is not None
        and old.key_id != marker.key_id
        and any(path in old.secrets for path in differing)
    ):
        yield "Its secrets are written again because the key of their fingerprints has changed"
