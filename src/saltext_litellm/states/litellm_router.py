"""
Make the router settings of LiteLLM gateways match what is declared.

.. code-block:: yaml

    routing_strategy:
      litellm_router.present:
        - value: least-busy

    retries:
      litellm_router.managed:
        - settings:
            num_retries: 3
            timeout: 60
            retry_policy:
              RateLimitErrorRetries: 5

A setting is one value: a list or a mapping is replaced whole. Others' settings are left alone.
LiteLLM stores some settings that its router then does not follow. These states are never green for
such a one. LiteLLM cannot unset a setting, so there is no ``absent``: give it another value.
Fallbacks have states of their own: ``litellm_fallback``.

They need LiteLLM 1.106 or newer: 1.83 loses settings that a write does not send. A profile says
where the gateway is and how to log in; see ``litellm_model``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import signatures, states
from saltext_litellm.adapter.sharing import open_run
from saltext_litellm.report import comments
from saltext_litellm.routing.arguments import SettingArguments, SettingsArguments

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "litellm_router"


def __virtual__() -> str:
    return __virtualname__


@states.explains_unknown
@signatures.takes(SettingArguments)
def present(given: SettingArguments) -> dict[str, Any]:
    """
    Ensure that a router setting has a value, and that the router follows it.

    If the gateway refuses something or cannot be reached, the state fails and says so in one
    sentence. A value that LiteLLM stores and its router does not follow fails too: ``… is stored,
    but LiteLLM does not act on it (the live router has …)``. LiteLLM does not show whether it
    follows ``optional_pre_call_checks``, which a note says. Other workers of the gateway follow a
    new value within half a minute.

    name
        Name of the setting (string; LiteLLM's name in ``router_settings``). Fails with ``LiteLLM
        has no router setting …``, and with ``… would be stored, but LiteLLM's router does not take
        it up from the database`` for one that it takes from its config file only, such as
        ``stream_timeout``. One that the gateway's config file has fails with ``… belongs to the
        gateway's config file``, unless it is as declared. Fallbacks fail with ``… are for
        litellm_fallback``.

    value
        Its value (a string, a number, a boolean, a list or a mapping, as LiteLLM wants it; times
        are numbers of seconds). It is whole: what a list or a mapping does not have is not there
        afterwards. Fails with ``… must be a whole number, not …`` and the like. A null fails with
        ``… LiteLLM cannot unset a router setting``, and a secret with ``… has a secret, which
        LiteLLM stores and shows in plain as a router setting``.

    profile
        Config key of the gateway (string), or a mapping with its url and api_key. Defaults to
        ``litellm``. Fails with ``The … is neither in the pillar nor in the minion's config``.
    """
    test = _begin()
    return states.result_of_one(
        given.name,
        test,
        lambda: __salt__["litellm_router.apply"](**vars(given), test=test),
        comments.present,
    )


@states.explains_unknown
@signatures.takes(SettingsArguments)
def managed(given: SettingsArguments) -> dict[str, Any]:
    """
    Ensure that several router settings have their values, and that the router follows them. What
    differs is written in one request.

    name
        Name of the state (string).

    settings
        The values by the names of the settings (mapping). Each is as in ``present``, and fails as
        there. Other settings are left alone.

    profile
        As in ``present`` (string or mapping). Defaults to ``litellm``.
    """
    test = _begin()
    return states.result_of_one(
        given.name,
        test,
        lambda: __salt__["litellm_router.manage"](**vars(given), test=test),
        comments.present,
    )


def _begin() -> bool:
    """Let the states of this run share a gateway. Returns whether the run only predicts."""
    test = bool(__opts__["test"])
    open_run(__context__, globals(), test=test)
    return test
