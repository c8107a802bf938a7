"""
Manage the credentials of LiteLLM gateways.

A credential holds the keys of a provider under a name, and any number of models may name it in
their ``litellm_params``, as ``litellm_credential_name``. If its key is rotated, the next call of
each of these models uses the new one; through other workers of the gateway within half a minute.

The state module of the same name makes a gateway's credentials match what an SLS file declares. A
profile says where the gateway is and how to log in; see ``litellm_model``.

LiteLLM shows no credential from its database, but what a worker has read of it, which may be half a
minute old if another worker has changed it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import signatures
from saltext_litellm.adapter.errors import salt_errors
from saltext_litellm.adapter.execution import Minion
from saltext_litellm.adapter.functions import Functions
from saltext_litellm.credentials import kind
from saltext_litellm.credentials.arguments import CredentialArguments, CredentialSetArguments
from saltext_litellm.credentials.export import export as exported
from saltext_litellm.values import checks

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __pillar__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_credential"
__func_alias__ = {"list_": "list"}
__outputter__ = {"list_": "litellm_table", "used_by": "litellm_table"}

_FUNCTIONS = Functions(
    "litellm_credential", "credentials", kind.READER, lambda gateway: gateway.credentials
)


def __virtual__() -> str:
    return __virtualname__


def list_(
    name: str | None = None,
    owner: str | None = None,
    profile: str | dict[str, Any] = "litellm",
) -> list[dict[str, Any]]:
    """
    Return the credentials of a gateway, sorted by name. Each is a mapping:

    - ``credential_name``: its name;
    - ``display_name``: its label in LiteLLM's UI;
    - ``provider``: the ``custom_llm_provider`` in its ``credential_info``;
    - ``values``: the names of its values;
    - ``owner``: the state that manages it, ``NAME in SET`` for one of a set, ``None`` if Salt does
      not manage it;
    - ``source``: ``database``, or ``config`` for the gateway's own config file, which LiteLLM 1.83
      does not tell.

    name
        Return only those whose name matches (string, ``*`` and ``?`` are wildcards). Defaults to
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

        salt '*' litellm_credential.list
        salt '*' litellm_credential.list 'openai-*' owner='' --out=json
    """
    return _FUNCTIONS.list(_minion(), profile, kind.summary, credential_name=name, owner=owner)


def get(name: str, profile: str | dict[str, Any] = "litellm") -> dict[str, Any] | None:
    """
    Return one credential as the gateway reports it, or ``None`` if there is none. Secrets, and
    values that look like secrets, are shown as ``**********``.

    name
        Its name (string).

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if there is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_credential.get openai-prod
    """
    with salt_errors():
        row = _minion().gateway(profile).credentials.store.rows().get(checks.title("name", name))
        return None if row is None else kind.whole(row)


def used_by(name: str, profile: str | dict[str, Any] = "litellm") -> list[dict[str, Any]]:
    """
    Return the deployments that name a credential, each with its ``model_name``, its ``model_id``
    and its ``source`` (``database`` or ``config``), sorted by name.

    name
        The name of the credential (string). It need not exist.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if there is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_credential.used_by openai-prod
    """
    with salt_errors():
        deployments = _minion().gateway(profile).deployments
        return [
            {
                "model_name": row.model_name,
                "model_id": row.id,
                "source": "database" if row.from_database else "config",
            }
            for row in deployments.naming(checks.title("name", name), test=True)
        ]


@signatures.takes(CredentialArguments)
def plan(given: CredentialArguments) -> dict[str, Any]:
    """
    Return what ``apply`` would do, without doing it. The state ``present`` reports the same with
    ``test=True``. Returns a mapping:

    - ``action``: ``none``, ``create`` or ``update``;
    - ``credential_name``: its name;
    - ``changes``: ``{key: {old, new}}``, without secrets;
    - ``adopted``: ``True`` if nobody owned it so far, else the key is missing;
    - ``notes``, ``warnings`` and ``failure``, if there are any.

    The arguments are those of ``litellm_credential.present``.

    Fails if an argument is wrong, if the credential belongs to somebody else, if there is no such
    profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_credential.plan openai-prod \\
            credential_values='{api_key: "sdb://vault/openai/key"}'
    """
    return _FUNCTIONS.apply(_minion(), given, test=True)


@signatures.takes(CredentialArguments)
def apply(given: CredentialArguments, test: bool = False) -> dict[str, Any]:
    """
    Make a credential as its arguments declare it, as the state ``present`` does. Returns what was
    done, in the form of ``plan``. If the gateway is not as declared afterwards, ``failure`` says
    why. ``unknown`` is ``True`` if nobody can see whether the last write was done.

    The arguments are those of ``litellm_credential.present``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails as ``plan`` does, and if a failure left the credential as it was.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_credential.apply openai-prod \\
            credential_values='{api_key: "sdb://vault/openai/key"}' test=True
    """
    return _FUNCTIONS.apply(_minion(), given, test)


@signatures.takes(CredentialSetArguments)
def manage(given: CredentialSetArguments, test: bool = False) -> dict[str, Any]:
    """
    Converge a whole set of credentials, as the state ``managed`` does. Returns the number of
    declared ``credentials``, their ``changes``, and the names under what has become of them, with
    the keys that ``litellm_model.manage`` has.

    The arguments are those of ``litellm_credential.managed``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails before the first change if an argument or a credential is wrong, if one belongs to
    somebody else, if there is no such profile, and if the gateway cannot be reached or refuses the
    api_key. After that, ``failures`` says which credentials failed.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_credential.manage providers pillar=credentials test=True
    """
    return _FUNCTIONS.manage(_minion(), given, test)


def delete(
    name: str,
    test: bool = False,
    any_owner: bool = True,
    profile: str | dict[str, Any] = "litellm",
) -> dict[str, Any]:
    """
    Delete a credential. Returns what was done, in the form of ``plan``. The ``action`` is ``none``
    if there is no such credential.

    name
        Its name (string).

    test
        Only return what would be done (boolean). Defaults to ``False``.

    any_owner
        Also delete one that another state owns (boolean). Defaults to ``True``. The state
        ``absent`` leaves it alone.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if a deployment names it, as LiteLLM would answer the callers of that with an error: ``…
    names the credential …: change or delete it first``. Fails too if it is one of the gateway's
    config file, if there is no such profile, and if the gateway cannot be reached or refuses the
    api_key.

    CLI Example:

    .. code-block:: bash

        salt gateway-admin litellm_credential.delete openai-old
        salt gateway-admin litellm_credential.delete openai-old test=True
    """
    return _FUNCTIONS.delete(_minion(), lambda: kind.named(name), test, any_owner, profile)


def export(
    path: str | None = None,
    pillar: str | None = None,
    data: bool = False,
    overwrite: bool = False,
    profile: str | dict[str, Any] = "litellm",
    set: str | None = None,
) -> Any:
    """
    Make a file that declares the credentials of a gateway, except those of its config file. If you
    fill in the secrets and apply it to the same gateway, Salt adopts them, writes each secret once,
    and changes nothing else.

    Without ``set`` it is an SLS file with a ``present`` state for each credential and a reference
    to the pillar in the place of each secret. With ``set`` it is a pillar file with the credentials
    of one ``managed`` state. It has ``null`` in the place of each secret, which declares nothing,
    or ``**********`` for one that Salt has set, which Salt refuses until it is filled in. The head
    of either file says where to save it and what to do.

    Returns the text of the file. With ``path`` it returns the ``path``, the number of
    ``credentials``, what was ``left_out`` and why, and what to do ``next``. With ``data`` it
    returns the arguments by name.

    path
        The file to write (string, should be an absolute path). Only its owner can read it. The file
        must not exist yet, unless ``overwrite`` is ``True``. By default no file is written.

    pillar
        Without ``set``: the pillar key that the secrets are taken from (string). Defaults to
        ``litellm_credential_secrets``. With ``set``: the pillar key that the credentials are under
        (string, nested with ``:``). Defaults to ``litellm_credentials``.

    data
        Return the arguments of each credential as data instead of a file (boolean). Defaults to
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

        salt-call litellm_credential.export path=/srv/salt/credentials.sls
        salt-call litellm_credential.export path=/srv/pillar/credentials.sls set=providers
    """
    return _FUNCTIONS.export(
        _minion(),
        lambda gateway, set_: exported(gateway.credentials.store.rows(), set_),
        set=set,
        pillar=pillar,
        path=path,
        data=data,
        overwrite=overwrite,
        profile=profile,
    )


def _minion() -> Minion:
    return Minion(__opts__, __context__, __pillar__, __salt__)
