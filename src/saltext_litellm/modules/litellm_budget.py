"""
Manage the budgets of LiteLLM gateways.

A budget is a set of limits under an id. Keys and customers that name it share the limits, not the
money: each has its own spend.

The state module of the same name makes a
gateway's budgets match what an SLS file declares. A profile says where the gateway is and how to
log in; see ``litellm_model``.

LiteLLM has no room in a budget to note who owns it. So nobody does: what is declared is set, all
else stays, and nothing is pruned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import signatures
from saltext_litellm.adapter.errors import salt_errors
from saltext_litellm.adapter.execution import Minion
from saltext_litellm.adapter.functions import Functions
from saltext_litellm.budgets import kind
from saltext_litellm.budgets.arguments import BudgetArguments
from saltext_litellm.budgets.export import export as exported
from saltext_litellm.values import checks

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __pillar__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_budget"
__func_alias__ = {"list_": "list"}
__outputter__ = {"list_": "litellm_table"}

_FUNCTIONS = Functions("litellm_budget", "budgets", kind.READER, lambda gateway: gateway.budgets)


def __virtual__() -> str:
    return __virtualname__


def list_(
    name: str | None = None, profile: str | dict[str, Any] = "litellm"
) -> list[dict[str, Any]]:
    """
    Return the budgets of a gateway, sorted by their id, also those that LiteLLM has made for the
    members of teams (``team-…``). Each is a mapping of the arguments of
    ``litellm_budget.present``, and
    ``budget_reset_at``, the time when the spend of its users begins anew.

    name
        Return only those whose id matches (string, ``*`` and ``?`` are wildcards). Defaults to all.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if an argument has the wrong type, if there is no such profile, and if the gateway cannot
    be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_budget.list 'trial-*' --out=json
    """
    return _FUNCTIONS.list(_minion(), profile, kind.summary, budget_id=name)


def get(name: str, profile: str | dict[str, Any] = "litellm") -> dict[str, Any] | None:
    """
    Return one budget, in the form of ``list``, or ``None`` if there is none.

    name
        Its id (string).

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if there is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_budget.get trial
    """
    with salt_errors():
        row = _minion().gateway(profile).budgets.store.rows().get(checks.title("name", name))
        return None if row is None else kind.summary(row)


@signatures.takes(BudgetArguments)
def plan(given: BudgetArguments) -> dict[str, Any]:
    """
    Return what ``apply`` would do, without doing it. The state ``present`` reports the same
    with ``test=True``. Returns a mapping:

    - ``action``: ``none``, ``create`` or ``update``;
    - ``budget_id``: its id;
    - ``changes``: ``{key: {old, new}}``;
    - ``notes``, ``warnings`` and ``failure``, if there are any.

    The arguments are those of
    ``litellm_budget.present``.

    Fails if an argument is wrong, if there is no such profile, and if the gateway cannot be reached
    or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_budget.plan trial max_budget=5 budget_duration=30d
    """
    return _FUNCTIONS.apply(_minion(), given, test=True)


@signatures.takes(BudgetArguments)
def apply(given: BudgetArguments, test: bool = False) -> dict[str, Any]:
    """
    Make a budget as its arguments declare it, as the state ``present`` does. Returns what was done,
    in the form of ``plan``. If the gateway is not as declared afterwards, ``failure`` says
    why. ``unknown`` is ``True`` if nobody can see whether the last write was done.

    The arguments are those of
    ``litellm_budget.present``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails as ``plan`` does, and if a failure left the budget as it was.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_budget.apply trial max_budget=10 test=True
    """
    return _FUNCTIONS.apply(_minion(), given, test)


def delete(
    name: str,
    budget_id: str | None = None,
    test: bool = False,
    profile: str | dict[str, Any] = "litellm",
) -> dict[str, Any]:
    """
    Delete a budget. Returns what was done, in the form of ``plan``. The ``action`` is
    ``none`` if there is no such budget.

    name
        Its id, if ``budget_id`` is not given (string).

    budget_id
        Its id (string). Defaults to the ``name``.

    test
        Only return what would be done (boolean). Defaults to ``False``.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails as long as keys or customers have the budget, as LiteLLM would leave them without limits:
    ``… of the gateway would have no limits without the budget …: …``. LiteLLM 1.83 does
    not show which customers have it. Fails too for a budget that LiteLLM has made for the members
    of a team, if there is no such profile, and if the gateway cannot be reached or refuses the
    api_key.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_budget.delete trial test=True
    """
    declared = lambda: kind.named(name, budget_id)  # noqa: E731
    return _FUNCTIONS.delete(_minion(), declared, test, True, profile)


def export(
    path: str | None = None,
    data: bool = False,
    overwrite: bool = False,
    profile: str | dict[str, Any] = "litellm",
) -> Any:
    """
    Make an SLS file with a ``present`` state for each budget of a gateway, but those that LiteLLM
    has made for the members of teams. If you apply it to the same gateway, it changes nothing.

    Returns the text of the file. With ``path`` it returns the ``path``, the number of ``budgets``,
    what was ``left_out`` and why, and what to do ``next``. With ``data`` it returns the arguments
    by name.

    path
        The file to write (string, should be an absolute path). Only its owner can read it. The file
        must not exist yet, unless ``overwrite`` is ``True``. By default no file is written.

    data
        Return the arguments of each budget as data instead of a file (boolean). Defaults to
        ``False``.

    overwrite
        Replace the file at ``path`` if it exists (boolean). Defaults to ``False``.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.
        Any other key is written into the states.

    Fails if an argument has the wrong type, if ``path`` cannot be written or exists already, if
    there is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt-call litellm_budget.export path=/srv/salt/budgets.sls
    """
    return _FUNCTIONS.export(
        _minion(),
        lambda gateway, _: exported(gateway.budgets.store.rows()),
        set=None,
        pillar=None,
        path=path,
        data=data,
        overwrite=overwrite,
        profile=profile,
    )


def _minion() -> Minion:
    return Minion(__opts__, __context__, __pillar__, __salt__)
