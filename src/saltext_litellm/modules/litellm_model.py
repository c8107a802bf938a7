"""
Manage the models of LiteLLM gateways.

There is a function for each model endpoint of the LiteLLM proxy, to look at a gateway and to change
it by hand. The state module of the same name makes a gateway's models match what an SLS file
declares.

A profile says where the gateway is and how to log in. It is a mapping in the pillar or in the
minion's configuration:

.. code-block:: yaml

    litellm:
      url: https://gateway.example.com
      api_key: sdb://vault/litellm/admin_key

Every function takes ``profile``: the key of another such mapping, ``litellm:prod`` for a nested
one, or the mapping itself.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import execution, jobs, signatures
from saltext_litellm.adapter.errors import salt_errors
from saltext_litellm.adapter.execution import Minion
from saltext_litellm.adapter.sdb import resolver
from saltext_litellm.config_yaml import source as sources
from saltext_litellm.errors import Refused
from saltext_litellm.gateway import Gateway
from saltext_litellm.models import desired, model_list
from saltext_litellm.models import export as exports
from saltext_litellm.models import row as rows
from saltext_litellm.models.arguments import DeploymentArguments, SetArguments
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.objects.outcome import Outcome, compact
from saltext_litellm.values import checks
from saltext_litellm.values.secrets import redact

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __pillar__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

# The exit codes of a plan, the same as those of `terraform plan -detailed-exitcode`.
_CANNOT, _PENDING = 1, 2

__virtualname__ = "litellm_model"
__func_alias__ = {"list_": "list"}
__outputter__ = {"list_": "litellm_table"}


def __virtual__() -> str:
    return __virtualname__


def list_(
    model_name: str | None = None,
    owner: str | None = None,
    provider: str | None = None,
    blocked: bool | None = None,
    profile: str | dict[str, Any] = "litellm",
) -> list[dict[str, Any]]:
    """
    Return the deployments of a gateway, sorted by model name. Those of its config file come last.
    Each deployment is a mapping:

    - ``model_name``: the name that clients call;
    - ``model_id``: its id;
    - ``model``: the upstream model;
    - ``provider``: its ``custom_llm_provider``. Without one, the provider that ``model`` begins
      with, or the one in LiteLLM's cost map, or else ``None``;
    - ``blocked``: whether it is paused;
    - ``owner``: the state that manages it, ``NAME in SET`` for a model of a set, ``None`` if Salt
      does not manage it;
    - ``source``: ``database``, or ``config`` for the gateway's own config file;
    - ``team``: the id of the team whose deployment it is. If no deployment belongs to a team, the
      key is missing;
    - ``health``: the result of its last health check, ``None`` if it had none. LiteLLM usually does
      not store health checks. If it has none for all of these deployments, the key is missing.

    Salt prints them as a table of at most 100 columns, in which an id shows its beginning. The
    extension must be installed where ``salt`` runs. ``--out=json`` and other outputters show the
    mappings whole.

    model_name
        Return only those whose model name matches (string, ``*`` and ``?`` are wildcards).
        Defaults to all.

    owner
        Return only those whose owner matches (string with wildcards). An empty string matches
        those that Salt does not manage. Defaults to all.

    provider
        Return only those whose provider matches (string with wildcards). Defaults to all.

    blocked
        Return only those that are paused (``True``) or that are not paused (``False``). Defaults
        to all.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if an argument has the wrong type, if there is no such profile, and if the gateway cannot
    be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.list
        salt '*' litellm_model.list 'gpt-*' blocked=False profile=litellm:prod
        salt '*' litellm_model.list owner='' --out=json
    """
    with salt_errors():
        model_name = checks.pattern("model_name", model_name)
        owner = checks.pattern("owner", owner)
        provider = checks.pattern("provider", provider)
        blocked = None if blocked is None else checks.flag("blocked", blocked)
        gateway = _gateway(profile)
        health = gateway.deployments.models.latest_health()
        listed = [rows.summary(row) for row in gateway.deployments.all_rows()]
    listed = [
        row
        for row in listed
        if (model_name is None or fnmatch.fnmatchcase(row["model_name"], model_name))
        and (owner is None or fnmatch.fnmatchcase(row["owner"] or "", owner))
        and (provider is None or fnmatch.fnmatchcase(row["provider"] or "", provider))
        and blocked in (None, row["blocked"])
    ]
    listed.sort(key=lambda row: (row["source"] == "config", row["model_name"], row["model_id"]))
    # Programs find the same keys in all rows.
    if any("team" in row for row in listed):
        listed = [{**row, "team": row.get("team")} for row in listed]
    if any(row["model_id"] in health for row in listed):
        listed = [row | {"health": health.get(row["model_id"])} for row in listed]
    return listed


def export(
    path: str | None = None,
    pillar: str | None = None,
    data: bool = False,
    overwrite: bool = False,
    profile: str | dict[str, Any] = "litellm",
    set: str | None = None,
) -> Any:
    """
    Make a file that declares the deployments of a gateway, except those of its config file. If you
    apply it to the same gateway, Salt adopts them and changes nothing else. If you apply it to an
    empty gateway, Salt creates them.

    Without ``set`` it is an SLS file with a ``present`` state for each deployment. It has a
    reference to the pillar in the place of each secret, and of each value with a secret in it, such
    as a URL with a login.

    With ``set`` it is a pillar file with the models of one ``managed`` state. It has ``null`` in
    the place of each secret. This declares nothing: the secret on the gateway stays as it is until
    you fill one in. A secret that Salt has set would be removed if it was not declared. So that is
    ``**********``, which Salt refuses until you fill it in. The head of the file has the SLS with
    the ``managed`` state.

    The head of either file says where to save it, what to fill in, how to try it, and what is
    missing and why. Values that LiteLLM itself knows of a model are left out, unless Salt manages
    them. A deployment has the
    name by which Salt manages it, or else its model name. If several deployments have that model
    name, a word in which they differ is added, such as the provider. A ``model_id`` is there only
    if a deployment would not be found without it.

    Sends one request for each deployment, to learn which secrets it has. LiteLLM does not say so
    for a paused deployment, and for no deployment if the api_key may not see it (a viewer's). The
    file lacks these secrets.

    Returns the text of the file. With ``path`` it returns the ``path``, the number of
    ``deployments``, what was ``left_out`` and why, and what to do ``next``. With ``data`` it
    returns the arguments by name.

    path
        The file to write (string, should be an absolute path). Only its owner can read it. The
        file must not exist yet, unless ``overwrite`` is ``True``. By default no file is written.

    pillar
        Without ``set``: the pillar key that the secrets are taken from (string). Defaults to
        ``litellm_secrets``. With ``set``: the pillar key that the models are under (string,
        nested with ``:``). Defaults to ``litellm_models``.

    data
        Return the arguments of each deployment as data instead of a file (boolean). Defaults to
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

        salt-call litellm_model.export path=/srv/salt/models.sls
        salt-call litellm_model.export path=/srv/pillar/models.sls set=production
        salt '*' litellm_model.export data=True
    """
    with salt_errors():
        set = None if set is None else checks.title("set", set)
        default = "litellm_secrets" if set is None else "litellm_models"
        pillar = default if pillar is None else checks.text("pillar", pillar)
        path, flags = execution.checked_path(path, data, overwrite)
        gateway = _gateway(profile)
        models = gateway.deployments.models
        found = exports.export(
            gateway.deployments.all_rows(),
            lambda row: models.masked_secrets(row.id),
            models.cost_map(),
            set,
        )
        return execution.result_of_export(
            found, "deployments", pillar, models.url, profile, path, flags
        )


@signatures.takes(DeploymentArguments)
def test_connection(given: DeploymentArguments) -> Any:
    """
    Try a deployment's parameters by one real call to the provider, without creating the
    deployment. The call costs tokens and is never repeated. Returns ``status`` (``success`` or
    ``error``) and LiteLLM's ``result``. If another deployment may have changed the result,
    ``notes`` says so.

    The call uses only the parameters that you give. LiteLLM would take the others from another
    deployment of the same model; the request tells it not to. But LiteLLM still follows the
    ``health_check_…`` keys in the ``model_info`` of that deployment. Then there is a note.

    The arguments are those of ``litellm_model.present``. Those that concern the row and not the
    call have no effect.

    Fails if an argument is wrong, if there is no such profile, and if the gateway cannot be reached
    or refuses the request. An ``error`` of the provider is no failure.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.test_connection test custom_llm_provider=openai base_model=gpt-4 \\
            model_api_key=sdb://vault/openai/key mode=chat
    """
    with salt_errors():
        execution.flags(verify_secrets=(given.verify_secrets, False), verify=(given.verify, False))
        checks.preflight("preflight", given.preflight)
        wanted = desired.desired(vars(given), resolver(__opts__))
        return redact(_gateway(given.profile).deployments.try_out(wanted))


def health(
    name: str | None = None, model_id: str | None = None, profile: str | dict[str, Any] = "litellm"
) -> Any:
    """
    Let LiteLLM check the health of a deployment. Returns ``healthy_endpoints`` and
    ``unhealthy_endpoints``, with the reason. Both are empty if LiteLLM has no result. The check is
    a real call to the provider. It costs tokens and is never repeated.

    A deployment may be unhealthy and answer its users: the check is a small chat call, unless
    ``mode`` and the ``health_check_…`` keys of ``model_info`` say otherwise.

    name
        Name of the state that manages it, or else its model name, if no other deployment has that
        (string). Either this or ``model_id`` is needed.

    model_id
        Its id (string, ``model_info.id``). Either this or ``name`` is needed.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if there is no such deployment, if several have the name, if there is no such profile, and
    if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.health gpt-4-proxy
    """
    with salt_errors():
        gateway = _gateway(profile)
        row = gateway.deployments.look_up(desired.named(name, model_id))
        if row is None:
            raise Refused(f"There is no deployment {name or model_id!r}")
        return redact(gateway.deployments.models.health(row.id))


def get(
    name: str | None = None, model_id: str | None = None, profile: str | dict[str, Any] = "litellm"
) -> dict[str, Any] | None:
    """
    Return one deployment as the gateway reports it, or ``None`` if there is none. Secrets, and
    values that look like secrets, are left out or shown as ``**********``.

    name
        Name of the state that manages it, or else its model name, if no other deployment has that
        (string). Either this or ``model_id`` is needed.

    model_id
        Its id (string, ``model_info.id``). Either this or ``name`` is needed.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if several deployments have the name, if there is no such profile, and if the gateway
    cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.get gpt-4-proxy
        salt '*' litellm_model.get model_id=5c1ab7c6-4bd5-5a3f-9d9a-6f0b1a2c3d4e
    """
    with salt_errors():
        row = _gateway(profile).deployments.look_up(desired.named(name, model_id))
        return None if row is None else rows.whole(row)


@signatures.takes(DeploymentArguments)
def plan(given: DeploymentArguments) -> dict[str, Any]:
    """
    Return what ``apply`` would do, without doing it. The state ``present`` reports the same with
    ``test=True``. Returns a mapping:

    - ``action``: ``none``, ``create`` or ``update``;
    - ``model_id``: the id of the row;
    - ``changes``: ``{key: {old, new}}``, without secrets;
    - ``adopted``: ``True`` if nobody owned the row so far, else the key is missing;
    - ``notes``, ``warnings`` and ``failure``, if there are any.

    The arguments are those of ``litellm_model.present``.

    Fails if an argument is wrong, if several deployments fit, if the row belongs to somebody else,
    if there is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.plan gpt-4-proxy custom_llm_provider=openai base_model=gpt-4 rpm=2000
    """
    return _apply_one(given, test=True)


@signatures.takes(DeploymentArguments)
def apply(given: DeploymentArguments, test: bool = False) -> dict[str, Any]:
    """
    Make a deployment as its arguments declare it, as the state ``present`` does. This creates it,
    or changes the values that differ and removes those that were declared before and are not
    declared any more. Returns what was done, in the form of ``plan``. If the gateway is not as
    declared afterwards, ``failure`` says why. ``unknown`` is ``True`` if nobody can see whether the
    last write was done, and ``written`` if it is as declared and only a check has failed.

    The arguments are those of ``litellm_model.present``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails as ``plan`` does, and if a failure left the deployment as it was.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.apply gpt-4-proxy custom_llm_provider=openai base_model=gpt-4
        salt '*' litellm_model.apply gpt-4-proxy custom_llm_provider=openai base_model=gpt-4 \\
            test=True
    """
    return _apply_one(given, test)


@signatures.takes(DeploymentArguments)
def create(given: DeploymentArguments, test: bool = False) -> dict[str, Any]:
    """
    Create a deployment. Returns what was done, in the form of ``plan``.

    The arguments are those of ``litellm_model.present``. A new deployment has no secrets to verify,
    so ``verify_secrets`` has no effect here. There is one more:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails as ``apply`` does, and if the deployment exists already.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.create gpt-4-proxy custom_llm_provider=openai base_model=gpt-4
    """
    return _apply_one(given, test, create_only=True)


@signatures.takes(DeploymentArguments, tier=None)
def update(given: DeploymentArguments, test: bool = False) -> dict[str, Any]:
    """
    Change the values that you give in an existing deployment, and nothing else. The other values
    and the owner stay. Returns what was done, in the form of ``plan``.

    The arguments are those of ``litellm_model.present``, but only ``name`` is required, and
    ``tier`` has no default. There is one more:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails as ``apply`` does, and if there is no such deployment.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.update gpt-4-proxy rpm=2000
        salt '*' litellm_model.update gpt-4-proxy rpm=2000 test=True
    """
    return _apply_one(given, test, partial=True)


def delete(
    name: str | None = None,
    model_id: str | None = None,
    test: bool = False,
    any_owner: bool = True,
    profile: str | dict[str, Any] = "litellm",
) -> dict[str, Any]:
    """
    Delete a deployment. Returns what was done, in the form of ``plan``. The ``action`` is ``none``
    if there is no such deployment. Deployments of the gateway's config file are never touched:
    ``failure`` says that they are still served.

    name
        Name of the state that manages it, or else its model name, if no other deployment has that
        (string). Either this or ``model_id`` is needed.

    model_id
        Its id (string, ``model_info.id``). Either this or ``name`` is needed.

    test
        Only return what would be done (boolean). Defaults to ``False``.

    any_owner
        Also delete a deployment by its model name if another state owns it and no other deployment
        has that name (boolean). Defaults to ``True``. The state ``absent`` leaves it alone.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if several deployments have the name, if the id is one of the config file, if nothing
    could be deleted, if there is no such profile, and if the gateway cannot be reached or refuses
    the api_key.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_model.delete gpt-4-proxy
        salt gateway-admin litellm_model.delete gpt-4-proxy test=True
    """
    with salt_errors():
        flags = execution.flags(test=(test, False), any_owner=(any_owner, True))
        wanted = desired.named(name, model_id)
        gateway = _gateway(profile)
        outcome = gateway.deployments.remove(wanted, **flags)
        return _one_result(outcome, wanted, gateway)


def block(
    name: str | None = None, model_id: str | None = None, profile: str | dict[str, Any] = "litellm"
) -> bool:
    """
    Pause a deployment: it stays on the gateway, but is not served. Returns ``True``. Needs a
    LiteLLM from mid-2026 or newer.

    name
        Name of the state that manages it, or else its model name, if no other deployment has that
        (string). Either this or ``model_id`` is needed.

    model_id
        Its id (string, ``model_info.id``). Either this or ``name`` is needed.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if there is no such deployment, if several have the name, if LiteLLM is too old, if there
    is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.block gpt-4-proxy
    """
    return _set_blocked(name, model_id, profile, True)


def unblock(
    name: str | None = None, model_id: str | None = None, profile: str | dict[str, Any] = "litellm"
) -> bool:
    """
    Serve a paused deployment again. Returns ``True``.

    name
        Name of the state that manages it, or else its model name, if no other deployment has that
        (string). Either this or ``model_id`` is needed.

    model_id
        Its id (string, ``model_info.id``). Either this or ``name`` is needed.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails as ``block`` does.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.unblock gpt-4-proxy
    """
    return _set_blocked(name, model_id, profile, False)


def ping(profile: str | dict[str, Any] = "litellm") -> bool:
    """
    Return ``True`` if the gateway answers and takes the ``api_key``. That of a viewer is enough.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if there is no such profile, and if the gateway cannot be reached or refuses the key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.ping
    """
    with salt_errors():
        return _gateway(profile).deployments.models.alive()


def version(profile: str | dict[str, Any] = "litellm") -> str | None:
    """
    Return the version of the gateway's LiteLLM, ``None`` if it does not say.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if there is no such profile, and if the gateway cannot be reached.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.version
    """
    with salt_errors():
        return _gateway(profile).deployments.models.version()


@signatures.takes(SetArguments)
def manage(given: SetArguments, test: bool = False) -> dict[str, Any]:
    """
    Converge a whole set of deployments, as the state ``managed`` does. Returns:

    - ``models``: the number of declared models;
    - ``changes``: the changes of each model, by its name;
    - ``created``, ``adopted``, ``updated``: the names of the models for which this was done, or
      would be done;
    - ``failed``: the names of the models that failed and were not changed;
    - ``changed``: the names of those that were changed, but are not as declared yet;
    - ``written``: the names of those that were written, but are not known to work;
    - ``unknown``: the names of those for which nobody can see whether they were changed;
    - ``not_tried``: the names of those that were not tried, because the gateway was out of reach;
    - ``undeclared``: rows that the set owns and does not declare any more, without ``prune``;
    - ``deleted``, ``perhaps_deleted``, ``not_deleted``: the same rows with ``prune``;
    - ``failures``, ``notes`` and ``warnings``: sentences, by the name of the model;
    - ``profile_warnings``: warnings about the profile.

    Empty keys are missing, except ``changes``. A model that is in no list is as declared.

    The arguments are those of ``litellm_model.managed``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails before the first change if an argument or a model is wrong, if several deployments fit one
    model, if a row belongs to somebody else, if there is no such profile, and if the gateway cannot
    be reached or refuses the api_key. After that, ``failures`` says which models failed.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_model.manage production pillar=models prune=True test=True
        salt '*' litellm_model.manage proxy source=/etc/litellm/config.yaml
    """
    outcomes, wanted, gateway = _converge(given, test)
    return execution.result_of_set(outcomes, wanted, "models", gateway.warnings)


@signatures.takes(SetArguments)
def plan_set(given: SetArguments) -> dict[str, Any]:
    """
    Return what ``manage`` would do, without doing it. The result has only names, keys and numbers,
    for a program or a check of a merge request. All keys are always there, and names are sorted:

    - ``pending``: whether there is something to do;
    - ``counts``: how many ``models`` are declared, how many are ``as_declared``, and how many names
      each of the following keys has;
    - ``created``, ``deleted``: the models that would be created or deleted;
    - ``adopted``, ``updated``: the models that would be adopted or updated, each with the keys that
      would change;
    - ``replaced``: those of them that would need a new row, because LiteLLM cannot clear a key in
      place or change an id;
    - ``failed``: the models that cannot be made as declared, each with the reason;
    - ``undeclared``: the models that the set owns and does not declare, without ``prune``;
    - ``not_deleted``: the same with ``prune``, if they are not deleted because a model fails;
    - ``unowned``: the rows of the gateway's database that nobody owns and that are left alone, each
      as ``MODEL_NAME (ID)``, without those of teams.

    With ``--retcode-passthrough`` the exit code is 0 if there is nothing to do, and 2 if there is.
    It is 1 if a model cannot be made as declared, or if the function fails. A call from elsewhere,
    such as a state, ``onlyif``, ``unless`` or a template, leaves no exit code: look at ``pending``
    there.

    The arguments are those of ``litellm_model.managed``.

    Fails as ``manage`` does before its first change.

    CLI Example:

    .. code-block:: bash

        salt-call --retcode-passthrough --out=json litellm_model.plan_set production pillar=models
        salt '*' litellm_model.plan_set proxy source=/etc/litellm/config.yaml prune=True
    """
    outcomes, _, gateway = _converge(given, test=True)
    result = compact(outcomes, gateway.deployments.unowned(), "models")
    asked = jobs.is_asked_for("litellm_model.plan_set", __opts__)
    if asked and (result["failed"] or result["pending"]):
        __context__["retcode"] = _CANNOT if result["failed"] else _PENDING
    return result


def _converge(
    given: SetArguments, test: bool
) -> tuple[list[Outcome], list[desired.Deployment], Gateway]:
    """Converge a set, or plan to converge it."""
    minion, name = _minion(), given.name
    with salt_errors():
        flags = execution.flags(
            prune=(given.prune, False),
            allow_empty=(given.allow_empty, False),
            verify_secrets=(given.verify_secrets, False),
            verify=(given.verify, False),
            test=(test, False),
        )
        flags["preflight"] = checks.preflight("preflight", given.preflight)
        desired.named(name, None)
        declared = minion.declared_by(
            "models", given.models, given.pillar, given.source, sources.model_list
        )
        execution.refuse_empty_prune(name, "models", declared, flags)
        wanted = model_list.read(name, declared, given.defaults, minion.resolver())
        progress = minion.progress("litellm_model", "model", name)
        gateway = minion.gateway(given.profile)
        options = ModelOptions(set=name, progress=progress, **flags)
        return gateway.deployments.apply(wanted, options), wanted, gateway


def _set_blocked(name: str | None, model_id: str | None, profile: Any, blocked: bool) -> bool:
    with salt_errors():
        _gateway(profile).deployments.block(desired.named(name, model_id), blocked)
        return True


def _minion() -> Minion:
    return Minion(__opts__, __context__, __pillar__, __salt__)


def _gateway(profile: Any) -> Gateway:
    return _minion().gateway(profile)


def _apply_one(given: DeploymentArguments, test: bool, **how: Any) -> dict[str, Any]:
    """Make one deployment as its arguments declare it. Returns the mapping for the caller."""
    with salt_errors():
        partial = how.get("partial", False)
        wanted = desired.desired(vars(given), resolver(__opts__), partial=partial)
        asked = execution.flags(
            test=(test, False),
            verify_secrets=(given.verify_secrets, False),
            verify=(given.verify, False),
        )
        asked["preflight"] = checks.preflight("preflight", given.preflight)
        options = ModelOptions(**asked, **how)
        gateway = _gateway(given.profile)
        (outcome,) = gateway.deployments.apply([wanted], options)
        execution.refuse_undone(outcome, options.test)
        return _one_result(outcome, wanted, gateway)


def _one_result(outcome: Outcome, wanted: desired.Deployment, gateway: Gateway) -> dict[str, Any]:
    warnings = (*wanted.warnings, *outcome.warnings, *gateway.warnings)
    return execution.result_of_one(outcome, "model_id", warnings)
