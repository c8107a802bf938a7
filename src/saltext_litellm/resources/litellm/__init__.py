"""
Gateways that Salt targets by name, as resources of the minion that manages them (Salt 3008).

The minion's pillar declares them. What is beside ``pillar`` is a profile; what is under it, the
gateway's states see in ``pillar``, merged over the minion's own:

.. code-block:: yaml

    resources:
      litellm:
        prod-eu:
          url: https://litellm-eu.example.com
          api_key: sdb://vault/litellm/prod-eu
          pillar:
            rpm: 5000
        prod-us:
          url: https://litellm-us.example.com
          api_key: sdb://vault/litellm/prod-us

.. code-block:: bash

    salt -C 'T@litellm' test.ping
    salt -C 'T@litellm' state.apply models test=True
    salt prod-eu litellm_model.list
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import resources

if TYPE_CHECKING:  # Salt's loader defines them
    __opts__: dict[str, Any]
    __resource__: dict[str, str]

log = logging.getLogger(__name__)


def __virtual__() -> bool:
    return True


def discover(opts: Mapping[str, Any]) -> list[str]:
    """Return the names of the gateways that the minion's pillar declares."""
    names = list(resources.declared(opts))
    if opts["id"] in names:
        # Salt (3008.4, saltstack/salt#69867): the minion would skip its own jobs.
        log.error("The gateway %s is left out: the minion has the same id", opts["id"])
        names.remove(opts["id"])
    return names


def init(opts: Mapping[str, Any]) -> None:
    """Nothing is to be set up: each call reads the pillar, and connects for itself."""


def initialized() -> bool:
    """Return whether ``init`` was called, as Salt wants to know."""
    return True


def shutdown(opts: Mapping[str, Any]) -> None:
    """Nothing is to be closed."""


def grains() -> dict[str, Any]:
    """
    Return what a gateway can be targeted by: its ``id``, ``litellm_url``, ``litellm_version``,
    ``litellm_database`` (whether it has one) and ``litellm_deployments`` (how many it lists).
    They are asked of the gateway once in ten minutes at most.
    """
    return resources.grains(dict(__opts__), __resource__["id"])


def ping() -> bool:
    """Return ``True`` if the gateway answers and takes its key."""
    return resources.ping(dict(__opts__), __resource__["id"])
