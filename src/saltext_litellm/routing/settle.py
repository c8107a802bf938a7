"""Makes sure that writes to the router settings are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..errors import GatewayError
from ..objects.store import Store

_LOOKS = 5
OVERWRITTEN = (
    "LiteLLM has not kept it as it was written: it stores this value in another form, or another "
    "client writes router settings as well"
)

X = TypeVar("X")


def settle(
    store: Store[Any],
    refresh: Callable[[], object],
    left: Callable[[], Sequence[X]],
    write: Callable[[X], object],
) -> str | None:
    """After writes: read once, and write again what is not kept. Returns why it is not.

    LiteLLM (1.83.14 to 1.110.2) reads all router settings and writes them back, without a lock: of
    two writes at the same time, one may be lost although both are answered.

    :param refresh: Lets the worker read its database, as another one may have answered the write.
    :param left: What is not kept, by the rows as they were read.
    """
    try:
        for look in range(_LOOKS):
            store.read_again()
            if not (missing := left()):
                return None
            if look % 2 == 0:
                refresh()
                continue
            for one in missing:
                write(one)
    except GatewayError as err:
        return f"Whether LiteLLM has kept it cannot be seen: {err}"
    return OVERWRITTEN
