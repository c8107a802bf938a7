"""
Manage the models of the gateway that a job is addressed to.

The functions are those of the minion's
:py:mod:`litellm_model <saltext_litellm.modules.litellm_model>`, without their ``profile``: it is
the one that the pillar declares for this gateway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saltext_litellm.adapter import resources
from saltext_litellm.modules import litellm_model as _minions

if TYPE_CHECKING:  # Salt's loader defines them
    __context__: dict[str, Any]
    __opts__: dict[str, Any]
    __resource__: dict[str, str]

__virtualname__ = "litellm_model"
__func_alias__ = _minions.__func_alias__
__outputter__ = _minions.__outputter__


def __virtual__() -> str:
    return __virtualname__


def _call(name: str, *args: Any, **kwargs: Any) -> Any:
    """Call a function of the minion on behalf of the gateway."""
    opts = resources.options(dict(__opts__), __resource__["id"])
    context = resources.context(opts)
    function = resources.functions(opts, context)[f"litellm_model.{__func_alias__.get(name, name)}"]
    try:
        return function(*args, **kwargs)
    finally:
        __context__["retcode"] = context.get("retcode", 0)


globals().update(resources.bound(_minions, _call, __name__))
