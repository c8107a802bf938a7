"""``grains.items`` for a gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # Salt's loader defines them
    __resource_funcs__: dict[str, Any]


def items() -> dict[str, Any]:
    """
    Return what the gateway can be targeted by.

    CLI Example:

    .. code-block:: bash

        salt -C 'T@litellm' grains.items
    """
    return dict(__resource_funcs__["litellm.grains"]())
