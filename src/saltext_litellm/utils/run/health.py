"""Lets LiteLLM check the health of what was written, and takes back what does not answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..litellm.errors import GatewayError, LiteLLMError, Refused
from ..litellm.quote import line
from ..litellm.secrets import scrub, secret_strings
from ..litellm.trees import nested
from ..models.desired import Deployment
from ..models.endpoints import Models
from ..models.plan import Plan
from ..models.row import Row, parse_all
from .decide import undo
from .execute import Executor, Surprise
from .known import PAUSE, Known
from .trial import attempt

_AT_ONCE = 4  # so many checks, because a large set would exceed a provider's limits
_LOOKS = 36  # how often to look for a worker that serves the row as it is now
_LONGEST_REASON = 400  # characters

FAILED = "LiteLLM's health check has failed"


@dataclass(frozen=True)
class Written:
    """A deployment that was written in this run.

    :param plan: Its plan before the first step.
    :param row: Its row now.
    :param is_served: Whether a row, as a worker serves it, is as declared.
    """

    wanted: Deployment
    plan: Plan
    row: Row
    is_served: Callable[[Row], bool]


@dataclass(frozen=True)
class Health:
    """The result of a check. If it is empty, the provider has answered.

    :param failure: Why the deployment is not as it should be.
    :param taken_back: Whether what was written was taken back.
    :param note: Why it was not checked.
    """

    failure: str | None = None
    taken_back: bool = False
    note: str | None = None


def health_of(
    models: Models, known: Known, executor: Executor, written: Sequence[Written]
) -> dict[str, Health]:
    """Check deployments, a few at once, and take back those that do not answer.

    Each check is one call to a provider. It costs tokens and is never repeated.

    :returns: The result of each, by the name of the deployment.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(lambda one: _asked(models.another(), one), written))
    return {
        one.wanted.name: answer
        if isinstance(answer, Health)
        else _judged(models, known, executor, one, answer)
        for one, answer in zip(written, answers, strict=True)
    }


def _asked(models: Models, written: Written) -> Health | str:
    """The result of LiteLLM's health check, or the provider's reason for not answering.

    LiteLLM checks with what the worker has loaded that it asks, so we look for one that has loaded
    the row as it is now. A balancer may still send the check to another worker.
    """
    try:
        if not _find_worker(models, written):
            return Health(
                note="Its health was not checked, because no worker shows it as it is now"
            )
        answer = models.health(written.row.model_id)
    except GatewayError as err:
        return Health(failure=f"It was written, but its health could not be checked: {err}")
    unhealthy = answer.get("unhealthy_endpoints") if isinstance(answer, dict) else None
    if unhealthy:
        reason = unhealthy[0].get("error") if isinstance(unhealthy[0], dict) else unhealthy[0]
        secrets = secret_strings("", nested(written.wanted.values))
        return line(scrub(str(reason), secrets))[:_LONGEST_REASON]
    if isinstance(answer, dict) and answer.get("healthy_endpoints"):
        return Health()
    return Health(note="Its health was not checked: LiteLLM has no result for it")


def _find_worker(models: Models, written: Written) -> bool:
    for look in range(_LOOKS):
        if look:
            models.elsewhere(PAUSE)
        served = [row for row in parse_all(models.router()) if row.model_id == written.row.model_id]
        if served and written.is_served(served[0]):
            return True
    return False


def _judged(
    models: Models, known: Known, executor: Executor, written: Written, reason: str
) -> Health:
    """What follows from a failed check. A trial call must fail as well before it is taken back.

    LiteLLM may answer a check by an older one (with ``background_health_checks``).
    """
    failed = f"{FAILED}: {reason}"
    rows = [*known.rows(), *known.config()]
    trial = attempt(models, rows, written.wanted, written.plan)
    if trial.refused is None:
        why = trial.error or trial.untried
        why = f"a trial call is not possible: {why}" if why else "a trial call has succeeded"
        return Health(failure=f"{failed}. It was left as it is, because {why}")
    try:
        _take_back(known, executor, written)
    except Refused as err:
        return Health(failure=f"{failed}. It was left as it is, because {err}")
    except Surprise:
        return Health(
            failure=f"{failed}. It was left as it is, because somebody else has changed it"
        )
    except LiteLLMError as err:
        return Health(failure=f"{failed}. Taking it back has failed: {err}")
    done = "it was taken back" if written.plan.row is None else "what was there before is back"
    return Health(failure=f"{FAILED}, so {done}: {reason}", taken_back=True)


def _take_back(known: Known, executor: Executor, written: Written) -> None:
    """Restore what was there before.

    :raises Refused: It is not known, or cannot be written.
    :raises Surprise: Somebody else has changed or deleted the row since it was written.
    """
    executor.see_again((written.row,))  # the checks have taken time
    now = known.rows().get(written.row.model_id)
    if now is None or not written.is_served(now):
        raise Surprise
    executor.do(undo(written.plan, now, known.capabilities()), written.wanted)
