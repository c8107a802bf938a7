"""
Make the models of LiteLLM gateways match what is declared.

Only what is declared is compared and changed; what was declared before and is declared no longer
is removed; anything else, in a deployment and on the gateway, is left alone. What there is to
decide by is read from the gateway itself, once a run: there is no state file.

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

from salt.exceptions import CommandExecutionError, SaltInvocationError

from saltext_litellm.utils.gateway import RUN

__virtualname__ = "litellm_model"

# How a result is worded, when it is done and when it would be.
_WORDS = {
    "none": ("is as declared", "is as declared"),
    "create": ("was created", "would be created"),
    "update": ("was updated", "would be updated"),
    "delete": ("was deleted", "would be deleted"),
}


def __virtual__():
    return __virtualname__


def present(
    name,
    model_name=None,
    custom_llm_provider=None,
    base_model=None,
    model_api_key=None,
    model_api_base=None,
    api_version=None,
    tier="free",
    mode=None,
    tpm=None,
    rpm=None,
    input_cost_per_million_tokens=None,
    output_cost_per_million_tokens=None,
    aws_access_key_id=None,
    aws_secret_access_key=None,
    aws_region_name=None,
    blocked=None,
    litellm_params=None,
    model_info=None,
    model_id=None,
    verify_secrets=False,
    profile="litellm",
):
    """
    Ensure a deployment is there as declared.

    .. versionadded:: 1.0.0

    Every argument but ``name`` is optional; one that is not given is not managed. Wrong input, a
    gateway that refuses or one that cannot be reached fail the state with one sentence.

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
        own may be given in one place only.

    model_info
        Anything else of LiteLLM's ``model_info`` (mapping), likewise.

    model_id
        The row's id (string, ``model_info.id``), if it is to be a certain one, or to say which of
        several deployments is meant. By default the id is derived from ``name``.

    verify_secrets
        Also ask the gateway whether it still has the secrets that were given to it, and repair
        them (boolean; one request more). Defaults to ``False``: secrets are compared by the
        fingerprints in the marker.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.
    """
    arguments = locals()
    _open_run()
    verb = "plan" if __opts__["test"] else "apply"
    return _result(name, lambda: __salt__[f"litellm_model.{verb}"](**arguments))


def absent(name, model_id=None, profile="litellm"):
    """
    Ensure a deployment is not there.

    .. versionadded:: 1.0.0

    A deployment of the gateway's own config file cannot be removed from here: it is left alone,
    and the state fails and says so.

    name
        Name of the state that manages it, or else its model name, if that is unambiguous.

    model_id
        The row's id (string, ``model_info.id``), to say which of several deployments is meant.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.
    """
    _open_run()

    def delete():
        return __salt__["litellm_model.delete"](
            name, model_id=model_id, test=__opts__["test"], profile=profile
        )

    return _result(name, delete, nothing="is absent")


def _open_run():
    """Let the states of a run share what they read of a gateway.

    Only a state does so, and only for its own run: what an earlier run, or a call by hand, has
    read may be out of date.
    """
    run_id = globals().get("__instance_id__")
    if run_id is None:
        __context__.pop(RUN, None)
    elif __context__.get(RUN, {}).get("run") != run_id:
        __context__[RUN] = {"run": run_id, "gateways": {}}


def _result(name, call, nothing="is as declared"):
    """Make a call and word what became of it."""
    ret = {"name": name, "result": True, "changes": {}, "comment": ""}
    try:
        outcome = call()
    except (CommandExecutionError, SaltInvocationError) as err:
        return {**ret, "result": False, "comment": str(err)}
    failure, warnings = outcome.get("failure"), outcome.get("warnings")
    done, pending = _WORDS[outcome["action"]]
    ret["changes"] = outcome["changes"]
    if __opts__["test"] and outcome["changes"]:
        ret["result"] = None
    if failure:
        ret["result"] = False
    what = nothing if outcome["action"] == "none" else pending if __opts__["test"] else done
    sentences = [f"{name} {what}", *outcome.get("notes", ()), failure]
    ret["comment"] = ". ".join(filter(None, sentences))
    if warnings:
        ret["warnings"] = list(warnings)
    return ret
