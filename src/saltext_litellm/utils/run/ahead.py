"""Sends the first writes of a run before their turn, so that a few of them overlap.

A large set is bound by round trips: one write after the other waits for its answer. Each write here
is to a row of its own, and its answer is looked at when its turn has come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from ..models.endpoints import Models
from .decide import Create, Patch

Answer = Callable[[], dict[str, Any]]  # returns the raw row, or raises what the request has raised


@dataclass(frozen=True)
class Sent:
    """A write that was sent before its turn.

    :param answer: Waits for its answer.
    """

    write: Create | Patch
    answer: Answer


def send(models: Models, write: Create | Patch) -> dict[str, Any]:
    """Send a write, and return the raw row of its answer."""
    if isinstance(write, Create):
        return models.create(write.body)
    return models.update(write.row.model_id, write.body)


class Ahead:
    """The writes of a run that may overlap. Use it as a context, and ask for each in its turn.

    So many writes are under way as the profile allows connections, each in a thread of its own. To
    open a connection takes some round trips, so each must be of use more than once.

    :param names: The names of the deployments that are to be written, in the order of their turns.
    :param write_of: Returns the first write of a deployment, ``None`` if it must wait for its turn.
    :param may_send: Whether another write may be sent now.
    """

    def __init__(
        self,
        models: Models,
        names: Sequence[str],
        write_of: Callable[[str], Create | Patch | None],
        may_send: Callable[[], bool],
    ) -> None:
        count = min(models.connections, len(names) // 2)
        self._most = count if count > 1 else 0
        self._waiting = deque(names)
        self._write_of, self._may_send = write_of, may_send
        self._sent: dict[str, Sent] = {}
        self._free: SimpleQueue[Models] = SimpleQueue()
        for _ in range(self._most):
            self._free.put(models.another())
        self._threads = ThreadPoolExecutor(max(count, 1))

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, _: TracebackType | None
    ) -> None:
        """Wait for what is under way."""
        self._threads.shutdown()

    def turn(self, name: str) -> Sent | None:
        """Begin the turn of a deployment. This is also the time to send what comes after it.

        :returns: Its first write, ``None`` if that was not sent, and is not sent here any more.
        """
        while self._waiting and len(self._sent) < self._most and self._may_send():
            other = self._waiting.popleft()
            if (write := self._write_of(other)) is not None:
                future = self._threads.submit(self._send, write)
                self._sent[other] = Sent(write, future.result)
        if self._waiting and self._waiting[0] == name:
            self._waiting.popleft()
        return self._sent.pop(name, None)

    def _send(self, write: Create | Patch) -> dict[str, Any]:
        models = self._free.get()
        try:
            return send(models, write)
        finally:
            self._free.put(models)
