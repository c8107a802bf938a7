"""
Make the teams of LiteLLM gateways match what is declared.

A team has members, models that it may use, limits and a budget. Its keys share these.

.. code-block:: yaml

    search:
      litellm_team.present:
        - models: [gpt-4-proxy, embeddings]
        - max_budget: 100
        - budget_duration: 30d
        - members:
            ada@example.com: user

Salt compares and changes only what is declared, and removes what was declared before and is not
declared any more, as it does with models. What somebody else has set stays: other members, other
metadata, other limits. A profile says where the gateway is and how to log in; see
``litellm_model``.

The id of a new team is derived from the name of its state, so that a state finds its team again
whatever others do to the metadata, where the marker is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import signatures, states
from saltext_litellm.adapter.sharing import open_run
from saltext_litellm.report import comments
from saltext_litellm.teams.arguments import TeamArguments, TeamSetArguments

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_team"


def __virtual__() -> str:
    return __virtualname__


@states.explains_unknown
@signatures.takes(TeamArguments)
def present(given: TeamArguments) -> dict[str, Any]:
    """
    Ensure that a team exists as declared.

    An argument that is null or not given is not managed. If the gateway refuses something or cannot
    be reached, the state fails and says so in one sentence. If arguments are wrong, it fails before
    anything is written, and names all of them.

    name
        Name of the state (string), which the marker has. Fails with ``… must not be longer than …
        characters``.

    team_id
        The id of the team (string; ``team_id``). By default Salt finds the team by its marker, by
        the id that follows from the name of the state, or as the only team of this alias that
        nobody owns; else it makes a new one. Several such teams fail: ``Several teams are named …:
        …; say which one is meant, as `team_id: …`, or delete the others``. A team of another owner
        fails with ``… belongs to …, and is left alone``.

    team_alias
        What the team is called (string; ``team_alias``). Defaults to the ``name``. LiteLLM lets
        several teams have one alias. If a new team's is in use, the state says so: ``… the same
        team_alias, so keys must name this team by its id``.

    models
        The models that it may use, in any order (list of strings; ``models``), such as
        ``[gpt-4]``, also wildcards and access groups; LiteLLM checks no name. All models are
        ``[all-proxy-models]``, none are ``[no-default-models]``. An empty list means all models to
        LiteLLM, so it fails: ``models is empty, which LiteLLM takes for all models: …``. If it is
        not declared any more, the team may use all models.

    max_budget
        What its keys may spend together (number from 0 on, in USD; ``max_budget``).

    budget_duration
        After which time the spend begins anew (string; ``budget_duration``), such as ``30d`` or
        ``1mo``: ``… must be a number with s, m, h, d, w or mo, such as 30d``.

    tpm_limit
        Tokens per minute (whole number from 0 on; ``tpm_limit``).

    rpm_limit
        Requests per minute (whole number from 0 on; ``rpm_limit``).

    team_member_budget
        What each member may spend (number from 0 on, in USD; ``team_member_budget``). LiteLLM keeps
        it in a budget of its own, so this takes a second request at rest, for all teams together.

    model_aliases
        Names that its keys may use for models (mapping of an alias to a model; ``model_aliases``).
        Each alias is managed by itself: ``… must be the name of a model, not …``. LiteLLM 1.83
        shows them in a list only that takes about 30 ms for each team.

    members
        Its members (mapping of an email or a ``user_id`` to ``user`` or ``admin``;
        ``members_with_roles``): ``… must be admin or user, not …``. What has an ``@`` is an email.
        Each member is managed by himself. LiteLLM makes a user where there is none, and adds the
        user of the admin key to each team. It makes an admin of an existing team only with an
        Enterprise licence, and says so. With a member who goes, LiteLLM deletes his keys of this
        team.

    blocked
        Whether the keys of the team are refused (boolean; ``blocked``).

    metadata
        What else is known of it (mapping; ``metadata``). Each key is managed by itself, others'
        keys stay. LiteLLM shows all of it, so a secret fails, and so does what is named like one:
        ``… is a secret, or named like one, but LiteLLM shows what a team has``. The marker is in
        it: ``… cannot be declared: it is the marker of this extension``.

    settings
        Anything else that LiteLLM has for teams, in its own words (mapping), such as
        ``soft_budget``, ``router_settings``, ``model_rpm_limit`` or ``object_permission``.
        What needs an Enterprise licence, as ``tags`` and ``guardrails``, fails before anything else
        is written. LiteLLM ignores names that it does not know: ``LiteLLM has taken …, and not
        stored that: …``. An argument fails here: ``… has an argument of its own: …``.

    profile
        Config key of the gateway (string), or a mapping with its url and api_key. Defaults to
        ``litellm``. Fails with ``The … is neither in the pillar nor in the minion's config``.
    """
    test = _begin()
    return states.result_of_one(
        given.name,
        test,
        lambda: __salt__["litellm_team.apply"](**vars(given), test=test),
        comments.present,
    )


@states.explains_unknown
def absent(
    name: str, team_id: str | None = None, profile: str | dict[str, Any] = "litellm"
) -> dict[str, Any]:
    """
    Ensure that a team does not exist.

    The state fails as long as keys or models belong to the team, and counts them: ``LiteLLM
    would delete … with the team …: delete them first, …``. It also fails if the
    team belongs to another state or set.

    name
        Name of the state that has made it, or its alias (string).

    team_id
        Its id (string; ``team_id``). By default it is found as in ``present``.

    profile
        As in ``present`` (string or mapping). Defaults to ``litellm``.
    """
    test = _begin()
    return states.result_of_one(
        name,
        test,
        lambda: __salt__["litellm_team.delete"](
            name, team_id=team_id, test=test, any_owner=False, profile=profile
        ),
        comments.absent,
    )


@states.explains_unknown
@signatures.takes(TeamSetArguments)
def managed(given: TeamSetArguments) -> dict[str, Any]:
    """
    Ensure that a whole set of teams is as declared.

    The run plans all teams before it writes anything. All mistakes are reported at once. If a team
    fails, the run goes on with the others.

    .. code-block:: yaml

        product-teams:
          litellm_team.managed:
            - pillar: litellm_teams
            - prune: True

    name
        Name of the set (string). The marker of each of its teams has this name. Fails as in
        ``present``.

    teams
        The teams (mapping of names to the arguments of ``present``). A wrong one fails as in
        ``present``, and the message begins with its name. Not declared by default, but
        ``exactly one of teams and pillar is needed``.

    defaults
        Arguments of ``present`` for each team that does not declare them itself (mapping).
        By default none. Any other fails with ``there is no argument …``.

    pillar
        The pillar key that has the teams (string, nested with ``:``). Fails with ``There is no … in
        the pillar``.

    prune
        Delete the teams that this set owns and does not declare any more, and no others (boolean).
        One that keys belong to is not deleted, and the state fails. Defaults to ``False``.

    allow_empty
        Let ``prune`` delete the whole set if no team is declared (boolean). Defaults to ``False``:
        ``… declares no teams, and prune would delete all of the set``.

    profile
        As in ``present`` (string or mapping). Defaults to ``litellm``.
    """
    test = _begin()
    return states.result_of_set(
        given.name,
        test,
        "team",
        "team_id",
        lambda: __salt__["litellm_team.manage"](**vars(given), test=test),
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
        Its function (string): ``present``, ``absent`` or ``managed``. Salt passes it.

    kwargs
        Its arguments, and what else Salt passes.
    """
    functions = {"present": present, "absent": absent, "managed": managed}
    return states.apply_again(functions, name, sfun, kwargs, bool(__opts__["test"]))


def _begin() -> bool:
    """Let the states of this run share a gateway. Returns whether the run only predicts."""
    test = bool(__opts__["test"])
    open_run(__context__, globals(), test=test)
    return test
