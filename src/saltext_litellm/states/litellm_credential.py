"""
Make the credentials of LiteLLM gateways match what is declared.

A credential holds the keys of a provider under a name. Models name it in their ``litellm_params``,
as ``litellm_credential_name``, instead of having a key each. A rotated key is one write, and the
next call of every model that names the credential uses it; through other workers of the gateway
within half a minute.

.. code-block:: yaml

    openai-prod:
      litellm_credential.present:
        - credential_values:
            api_key: sdb://vault/openai/prod
        - credential_info:
            custom_llm_provider: openai

    gpt-4-proxy:
      litellm_model.present:
        - custom_llm_provider: openai
        - base_model: gpt-4
        - litellm_params:
            litellm_credential_name: openai-prod
        - require:
          - litellm_credential: openai-prod

Salt compares and changes only what is declared, and removes what was declared before and is not
declared any more, as it does with models. A profile says where the gateway is and how to log in;
see ``litellm_model``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import signatures, states
from saltext_litellm.adapter.sharing import open_run
from saltext_litellm.credentials.arguments import CredentialArguments, CredentialSetArguments
from saltext_litellm.report import comments

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_credential"


def __virtual__() -> str:
    return __virtualname__


@states.explains_unknown
@signatures.takes(CredentialArguments)
def present(given: CredentialArguments) -> dict[str, Any]:
    """
    Ensure that a credential exists as declared.

    An argument that is null or not given is not managed. If the gateway refuses something or cannot
    be reached, the state fails and says so in one sentence. If arguments are wrong, it fails before
    anything is written, and names all of them.

    name
        Name of the credential (string; LiteLLM's ``credential_name``), by which models name it. One
        that nobody owns is taken over; one of another owner fails with
        ``… belongs to …, and is left alone``. Fails with
        ``… must not be longer than … characters``.

    credential_values
        What LiteLLM hands to the provider (mapping; ``credential_values``), such as ``api_key``,
        ``api_base`` or ``api_version``. Each value is managed by itself; others' values stay. Any
        may be an ``sdb://`` reference. LiteLLM does not resolve ``os.environ/`` references here, so
        they fail: ``… has an os.environ/ reference, which LiteLLM would not resolve: …``. A secret
        is never shown. It must be a text that stands directly in the mapping, as LiteLLM encrypts
        nothing else: ``… is a secret inside a mapping or a list, which LiteLLM shows and does not
        encrypt: make it a text that stands directly in credential_values``. A mapping in
        ``vertex_credentials`` becomes a JSON string. A new credential needs at least one value:
        ``credential_values is missing: …``. A value that is not declared any more is removed in
        place by LiteLLM 1.106 and newer; with 1.83 the credential is deleted and created at once,
        and the state fails if that would lose a secret of somebody else.

    credential_info
        What is known of it (mapping; ``credential_info``), such as ``custom_llm_provider``, which
        LiteLLM's UI shows. LiteLLM shows it as it is, so a secret in it fails: ``… is a secret,
        or named like one, but LiteLLM shows credential_info and does not encrypt it: it belongs in
        credential_values``.
        The marker of this extension is in it. A key that is not declared any more becomes null.

    display_name
        Its label in LiteLLM's UI (string of up to 255 characters; ``display_name``). Fails with
        LiteLLM 1.83, which has none: ``The gateway's LiteLLM is too old for display_name``. One
        that is not declared any more becomes null.

    verify_secrets
        Let LiteLLM read its database anew even if nothing seems to differ (boolean), as a worker
        shows what it has read up to half a minute ago. Before a change that is done anyway. It
        takes up to four requests, one of them a PATCH of a model that changes nothing, in real runs
        only and not with LiteLLM 1.83. LiteLLM shows the first and last two characters of a secret,
        which are always compared. Defaults to ``False``.

    profile
        Config key of the gateway (string), or a mapping with its url and api_key. Defaults to
        ``litellm``. Fails with ``The … is neither in the pillar nor in the minion's config``.
    """
    test = _begin()
    return states.result_of_one(
        given.name,
        test,
        lambda: __salt__["litellm_credential.apply"](**vars(given), test=test),
        comments.present,
    )


@states.explains_unknown
def absent(name: str, profile: str | dict[str, Any] = "litellm") -> dict[str, Any]:
    """
    Ensure that a credential does not exist.

    The state fails as long as a model names the credential, and lists these models: ``… names the
    credential …: change or delete it first``. LiteLLM would delete it all the same, and answer the
    callers of these models with an error. It also fails if the credential belongs to another state
    or set, or to the gateway's own config file.

    name
        Name of the credential (string).

    profile
        As in ``present`` (string or mapping). Defaults to ``litellm``.
    """
    test = _begin()
    return states.result_of_one(
        name,
        test,
        lambda: __salt__["litellm_credential.delete"](
            name, test=test, any_owner=False, profile=profile
        ),
        comments.absent,
    )


@states.explains_unknown
@signatures.takes(CredentialSetArguments)
def managed(given: CredentialSetArguments) -> dict[str, Any]:
    """
    Ensure that a whole set of credentials is as declared.

    The run plans all credentials before it writes anything. All mistakes are reported at once. If
    a credential fails, the run goes on with the others.

    .. code-block:: yaml

        providers:
          litellm_credential.managed:
            - pillar: litellm_credentials
            - prune: True

    name
        Name of the set (string). The marker of each of its credentials has this name. Fails as in
        ``present``.

    credentials
        The credentials (mapping of names to the arguments of ``present``). A wrong one fails as in
        ``present``, and the message begins with its name. Not declared by default, but
        ``exactly one of credentials and pillar is needed``.

    defaults
        Arguments of ``present`` for each credential that does not declare them itself (mapping). By
        default none. Any other fails with ``there is no argument …``.

    pillar
        The pillar key that has the credentials (string, nested with ``:``), so that no rendered SLS
        has their secrets. Fails with ``There is no … in the pillar``.

    prune
        Delete the credentials that this set owns and does not declare any more, and no others
        (boolean). One that a model names is not deleted, and the state fails. So if its models stop
        naming it in the same run, prune in a second state after theirs. Defaults to ``False``.

    allow_empty
        Let ``prune`` delete the whole set if no credential is declared (boolean). Defaults to
        ``False``: ``… declares no credentials, and prune would delete all of the set``.

    verify_secrets
        As in ``present``, once for the whole set (boolean). Defaults to ``False``.

    profile
        As in ``present`` (string or mapping). Defaults to ``litellm``.
    """
    test = _begin()
    return states.result_of_set(
        given.name,
        test,
        "credential",
        "credential_name",
        lambda: __salt__["litellm_credential.manage"](**vars(given), test=test),
    )


def mod_watch(name: str, sfun: str | None = None, **kwargs: Any) -> dict[str, Any]:
    """
    Apply a state again because something that it watches has changed. Salt calls this for
    ``watch`` and ``listen``.

    ``present`` and ``managed`` are applied with ``verify_secrets: True``. ``absent`` is applied as
    it is. ``watch`` applies the state again if the state itself has just changed nothing,
    ``listen`` does so at the end of the run.

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
