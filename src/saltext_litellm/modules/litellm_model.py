"""
Manage the models of LiteLLM gateways.

One function for each of the LiteLLM proxy's model endpoints, to look at a gateway and to
change it by hand. The :py:mod:`state module <saltext_litellm.states.litellm_model>` of the same
name makes a gateway's models match what an SLS file declares.

Where the gateway is and how to log in comes from a profile, which is a mapping in the pillar or
in the minion's configuration:

.. code-block:: yaml

    litellm:
      url: https://gateway.example.com
      api_key: sdb://vault/litellm/admin_key

Every function takes ``profile``: the key of another such mapping, ``litellm:prod`` for a nested
one, or the mapping itself.
"""

import contextlib

import salt.utils.sdb
from salt.exceptions import CommandExecutionError, SaltException, SaltInvocationError

from saltext_litellm.utils import deployment, identity
from saltext_litellm.utils import profile as profiles
from saltext_litellm.utils import row as rows
from saltext_litellm.utils.client import Client
from saltext_litellm.utils.errors import InvalidInput, LiteLLMError
from saltext_litellm.utils.gateway import RUN, Gateway
from saltext_litellm.utils.secrets import Fingerprinter

__virtualname__ = "litellm_model"
__func_alias__ = {"list_": "list"}


def __virtual__():
    return __virtualname__


def list_(profile="litellm"):
    """
    Return every deployment of a gateway, a short mapping each: ``model_name``, ``model_id``,
    ``model`` (the upstream one), ``provider``, ``blocked``, ``owner`` (the state that manages it)
    and ``source`` (``database``, or ``config`` for the gateway's own config file).

    .. versionadded:: 1.0.0

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.list
        salt '*' litellm_model.list profile=litellm:prod
    """
    with _sentences():
        return [rows.summary(row) for row in _gateway(profile).rows()]


def get(name=None, model_id=None, profile="litellm"):
    """
    Return one deployment as the gateway reports it, or ``None`` if there is none. Secrets are
    left out or masked.

    .. versionadded:: 1.0.0

    name
        Name of the state that manages it, or else its model name, if that is unambiguous.

    model_id
        Its id (``model_info.id``). Either this or ``name`` is needed.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.get gpt-4-proxy
        salt '*' litellm_model.get model_id=5c1ab7c6-4bd5-5a3f-9d9a-6f0b1a2c3d4e
    """
    with _sentences():
        wanted = deployment.named(name, model_id)
        gateway = _gateway(profile)
        row = identity.look_up(wanted, gateway.rows()) or gateway.unlisted(wanted)
        return None if row is None else rows.whole(row)


def plan(
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
    Return what :py:func:`apply` would do, without doing it: ``action`` (``none``, ``create`` or
    ``update``), ``model_id``, ``changes`` and, where there is something to say, ``notes``. This
    is what the state reports with ``test=True``.

    .. versionadded:: 1.0.0

    The arguments are those of
    :py:func:`litellm_model.present <saltext_litellm.states.litellm_model.present>`.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.plan gpt-4-proxy custom_llm_provider=openai base_model=gpt-4 rpm=2000
    """
    arguments = locals()
    with _sentences():
        wanted = _desired(arguments)
        return _told(_gateway(profile).plan(wanted, verify_secrets=verify_secrets), wanted)


def apply(
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
    Make a deployment as its arguments say, as the state does: create it, change what differs,
    remove what was declared before and is declared no longer. Returns what was done, in the form
    of :py:func:`plan`; ``failure`` says why the gateway is not as declared all the same.

    .. versionadded:: 1.0.0

    The arguments are those of
    :py:func:`litellm_model.present <saltext_litellm.states.litellm_model.present>`.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.apply gpt-4-proxy custom_llm_provider=openai base_model=gpt-4
    """
    arguments = locals()
    with _sentences():
        wanted = _desired(arguments)
        return _told(_gateway(profile).apply(wanted, verify_secrets=verify_secrets), wanted)


def create(
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
    Create a deployment. Fails if it is there already. Returns what was done, in the form of
    :py:func:`plan`.

    .. versionadded:: 1.0.0

    The arguments are those of
    :py:func:`litellm_model.present <saltext_litellm.states.litellm_model.present>`. A new
    deployment has no secrets to verify, so ``verify_secrets`` makes no difference here.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.create gpt-4-proxy custom_llm_provider=openai base_model=gpt-4
    """
    arguments = locals()
    with _sentences():
        wanted = _desired(arguments)
        return _told(_gateway(profile).create(wanted), wanted)


def update(
    name,
    model_name=None,
    custom_llm_provider=None,
    base_model=None,
    model_api_key=None,
    model_api_base=None,
    api_version=None,
    tier=None,
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
    Change what is given of a deployment that is there, and nothing else: what is not given keeps
    its value, and the deployment its owner. Returns what was done, in the form of
    :py:func:`plan`.

    .. versionadded:: 1.0.0

    The arguments are those of
    :py:func:`litellm_model.present <saltext_litellm.states.litellm_model.present>`, but only
    ``name`` is required, and ``tier`` has no default.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.update gpt-4-proxy rpm=2000
    """
    arguments = locals()
    with _sentences():
        wanted = _desired(arguments, partial=True)
        gateway = _gateway(profile)
        return _told(gateway.apply(wanted, partial=True, verify_secrets=verify_secrets), wanted)


def delete(name=None, model_id=None, test=False, profile="litellm"):
    """
    Delete a deployment. Returns what was done, in the form of :py:func:`plan`; the ``action`` is
    ``none`` if there is no such deployment. Those of the gateway's config file are never touched.

    .. versionadded:: 1.0.0

    name
        Name of the state that manages it, or else its model name, if that is unambiguous.

    model_id
        Its id (``model_info.id``). Either this or ``name`` is needed.

    test
        Only return what would be done. Defaults to ``False``.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.delete gpt-4-proxy
        salt '*' litellm_model.delete gpt-4-proxy test=True
    """
    with _sentences():
        wanted = deployment.named(name, model_id)
        gateway = _gateway(profile)
        return _told(gateway.plan_removal(wanted) if test else gateway.remove(wanted), wanted)


def block(name=None, model_id=None, profile="litellm"):
    """
    Pause a deployment: it stays, but is not served. Returns ``True``. Needs a LiteLLM that can
    (from mid-2026 on).

    .. versionadded:: 1.0.0

    name
        Name of the state that manages it, or else its model name, if that is unambiguous.

    model_id
        Its id (``model_info.id``). Either this or ``name`` is needed.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.block gpt-4-proxy
    """
    return _block(name, model_id, profile, True)


def unblock(name=None, model_id=None, profile="litellm"):
    """
    Serve a deployment again that was paused. Returns ``True``.

    .. versionadded:: 1.0.0

    name
        Name of the state that manages it, or else its model name, if that is unambiguous.

    model_id
        Its id (``model_info.id``). Either this or ``name`` is needed.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.unblock gpt-4-proxy
    """
    return _block(name, model_id, profile, False)


def ping(profile="litellm"):
    """
    Return ``True`` if the gateway answers. Its answer does not depend on the ``api_key``.

    .. versionadded:: 1.0.0

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.ping
    """
    with _sentences():
        return _gateway(profile).client.alive()


def version(profile="litellm"):
    """
    Return the version of the gateway's LiteLLM, ``None`` if it does not say.

    .. versionadded:: 1.0.0

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_model.version
    """
    with _sentences():
        return _gateway(profile).client.version()


def _block(name, model_id, profile, blocked):
    with _sentences():
        wanted = deployment.named(name, model_id)
        gateway = _gateway(profile)
        row = gateway.find(wanted)
        if row is None:
            raise InvalidInput(f"There is no deployment {name or model_id!r}")
        gateway.block(row, blocked)
        return True


@contextlib.contextmanager
def _sentences():
    """Turn our errors into Salt's, which it prints as one sentence."""
    try:
        yield
    except InvalidInput as err:
        raise SaltInvocationError(str(err)) from None
    except LiteLLMError as err:
        raise CommandExecutionError(str(err)) from None


def _gateway(profile):
    """The gateway of a profile: the run's own if a state has opened one, else a new one."""
    loaded = profiles.load(profile, _config, _resolve)
    run = __context__.get(RUN)
    if run is None:
        return _connect(loaded)
    if loaded not in run["gateways"]:
        run["gateways"][loaded] = _connect(loaded)
    return run["gateways"][loaded]


def _connect(loaded):
    return Gateway(Client(loaded), Fingerprinter(loaded.fingerprint_key or loaded.api_key))


def _config(key):
    # Not pillar.get, which on Salt 3008 returns asterisks to modules.
    return __salt__["config.get"](key, None)


def _resolve(value):
    """What an sdb:// reference refers to; anything else as it is."""
    if not isinstance(value, str) or not value.startswith("sdb://"):
        return value
    try:
        found = salt.utils.sdb.sdb_get(value, __opts__, strict=True)
    except SaltException as err:
        raise InvalidInput(f"Cannot resolve {value}: {err}") from None
    except Exception as err:  # noqa: BLE001 - whatever a driver may raise
        raise InvalidInput(f"Cannot resolve {value}: {type(err).__name__}") from None
    if found is None:
        raise InvalidInput(f"Cannot resolve {value}: there is nothing under this name")
    return found


def _desired(arguments, partial=False):
    return deployment.desired(arguments, _resolve, partial=partial)


def _told(outcome, wanted):
    """An outcome as a mapping of what there is to say."""
    told = {"action": outcome.action, "model_id": outcome.model_id, "changes": outcome.changes}
    more = {"notes": outcome.notes, "warnings": wanted.warnings, "failure": outcome.failure}
    told.update({key: value for key, value in more.items() if value})
    return told
