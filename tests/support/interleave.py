"""Run several clients at once, in an order that is given: no chance, and no sleeping.

Each task runs in a thread of its own, but only one at a time, and control passes on only when a
task is about to call a method of a wrapped client.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Wrap = Callable[[Any], Any]


def run_interleaved(
    schedule: Sequence[int], *tasks: Callable[[Wrap], T]
) -> list[T | BaseException]:
    """Run tasks in turns and return what each has returned or raised.

    All of them first run up to their first call. Then each number of the schedule lets a task,
    counted from 0 and modulo their number, make one call and go on to its next. Turns of a task
    that has ended are skipped. After the schedule, those that are left take turns.

    :param tasks: Each is given a function that wraps a client. Calls from a thread that a task
        starts itself do not wait for a turn.
    """
    runs = [_Task(task) for task in tasks]
    for run in runs:
        run.step()
    for turn in schedule if runs else ():
        runs[turn % len(runs)].step()
    while not all(run.ended for run in runs):
        for run in runs:
            run.step()
    return [run.result for run in runs]


class _Task(Generic[T]):
    """A thread that runs only within `step`, from one call to the next."""

    def __init__(self, body: Callable[[Wrap], T]) -> None:
        self.ended = False
        self.result: T | BaseException
        self._body = body
        # Two locks, always held by the one who waits: cheaper than a semaphore.
        self._go, self._paused = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._paused.acquire()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def step(self) -> None:
        """Let it go on to its next call, or to its end."""
        if self.ended:
            return
        self._go.release()
        self._paused.acquire()
        if self.ended:
            self._thread.join()

    def pause(self) -> None:
        """Wait for the next turn; called by the task."""
        if threading.current_thread() is self._thread:
            self._paused.release()
            self._go.acquire()

    def _run(self) -> None:
        self._go.acquire()
        try:
            self.result = self._body(lambda client: _Wrapped(client, self.pause))
        except BaseException as err:  # noqa: BLE001  # it is the caller's to judge
            self.result = err
        self.ended = True
        self._paused.release()


class _Wrapped:
    """A client whose public methods wait for a turn before they act."""

    def __init__(self, client: Any, pause: Callable[[], None]) -> None:
        self._client = client
        self._pause = pause

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        if name.startswith("_") or not callable(value):
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            self._pause()
            return value(*args, **kwargs)

        return call
