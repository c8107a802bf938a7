"""Builds rows, markers and what is declared, in a few words.

Places are spelt as in a marker: ``litellm_params/rpm`` is ``("litellm_params", "rpm")``.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import settings

from saltext_litellm.credentials import kind as credentials
from saltext_litellm.models import row as models
from saltext_litellm.models.desired import Deployment
from saltext_litellm.models.fields import FIELDS
from saltext_litellm.models.row import ModelRow
from saltext_litellm.objects.declared import Declared
from saltext_litellm.objects.fields import Fields
from saltext_litellm.objects.marker import KEY, Marker
from saltext_litellm.objects.plan import marker_of
from saltext_litellm.objects.row import Row
from saltext_litellm.values.fingerprints import Fingerprinter
from saltext_litellm.values.paths import Path, leaves, nested, parse

examples = settings(
    max_examples=int(os.environ.get("HISTORIES", "100")),
    deadline=None,
    derandomize="HISTORIES" not in os.environ,  # the same in every run, unless more are asked for
)
FINGERPRINTER = Fingerprinter("admin key")
ROTATED = Fingerprinter("another admin key")


def paths(*spelt: str) -> frozenset[Path]:
    """Places."""
    return frozenset(map(parse, spelt))


def values(tree: Mapping[str, Any]) -> dict[Path, Any]:
    """The values in the sections of an object, by place."""
    return {
        path: value for key in tree if tree[key] != {} for path, value in leaves((key,), tree[key])
    }


def marker(name: str = "gpt", *keys: str, **more: Any) -> Marker:
    """A marker that manages some places."""
    return Marker(name, keys=paths(*keys), **more)


def marker_for(fields: Fields, declared: Declared, row_id: str, **more: Any) -> dict[str, Any]:
    """The stored marker of a row that was written as declared."""
    whole = marker_of(fields, declared, FINGERPRINTER, row_id)
    return {**whole.dump(), **more}


# ---------------------------------------------------------------- models


def deployment(name: str = "gpt", tree: Mapping[str, Any] | None = None, **more: Any) -> Deployment:
    """A deployment as it is declared, by its sections. Nothing is checked."""
    return Deployment(name, values(tree or {}), **{"model_name": name, **more})


def model_row(row_id: str = "row", tree: Mapping[str, Any] | None = None, **more: Any) -> ModelRow:
    """A row of the model table as a list shows it.

    :param tree: Its sections.
    :param more: ``model_name``, ``marker`` (or what is stored in its place), and what
        :class:`ModelRow` has.
    """
    tree = copy.deepcopy(dict(tree or {}))
    name, owner = more.pop("model_name", "gpt"), more.pop("marker", None)
    info = {"id": row_id, "db_model": True, **tree.pop("model_info", {})}
    if owner is not None:
        info[KEY] = owner.dump() if isinstance(owner, Marker) else owner
    sections = {"litellm_params": {}, **tree, "model_info": info}
    row = models.parse({"model_name": name, **sections})
    assert row is not None
    return replace(row, **more)


def written_model(wanted: Deployment, row_id: str = "row", **shown: Any) -> ModelRow:
    """The row of a deployment, as a list shows it after it was created as declared.

    :param shown: Parameters as they are shown, ``None`` for one that is not.
    """
    tree = nested(wanted.values)
    params = {**tree.pop("litellm_params", {}), **shown}
    tree["litellm_params"] = {key: value for key, value in params.items() if value is not None}
    owner = marker_for(FIELDS, wanted, row_id)
    return model_row(row_id, tree, model_name=wanted.model_name, marker=owner)


# ---------------------------------------------------------------- credentials


def credential(name: str = "key", tree: Mapping[str, Any] | None = None, **more: Any) -> Declared:
    """A credential as it is declared, by its sections. Nothing is checked."""
    return Declared(name, values(tree or {}), id=name, **more)


def credential_row(
    name: str = "key", tree: Mapping[str, Any] | None = None, owner: Any = None, **more: Any
) -> Row:
    """A credential as a list shows it."""
    data: dict[str, Any] = copy.deepcopy(dict(tree or {}))
    if owner is not None:
        stored = owner.dump() if isinstance(owner, Marker) else owner
        data["credential_info"] = {**data.get("credential_info", {}), KEY: stored}
    row = credentials.parse({"credential_name": name, **data, **more})
    assert row is not None
    return row
