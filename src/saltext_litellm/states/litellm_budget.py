"""
Make the budgets of LiteLLM gateways match what is declared.

A budget is a set of limits under an id, which keys and customers name.

.. code-block:: yaml

    trial:
      litellm_budget.present:
        - max_budget: 5
        - budget_duration: 30d
        - rpm_limit: 10

LiteLLM has no room in a budget to note who owns it. So nobody does: what is declared is set, and
all else stays, also a limit that is not declared any more. A profile says where the gateway is and
how to log in; see ``litellm_model``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import signatures, states
from saltext_litellm.adapter.sharing import open_run
from saltext_litellm.budgets.arguments import BudgetArguments
from saltext_litellm.report import comments

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_budget"


def __virtual__() -> str:
    return __virtualname__


@states.explains_unknown
@signatures.takes(BudgetArguments)
def present(given: BudgetArguments) -> dict[str, Any]:
    """
    Ensure that a budget exists as declared.

    An argument that is null or not given is not managed; one is needed at least: ``at least one
    limit is needed, as LiteLLM makes no budget of nothing``. If the gateway refuses something or
    cannot be reached, the state fails and says so in one sentence. If arguments are wrong, it fails
    before anything is written, and names all of them.

    name
        Name of the state (string). Fails with ``… must not be longer than … characters``.

    budget_id
        The id of the budget (string; ``budget_id``), by which keys name it. Defaults to the
        ``name``. One that LiteLLM has made for the members of a team fails: ``… is the budget that
        LiteLLM has made for the members of a team: set team_member_budget of the team``.

    max_budget
        What each that has the budget may spend (number from 0 on, in USD; ``max_budget``).

    soft_budget
        From which spend on LiteLLM warns (number from 0 on, in USD; ``soft_budget``).

    budget_duration
        After which time the spend begins anew (string; ``budget_duration``), such as ``30d`` or
        ``1mo``: ``… must be a number with s, m, h, d, w or mo, such as 30d``.

    tpm_limit
        Tokens per minute (whole number from 0 on; ``tpm_limit``).

    rpm_limit
        Requests per minute (whole number from 0 on; ``rpm_limit``).

    max_parallel_requests
        Requests at the same time (whole number from 0 on; ``max_parallel_requests``).

    model_max_budget
        A budget for each of some models (mapping of a model to a mapping; ``model_max_budget``), as
        one value. LiteLLM wants an Enterprise licence for it, and says so.

    profile
        Config key of the gateway (string), or a mapping with its url and api_key. Defaults to
        ``litellm``. Fails with ``The … is neither in the pillar nor in the minion's config``.
    """
    test = _begin()
    return states.result_of_one(
        given.name,
        test,
        lambda: __salt__["litellm_budget.apply"](**vars(given), test=test),
        comments.present,
    )


@states.explains_unknown
def absent(
    name: str, budget_id: str | None = None, profile: str | dict[str, Any] = "litellm"
) -> dict[str, Any]:
    """
    Ensure that a budget does not exist.

    The state fails as long as keys or customers have the budget, and counts them: ``… of the
    gateway would have no limits without the budget …: …``. LiteLLM 1.83 does not show
    which customers have it.

    name
        Its id, if ``budget_id`` is not given (string).

    budget_id
        Its id (string; ``budget_id``). Defaults to the ``name``.

    profile
        As in ``present`` (string or mapping). Defaults to ``litellm``.
    """
    test = _begin()
    return states.result_of_one(
        name,
        test,
        lambda: __salt__["litellm_budget.delete"](
            name, budget_id=budget_id, test=test, profile=profile
        ),
        comments.absent,
    )


def mod_watch(name: str, sfun: str | None = None, **kwargs: Any) -> dict[str, Any]:
    """
    Apply a state again because something that it watches has changed. Salt calls this for
    ``watch`` and ``listen``.

    ``watch`` applies the state again if the state itself has just changed nothing, ``listen`` does
    so at the end of the run.

    name
        Name of the state that watches.

    sfun
        Its function (string): ``present`` or ``absent``. Salt passes it.

    kwargs
        Its arguments, and what else Salt passes.
    """
    functions = {"present": present, "absent": absent}
    return states.apply_again(functions, name, sfun, kwargs, bool(__opts__["test"]))


def _begin() -> bool:
    """Let the states of this run share a gateway. Returns whether the run only predicts."""
    test = bool(__opts__["test"])
    open_run(__context__, globals(), test=test)
    return test
