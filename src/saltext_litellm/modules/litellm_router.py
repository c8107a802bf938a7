"""
Manage the router settings of LiteLLM gateways.

They say how LiteLLM chooses among the deployments of a model, and what it does after errors:
``routing_strategy``, ``num_retries``, ``timeout``, ``allowed_fails``, ``cooldown_time``,
``model_group_alias``, ``retry_policy`` and others. LiteLLM takes and stores some settings that its
router then does not follow: ``acts`` says so of each.

The state module of the same name makes them match what an SLS file declares. A profile says where
the gateway is and how to log in; see ``litellm_model``.

LiteLLM shows the settings that a worker has read from the database, which may be half a minute old
if another worker has changed them. They can be written from LiteLLM 1.106 on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import execution, signatures
from saltext_litellm.adapter.errors import salt_errors
from saltext_litellm.adapter.execution import Minion
from saltext_litellm.objects.outcome import Options
from saltext_litellm.routing import settings
from saltext_litellm.routing.arguments import SettingArguments, SettingsArguments
from saltext_litellm.values import checks

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __pillar__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_router"
__func_alias__ = {"list_": "list"}
__outputter__ = {"list_": "litellm_table"}


def __virtual__() -> str:
    return __virtualname__


def list_(profile: str | dict[str, Any] = "litellm") -> list[dict[str, Any]]:
    """
    Return the router settings of a gateway, sorted by name, without its fallbacks. Each is a
    mapping:

    - ``setting``: its name;
    - ``value``: its value, without secrets;
    - ``source``: ``db`` for the database, ``config`` for the gateway's own config file, ``default``
      or ``unset``. LiteLLM 1.83 does not tell;
    - ``acts``: whether the router follows the value. ``False`` if LiteLLM only stores it, ``None``
      if that cannot be seen.

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if there is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_router.list --out=json
    """
    with salt_errors():
        return _minion().gateway(profile).router.listed()


def get(name: str, profile: str | dict[str, Any] = "litellm") -> dict[str, Any] | None:
    """
    Return one setting, in the form of ``list``, or ``None`` if LiteLLM shows none of this name.

    name
        Its name (string).

    profile
        Config key of the gateway, or a mapping with its url and api_key. Defaults to ``litellm``.

    Fails if there is no such profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_router.get num_retries
    """
    with salt_errors():
        checks.title("name", name)
        listed = _minion().gateway(profile).router.listed()
    return next((one for one in listed if one["setting"] == name), None)


@signatures.takes(SettingArguments)
def plan(given: SettingArguments) -> dict[str, Any]:
    """
    Return what ``apply`` would do, without doing it. The state ``present`` reports the same with
    ``test=True``. Returns a mapping:

    - ``action``: ``none`` or ``update``;
    - ``section``: ``router_settings``;
    - ``changes``: ``{setting: {old, new}}``, without secrets;
    - ``notes``, ``warnings`` and ``failure``, if there are any.

    The arguments are those of ``litellm_router.present``.

    Fails if an argument is wrong, if LiteLLM would not follow the setting, if there is no such
    profile, and if the gateway cannot be reached or refuses the api_key.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_router.plan num_retries 3
    """
    return _apply(vars(given), test=True)


@signatures.takes(SettingArguments)
def apply(given: SettingArguments, test: bool = False) -> dict[str, Any]:
    """
    Give a router setting a value, as the state ``present`` does. Returns what was done, in the form
    of ``plan``. If the gateway is not as declared afterwards, ``failure`` says why. ``unknown`` is
    ``True`` if nobody can see whether the last write was done.

    The arguments are those of ``litellm_router.present``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails as ``plan`` does, and if a failure left the setting as it was.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_router.apply routing_strategy least-busy test=True
    """
    return _apply(vars(given), test)


@signatures.takes(SettingsArguments)
def manage(given: SettingsArguments, test: bool = False) -> dict[str, Any]:
    """
    Give several router settings their values in one write, as the state ``managed`` does. Returns
    what was done, in the form of ``plan``.

    The arguments are those of ``litellm_router.managed``, and:

    test
        Only return what would be done (boolean). Defaults to ``False``.

    Fails as ``plan`` does, and if a failure left all settings as they were.

    CLI Example:

    .. code-block:: bash

        salt '*' litellm_router.manage retries settings='{num_retries: 3, timeout: 60}' test=True
    """
    return _apply(vars(given), test)


def _minion() -> Minion:
    return Minion(__opts__, __context__, __pillar__, __salt__)


def _apply(given: dict[str, Any], test: bool) -> dict[str, Any]:
    """Give settings their values. Returns the mapping for the caller."""
    minion = _minion()
    with salt_errors():
        declared = settings.declared(given, minion.resolver())
        options = Options(**execution.flags(test=(test, False)))
        gateway = minion.gateway(given["profile"])
        (outcome,) = gateway.router.apply([declared], options)
        if not outcome.written:
            execution.refuse_undone(outcome, options.test)
        return execution.result_of_one(outcome, "section", gateway.warnings)
