"""
Watch whether the models of LiteLLM gateways are as declared, and fire an event when that changes.

Each interval the beacon plans sets of models, as the state ``litellm_model.managed`` does with
``test=True``. It reads the gateway and writes nothing. A minion runs it only if it is configured.

.. code-block:: yaml

    beacons:
      litellm:
        - interval: 60
        - disable_during_state_run: True
        - sets:
            production:
              pillar: litellm_models

Events begin with ``salt/beacon/MINION/litellm/``, and their data have the name of the ``set``:

``drift/SET``
    A state run would change something. The data have how many ``models`` are declared and how many
    are ``differing``, and their names by what would be done: ``created``, ``adopted``, ``updated``,
    ``deleted``; and those that ``failed``, which no run can put right by itself. Values and secrets
    are not in there. Fired once, and again when the drift has become another one.

``converged/SET``
    All is as declared again, after one of the other events.

``unreachable/SET``
    The gateway cannot be reached, or it refuses or fails what it is asked; ``reason`` says why.
    Fired once, until something else is found.

``error/SET``
    What is declared, or the profile, is wrong or is not there; ``reason`` says why. Fired once for
    each reason.

What was fired last is kept in the minion's cache, so it is not fired again after a restart or
after the pillar was refreshed.

The minion does nothing else while a beacon runs. So the gateway is asked with a ``timeout`` of 5
seconds and without ``retries``, whatever its profile says, and a gateway that has not answered for
one set is not asked for the others in the same interval.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import salt.cache
import salt.utils.beacons
from salt.exceptions import CommandExecutionError, SaltInvocationError

from saltext_litellm.adapter.errors import Unavailable
from saltext_litellm.errors import InvalidInput
from saltext_litellm.http import profile as profiles
from saltext_litellm.report import drift

if TYPE_CHECKING:  # Salt's loader defines them
    __opts__: dict[str, Any]
    __salt__: dict[str, Callable[..., Any]]

log = logging.getLogger(__name__)

__virtualname__ = "litellm"


def __virtual__() -> str:
    return __virtualname__


def validate(config: Any) -> tuple[bool, str]:
    """
    Return whether the configuration of the beacon is valid, and every mistake in it, a line each.

    config
        What stands under ``beacons:litellm`` (list of mappings).
    """
    # Salt takes the whole entry of a setting of its own away, with what else is in it.
    if not isinstance(config, list) or not all(
        isinstance(one, Mapping) and len(one) == 1 for one in config
    ):
        return False, "The configuration of the beacon must be a list: a dash before each setting"
    try:
        drift.check(salt.utils.beacons.list_to_dict(config))
    except InvalidInput as err:
        return False, "\n".join(err.mistakes)
    return True, "Valid beacon configuration"


def beacon(config: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """
    Look at each set, and return the events that are due.

    sets
        The sets to watch (mapping of their names, as they are in the states, to mappings). Each
        has ``pillar``, the key that holds the models, and as far as the state has them
        ``defaults``, ``prune``, ``allow_empty`` and ``profile``, with the same meaning.

    interval
        Seconds between two looks (number). Needed.

    timeout
        Seconds that a request may take (number). Defaults to ``5``.

    retries
        How often a request is sent again that got no answer (whole number). Defaults to ``0``.

    repeat
        Seconds after which an event is fired again if it still holds (number); never one of
        ``converged``. By default it is not.

    disable_during_state_run, enabled, beacon_module
        Salt's own: see its documentation of beacons.
    """
    settings = salt.utils.beacons.list_to_dict(config)
    cache, bank = salt.cache.factory(__opts__), f"beacons/litellm/{__opts__['id']}"
    events: list[dict[str, Any]] = []
    down: list[tuple[Any, drift.Found]] = []  # profiles of gateways that have not answered
    for name, declared in settings["sets"].items():
        profile = _with_short_timeout(declared.get("profile", profiles.DEFAULT), settings)
        known = next((found for one, found in down if one == profile), None)
        found = known or _look(name, {**declared, "profile": profile})
        if found.what == drift.UNREACHABLE:
            down.append((profile, found))
        key = hashlib.sha256(f"{settings.get('_beacon_name')}/{name}".encode()).hexdigest()
        now = time.time()
        if drift.is_news(_fetched(cache, bank, key), found, now, settings.get("repeat")):
            cache.store(bank, key, drift.record(found, now))
            events.append({"tag": f"{found.what}/{name}", "set": name, **found.data})
            if "reason" in found.data:
                log.warning("%s/%s: %s", found.what, name, found.data["reason"])
    return events


def _with_short_timeout(profile: Any, settings: Mapping[str, Any]) -> Any:
    """A profile that does not hold the minion up. One that is missing is left to be refused."""
    found = __salt__["config.get"](profile, None) if isinstance(profile, str) else profile
    if not isinstance(found, Mapping):
        return profile
    hurry = {"timeout": drift.TIMEOUT, "retries": drift.RETRIES}
    return {**found, **{key: settings.get(key, value) for key, value in hurry.items()}}


def _look(name: str, arguments: Mapping[str, Any]) -> drift.Found:
    """What there is to say of a set. Whatever goes wrong, the minion and other sets go on."""
    try:
        return drift.of_plan(__salt__["litellm_model.manage"](name, **arguments, test=True))
    except Unavailable as err:
        return drift.Found(drift.UNREACHABLE, {"reason": str(err)})
    except (CommandExecutionError, SaltInvocationError) as err:
        reason = str(err)
    except Exception as err:  # noqa: BLE001 - whatever it is, the next look may go well
        reason = type(err).__name__  # what it says may have a value in it
    return drift.Found(drift.ERROR, {"reason": reason}, reason)


def _fetched(cache: Any, bank: str, key: str) -> Any:
    """What is kept of the last event of a set."""
    try:
        return cache.fetch(bank, key)
    except Exception:  # noqa: BLE001 - a broken file of any kind, which the next event replaces
        return None
