"""Learns by reads what is stored in a row, where a PATCH would stop LiteLLM from serving (1.83)."""

from __future__ import annotations

from typing import Any

from ..errors import Refused
from . import bodies
from .desired import Deployment
from .endpoints import ModelEndpoints
from .fields import PARAMS
from .row import ModelRow
from .steps import Learn
from .views import Views


def stored_by_reads(
    models: ModelEndpoints, views: Views, step: Learn, wanted: Deployment
) -> dict[str, Any] | None:
    """What is stored in a row, as far as reads show it; ``None`` if they do not."""
    row = step.row
    if not any(_is_same_state(one, row) for one in views.router()):
        return None  # this worker would name the secrets of another state of it
    masks, costs = models.masked_secrets(row.id), models.cost_map()
    try:
        return bodies.as_stored(row, wanted, step.removed, masks, costs)
    except Refused:
        return None


def _is_same_state(served: ModelRow, row: ModelRow) -> bool:
    """Whether a worker has loaded the present state of a row, by litellm_params and the marker.

    In LiteLLM 1.83.14, mappings in model_info may also have keys of another row of the same model.
    """
    marks, known = (one.marker.secrets.items() if one.marker else () for one in (row, served))
    same = served.data.get(PARAMS) == row.data.get(PARAMS)
    return served.id == row.id and same and set(marks) <= set(known)
