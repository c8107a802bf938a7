"""Tries deployments before they are written, so that none is replaced by one that does not work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..errors import GatewayError, NotAllowed, Refused
from ..objects.marker import Marker
from ..objects.plan import NONE
from ..values.paths import nested
from ..values.quote import line
from . import bodies, fields, identity, notes
from .desired import Deployment
from .endpoints import ModelEndpoints
from .kind import ModelPlan
from .options import ModelOptions
from .row import ModelRow
from .versions import Versions
from .views import Views

_ALSO_IN_TESTS = "test"  # the value of `preflight` that tries with test=True too

_MOST_CALLS = 4  # so many calls, because a large set would exceed a provider's limits
_LONGEST_REASON = 400  # characters
_UNKNOWN_MODE = 422


@dataclass(frozen=True)
class Trial:
    """The result of a trial. If it is empty, the provider has answered.

    :param refused: The provider's reason for not answering.
    :param error: Why LiteLLM could not be asked.
    :param untried: Why LiteLLM cannot try such a deployment.
    """

    refused: str | None = None
    error: str | None = None
    untried: str | None = None


def is_due(wanted: Deployment, plan: ModelPlan) -> bool:
    """Whether the deployment is served, and the plan changes something that a call depends on."""
    if plan.action == NONE or wanted.values.get(fields.BLOCKED):
        return False
    written = plan.touched | plan.removed
    return any(path[0] == fields.PARAMS and not fields.is_limit(path) for path in written)


class Trials:
    """The trials of a run."""

    def __init__(
        self, models: ModelEndpoints, views: Views, versions: Versions, options: ModelOptions
    ) -> None:
        self._models, self._views, self._versions = models, views, versions
        self._options = options
        self._done: dict[str, Trial] = {}  # by the name of the deployment
        self._pending: frozenset[str] = frozenset()  # those that would be tried

    def make(self, planned: Sequence[tuple[Deployment, ModelPlan]]) -> None:
        """Try the deployments that would be written, a few at once, or note that they would be.

        Each trial is one small call to a provider. It costs tokens and is never repeated.
        """
        options = self._options
        due = [one for one in planned if is_due(*one)] if options.preflight else []
        if not due:
            return
        if options.test and options.preflight != _ALSO_IN_TESTS:
            self._pending = frozenset(wanted.name for wanted, _ in due)
            return
        rows = [*self._views.rows(), *self._views.config()]
        with ThreadPoolExecutor(_MOST_CALLS) as pool:
            trials = pool.map(lambda one: attempt(self._models.another(), rows, *one), due)
        self._done = {wanted.name: one for (wanted, _), one in zip(due, trials, strict=True)}
        for wanted, plan in due:
            if (reason := self._done[wanted.name].refused) is not None:
                # LiteLLM 1.83.14 follows no setting of the health check in a trial, 1.106.2 does.
                follows = self._versions.can().reports_unserved_rows
                hint = notes.check_hint(wanted, plan.row, trial=True, follows=follows)
                self._done[wanted.name] = Trial(refused=f"{reason.rstrip('.')}. {hint}")

    def failure(self, wanted: Deployment) -> str | None:
        """Why a deployment must not be written, if its trial failed."""
        trial = self._done.get(wanted.name, Trial())
        if trial.refused is not None:
            return notes.trial_failed(trial.refused)
        if trial.error is not None:
            return notes.not_triable(trial.error)
        return None

    def notes(self, wanted: Deployment) -> tuple[str, ...]:
        """The note about its trial, if there is one."""
        if wanted.name in self._pending:
            return (notes.TRIAL_PENDING,)
        untried = self._done.get(wanted.name, Trial()).untried
        return () if untried is None else (notes.untried(untried),)


def attempt(
    models: ModelEndpoints, rows: Sequence[ModelRow], wanted: Deployment, plan: ModelPlan
) -> Trial:
    """Try a deployment, as it would be after its plan, by one small call to the provider.

    :param rows: All rows of the gateway. LiteLLM may add parameters of other rows to the call.
    """
    try:
        tree = _row_to_write(models, wanted, plan)
        beside = identity.of_model(tree[fields.PARAMS]["model"], rows)
        answer = models.test_connection(bodies.probe_body(tree, beside))
    except Refused as err:
        return Trial(untried=str(err))
    except GatewayError as err:
        return Trial(untried=str(err)) if err.status == _UNKNOWN_MODE else Trial(error=str(err))
    if answer["status"] == "success":
        return Trial()
    result = answer["result"]
    reason = result.get("error") if isinstance(result, dict) else result
    return Trial(refused=line(str(reason))[:_LONGEST_REASON])


def _row_to_write(models: ModelEndpoints, wanted: Deployment, plan: ModelPlan) -> dict[str, Any]:
    """The row that would be written.

    :raises Refused: It cannot be known, or LiteLLM does not try such a row.
    """
    row, tree = plan.row, nested(wanted.values)
    if row is not None:
        stored = _stored(models, row, wanted, plan)
        marker = plan.marker or Marker(wanted.name)
        tree = bodies.replacement_body(wanted, row, stored, plan.removed, marker, row.id)
    if f'"{fields.REFERENCE}' in json.dumps(tree):
        raise Refused(f"LiteLLM takes no {fields.REFERENCE} reference for that")
    return tree


def _stored(
    models: ModelEndpoints, row: ModelRow, wanted: Deployment, plan: ModelPlan
) -> dict[str, Any]:
    """What is stored in a row, as far as reads show it."""
    try:
        masks = models.masked_secrets(row.id)
    except NotAllowed:
        masks = None
    try:
        return bodies.as_stored(row, wanted, plan.removed, masks, {})
    except Refused:
        raise Refused(
            f"{row.id} may have a secret that is not declared, and cannot be read back"
        ) from None
