"""Sends the first writes of a run before their turn, so that a few of them overlap.

A large set is bound by round trips: one write after the other waits for its answer. Each write here
is to a row of its own, and its answer is looked at when its turn has come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic

from .endpoints import Endpoints
from .execute import send
from .kind import Body
from .row import R
from .steps import Create, Update

_DEPTH = 2  # so many writes for each connection: those that wait keep it busy while others are slow


@dataclass(frozen=True)
class Sent(Generic[R]):
    """A write that was sent before its turn, or that is about to be sent."""

    write: Create[R] | Update[R]
    future: Future[Body | None]

    def answer(self) -> Body | None:
        """Wait for its answer."""
        return self.future.result()


class Ahead(Generic[R]):
    """The writes of a run that may overlap. Use it as a context, and ask for each in its turn.

    So many writes are under way as the profile allows connections, each in a thread of its own. To
    open a connection takes some round trips, so each must be of use more than once.

    :param names: The names of the objects that are to be written, in the order of their turns.
    :param write_of: Returns the first write of an object, ``None`` if it must wait for its turn.
    :param view: Returns by which read of the gateway writes are planned now, ``None`` if nothing
        may be sent before its turn.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        names: Sequence[str],
        write_of: Callable[[str], Create[R] | Update[R] | None],
        view: Callable[[], int | None],
    ) -> None:
        count = min(endpoints.connections, len(names) // 2)
        self._most = count * _DEPTH if count > 1 else 0
        self._waiting = deque(names)
        self._endpoints, self._write_of = endpoints, write_of
        self._view, self._seen = view, view()
        self._sent: dict[str, Sent[R]] = {}
        self._free: SimpleQueue[Any] = SimpleQueue()
        self._threads = ThreadPoolExecutor(max(count, 1))

    def __enter__(self) -> Ahead[R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, _: TracebackType | None
    ) -> None:
        """Wait for what is under way. Nothing more is sent."""
        self._threads.shutdown(cancel_futures=True)

    def turn(self, name: str) -> Sent[R] | None:
        """Begin the turn of an object. This is also the time to send what comes after it.

        :returns: Its first write, ``None`` if that was not sent, and is not sent here any more.
        """
        if self._view() != self._seen:
            self._call_back()
        while self._waiting and len(self._sent) < self._most:
            if (view := self._view()) is None:
                break
            self._seen, other = view, self._waiting.popleft()
            if (write := self._write_of(other)) is not None:
                self._sent[other] = Sent(write, self._threads.submit(self._send, write))
        if self._waiting and self._waiting[0] == name:
            self._waiting.popleft()
        return self._sent.pop(name, None)

    def _call_back(self) -> None:
        """Let what has not begun wait again: it was planned by an older view of the gateway."""
        late = [name for name, sent in self._sent.items() if sent.future.cancel()]
        self._waiting.extendleft(reversed(late))
        for name in late:
            del self._sent[name]

    def _send(self, write: Create[R] | Update[R]) -> Body | None:
        try:
            endpoints = self._free.get_nowait()
        except Empty:
            endpoints = self._endpoints.another()
        try:
            return send(endpoints, write)
        finally:
            self._free.put(endpoints)
