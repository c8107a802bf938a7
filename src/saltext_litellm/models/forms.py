"""Finds declared values that must be written again or are stored in another form. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..objects.marker import form
from ..objects.plan import Learnt, Note, needs_fingerprint
from ..objects.row import MISSING
from ..values.paths import Path
from . import encrypted
from .desired import Deployment
from .fields import FIELDS, label
from .row import ModelRow, is_fixed


def of(wanted: Deployment, row: ModelRow, *, partial: bool) -> Learnt:
    """What is known of the row of a deployment.

    :param partial: Whether the marker stays as it is, but for fingerprints.
    """
    lost = encrypted.lost(wanted.values, row)
    again = frozenset(
        path
        for path, value in wanted.values.items()
        if row.unreadable
        or (lost and needs_fingerprint(FIELDS, path, value) and encrypted.is_encrypted(path, value))
    )
    forms = _forms(wanted, row)
    known = row.marker.forms.items() if row.marker else ()
    is_new = not partial and not forms.items() <= set(known) and not is_fixed(row.id)
    why = tuple(_why_again(wanted, row, lost)) if lost or row.unreadable else ()
    return Learnt(again, why, forms, is_new)


def _forms(wanted: Deployment, row: ModelRow) -> dict[Path, str]:
    """The marks of the declared values that a row has in another form, as a write has shown."""
    before: Mapping[Path, str] = row.marker.forms if row.marker else {}
    marks = {}
    for path in (before.keys() | row.forms.keys()) & wanted.values.keys():
        value, shown = wanted.values[path], row.get(path)
        mark = form(value, None if shown is MISSING else shown)
        is_known = mark in (before.get(path), row.forms.get(path))
        if is_known and not needs_fingerprint(FIELDS, path, value):
            marks[path] = mark
    return marks


def _why_again(wanted: Deployment, row: ModelRow, lost: Sequence[Path]) -> Iterator[Note]:
    """A sentence on a row whose texts LiteLLM cannot decrypt, or that it cannot load at all."""
    why = "because LiteLLM cannot decrypt what it has: its LITELLM_SALT_KEY has probably changed"
    if row.unreadable:
        why = "because LiteLLM cannot load what it has, and shows nothing of its database"
        lost = sorted(wanted.values)
    others = ", ".join(encrypted.left(wanted.values, row))
    more = f". It cannot decrypt {others} either, which is not declared" if others else ""
    yield Note(
        label(lost[0]),
        f"All declared values of {row.id} were written again, {why}{more}",
        f"All declared values of {row.id} would be written again, {why}{more}",
    )
