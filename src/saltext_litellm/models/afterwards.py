"""Checks after the writes of a run whether LiteLLM serves the rows, and whether they work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ..objects.run import Run
from .desired import Deployment
from .endpoints import ModelEndpoints
from .execute import ModelExecutor
from .health import Written, health_of
from .options import ModelOptions
from .preflight import is_due
from .row import ModelRow
from .views import Views

_MOST_RACES = 3  # how often to act again because another client was faster

ModelRun = Run[Any, ModelRow]


class Afterwards:
    """The checks after the writes.

    :param is_as_declared: Whether a row, in the form that LiteLLM serves, is as declared.
    :param doubts: By the name of a deployment: that LiteLLM may not know its provider.
    """

    def __init__(
        self,
        models: ModelEndpoints,
        views: Views,
        executor: ModelExecutor,
        options: ModelOptions,
        is_as_declared: Callable[[Deployment, ModelRow], bool],
        doubts: Mapping[str, str],
    ) -> None:
        self._models, self._views, self._executor, self._options = models, views, executor, options
        self._is_as_declared, self._doubts = is_as_declared, doubts

    def check_served(self, run: ModelRun) -> None:
        """Check whether LiteLLM serves the rows that it saved without saying so.

        Where another client was faster, plan and act again.
        """
        if self._options.test:
            return
        for _ in range(_MOST_RACES):
            overtaken = self._unserved(run)
            if not overtaken or self._executor.executor.gave_up is not None:
                return
            for declared in overtaken:
                run.converge_one(declared)
        self._unserved(run)

    def _unserved(self, run: ModelRun) -> list[Deployment]:
        """Record which rows are not served. Returns those that another client has changed."""
        expected = {
            outcome.id: partial(self._is_as_declared, one)
            for one, _ in run.planned
            if not (outcome := run.outcomes[one.name]).failure and outcome.id
        }
        found, overtaken = self._executor.check_served(expected), []
        for declared, _ in run.planned:
            outcome = run.outcomes[declared.name]
            failure = found.failures.get(outcome.id or "")
            if failure is not None:
                gone = outcome.id not in self._views.rows()
                run.outcomes[declared.name] = replace(
                    outcome.undone() if gone else outcome, failure=failure, written=found.unseen
                )
            if outcome.id in found.overtaken:
                overtaken.append(declared)
        return overtaken

    def check_health(self, run: ModelRun) -> None:
        """With ``verify``: let LiteLLM check what was written, and record what fails."""
        written = []
        for one, _ in () if self._options.test or not self._options.verify else run.planned:
            outcome, first = run.outcomes[one.name], run.planner.first[one.name]
            row = self._views.rows().get(outcome.id)
            if row and outcome.changes and not outcome.failure and is_due(one, first):
                written.append(Written(one, row, partial(self._is_as_declared, one)))
        for name, health in health_of(self._models, written).items():
            outcome = run.outcomes[name]
            run.outcomes[name] = replace(
                outcome,
                failure=health.failure,
                written=health.failure is not None,
                notes=(*outcome.notes, *([health.note] if health.note else ())),
            )

    def note_doubts(self, run: ModelRun) -> None:
        """Say where LiteLLM may not know a provider, unless it has shown that it does."""
        for name, doubt in self._doubts.items():
            outcome = run.outcomes[name]
            if outcome.failure:
                failure = f"{outcome.failure.rstrip('.')}. {doubt}"
                run.outcomes[name] = replace(outcome, failure=failure)
            elif self._options.test:
                run.outcomes[name] = replace(outcome, notes=(*outcome.notes, doubt))
