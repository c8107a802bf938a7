"""
Manage the whole gateway that a job is addressed to.

The functions are those of the minion's ``litellm_gateway``, without their ``profile``: it is the
one that the pillar declares for this gateway.
"""

from __future__ import annotations

from saltext_litellm.adapter import resources
from saltext_litellm.modules import litellm_gateway as _minions

__virtualname__ = "litellm_gateway"
__func_alias__ = _minions.__func_alias__
__outputter__ = _minions.__outputter__


def __virtual__() -> str:
    return __virtualname__


globals().update(resources.functions_of(_minions, __name__, globals()))
