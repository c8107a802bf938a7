"""``sys.doc`` for a gateway."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import salt.utils.doc

if TYPE_CHECKING:  # Salt's loader defines them
    __salt__: dict[str, Callable[..., Any]]

__virtualname__ = "sys"


def __virtual__() -> str:
    return __virtualname__


def doc(*names: str) -> dict[str, str]:
    """
    Return the documentation of what gateways have: of modules, of functions, or of all.

    CLI Example:

    .. code-block:: bash

        salt prod-eu sys.doc
        salt prod-eu sys.doc litellm_model state.apply
    """
    texts = {
        name: function.__doc__ or ""
        for name, function in __salt__.items()
        if not names or name in names or name.partition(".")[0] in names
    }
    return dict(salt.utils.doc.strip_rst(texts))
