"""Makes a second, tentative row, so that a gateway shows its database that serves none of it.

LiteLLM shows its database only while it serves some model. If its ``LITELLM_SALT_KEY`` has changed,
it can load no row that it has, and so shows none of them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ..errors import AlreadyThere, GatewayError
from ..objects import marker as markers
from . import identity
from .endpoints import ModelEndpoints
from .fields import INFO
from .row import ModelRow, created
from .views import Views

log = logging.getLogger(__name__)


def reveal(models: ModelEndpoints, views: Views, body: Mapping[str, Any]) -> ModelRow | None:
    """Make a second row of a deployment whose row the gateway has and does not show.

    Its marker says that it is tentative, so it is deleted as soon as the other one is shown.

    :param body: The create that the database has refused.
    :returns: The row, ``None`` if it did not help.
    """
    second = second_body(body)
    row = created(second)
    try:
        if not views.confirm_exists(body[INFO]["id"]):
            return None
        views.store.read_again()  # the PATCH has made this worker read its database
        if not views.blind:
            return None
        answer = models.create(second)
        row = created(second, answer)
        views.store.put(row)
        views.see(row.id)
        if not views.blind:
            return row
        models.delete(row.id)
    except AlreadyThere:
        return None
    except GatewayError as err:
        log.debug("Making %s show its database: %s", models.url, err)
        _delete(models, row)
    views.store.drop(row.id)
    return None


def second_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body that creates a tentative row beside the row of another create. Pure."""
    info = body[INFO]
    model_id = identity.second_id(info["id"])
    marker = {**info[markers.KEY], "id": model_id, "tentative": True}
    return {**body, INFO: {**info, "id": model_id, markers.KEY: marker}}


def _delete(models: ModelEndpoints, row: ModelRow) -> None:
    """Delete a row that did not help. A later run deletes it if this fails: it is tentative."""
    try:
        models.delete(row.id)
    except GatewayError as err:
        log.debug("Deleting %s: %s", row.id, err)
