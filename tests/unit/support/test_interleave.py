"""The order of calls is the one that was asked for, and nothing can get stuck."""

import threading
import time

import pytest

from tests.support.interleave import run_interleaved


class Log:
    """A client that notes who calls it."""

    size = 3

    def __init__(self):
        self.calls = []

    def call(self, who, step=0):
        self.calls.append(f"{who}{step}")
        return step

    def fail(self):
        raise ValueError("refused")


def task(log, who, calls):
    def body(wrap):
        client = wrap(log)
        return [client.call(who, step=step) for step in range(calls)]

    return body


@pytest.mark.parametrize(
    ("schedule", "calls"),
    [
        ([], "a0 b0 a1 b1 a2 b2"),
        ([1, 1, 0, 1], "b0 b1 a0 b2 a1 a2"),
        ([0, 0, 0, 0, 0, 1], "a0 a1 a2 b0 b1 b2"),  # the turns of one that has ended are skipped
        ([3, 2, -1], "b0 a0 b1 a1 b2 a2"),  # any number will do
    ],
)
def test_the_schedule_is_the_order_of_the_calls(schedule, calls):
    log = Log()
    results = run_interleaved(schedule, task(log, "a", 3), task(log, "b", 3))
    assert results == [[0, 1, 2], [0, 1, 2]]
    assert log.calls == calls.split()


def test_only_one_runs_at_a_time():
    running, together = [], []

    def body(wrap):
        client = wrap(Log())
        for _ in range(5):
            running.append(1)
            time.sleep(0.001)
            together.append(len(running))
            running.pop()
            client.call("x")

    run_interleaved([0, 1, 2, 2, 1, 0], body, body, body)
    assert set(together) == {1}


def test_errors_are_returned_and_hold_nobody_up():
    log, threads = Log(), threading.active_count()

    def refused(wrap):
        wrap(log).fail()

    def at_once(wrap):
        raise SystemExit(3)

    def nothing(wrap):
        return wrap(log).size  # no method, so no turn

    results = run_interleaved([0, 1, 3, 3], refused, at_once, nothing, task(log, "a", 2))
    assert [type(result) for result in results] == [ValueError, SystemExit, int, list]
    assert results[2:] == [3, [0, 1]]
    assert threading.active_count() == threads
    assert run_interleaved([0, 1]) == []


def test_a_thread_of_a_task_does_not_wait_for_turns():
    log = Log()

    def body(wrap):
        client = wrap(log)
        helper = threading.Thread(target=client.call, args=("helper",))
        helper.start()
        helper.join(5)
        return helper.is_alive(), client.call("own")

    assert run_interleaved([0], body, task(log, "b", 1)) == [(False, 0), [0]]
    assert log.calls == ["helper0", "own0", "b0"]


def test_a_run_is_fast():
    started = time.perf_counter()
    for _ in range(20):
        run_interleaved([0, 1] * 20, task(Log(), "a", 20), task(Log(), "b", 20))
    assert (time.perf_counter() - started) / 20 < 0.02  # mostly 0.001 s; this machine is shared
