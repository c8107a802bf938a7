"""Looks at the secrets of rows as they are stored, with ``verify_secrets``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import NotAllowed, NotInDatabase, NotServed, ServesLess
from ..values.paths import Path
from . import fields, notes
from .desired import Deployment
from .endpoints import ModelEndpoints
from .options import ModelOptions
from .row import ModelRow, is_fixed, with_masks
from .versions import Versions
from .views import Views


class Verification:
    """Verifies the secrets of rows, each once after each read.

    :ivar notes: By the name of a deployment: the note why its secrets were not verified.
    """

    def __init__(
        self, models: ModelEndpoints, views: Views, versions: Versions, options: ModelOptions
    ) -> None:
        self._models, self._views, self._versions = models, views, versions
        self._options = options
        self._may_see_masks = True
        self._verified: dict[str, int] = {}  # by id: after which read
        self.notes: dict[str, str] = {}

    def is_due(self, row: ModelRow) -> bool:
        """Whether the secrets of a row are to be verified, and were not since the last read."""
        return self._options.verify_secrets and (
            self._verified.get(row.id) != self._views.store.reads
        )

    def verify(self, wanted: Deployment, row: ModelRow) -> None:
        """Look at the secrets of a row as they are stored."""
        if is_fixed(row.id):
            self.notes[wanted.name] = notes.FIXED_NOT_VERIFIED
            return
        seen = self.see_masks(row)
        if seen is None:
            self.notes[wanted.name] = notes.NOT_ALLOWED_TO_VERIFY
            return
        self.notes.pop(wanted.name, None)
        hidden = seen is row and not all(map(fields.is_readable, wanted.values))
        if hidden:
            self.notes[wanted.name] = notes.MASKS_NOT_SHOWN
        if _nested_secrets(wanted, seen):
            if self._options.test:
                self.notes[wanted.name] = notes.VERIFIED_IN_REAL_RUNS
            elif not self._versions.can().serves_while_patching:
                self.notes[wanted.name] = notes.TOO_OLD_TO_VERIFY
            elif not self._look_inside(seen):
                self.notes[wanted.name] = notes.UNSERVED_NOT_VERIFIED
        elif hidden:
            return  # LiteLLM may show them once the row is written
        self._verified[row.id] = self._views.store.reads

    def see_masks(self, row: ModelRow) -> ModelRow | None:
        """Add to a row the masks of its secrets, which reads leave out.

        :returns: ``None`` if the api_key may not see them. Then they are not asked for again.
        """
        if not self._may_see_masks:
            return None
        try:
            row = with_masks(row, self._models.masked_secrets(row.id))
        except NotAllowed:
            self._may_see_masks = False
            return None
        self._views.store.put(row)
        return row

    def _look_inside(self, row: ModelRow) -> bool:
        """Read what is stored in a row, by a PATCH that changes nothing, before the row is planned.

        :returns: ``False`` if LiteLLM did not return it.
        """
        store = self._views.store
        try:
            stored = self._models.update(row.id, {})
        except NotInDatabase:
            store.drop(row.id)
            store.read_again()
        except (NotServed, ServesLess):
            return False
        else:
            store.put(replace(row, stored=stored, inside=stored))
        return True


def _nested_secrets(wanted: Deployment, row: ModelRow) -> bool:
    """Whether a deployment of ours declares secrets inside mappings or lists.

    A read shows the same mask whether such a secret is stored there or only its mask.
    """
    secrets: Mapping[Path, str] = row.marker.secrets if row.marker else {}
    return any(
        path[0] == fields.PARAMS
        and path in secrets
        and not (fields.is_top(path) and isinstance(value, str))
        and not fields.is_reference(value)
        for path, value in wanted.values.items()
    )
