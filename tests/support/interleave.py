"""Runs several clients at once in a given order, without chance and without sleeping.

Each task has its own thread, but only one runs at a time. Another task goes on only when a task is
about to call a method of a wrapped client.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Generic, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
Wrap = Callable[[Any], Any]

# In which order a balancer meets three workers; each gets its turn.
workers = st.permutations([0, 1, 2, 0, 1, 2])
schedules = st.lists(st.integers(0, 2), max_size=40)


def balancer(order: Sequence[int], spread: bool) -> int | Callable[[], int]:
    """A connection to one worker, or one whose requests meet the workers in some order."""
    if not spread:
        return order[0]
    turns = count()
    return lambda: order[next(turns) % len(order)]


def run_interleaved(
    schedule: Sequence[int], *tasks: Callable[[Wrap], T]
) -> list[T | BaseException]:
    """Run tasks in turns, and return what each has returned or raised.

    First, each task runs to its first call. Then each number in the schedule names a task, counted
    from 0 and modulo the number of tasks. That task makes one call and goes on to its next call. If
    it has ended, its turn is skipped. After the schedule, the other tasks take turns.

    :param tasks: Each gets a function that wraps a client. If a task starts a thread, calls from
        that thread do not wait.
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
    """A thread that runs only inside `step`, from one call to the next."""

    def __init__(self, body: Callable[[Wrap], T]) -> None:
        self.ended = False
        self.result: T | BaseException
        self._body = body
        # Two locks, which are locked while somebody waits for them: cheaper than a semaphore.
        self._go, self._paused = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._paused.acquire()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def step(self) -> None:
        """Let the task run to its next call, or to its end."""
        if self.ended:
            return
        self._go.release()
        self._paused.acquire()
        if self.ended:
            self._thread.join()

    def pause(self) -> None:
        """Wait for the next turn. The task calls this."""
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
