"""
Make the models of LiteLLM gateways match what is declared.

Salt compares and changes only what is declared. It removes what was declared before and is not
declared any more. It leaves everything else alone, in a deployment and on the gateway. There is no
state file: each run reads the gateway's database once.

A profile says where the gateway is and how to log in; see the execution module.

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

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import file_server, signatures, states
from saltext_litellm.adapter.sharing import open_run
from saltext_litellm.models.arguments import DeploymentArguments, SetArguments
from saltext_litellm.report import comments

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_model"


def __virtual__() -> str:
    return __virtualname__


@states.explains_unknown
@signatures.takes(DeploymentArguments)
def present(given: DeploymentArguments) -> dict[str, Any]:
    """
    Ensure that a deployment exists as declared.

    ``name`` is required. The model is required too, as ``custom_llm_provider`` with
    ``base_model``, or as a ``model`` in ``litellm_params``. An argument that is null, or not given
    and without a default, is not managed; a null ``verify_secrets``, ``preflight`` or ``verify`` is
    ``False``.

    name
        Name of the deployment in Salt and in its marker (string). Fails with ``… must not be longer
        than … characters`` or ``… must not have control characters``.

    model_name
        The public name that clients call (string like ``name``; LiteLLM's ``model_name``).
        Several deployments may share one, which balances load. Defaults to ``name``.

    custom_llm_provider
        The provider (string; ``litellm_params.custom_llm_provider``), such as ``openai``,
        ``azure`` or ``bedrock``. Fails without ``base_model``, with ``… needs … too, or
        litellm_params with a model``, and if LiteLLM on the gateway does not know it, with ``The
        gateway's LiteLLM does not know the provider …``.

    base_model
        The provider's name for the model (string; ``model_info.base_model``). Provider and base
        model together make ``litellm_params.model``, such as ``openai/gpt-4``. Fails without
        ``custom_llm_provider``.

    model_api_key
        The provider's API key (string; ``litellm_params.api_key``). A secret.

    model_api_base
        The base URL of the provider's API (string; ``litellm_params.api_base``). A URL without
        ``https://`` or ``http://`` is sent as given, with a warning.

    api_version
        The provider's API version (string; ``litellm_params.api_version``). YAML reads
        ``2024-10-21`` as a date; it is sent as a string.

    tier
        ``free`` or ``paid`` (string; ``model_info.tier``). Defaults to ``free``. Else it fails:
        ``tier must be free or paid, not …``.

    mode
        What the model is for (string; ``model_info.mode``), such as ``chat``, ``completion`` or
        ``embedding`` (``embeddings`` too). An unknown one is sent, with the warning ``unknown mode
        …; written as given``.

    tpm
        Tokens per minute (whole number from 0 on; ``litellm_params.tpm``).

    rpm
        Requests per minute (whole number from 0 on; ``litellm_params.rpm``).

    input_cost_per_million_tokens
        Price of a million input tokens (number from 0 on, in the gateway's currency, usually USD).
        Stored as ``litellm_params.input_cost_per_token``, divided exactly.

    output_cost_per_million_tokens
        Price of a million output tokens (number from 0 on, likewise). Stored as
        ``litellm_params.output_cost_per_token``, divided exactly.

    aws_access_key_id
        AWS access key id (string; ``litellm_params.aws_access_key_id``). A secret.

    aws_secret_access_key
        AWS secret access key (string; ``litellm_params.aws_secret_access_key``). A secret.

    aws_region_name
        AWS region (string; ``litellm_params.aws_region_name``).

    blocked
        Whether the deployment is paused: there, but not served (boolean; ``blocked``). ``True``
        fails with LiteLLM 1.83: ``The gateway's LiteLLM is too old to block deployments``.

    litellm_params
        Any other keys of LiteLLM's ``litellm_params`` (mapping). The values are sent as they are,
        with YAML's own types, except these: a null is not declared; a date becomes a string; a
        mapping in ``vertex_credentials`` becomes a JSON string, which LiteLLM encrypts, and JSON
        there may be spelt in any way, else it fails with ``… is no JSON: …``. A key that
        an argument declares too fails with ``… and … say the same thing: keep one``. If LiteLLM
        expects a number (a limit, a price, a timeout) or a boolean, any other value fails: LiteLLM
        saves some wrong values, and then serves no model any more. A ``model`` fails too if
        LiteLLM does not know its provider, which stands before the first slash or is
        ``custom_llm_provider``.

    model_info
        Any other keys of LiteLLM's ``model_info`` (mapping), by the same rules. ``id``,
        ``blocked``, the marker, and what LiteLLM sets itself (``db_model``, ``created_at``, …) fail
        with ``…:… cannot be declared: …``, and prices with ``… is dropped by LiteLLM: it belongs in
        …``.

    model_id
        The row's id (string; ``model_info.id``), to choose that of a new row, or to say which of
        several deployments is meant. Derived from ``name`` by default. Fails if it
        ``cannot stand in a URL``, and for another owner's row:
        ``… belongs to …, and is left alone``. LiteLLM can create and delete a row whose id has a
        slash, but not change it: ``… would have to change (…), but …``.

    verify_secrets
        Also check that the gateway still has the secrets that Salt gave it, and repair them
        (boolean). This takes one more request, and for secrets inside mappings or lists one PATCH,
        which changes nothing, in real runs only and not with LiteLLM 1.83. Defaults to ``False``:
        secrets are compared only by the fingerprints in the marker.

    preflight
        Try the deployment before it is written, by one small call to the provider, which costs
        tokens (boolean, or ``test``). This is done before a deployment is created, and before a
        parameter changes that calls depend on, such as a key or a base URL. If the provider does
        not answer, nothing is written, the old deployment goes on serving, and the state fails with
        the provider's reason. With ``test=True`` it is tried only with ``preflight: test``. A
        paused deployment is not tried. One that LiteLLM cannot try is written, with a note. An
        embedder needs its ``mode``. Defaults to ``False``. Any other value fails with ``… must be
        true, false or test, not …``.

    verify
        After a write, let LiteLLM check the deployment's health, by one call to the provider, which
        costs tokens (boolean). It is done where ``preflight`` would try. If the check fails, the
        state fails with ``It was written, but LiteLLM's health check has failed: …``; what was
        written stays. The check is a small chat call, unless ``mode`` says otherwise. A model that
        thinks first needs ``health_check_max_tokens`` in ``model_info``, a slow one
        ``health_check_timeout``, a wildcard ``health_check_model``. If the check cannot be made, it
        fails with ``It was written, but its health could not be checked: …``. Defaults to
        ``False``.

    profile
        Config key of the gateway (string), or a mapping with its url and api_key. Defaults to
        ``litellm``. Fails with ``The … is neither in the pillar nor in the minion's config``.

    **What goes wrong:** If the gateway refuses something or cannot be reached, the state fails and
    says so in one sentence. If arguments are wrong, it fails before anything is written, and names
    all of them:

    - a string: ``… must be a string, not …``, ``… must not be empty``, ``… has a line break inside:
      it must be one line``, and ``… has … instead of a value`` for a template, a variable, ``None``
      or ciphertext. Spaces and line breaks at its ends are left out, with a warning;
    - a secret, which may be an ``sdb://`` reference, also after a word such as ``Bearer``, and is
      never shown, also: ``… is a mask or a placeholder, not a secret``, ``Cannot resolve …``;
    - a number: ``… must be a number, not …``, ``… must not be negative, but is …``; a whole
      number, also: ``… must be a whole number, not …``, ``… is too large: …``;
    - a boolean: ``… must be true or false, not …``;
    - a mapping: ``… must be a mapping, not …``.
    """
    test = bool(__opts__["test"])
    _open_run()

    def apply() -> Any:
        return __salt__["litellm_model.apply"](**vars(given), test=test)

    return states.result_of_one(given.name, test, apply, comments.present)


@states.explains_unknown
def absent(
    name: str, model_id: str | None = None, profile: str | dict[str, Any] = "litellm"
) -> dict[str, Any]:
    """
    Ensure that a deployment does not exist.

    A deployment of this name is left alone if it belongs to another state or set, or to the
    gateway's own config file. Then the state fails, with ``… is still there: …, and is left alone``
    or ``… is still served: the gateway's config file defines it (…)``.

    name
        Name of the state that manages it (string), or else its model name, if nobody owns it. If
        several have that name, the state fails: ``Several deployments …: …; say which one is
        meant, as …``.

    model_id
        The row's id (string; ``model_info.id``), to say which of several deployments is meant.
        Fails as in ``present``.

    profile
        As in ``present`` (string or mapping). Defaults to ``litellm``.
    """
    test = bool(__opts__["test"])
    _open_run()

    def delete() -> Any:
        return __salt__["litellm_model.delete"](
            name, model_id=model_id, test=test, any_owner=False, profile=profile
        )

    return states.result_of_one(name, test, delete, comments.absent)


@states.explains_unknown
@signatures.takes(SetArguments)
def managed(given: SetArguments) -> dict[str, Any]:
    """
    Ensure that a whole set of deployments is as declared.

    The run plans all models before it writes anything, so a mistake in the last model stops it
    before it changes the first one. All mistakes are reported at once. If a model fails, the run
    goes on with the others. It reports which models failed and which were not tried, and the next
    run does the rest. A long run reports its progress at the log level ``info``, and by events
    ``salt/litellm_model/<name>/progress``.

    .. code-block:: yaml

        production:
          litellm_model.managed:
            - pillar: litellm_models
            - defaults:
                custom_llm_provider: openai
                tier: paid
            - prune: True

    name
        Name of the set (string). The marker of each of its deployments has this name. Fails as in
        ``present``.

    models
        The models (mapping of names to the arguments of ``present``; or a list in LiteLLM's own
        form: ``model_name``, ``litellm_params``, ``model_info``). A wrong model fails as in
        ``present``, and the message begins with its name. Not declared by default, but
        ``exactly one of models, pillar and source is needed``.

    defaults
        Arguments of ``present`` for each model that does not declare them itself (mapping). By
        default none. Any other fails with ``there is no argument …``.

    pillar
        The pillar key that has the models (string, nested with ``:``), so that no rendered SLS has
        their secrets. Fails with ``There is no … in the pillar``.

    source
        A YAML file with LiteLLM's ``model_list``, such as the proxy's own config.yaml, with what it
        includes (string: ``salt://`` URL or absolute path). A URL is looked up in the environment
        of the state, unless it ends in ``?saltenv=NAME``. Fails with ``There is no file …``,
        ``… cannot be read as YAML in line …`` or ``… has no model_list``. With ``test=True`` the
        result is ``None`` and nothing is predicted if a state that comes before may write the file.

    prune
        Delete the deployments that this set owns and does not declare any more, and no others
        (boolean). Defaults to ``False``.

    allow_empty
        Let ``prune`` delete the whole set if no model is declared (boolean). Defaults to ``False``,
        so that a pillar that failed to render empties no gateway: ``… declares no models, and prune
        would delete all of the set``.

    verify_secrets
        As in ``present``, with its requests for each deployment (boolean). Defaults to ``False``.

    preflight
        Try each model before it is written, at most four at once (boolean, or ``test``); see
        ``present``. If a model does not answer, it fails, and the others are written. Defaults to
        ``False``.

    verify
        Check the health of each model that was written, at most four at once (boolean); see
        ``present``. Defaults to ``False``.

    profile
        As in ``present`` (string or mapping). Defaults to ``litellm``.
    """
    test = bool(__opts__["test"])
    _open_run()
    given = replace(given, source=file_server.in_saltenv(given.source, globals().get("__env__")))
    if test and (writers := states.source_writers(given.source, __opts__, globals())):
        return comments.result(given.name, None, [comments.unpredictable(writers)])
    return states.result_of_set(
        given.name,
        test,
        "model",
        "model_id",
        lambda: __salt__["litellm_model.manage"](**vars(given), test=test),
    )


def mod_watch(name: str, sfun: str | None = None, **kwargs: Any) -> dict[str, Any]:
    """
    Apply a state again because something that it watches has changed. Salt calls this for
    ``watch`` and ``listen``.

    ``present`` and ``managed`` are applied with ``verify_secrets: True``, so they repair secrets
    that somebody has changed on the gateway. ``absent`` is applied as it is. ``watch`` applies the
    state again if the state itself has just changed nothing, ``listen`` does so at the end of the
    run. With ``parallel: True`` use ``listen``: Salt starts such a state a second time for its
    ``watch`` before the first has ended, and 3006 may lose its result.

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
        Its function (string): ``present``, ``absent`` or ``managed``. Salt passes it.

    kwargs
        Its arguments, and what else Salt passes.
    """
    functions = {"present": present, "absent": absent, "managed": managed}
    return states.apply_again(functions, name, sfun, kwargs, bool(__opts__["test"]))


def _open_run() -> None:
    """Let the states of this run share a gateway. Salt sets these globals while a state runs."""
    open_run(__context__, globals(), test=bool(__opts__["test"]))
