"""The ``test`` functions that gateways have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # Salt's loader defines them
    __resource_funcs__: dict[str, Any]


def ping() -> bool:
    """
    Return ``True`` if the gateway answers and takes the ``api_key``. Fails with the reason if it
    does not. That of a viewer is enough.

    CLI Example:

    .. code-block:: bash

        salt -C 'T@litellm' test.ping
    """
    return bool(__resource_funcs__["litellm.ping"]())
