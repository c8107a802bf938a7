"""
Manage the virtual keys of the gateway that a job is addressed to.

The functions are those of the minion's
``litellm_key``, without their
``profile``: it is the one that the pillar declares for this gateway.
"""

from __future__ import annotations

from saltext_litellm.adapter import resources
from saltext_litellm.modules import litellm_key as _minions

__virtualname__ = "litellm_key"
__func_alias__ = _minions.__func_alias__
__outputter__ = _minions.__outputter__


def __virtual__() -> str:
    return __virtualname__


globals().update(resources.functions_of(_minions, __name__, globals()))
