"""What a run needs of the endpoints of a kind."""

from __future__ import annotations

from typing import Protocol, TypeVar

from .kind import Body

E = TypeVar("E", bound="Endpoints")


class Endpoints(Protocol):
    """The endpoints of a kind on one gateway.

    :ivar url: Where the gateway is.
    :ivar connections: How many connections its profile allows for writes that overlap.
    """

    url: str
    connections: int

    def another(self: E) -> E:
        """The same endpoints with another session, for another thread."""

    def elsewhere(self, seconds: float) -> None:
        """Wait, and let the next request open a new connection, which may reach another worker."""

    def create(self, body: Body) -> Body | None:
        """Create a row. Returns it as it is stored, ``None`` if LiteLLM does not say.

        :raises AlreadyThere: The database refused it.
        :raises OutcomeUnknown: The row may exist: look before trying again.
        """

    def update(self, row_id: str, body: Body, /) -> Body | None:
        """Merge a body into a row, and return what :meth:`create` does.

        :raises NotInDatabase: There is no such row.
        :raises OutcomeUnknown: It may have been done.
        """

    def delete(self, row_id: str, /) -> bool:
        """Delete a row; ``False`` if there is none.

        :raises OutcomeUnknown: The row may still exist.
        """
