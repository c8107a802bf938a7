"""What the endpoints of every kind have."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, TypeVar

from ..errors import GatewayError, NotDone, OutcomeUnknown
from .session import Session

_NEEDS_LICENCE = ("LiteLLM Enterprise user", "Only premium users")

E = TypeVar("E", bound="GatewayEndpoints")


class GatewayEndpoints:
    """Some endpoints of one gateway, by one session.

    :ivar url: Where the gateway is.
    :ivar connections: How many connections its profile allows for writes that overlap.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.url = session.url
        self.connections = session.connections

    def another(self: E) -> E:
        """The same endpoints with another session, for another thread."""
        return type(self)(self._session.another())

    def elsewhere(self, seconds: float) -> None:
        """Wait, and let the next request open a new connection, which may reach another worker."""
        self._session.reconnect()
        time.sleep(seconds)

    def _post(self, path: str, body: Mapping[str, Any], *, repeatable: bool = True) -> Any:
        """Send a write.

        :raises NotDone: LiteLLM does that with a licence only, and has done nothing of it. So it
            may do other things.
        """
        try:
            return self._session.call("POST", path, body, repeatable=repeatable)
        except GatewayError as err:
            if any(text in str(err) for text in _NEEDS_LICENCE):
                first, *_ = str(err).split(". You must")
                raise NotDone(first, err.status) from None
            raise

    def _not_litellm(self, request: str) -> OutcomeUnknown:
        """The error of a write whose answer is from something in between."""
        return OutcomeUnknown(f"{self.url} answered {request}, but not as a LiteLLM gateway does")
