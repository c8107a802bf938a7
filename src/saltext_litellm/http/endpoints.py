"""What the endpoints of every kind have."""

from __future__ import annotations

import time
from typing import TypeVar

from ..errors import OutcomeUnknown
from .session import Session

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

    def _not_litellm(self, request: str) -> OutcomeUnknown:
        """The error of a write whose answer is from something in between."""
        return OutcomeUnknown(f"{self.url} answered {request}, but not as a LiteLLM gateway does")
