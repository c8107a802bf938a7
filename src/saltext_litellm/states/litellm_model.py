"""
Make the models of LiteLLM gateways match what is declared.

Only what is declared is compared and changed; what was declared before and is declared no longer
is removed; anything else, in a deployment and on the gateway, is left alone. What there is to
decide by is read from the gateway's database, once a run: there is no state file.

Where the gateway is and how to log in comes from a profile; see the
:py:mod:`execution module <saltext_litellm.modules.litellm_model>`.

.. code-block:: yaml

    gpt-4-proxy:
      litellm_model.present:
        - custom_llm_provider: openai
        - base_model: gpt-4
        - model_api_key: {{ pillar["provider_keys"]["openai"] }}
        - tier: paid
        - rpm: 1000
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from salt.exceptions import CommandExecutionError, SaltInvocationError

from saltext_litellm import glue, words

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_model"


def __virtual__() -> str:
    return __virtualname__


def present(
    name: str,
    model_name: str | None = None,
    custom_llm_provider: str | None = None,
    base_model: str | None = None,
    model_api_key: str | None = None,
    model_api_base: str | None = None,
    api_version: str | None = None,
    tier: str | None = "free",
    mode: str | None = None,
    tpm: int | None = None,
    rpm: int | None = None,
    input_cost_per_million_tokens: float | None = None,
    output_cost_per_million_tokens: float | None = None,
    aws_access_key_id: str | None = None,
    aws_secret_access_key: str | None = None,
    aws_region_name: str | None = None,
    blocked: bool | None = None,
    litellm_params: dict[str, Any] | None = None,
    model_info: dict[str, Any] | None = None,
    model_id: str | None = None,
    verify_secrets: bool = False,
    preflight: bool | str = False,
    profile: str | dict[str, Any] = "litellm",
) -> dict[str, Any]:
    """
    Ensure a deployment is there as declared.

    .. versionadded:: 1.0.0

    Every argument but ``name`` is optional; one that is not given, or null, is not managed, and a
    null boolean has its default. Wrong input, with every mistake at once, a gateway that refuses
    and one that cannot be reached fail the state with one sentence. So does a mask or a
    placeholder in the place of a secret, such as Salt or :py:func:`litellm_model.export
    <saltext_litellm.modules.litellm_model.export>` print.

    name
        Name of the deployment in Salt, by which its marker on the gateway is found again.

    model_name
        The public name that clients call (string, LiteLLM's ``model_name``). Several deployments
        may share one, which balances load. Defaults to ``name``.

    custom_llm_provider
        The provider (string, ``litellm_params.custom_llm_provider``), such as ``openai``,
        ``azure`` or ``bedrock``. Needed together with ``base_model``, unless ``litellm_params``
        has a ``model``. Refused if the gateway's LiteLLM does not know it.

    base_model
        The provider's name of the model (string, ``model_info.base_model``). With the provider it
        makes ``litellm_params.model``: ``openai/gpt-4``.

    model_api_key
        The provider's API key (string, ``litellm_params.api_key``). May be an ``sdb://``
        reference. Never shown.

    model_api_base
        The base URL of the provider's API (string, ``litellm_params.api_base``).

    api_version
        The provider's API version (string, ``litellm_params.api_version``). A date, as which YAML
        reads ``2024-10-21``, is turned back into its string.

    tier
        ``free`` or ``paid`` (``model_info.tier``). Defaults to ``free``.

    mode
        What the model is for (string, ``model_info.mode``), such as ``chat``, ``completion``,
        ``embedding`` (or ``embeddings``), ``image_generation``. One that is not known is a
        warning.

    tpm
        Tokens per minute (whole number from 0 on, ``litellm_params.tpm``).

    rpm
        Requests per minute (whole number from 0 on, ``litellm_params.rpm``).

    input_cost_per_million_tokens
        Price of a million input tokens (number from 0 on, in the gateway's currency, USD as a
        rule). Stored as ``litellm_params.input_cost_per_token``, divided exactly.

    output_cost_per_million_tokens
        Price of a million output tokens, likewise (``litellm_params.output_cost_per_token``).

    aws_access_key_id
        AWS access key id (string, ``litellm_params.aws_access_key_id``). May be an ``sdb://``
        reference. Never shown.

    aws_secret_access_key
        AWS secret access key (string, ``litellm_params.aws_secret_access_key``). May be an
        ``sdb://`` reference. Never shown.

    aws_region_name
        AWS region (string, ``litellm_params.aws_region_name``).

    blocked
        Whether the deployment is paused: there, but not served (boolean, ``blocked``). ``True``
        is refused where LiteLLM is too old to know it.

    litellm_params
        Anything else of LiteLLM's ``litellm_params`` (mapping), with YAML's own types and sent as
        it is. A null is not declared; a date becomes its string; ``vertex_credentials`` given as
        a mapping is sent as a JSON string, which LiteLLM encrypts. What has an argument of its
        own may be given in one place only. Where LiteLLM means a number (a limit, a price, a
        timeout) or a boolean, anything else is refused: it saves some of it, and then serves no
        model any more.

    model_info
        Anything else of LiteLLM's ``model_info`` (mapping), likewise.

    model_id
        The row's id (string, ``model_info.id``), if it is to be a certain one, or to say which of
        several deployments is meant. That of another owner's row is refused. By default the id is
        derived from ``name``.

    verify_secrets
        Also ask the gateway whether it still has the secrets that were given to it, and repair
        them (boolean). Costs one request more; if there are secrets inside of mappings or lists,
        also one PATCH that changes nothing, in real runs only and not on LiteLLM 1.83. Defaults
        to ``False``: secrets are compared by the fingerprints in the marker.

    preflight
        Try out what is to be written before it is (boolean, or ``test``). Before a deployment is
        created, or what a call to the provider depends on is changed, such as a key or a base URL,
        LiteLLM makes one small call with the new parameters, which costs tokens. If the provider
        does not answer, nothing is written, what is there goes on serving, and the state fails
        with the provider's reason. With ``test=True`` the comment says what would be tried; with
        ``preflight: test`` it is tried then as well. A paused deployment is not tried, and what
        LiteLLM cannot try is written with a note. Defaults to ``False``.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.
    """
    arguments = {**locals(), "test": bool(__opts__["test"])}
    _open_run()
    return _result(name, lambda: __salt__["litellm_model.apply"](**arguments), words.present)


def absent(
    name: str, model_id: str | None = None, profile: str | dict[str, Any] = "litellm"
) -> dict[str, Any]:
    """
    Ensure a deployment is not there.

    .. versionadded:: 1.0.0

    What of this name belongs to another state or set, or to the gateway's own config file, is left
    alone, and the state fails and says whose it is.

    name
        Name of the state that manages it, or else its model name, if nobody owns it and that is
        unambiguous.

    model_id
        The row's id (string, ``model_info.id``), to say which of several deployments is meant.
        That of another owner's row is refused.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.
    """
    _open_run()

    def delete() -> Any:
        return __salt__["litellm_model.delete"](
            name, model_id=model_id, test=bool(__opts__["test"]), any_owner=False, profile=profile
        )

    return _result(name, delete, words.absent)


def managed(
    name: str,
    models: dict[str, Any] | list[Any] | None = None,
    defaults: dict[str, Any] | None = None,
    pillar: str | None = None,
    source: str | None = None,
    prune: bool = False,
    allow_empty: bool = False,
    verify_secrets: bool = False,
    preflight: bool | str = False,
    profile: str | dict[str, Any] = "litellm",
) -> dict[str, Any]:
    """
    Ensure a whole set of deployments is as declared.

    .. versionadded:: 1.0.0

    Everything is planned before anything is written, so that a mistake in the last model stops
    the run before it has changed the first; all mistakes are reported at once. If a model fails,
    the others are tried all the same; what fails, and what was not tried, is reported, and the
    next run does the rest. Long runs tell of their progress at the log level ``info`` and by
    events ``salt/litellm_model/<name>/progress``.

    .. code-block:: yaml

        production:
          litellm_model.managed:
            - pillar: litellm_models
            - defaults:
                custom_llm_provider: openai
                tier: paid
            - prune: True

    name
        Name of the set, which the markers of its deployments carry.

    models
        The models (mapping of names to the arguments of :py:func:`present`; or a list in
        LiteLLM's own form: ``model_name``, ``litellm_params``, ``model_info``). One of
        ``models``, ``pillar`` and ``source`` is needed.

    defaults
        Arguments of :py:func:`present` that hold for each model where it says nothing else
        (mapping).

    pillar
        The pillar key that holds the models (string, nested with ``:``), so that their secrets
        never pass through a rendered SLS.

    source
        A YAML file with LiteLLM's ``model_list``, such as the proxy's own config.yaml (``salt://``
        URL or path).

    prune
        Delete the deployments that this set owns and no longer declares (boolean). Never one
        without a marker, another set's, or the config file's. Defaults to ``False``.

    allow_empty
        Let ``prune`` delete the whole set when no model is declared (boolean). Defaults to
        ``False``: a pillar that failed to render must not empty a gateway.

    verify_secrets
        Also ask the gateway whether it still has the secrets that were given to it, and repair
        them (boolean). Costs one request more for each deployment; for each that has secrets
        inside of mappings or lists, also one PATCH that changes nothing, in real runs only and
        not on LiteLLM 1.83. Defaults to ``False``.

    preflight
        The same for each model of the set, at most four at once: see :py:func:`present` (boolean,
        or ``test``). A model that does not answer fails, the others are written. Defaults to
        ``False``.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.
    """
    arguments = {**locals(), "test": bool(__opts__["test"])}
    _open_run()
    try:
        outcome = __salt__["litellm_model.manage"](**arguments)
    except (CommandExecutionError, SaltInvocationError) as err:
        return words.result(name, False, str(err).split("\n"))
    changes = words.collapsed(outcome["changes"])
    comment = [words.summary(outcome, arguments["test"]), *words.details(outcome)]
    passed = _passed(changes, outcome.get("failures"))
    told = words.warned(words.warnings(outcome))
    return words.result(name, passed, comment, changes=changes, **told)


def mod_watch(name: str, sfun: str | None = None, **kwargs: Any) -> dict[str, Any]:
    """
    Apply a state again because something that it watches changes: ``watch`` and ``listen``.

    .. versionadded:: 1.0.0

    ``present`` and ``managed`` are applied with ``verify_secrets: True``, and so repair secrets
    that were changed on the gateway by hand; ``absent`` is applied as it is. ``watch`` does so if
    the state itself has just changed nothing, ``listen`` at the end of the run. With
    ``parallel: True`` use ``listen``: Salt does not wait for such a state before it starts it
    again for its ``watch``, and 3006 may lose its result.

    .. code-block:: yaml

        gpt-4-proxy:
          litellm_model.present:
            - custom_llm_provider: openai
            - base_model: gpt-4
            - model_api_key: {{ pillar["provider_keys"]["openai"] }}
            - listen:
              - file: /etc/litellm/provider-keys

    name
        Name of the state that watches.

    sfun
        Its function (string): ``present``, ``absent`` or ``managed``. Salt gives it.

    kwargs
        Its arguments, and what Salt gives beside them.
    """
    functions: dict[str | None, Callable[..., dict[str, Any]]]
    functions = {"present": present, "absent": absent, "managed": managed}
    function = functions.get(sfun)
    if function is None:
        comment = "mod_watch is what Salt calls for `watch` and `listen`; declare another function"
        return {"name": name, "result": False, "changes": {}, "comment": comment}
    taken = inspect.signature(function).parameters
    arguments = {key: value for key, value in kwargs.items() if key in taken}
    if "verify_secrets" in taken:
        arguments["verify_secrets"] = True
    ret = function(name, **arguments)
    if ret["result"] is not False:
        done = "It would be applied again" if __opts__["test"] else "It was applied again"
        how = " with `verify_secrets: True`" if "verify_secrets" in taken else ""
        ret["comment"] += f"\n{done}{how}, because something that it watches changes"
    return ret


def _open_run() -> None:
    """Salt puts what it knows of a run among our globals, for the time of a state."""
    run = globals()
    glue.open_run(__context__, run.get("__instance_id__"), run.get("__lowstate__") or ())


def _passed(changes: Any, failed: Any) -> bool | None:
    """The result: with ``test=True`` ``None`` if there is something to do."""
    if failed:
        return False
    return None if changes and __opts__["test"] else True


def _result(
    name: str, call: Callable[[], Any], worded: Callable[[str, Any, bool], str]
) -> dict[str, Any]:
    """Make a call and word what became of it."""
    try:
        outcome = call()
    except SaltInvocationError as err:
        return words.result(name, False, str(err).split("\n"))
    except CommandExecutionError as err:
        first, *example = str(err).split("\n")
        return words.result(name, False, [f"{name} was not changed: {first}", *example])
    changes, passed = outcome["changes"], _passed(outcome["changes"], outcome.get("failure"))
    comment = [worded(name, outcome, bool(__opts__["test"]))]
    told = words.warned(outcome.get("warnings", ()))
    return words.result(name, passed, comment, changes=changes, **told)
