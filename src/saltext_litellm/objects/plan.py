"""Compares what is declared with a row: what to do, and the changes that a person reads. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Generic

from ..errors import Refused
from ..values.compare import same
from ..values.fingerprints import Fingerprinter
from ..values.paths import Path
from ..values.secrets import REDACTED, holds_secret, redact
from .declared import Declared
from .fields import Fields
from .kind import Kind
from .marker import VERSION, Marker
from .row import MISSING, R, Row

NONE, CREATE, UPDATE, DELETE = "none", "create", "update", "delete"

Changes = dict[str, dict[str, Any]]

# The old value at a place that reads do not show: nobody can say whether it has one.
_UNKNOWN: Any = type("Unknown", (), {"__repr__": lambda _: "UNKNOWN"})()
_TOP = 2  # the length of a path that is a key of a section itself, and not inside a mapping


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
class Plan(Generic[R]):
    """What to do about one object.

    :param action: ``none``, ``create``, ``update`` or ``delete``.
    :param id: The id of its row, or of the row to create.
    :param changes: ``{key: {old, new}}`` in the user's words, without secrets.
    :param notes: Sentences that explain the changes.
    :param touched: The values to write.
    :param removed: The values to remove.
    :param marker: The marker that the row has afterwards.
    :param moves_to: The id that the row must get instead of its own.
    :param leftovers: The rows that it has replaced and that still exist.
    :param fresh: Whether what this run has planned before it is not to be reported.
    """

    action: str
    id: str | None = None
    row: R | None = field(default=None, repr=False)
    changes: Changes = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    touched: frozenset[Path] = frozenset()
    removed: frozenset[Path] = frozenset()
    marker: Marker | None = None
    moves_to: str | None = None
    leftovers: tuple[R, ...] = ()
    fresh: bool = False


@dataclass(frozen=True)
class Learnt:
    """What is known of a row beside what a read shows of it.

    :param again: The declared values that must be written whatever the row shows.
    :param why: Sentences why, in place of those on the secrets.
    :param forms: A mark for each declared value that the row has in another form.
    :param is_new: Whether the marker does not say so yet, and can be told.
    """

    again: frozenset[Path] = frozenset()
    why: tuple[Note, ...] = ()
    forms: Mapping[Path, str] = field(default_factory=dict)
    is_new: bool = False


def create(
    kind: Kind[R],
    declared: Declared,
    fingerprint: Fingerprinter | None,
    row_id: str,
    *,
    tentative: bool = False,
) -> Plan[R]:
    """Plan a new row.

    :param fingerprint: ``None`` for a kind without markers. It has no owners and no secrets.
    :param tentative: Whether nobody can see which rows exist.
    """
    fields, values = kind.fields, declared.values
    names = {label: redact(name) for label, name in declared.names.items()}
    new = {**names, kind.id_label: row_id}
    return Plan(
        action=CREATE,
        id=row_id,
        changes={
            **{label: {"old": None, "new": name} for label, name in new.items()},
            **{
                fields.label(path): _old_and_new(fields, path, MISSING, values[path])
                for path in fields.reported(values, values)
            },
        },
        touched=frozenset(values),
        marker=None
        if fingerprint is None
        else replace(marker_of(fields, declared, fingerprint, row_id), tentative=tentative),
    )


def update(
    kind: Kind[R],
    declared: Declared,
    row: R,
    fingerprint: Fingerprinter | None,
    *,
    leftovers: Sequence[R] = (),
    supersedes: R | None = None,
    partial: bool = False,
    learnt: Learnt | None = None,
) -> Plan[R]:
    """Plan the changes that make a row as declared.

    Only declared values are compared. Values that we set before and that are not declared any more
    are removed. All other values belong to somebody else.

    :param fingerprint: As for :func:`create`.
    :param leftovers: The rows that it has replaced.
    :param supersedes: The row that it must replace, because the user asked for this row's id.
    :param partial: Change the declared values and leave all else, even the owner.
    """
    _refuse_newer(row)
    fields, learnt = kind.fields, learnt or Learnt()
    marker: Marker | None = None
    secrets: Mapping[Path, str] = {}
    if fingerprint is not None:
        whole = marker_of(fields, declared, fingerprint, row.id, row.marker)
        marker, secrets = replace(whole, forms=learnt.forms), whole.secrets
        if partial:
            marker = _refreshed_marker(row.marker, marker)
    if supersedes is not None and marker is not None:
        marker = replace(marker, replaces=supersedes.id)
    touched = learnt.again | {
        path
        for path, value in declared.values.items()
        if path not in learnt.forms and not _has_value(fields, path, value, row, secrets.get(path))
    }
    removed = frozenset() if partial else _removed(fields, declared, row)
    changes = _changes(fields, declared, row, touched, removed)
    changes |= _ownership(fields, row.marker, marker, touched | removed)
    moves_to = None if declared.id in (None, row.id) else declared.id
    gone = ", ".join(one.id for one in (*leftovers, supersedes) if one)
    if moves_to or gone:
        changes[kind.id_label] = {"old": gone or row.id, "new": moves_to or row.id}
    if not changes and not learnt.is_new:
        return Plan(NONE, row.id, row, marker=row.marker)
    notes = [*learnt.why, *([_adopted(row)] if learnt.why and row.marker is None else ())]
    return Plan(
        UPDATE,
        row.id,
        row,
        changes,
        tuple(notes or _notes(fields, row, marker, touched, changes)),
        touched,
        removed,
        marker=marker,
        moves_to=moves_to,
        leftovers=tuple(leftovers),
    )


def delete(kind: Kind[R], row: R, leftovers: Sequence[R] = ()) -> Plan[R]:
    """Plan to delete a row, and the rows that it has replaced."""
    ids = ", ".join(one.id for one in (row, *leftovers))
    names = {label: redact(name) for label, name in row.names.items()}
    old = {**names, kind.id_label: ids}
    return Plan(
        action=DELETE,
        id=row.id,
        row=row,
        changes={label: {"old": name, "new": None} for label, name in old.items()},
        leftovers=tuple(leftovers),
    )


def _refuse_newer(row: Row) -> None:
    if row.marker is not None and row.marker.version > VERSION:
        raise Refused(f"{row.id} was last managed by a newer saltext-litellm; upgrade this one")


def _has_value(fields: Fields, path: Path, value: Any, row: Row, fingerprint: str | None) -> bool:
    """Whether a row already has a declared value, as far as we can know.

    :param fingerprint: The fingerprint of a value that cannot be read back; else ``None``.
    """
    shown = row.get(path)
    how = fields.meaning(path)
    if value == {} and not how.whole:
        return isinstance(shown, Mapping)  # we manage none of its keys
    if fingerprint is None:
        return shown is not MISSING and same(
            value, shown, ordered=how.ordered, masked=how.masked, coerced=how.coerced
        )
    known = row.marker is not None and row.marker.secrets.get(path) == fingerprint
    if shown is MISSING and len(path) == _TOP and fields.is_reference(value):
        return known  # LiteLLM 1.106.2 shows nothing if its environment lacks the variable
    if shown is MISSING:
        return known and not fields.is_readable(path) and path not in row.unset
    if fields.is_reference(value):
        # Versions differ in whether they show the reference or what it refers to.
        return known or (not fields.is_secret(path) and shown == value)
    stored = row.stored_value(path)  # shows if somebody stored the mask instead of the secret
    return known and same(value, shown, masked=True) and (stored is MISSING or same(value, stored))


def needs_fingerprint(fields: Fields, path: Path, value: Any) -> bool:
    """Whether a value has a fingerprint, because it cannot be compared as it is read."""
    return fields.is_reference(value) or fields.is_secret(path) or holds_secret("", value)


def _removed(fields: Fields, declared: Declared, row: Row) -> frozenset[Path]:
    """The places that we have set, that still have a value, and that are not declared any more."""
    dropped = row.marker.dropped(declared.values) if row.marker else ()
    return frozenset(path for path in dropped if _can_be_removed(fields, path, row))


def _can_be_removed(fields: Fields, path: Path, row: Row) -> bool:
    """Whether a place has a value that can be removed."""
    shown = row.get(path)
    if isinstance(shown, Mapping) and shown:
        return False  # we made the mapping, others have filled it
    if shown is MISSING:
        # LiteLLM 1.106.2 does not show a reference to a variable that its environment lacks.
        hidden = len(path) == _TOP and row.marker is not None and path in row.marker.secrets
        return (hidden or not fields.is_readable(path)) and path not in row.unset
    return fields.is_set(path, shown)


# ---------------------------------------------------------------- markers


def marker_of(
    fields: Fields,
    declared: Declared,
    fingerprint: Fingerprinter,
    row_id: str,
    before: Marker | None = None,
) -> Marker:
    """The marker of a row that is as declared.

    :param before: The marker that the row has now.
    """
    hidden = {p: v for p, v in declared.values.items() if needs_fingerprint(fields, p, v)}
    return Marker(
        name=declared.name,
        set=declared.set,
        gateway=declared.gateway or (before.gateway if before else None),
        id=row_id,
        keys=frozenset(declared.values),
        secrets={path: fingerprint(row_id, path, value) for path, value in hidden.items()},
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
    fields: Fields,
    declared: Declared,
    row: Row,
    touched: frozenset[Path],
    removed: frozenset[Path],
) -> Changes:
    changes: Changes = {
        label: redact({"old": row.names[label], "new": new})
        for label, new in declared.names.items()
        if new not in (None, row.names[label])
    }
    differing = {path: value for path, value in declared.values.items() if path in touched}
    for path in fields.reported(differing, declared.values):
        old = _old_value(fields, path, row)
        changes[fields.label(path)] = _old_and_new(fields, path, old, differing[path])
    for path in sorted(removed):
        old = _old_value(fields, path, row)
        changes[fields.label(path)] = _old_and_new(fields, path, old, MISSING)
    return changes


def _old_value(fields: Fields, path: Path, row: Row) -> Any:
    """The old value at a place. A secret that we set is ``REDACTED`` if reads leave it out."""
    shown = row.get(path)
    if shown is not MISSING or path in row.unset:
        return shown
    if row.marker is not None and path in row.marker.secrets:
        return REDACTED
    return MISSING if fields.is_readable(path) else _UNKNOWN


def _ownership(
    fields: Fields, old: Marker | None, new: Marker | None, reported: Set[Path]
) -> Changes:
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
            "old": sorted(map(fields.label, lost)),
            "new": sorted(map(fields.label, gained)),
        }
    if old.unserved and not new.unserved:
        changes["served"] = {"old": False, "new": True}
    return changes


def _old_and_new(fields: Fields, path: Path, old: Any, new: Any) -> dict[str, Any]:
    return {
        "old": _value_for_user(fields, path, old),
        "new": _value_for_user(fields, path, new),
    }


def _value_for_user(fields: Fields, path: Path, value: Any) -> Any:
    if value is MISSING:
        return None
    if value is _UNKNOWN:
        return "(unknown)"
    if fields.is_hidden(path):
        return REDACTED
    return redact(fields.in_user_unit(path, value))


def _adopted(row: Row) -> Note:
    return Note(
        "owner",
        f"{row.id} was there already, and Salt manages it from now on",
        f"{row.id} is there already, and Salt would manage it from then on",
    )


def _notes(
    fields: Fields, row: Row, marker: Marker | None, touched: Set[Path], changes: Changes
) -> Iterator[Note]:
    """Sentences on what the changes do not show: who owned the row, and why a secret is written."""
    old = row.marker
    if marker is None:
        return
    if old is None:
        yield _adopted(row)
        return
    for path in sorted(path for path in touched if path in old.secrets):
        key = fields.label(path)
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
