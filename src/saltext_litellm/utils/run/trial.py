"""Tries deployments out before they are written, so that none is replaced by what does not work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..litellm.errors import GatewayError, NotAllowed, Refused
from ..litellm.marker import Marker
from ..litellm.quote import line
from ..litellm.trees import nested
from ..models import bodies, fields, identity
from ..models.desired import Deployment
from ..models.endpoints import Models
from ..models.plan import NONE, Plan
from ..models.row import Row
from .known import Known
from .outcome import Options

_ALSO_IN_TESTS = "test"  # a value of `preflight`
PENDING = "Its parameters would be tried out first, by one call to the provider"

_AT_ONCE = 4  # calls, so that a large set does not run into a provider's limits
_LONGEST_REASON = 400  # characters
_UNKNOWN_MODE = 422


@dataclass(frozen=True)
class Trial:
    """What has come of trying a deployment out.

    :param failure: Why it is not to be written.
    :param note: Why it could not be tried, if it is to be written all the same.
    """

    failure: str | None = None
    note: str | None = None


def is_due(wanted: Deployment, plan: Plan) -> bool:
    """Whether a plan changes what a call to the provider depends on, and calls are served."""
    if plan.action == NONE or wanted.values.get(fields.BLOCKED):
        return False
    written = plan.touched | plan.removed
    return any(path[0] == fields.PARAMS and not fields.is_limit(path) for path in written)


class Trials:
    """The trials of a run."""

    def __init__(self, models: Models, known: Known) -> None:
        self._models, self._known = models, known
        self._done: dict[str, Trial] = {}  # by the name of the deployment

    def make(self, planned: Sequence[tuple[Deployment, Plan]], options: Options) -> None:
        """Try out what is to be written, a few at once, or say that it would be.

        Each trial costs one small call to a provider, which is never repeated.
        """
        due = [one for one in planned if is_due(*one)] if options.preflight else []
        if not due:
            return
        if options.test and options.preflight != _ALSO_IN_TESTS:
            self._done = {wanted.name: Trial(note=PENDING) for wanted, _ in due}
            return
        rows = [*self._known.rows(), *self._known.config()]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            trials = pool.map(lambda one: _try(self._models.another(), rows, *one), due)
        self._done = {wanted.name: one for (wanted, _), one in zip(due, trials, strict=True)}

    def failure(self, wanted: Deployment) -> str | None:
        """Why a deployment is not to be written, if it was tried out and does not answer."""
        return self._done[wanted.name].failure if wanted.name in self._done else None

    def notes(self, wanted: Deployment) -> tuple[str, ...]:
        """What else there is to say of its trial."""
        note = self._done[wanted.name].note if wanted.name in self._done else None
        return () if note is None else (note,)


def _try(models: Models, rows: Sequence[Row], wanted: Deployment, plan: Plan) -> Trial:
    try:
        tree = _as_it_would_be(models, wanted, plan)
        beside = identity.of_model(tree[fields.PARAMS]["model"], rows)
        answer = models.test_connection(bodies.probe_body(tree, beside))
    except Refused as err:
        return Trial(note=f"It was not tried out: {err}")
    except GatewayError as err:
        if err.status == _UNKNOWN_MODE:
            return Trial(note=f"It was not tried out: {err}")
        return Trial(failure=f"It could not be tried out, so it was not written: {err}")
    if answer["status"] == "success":
        return Trial()
    result = answer["result"]
    reason = result.get("error") if isinstance(result, dict) else result
    reason = line(str(reason))[:_LONGEST_REASON]
    return Trial(failure=f"A trial call has failed, so it was not written: {reason}")


def _as_it_would_be(models: Models, wanted: Deployment, plan: Plan) -> dict[str, Any]:
    """The row as it would be written.

    :raises Refused: They cannot be known, or LiteLLM does not try them.
    """
    row, tree = plan.row, nested(wanted.values)
    if row is not None:
        stored = _stored(models, row, wanted, plan)
        marker = plan.marker or Marker(wanted.name)
        tree = bodies.replacement_body(wanted, row, stored, plan.removed, marker, row.model_id)
    if f'"{fields.REFERENCE}' in json.dumps(tree):
        raise Refused(f"LiteLLM takes no {fields.REFERENCE} reference for that")
    return tree


def _stored(models: Models, row: Row, wanted: Deployment, plan: Plan) -> dict[str, Any]:
    """What is stored of a row, as far as reads tell."""
    try:
        masks = models.masked_secrets(row.model_id)
    except NotAllowed:
        masks = None
    try:
        return bodies.as_stored(row, wanted, plan.removed, masks, {})
    except Refused:
        raise Refused(
            f"{row.model_id} may have a secret that is not declared, and cannot be read back"
        ) from None
