"""
Manage the teams of LiteLLM gateways.

A team has members, models that it may use, limits and a budget. Its keys share these.

The state module of the same name makes a gateway's
teams match what an SLS file declares. A profile says where the gateway is and how to log in; see
``litellm_model``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import signatures
from saltext_litellm.adapter.errors import salt_errors
from saltext_litellm.adapter.execution import Minion
from saltext_litellm.adapter.functions import Functions
from saltext_litellm.teams import kind
from saltext_litellm.teams.arguments import TeamArguments, TeamSetArguments
from saltext_litellm.teams.export import export as exported
from saltext_litellm.values import checks

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __pillar__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_team"
__func_alias__ = {"list_": "list"}
__outputter__ = {"list_": "litellm_table"}

_FUNCTIONS = Functions("litellm_team", "teams", kind.READER, lambda gateway: gateway.teams)


def __virtual__() -> str:
    return __virtualname__


def list_(
    name: str | None = None,
    owner: str | None = None,
    profile: str | dict[str, Any] = "litellm",
) -> list[dict[str, Any]]:
    """
    Return the teams of a gateway, sorted by their alias. Each is a mapping:

    - ``team_alias``: its name;
    - ``team_id``: its id;
    - ``models``: the models that it may use, all if there are none;
    - ``max_budget`` and ``spend``: what it may spend, and has spent, in USD;
    - ``members``: how many members it has;
    - ``blocked``: whether it is blocked;
    - ``owner``: the state that manages it, ``NAME in SET`` for one of a set, ``None`` if Salt does
      not manage it.

    name
        Return only those whose alias matches (string, ``*`` and ``?`` are wildcards). Defaults to
        all.

    owner
        Return only those whose owner matches (string with wildcards). An empty string matches those
        that Salt does not manage. Defaults to all.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if an argument has the wrong type, if there is no such profile, and if the gateway cannot
    be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_team.list
        salt '*' litellm_team.list 'search-*' owner='' --out=json
    """
    return _FUNCTIONS.list(_minion(), profile, kind.summary, team_alias=name, owner=owner)


def get(name: str, profile: str | dict[str, Any] = "litellm") -> dict[str, Any] | None:
    """
    Return one team as the gateway reports it, or ``None`` if there is none. What looks like a
    secret is shown as ``**********``.

    name
        Its alias or its id (string).

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if several teams have the alias, if there is no such profile, and if the gateway cannot be
    reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_team.get search
    """
    with salt_errors():
        teams = _minion().gateway(profile).teams
        teams.complete()
        row = teams.find(checks.title("name", name), test=False)
        return None if row is None else kind.whole(row)


@signatures.takes(TeamArguments)
def plan(given: TeamArguments) -> dict[str, Any]:
    """
    Return what ``apply`` would do, without doing it. The state ``present`` reports the same
    with ``test=True``. Returns a mapping:

    - ``action``: ``none``, ``create`` or ``update``;
    - ``team_id``: its id;
    - ``changes``: ``{key: {old, new}}``;
    - ``adopted``: ``True`` if nobody owned it so far, else the key is missing;
    - ``notes``, ``warnings`` and ``failure``, if there are any.

    The arguments are those of
    ``litellm_team.present``.

    Fails if an argument is wrong, if the team belongs to somebody else, if several teams have its
    alias, if there is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_team.plan search models='[gpt-4]' max_budget=100 budget_duration=30d
    """
    return _FUNCTIONS.apply(_minion(), given, test=True)


@signatures.takes(TeamArguments)
def apply(given: TeamArguments, test: bool = False) -> dict[str, Any]:
    """
    Make a team as its arguments declare it, as the state ``present`` does. Returns what was done,
    in the form of ``plan``. If the gateway is not as declared afterwards, ``failure`` says
    why. ``unknown`` is ``True`` if nobody can see whether the last write was done.

    The arguments are those of
    ``litellm_team.present``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails as ``plan`` does, and if a failure left the team as it was.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_team.apply search max_budget=200 test=True
    """
    return _FUNCTIONS.apply(_minion(), given, test)


@signatures.takes(TeamSetArguments)
def manage(given: TeamSetArguments, test: bool = False) -> dict[str, Any]:
    """
    Converge a whole set of teams, as the state ``managed`` does. Returns the number of declared
    ``teams``, their ``changes``, and the names under what has become of them, with the keys that
    ``litellm_model.manage`` has.

    The arguments are those of
    ``litellm_team.managed``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails before the first change if an argument or a team is wrong, if one belongs to somebody
    else, if there is no such profile, and if the gateway cannot be reached or refuses the api_key.
    After that, ``failures`` says which teams failed.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_team.manage product-teams pillar=litellm_teams test=True
    """
    return _FUNCTIONS.manage(_minion(), given, test)


def delete(
    name: str,
    team_id: str | None = None,
    test: bool = False,
    any_owner: bool = True,
    profile: str | dict[str, Any] = "litellm",
) -> dict[str, Any]:
    """
    Delete a team. Returns what was done, in the form of ``plan``. The ``action`` is ``none``
    if there is no such team.

    name
        The name of its state, or its alias (string).

    team_id
        Its id (string). By default the name is looked for.

    test
        Only return what would be done (boolean). Defaults to ``False``.

    any_owner
        Also delete one that another state owns (boolean). Defaults to ``True``. The state
        ``absent`` leaves it alone.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if keys or models belong to the team, as LiteLLM would delete them with it: ``LiteLLM
    would delete … with the team …: delete them first, or move them to another team``. Fails too if
    several teams have the alias, if there is no such profile, and if the gateway cannot be reached
    or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_team.delete search test=True
    """
    declared = lambda: kind.named(name, team_id)  # noqa: E731
    return _FUNCTIONS.delete(_minion(), declared, test, any_owner, profile)


def export(
    path: str | None = None,
    pillar: str | None = None,
    data: bool = False,
    overwrite: bool = False,
    profile: str | dict[str, Any] = "litellm",
    set: str | None = None,
) -> Any:
    """
    Make a file that declares the teams of a gateway. If you apply it to the same gateway, Salt
    adopts them, and changes nothing else.

    Without ``set`` it is an SLS file with a ``present`` state for each team. With ``set`` it is a
    pillar file with the teams of one ``managed`` state. The head of either file says where to save
    it and what to do. Members are named by their email where they have one. Left out are the user
    of the admin key, whom LiteLLM adds to each team, secrets in the metadata, and teams without an
    alias.

    Returns the text of the file. With ``path`` it returns the ``path``, the number of ``teams``,
    what was ``left_out`` and why, and what to do ``next``. With ``data`` it returns the arguments
    by name.

    path
        The file to write (string, should be an absolute path). Only its owner can read it. The file
        must not exist yet, unless ``overwrite`` is ``True``. By default no file is written.

    pillar
        Without ``set``: the pillar key of what stands for secrets (string). Defaults to
        ``litellm_team_secrets``. With ``set``: the pillar key that the teams are under (string,
        nested with ``:``). Defaults to ``litellm_teams``.

    data
        Return the arguments of each team as data instead of a file (boolean). Defaults to
        ``False``.

    overwrite
        Replace the file at ``path`` if it exists (boolean). Defaults to ``False``.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.
        Any other key is written into the states.

    set
        Make a pillar file for a ``managed`` state of this name (string). By default an SLS file
        with ``present`` states is made.

    Fails if an argument has the wrong type, if ``path`` cannot be written or exists already, if
    there is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt-call litellm_team.export path=/srv/salt/teams.sls
        salt-call litellm_team.export path=/srv/pillar/teams.sls set=product-teams
    """
    return _FUNCTIONS.export(
        _minion(),
        lambda gateway, set_: exported(gateway.teams.complete(), set_),
        set=set,
        pillar=pillar,
        path=path,
        data=data,
        overwrite=overwrite,
        profile=profile,
    )


def _minion() -> Minion:
    return Minion(__opts__, __context__, __pillar__, __salt__)
