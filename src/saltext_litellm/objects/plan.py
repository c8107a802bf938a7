"""Compares a deployment with its row: what to do, and the changes that a person reads. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import Refused
from ..models import encrypted, fields
from ..models.desired import Deployment
from ..models.fields import label
from ..models.row import MISSING, Row, is_fixed, is_set
from ..values.checks import per_million
from ..values.compare import same
from ..values.fingerprints import Fingerprinter
from ..values.paths import Path
from ..values.secrets import REDACTED, holds_secret, redact
from .marker import VERSION, Marker, form

NONE, CREATE, UPDATE, DELETE = "none", "create", "update", "delete"

Changes = dict[str, dict[str, Any]]

# The old value at a place that reads do not show: nobody can say whether it has one.
_UNKNOWN: Any = type("Unknown", (), {"__repr__": lambda _: "UNKNOWN"})()


@dataclass(frozen=True)
class Note:
    """A sentence that explains one change.

    :param key: The key of the change. If that was not made, the sentence is left out.
    :param done: The sentence if the change was made.
    :param pending: The sentence if the change would be made.
    """

    key: str
    done: str
    pending: str


@dataclass(frozen=True)
class Plan:
    """What to do about one deployment.

    :param action: ``none``, ``create``, ``update`` or ``delete``.
    :param model_id: The id of its row, or of the row to create.
    :param changes: ``{key: {old, new}}`` in the user's words, without secrets.
    :param notes: Sentences that explain the changes.
    :param touched: The values to write.
    :param removed: The values to remove.
    :param marker: The marker that the row has afterwards.
    :param moves_to: The id that the row must get instead of its own.
    :param leftovers: The rows that it has replaced and that still exist.
    """

    action: str
    model_id: str | None = None
    row: Row | None = field(default=None, repr=False)
    changes: Changes = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    touched: frozenset[Path] = frozenset()
    removed: frozenset[Path] = frozenset()
    marker: Marker | None = None
    moves_to: str | None = None
    leftovers: tuple[Row, ...] = ()


def create(
    wanted: Deployment, fingerprint: Fingerprinter, model_id: str, *, tentative: bool = False
) -> Plan:
    """Plan a new row.

    :param tentative: Whether nobody can see which rows exist.
    """
    values = wanted.values
    changes = {
        label(path): _old_and_new(path, MISSING, value) for path, value in _reported(values, values)
    }
    return Plan(
        action=CREATE,
        model_id=model_id,
        changes={
            "model_name": {"old": None, "new": redact(wanted.model_name)},
            "model_id": {"old": None, "new": model_id},
            **changes,
        },
        touched=frozenset(values),
        marker=replace(marker_of(wanted, fingerprint, model_id), tentative=tentative),
    )


def update(
    wanted: Deployment,
    row: Row,
    fingerprint: Fingerprinter,
    *,
    leftovers: Sequence[Row] = (),
    supersedes: Row | None = None,
    partial: bool = False,
) -> Plan:
    """Plan the changes that make a row as declared.

    Only declared values are compared. Values that we set before and that are not declared any more
    are removed. All other values belong to somebody else.

    :param leftovers: The rows that it has replaced.
    :param supersedes: The row that it must replace, because the user asked for this row's id.
    :param partial: Change the declared values and leave all else, even the owner.
    """
    _refuse_newer(row)
    declared = marker_of(wanted, fingerprint, row.model_id, row.marker)
    declared = replace(declared, forms=_forms(wanted, row))
    marker = _refreshed_marker(row.marker, declared) if partial else declared
    if supersedes is not None and marker is not None:
        marker = replace(marker, replaces=supersedes.model_id)
    lost = encrypted.lost(wanted.values, row)
    touched = frozenset(
        path
        for path, value in wanted.values.items()
        if row.unreadable
        or (
            path not in declared.forms
            and not _has_value(path, value, row, declared.secrets.get(path))
        )
        or (lost and path in declared.secrets and encrypted.is_encrypted(path, value))
    )
    removed = frozenset() if partial else _removed(wanted, row)
    changes = _changes(wanted, row, touched, removed)
    changes |= _ownership(row.marker, marker, touched | removed)
    moves_to = None if wanted.model_id in (None, row.model_id) else wanted.model_id
    gone = ", ".join(one.model_id for one in (*leftovers, supersedes) if one)
    if moves_to or gone:
        changes["model_id"] = {"old": gone or row.model_id, "new": moves_to or row.model_id}
    if not changes and not _has_learnt(marker, row):
        return Plan(NONE, row.model_id, row, marker=row.marker)
    return Plan(
        UPDATE,
        row.model_id,
        row,
        changes,
        tuple(
            _lost_notes(wanted, row, lost)
            if lost or row.unreadable
            else _notes(row, marker, touched, changes)
        ),
        touched,
        removed,
        marker=marker,
        moves_to=moves_to,
        leftovers=tuple(leftovers),
    )


def _refuse_newer(row: Row) -> None:
    if row.marker is not None and row.marker.version > VERSION:
        raise Refused(
            f"{row.model_id} was last managed by a newer saltext-litellm; upgrade this one"
        )


def delete(row: Row, leftovers: Sequence[Row] = ()) -> Plan:
    """Plan to delete a row, and the rows that it has replaced."""
    ids = ", ".join(one.model_id for one in (row, *leftovers))
    return Plan(
        action=DELETE,
        model_id=row.model_id,
        row=row,
        changes={
            "model_name": {"old": redact(row.model_name), "new": None},
            "model_id": {"old": ids, "new": None},
        },
        leftovers=tuple(leftovers),
    )


def _has_value(path: Path, value: Any, row: Row, fingerprint: str | None) -> bool:
    """Whether a row already has a declared value, as far as we can know.

    :param fingerprint: The fingerprint of a value that cannot be read back; else ``None``.
    """
    shown = row.get(path)
    if value == {}:
        return isinstance(shown, Mapping)  # we manage none of its keys
    if fingerprint is None:
        return shown is not MISSING and same(
            value,
            shown,
            ordered=path not in fields.UNORDERED,
            masked=fields.may_be_masked(path),
            coerced=fields.is_coerced(path),
        )
    known = row.marker is not None and row.marker.secrets.get(path) == fingerprint
    if shown is MISSING and fields.is_top(path) and _is_reference(value):
        return known  # LiteLLM 1.106.2 shows nothing if its environment lacks the variable
    if shown is MISSING:
        return known and not fields.is_readable(path) and path not in row.unset
    if _is_reference(value):
        # Versions differ in whether they show the reference or what it refers to.
        return known or (not fields.is_secret_at(path) and shown == value)
    stored = row.stored_value(path)  # shows if somebody stored the mask instead of the secret
    return known and same(value, shown, masked=True) and (stored is MISSING or same(value, stored))


def _forms(wanted: Deployment, row: Row) -> dict[Path, str]:
    """The marks of the declared values that a row has in another form, as a write has shown."""
    before = row.marker.forms if row.marker else {}
    marks = {}
    for path in (before.keys() | row.forms.keys()) & wanted.values.keys():
        value, shown = wanted.values[path], row.get(path)
        mark = form(value, None if shown is MISSING else shown)
        if mark in (before.get(path), row.forms.get(path)) and not needs_fingerprint(path, value):
            marks[path] = mark
    return marks


def _has_learnt(marker: Marker | None, row: Row) -> bool:
    """Whether this run has learnt of a value's other form, which the marker does not say yet."""
    known = row.marker.forms.items() if row.marker else ()
    news = marker is not None and not marker.forms.items() <= set(known)
    return news and not is_fixed(row.model_id)


def _is_reference(value: Any) -> bool:
    """Whether LiteLLM takes a value from its own environment."""
    return isinstance(value, str) and value.startswith(fields.REFERENCE)


def needs_fingerprint(path: Path, value: Any) -> bool:
    """Whether a value has a fingerprint, because it cannot be compared as it is read."""
    return _is_reference(value) or fields.is_secret_at(path) or holds_secret("", value)


def nested_secrets(wanted: Deployment, row: Row) -> bool:
    """Whether a deployment of ours declares secrets inside mappings or lists.

    A read shows the same mask whether such a secret is stored there or only its mask.
    """
    return row.marker is not None and any(
        path[0] == fields.PARAMS
        and path in row.marker.secrets
        and not (fields.is_top(path) and isinstance(value, str))
        and not _is_reference(value)
        for path, value in wanted.values.items()
    )


def _removed(wanted: Deployment, row: Row) -> frozenset[Path]:
    """The places that we have set, that still have a value, and that are not declared any more."""
    dropped = row.marker.dropped(wanted.values) if row.marker else ()
    return frozenset(path for path in dropped if _can_be_removed(path, row))


def _can_be_removed(path: Path, row: Row) -> bool:
    """Whether a place has a value that can be removed."""
    shown = row.get(path)
    if isinstance(shown, Mapping) and shown:
        return False  # we made the mapping, others have filled it
    if shown is MISSING:
        # LiteLLM 1.106.2 does not show a reference to a variable that its environment lacks.
        hidden = fields.is_top(path) and row.marker is not None and path in row.marker.secrets
        return (hidden or not fields.is_readable(path)) and path not in row.unset
    return is_set(shown, path)


# ---------------------------------------------------------------- markers


def marker_of(
    wanted: Deployment, fingerprint: Fingerprinter, model_id: str, before: Marker | None = None
) -> Marker:
    """The marker of a row that is as declared.

    :param before: The marker that the row has now.
    """
    hidden = {p: v for p, v in wanted.values.items() if needs_fingerprint(p, v)}
    return Marker(
        name=wanted.name,
        set=wanted.set,
        gateway=wanted.gateway or (before.gateway if before else None),
        id=model_id,
        keys=frozenset(wanted.values),
        secrets={path: fingerprint(model_id, path, value) for path, value in hidden.items()},
        key_id=fingerprint.key_id() if hidden else None,
    )


def _refreshed_marker(marker: Marker | None, declared: Marker) -> Marker | None:
    """The marker of a row, with new fingerprints for the secrets that are declared now."""
    if marker is None:
        return None
    secrets = {path: declared.secrets.get(path, mark) for path, mark in marker.secrets.items()}
    return replace(marker, secrets=secrets)


# ---------------------------------------------------------------- words


def _changes(
    wanted: Deployment, row: Row, touched: frozenset[Path], removed: frozenset[Path]
) -> Changes:
    changes: Changes = {}
    if wanted.model_name not in (None, row.model_name):
        changes["model_name"] = redact({"old": row.model_name, "new": wanted.model_name})
    differing = {path: value for path, value in wanted.values.items() if path in touched}
    for path, value in _reported(differing, wanted.values):
        changes[label(path)] = _old_and_new(path, _old_value(path, row), value)
    for path in sorted(removed):
        changes[label(path)] = _old_and_new(path, _old_value(path, row), MISSING)
    return changes


def _old_value(path: Path, row: Row) -> Any:
    """The old value at a place. A secret that we set is ``REDACTED`` if reads leave it out."""
    shown = row.get(path)
    if shown is not MISSING or path in row.unset:
        return shown
    if row.marker is not None and path in row.marker.secrets:
        return REDACTED
    return MISSING if fields.is_readable(path) else _UNKNOWN


def _ownership(old: Marker | None, new: Marker | None, reported: Set[Path]) -> Changes:
    """The changes in the marker: its owner, or else its gateway, managed keys and ``served``."""
    if new is None:
        return {}
    if old is None or (old.set, old.name) != (new.set, new.name):
        return {"owner": redact({"old": None if old is None else old.owner, "new": new.owner})}
    changes: Changes = {}
    if old.gateway != new.gateway:
        changes["gateway_name"] = {"old": old.gateway, "new": new.gateway}
    lost, gained = old.keys - new.keys - reported, new.keys - old.keys - reported
    if lost or gained:
        changes["managed_keys"] = {
            "old": sorted(map(label, lost)),
            "new": sorted(map(label, gained)),
        }
    if old.unserved and not new.unserved:
        changes["served"] = {"old": False, "new": True}
    return changes


def _reported(
    differing: Mapping[Path, Any], declared: Mapping[Path, Any]
) -> Iterator[tuple[Path, Any]]:
    """The values to report. The upstream model is left out if its parts are reported."""
    derived = fields.derived_model(declared)
    for path, value in differing.items():
        if path == fields.MODEL and value == derived and fields.MODEL_SOURCES & differing.keys():
            continue
        yield path, value


def _old_and_new(path: Path, old: Any, new: Any) -> dict[str, Any]:
    return {"old": _value_for_user(path, old), "new": _value_for_user(path, new)}


def _value_for_user(path: Path, value: Any) -> Any:
    if value is MISSING:
        return None
    if value is _UNKNOWN:
        return "(unknown)"
    if fields.is_hidden_at(path):
        return REDACTED
    return per_million(value) if path in fields.COSTS else redact(value)


def _lost_notes(wanted: Deployment, row: Row, lost: Sequence[Path]) -> Iterator[Note]:
    """Sentences on a row whose texts LiteLLM cannot decrypt, or that it cannot load at all."""
    why = "because LiteLLM cannot decrypt what it has: its LITELLM_SALT_KEY has probably changed"
    if row.unreadable:
        why = "because LiteLLM cannot load what it has, and shows nothing of its database"
        lost = sorted(wanted.values)
    others = ", ".join(encrypted.left(wanted.values, row))
    more = f". It cannot decrypt {others} either, which is not declared" if others else ""
    yield Note(
        label(lost[0]),
        f"All declared values of {row.model_id} were written again, {why}{more}",
        f"All declared values of {row.model_id} would be written again, {why}{more}",
    )
    if row.marker is None:
        yield _adopted(row)


def _adopted(row: Row) -> Note:
    return Note(
        "owner",
        f"{row.model_id} was there already, and Salt manages it from now on",
        f"{row.model_id} is there already, and Salt would manage it from then on",
    )


def _notes(row: Row, marker: Marker | None, touched: Set[Path], changes: Changes) -> Iterator[Note]:
    """Sentences on what the changes do not show: who owned the row, and why a secret is written."""
    old = row.marker
    if marker is None:
        return
    if old is None:
        yield _adopted(row)
        return
    for path in sorted(path for path in touched if path in old.secrets):
        key = label(path)
        if changes[key]["old"] != changes[key]["new"]:
            continue  # the change shows it
        if old.key_id != marker.key_id:
            reason = "because the key of its fingerprint has changed"
            yield Note(
                key, f"{key} was written again, {reason}", f"{key} would be written again, {reason}"
            )
        elif old.secrets[path] != marker.secrets.get(path):
            yield Note(key, f"{key} was rotated", f"{key} would be rotated")
        else:
            yield Note(
                key,
                f"{key} was written again, because the gateway had another one",
                f"{key} would be written again, because the gateway has another one",
            )
