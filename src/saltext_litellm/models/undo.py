"""Takes back a change that LiteLLM cannot load.

With such a row LiteLLM 1.106.2 shows nothing of its database, loads no row that comes after it, and
does not start again. The answer of the PATCH does not say so. A value whose type is right can do
that: a reference to a variable that says ``true``, for example.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import GatewayError, NotInDatabase, NotServed
from ..objects import marker as markers
from ..objects.marker import Marker
from ..objects.planning import PAUSE
from ..objects.row import MISSING
from ..values.paths import Path
from . import bodies, fields, notes, references
from .endpoints import ModelEndpoints
from .fields import BLOCKED, INFO, NAME, PARAMS, label
from .row import ModelRow, asked_to_go, changed
from .versions import Capabilities, Versions
from .views import Views

_LOOKS = 3  # LiteLLM 1.83.14 shows nothing for up to 0.2 s after a PATCH
_TRIES = 2  # how often to send a PATCH that takes back another one
_OWN = ("id", "db_model", markers.KEY, fields.RESET_INFO[1])


class Undo:
    """The changes of a run that may have to be taken back."""

    def __init__(self, models: ModelEndpoints, views: Views, versions: Versions) -> None:
        self._models, self._views, self._versions = models, views, versions
        self._first: dict[
            str, tuple[ModelRow, Mapping[str, Any]]
        ] = {}  # each row before its first PATCH

    def note(self, before: ModelRow, body: Mapping[str, Any]) -> None:
        """Note a PATCH, and the row before it."""
        self._first.setdefault(before.id, (before, body))

    def breaks(self, row: ModelRow) -> bool:
        """Whether the gateway shows nothing of its database since a row was written."""
        return self._views.saw_database and not self._is_shown(row)

    def refuse_unreadable(self, row: ModelRow) -> None:
        """Refuse a row that LiteLLM could not load before, and still cannot.

        :raises NotServed: It cannot.
        """
        if not self._is_shown(row):
            raise NotServed(
                f"LiteLLM cannot load what is stored in {row.id}, and writing all that is "
                "declared has not helped: delete it with litellm_model.delete "
                f"model_id={row.id}, and apply the state again"
            )

    def _is_shown(self, row: ModelRow) -> bool:
        for look in range(_LOOKS):
            if look:
                self._models.elsewhere(PAUSE)
            if self._views.shows(row):
                return True
        return False

    def of(self, model_id: str) -> str | None:
        """Take back the changes of a row. Returns the sentence, ``None`` if there are none.

        What was there before is written, as far as reads have shown it.
        """
        if model_id not in self._first:
            return None
        before, body = self._first.pop(model_id)
        failed = notes.STILL_BLIND
        back, stays = former(before, body, self._versions.can(removing=True))
        for _ in range(_TRIES):
            try:
                answer = self._models.update(model_id, back)
                now = self._views.rows().get(model_id) or before
                self._views.store.put(changed(now, back, answer))
            except NotInDatabase:
                self._views.store.drop(model_id)
                return notes.CHANGED_BY_OTHERS
            except GatewayError as err:
                failed = str(err)
            if not self.breaks(before):
                break
        else:
            return notes.change_not_taken_back(model_id, failed)
        return notes.change_taken_back(stays)


def may_break(body: Mapping[str, Any]) -> bool:
    """Whether only LiteLLM's environment decides if it can load what is written."""
    return any(map(references.is_whole_reference, (body.get(PARAMS) or {}).values()))


def former(
    before: ModelRow, body: Mapping[str, Any], can: Capabilities
) -> tuple[dict[str, Any], list[str]]:
    """The body of a PATCH that takes back another one. Pure.

    A new reference becomes an empty text, which LiteLLM can load, if the former value is not known
    or LiteLLM cannot clear it.

    :returns: The body, and the names of the places that do not get their former values.
    """
    back: dict[str, Any] = {PARAMS: {}, INFO: {}}
    stays: dict[Path, Any] = {}
    for path, new in _written(body).items():
        section, key = path
        shown = before.get(path)
        if shown is not MISSING and not _is_hidden(path, shown, before):
            back[section][key] = copy.deepcopy(shown)
        elif shown is MISSING and _is_cleared(path, before, can):
            back[section][key] = None
        elif new is not None:
            stays[path] = new
            if references.is_whole_reference(new):
                back[section][key] = ""
    if can.removes:
        going = sorted(key for key, value in back[PARAMS].items() if value is None)
        back[PARAMS] = {key: value for key, value in back[PARAMS].items() if key not in going}
        back |= {"litellm_params_to_remove": going} if going else {}
    for (key,), value in ((NAME, before.model_name), (BLOCKED, before.get(BLOCKED))):
        if key in body:
            back[key] = value
    if not back[PARAMS]:
        del back[PARAMS]
    marker = _former_marker(before.marker, body, stays)
    return (bodies.marked(before, marker, back) if marker else back), sorted(map(label, stays))


def _written(body: Mapping[str, Any]) -> dict[Path, Any]:
    """What a PATCH writes, by place. What it clears is ``None``."""
    written: dict[Path, Any] = {
        (section, key): value
        for section in (PARAMS, INFO)
        for key, value in (body.get(section) or {}).items()
        if section == PARAMS or key not in _OWN
    }
    return {**written, **dict.fromkeys(asked_to_go(body))}


def _is_hidden(path: Path, shown: Any, before: ModelRow) -> bool:
    """Whether what a read shows may not be written back."""
    managed = before.marker.secrets if before.marker else {}
    return bodies.is_hidden(path, shown) or any(one[:2] == path for one in managed)


def _is_cleared(path: Path, before: ModelRow, can: Capabilities) -> bool:
    """Whether a place had no value, and LiteLLM can clear it."""
    managed = before.marker.secrets if before.marker else {}
    if (path not in before.unset and not fields.is_readable(path)) or path in managed:
        return False
    if can.removes and path[0] == PARAMS:
        return True
    return can.clears and fields.is_cleared_by_null(path)


def _former_marker(
    old: Marker | None, body: Mapping[str, Any], stays: Mapping[Path, Any]
) -> Marker | None:
    """The marker of a row that was taken back. It has no fingerprint of what is empty now."""
    new = Marker.load((body.get(INFO) or {}).get(markers.KEY)) or old
    base = old or new
    if base is None or new is None:
        return None
    added = {path for path in new.keys if path[:2] in stays}
    secrets = {path: mark for path, mark in base.secrets.items() if path[:2] not in stays}
    secrets |= {
        path: mark
        for path, mark in new.secrets.items()
        if path[:2] in stays and not references.is_whole_reference(stays[path[:2]])
    }
    return replace(base, keys=base.keys | added, secrets=secrets, key_id=new.key_id)
