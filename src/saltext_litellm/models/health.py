"""Lets LiteLLM check the health of what was written, and reports it.

A check that fails proves little: reasoning models, embedders and slow models fail it and answer
their users. So nothing is ever taken back because of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..errors import GatewayError
from ..values.paths import nested
from ..values.quote import line
from ..values.secrets import scrub, secret_strings
from . import notes
from .desired import Deployment
from .endpoints import ModelEndpoints
from .row import ModelRow
from .serving import unserved

_MOST_CHECKS = 4  # so many checks, because a large set would exceed a provider's limits
_LOOKS = 36  # how often to look for a worker that serves the row as it is now
_LONGEST_REASON = 400  # characters


@dataclass(frozen=True)
class Written:
    """A deployment that was written in this run.

    :param row: Its row now.
    :param is_served: Whether a row, as a worker serves it, is as declared.
    """

    wanted: Deployment
    row: ModelRow
    is_served: Callable[[ModelRow], bool]


@dataclass(frozen=True)
class Health:
    """The result of a check. If it is empty, the provider has answered.

    :param failure: Why the check has failed, or could not be made.
    :param note: Why LiteLLM has no result.
    """

    failure: str | None = None
    note: str | None = None


def health_of(models: ModelEndpoints, written: Sequence[Written]) -> dict[str, Health]:
    """Check deployments, a few at once.

    Each check is one call to a provider. It costs tokens and is never repeated.

    :returns: The result of each, by the name of the deployment.
    """
    with ThreadPoolExecutor(_MOST_CHECKS) as pool:
        results = pool.map(lambda one: _checked(models.another(), one), written)
    return {one.wanted.name: result for one, result in zip(written, results, strict=True)}


def _checked(models: ModelEndpoints, written: Written) -> Health:
    """The result of LiteLLM's health check.

    LiteLLM checks with what the worker has loaded that it asks, so we look for one that has loaded
    the row as it is now. A balancer may still send the check to another worker.
    """
    try:
        if unserved(models, {written.row.id: written.is_served}, _LOOKS):
            return Health(note=notes.HEALTH_NOT_SHOWN)
        answer = models.health(written.row.id)
    except GatewayError as err:
        return Health(failure=notes.health_not_checked(err))
    if unhealthy := answer["unhealthy_endpoints"]:
        secrets = secret_strings("", nested(written.wanted.values))
        reason = line(scrub(str(unhealthy[0].get("error")), secrets))[:_LONGEST_REASON].rstrip(".")
        hint = notes.check_hint(written.wanted, written.row)
        return Health(failure=notes.unhealthy(reason, hint))
    if answer["healthy_endpoints"]:
        return Health()
    return Health(note=notes.NO_HEALTH)
