"""The ``test`` functions that gateways have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # Salt's loader defines them
    __resource_funcs__: dict[str, Any]


def ping() -> bool:
    """
    Return ``True`` if the gateway answers. Its answer does not depend on the ``api_key``.

    .. versionadded:: 1.0.0

    CLI Example:

    .. code-block:: bash

        salt -C 'T@litellm' test.ping
    """
    return bool(__resource_funcs__["litellm.ping"]())
