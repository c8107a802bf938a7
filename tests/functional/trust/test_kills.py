"""A client killed at each request of each operation: the next run does the rest, once and for all.

The states run in a process of their own, which gets a SIGKILL when a request has just arrived at
the gateway's door, and so after all answers before it, or when its answer is about to be sent.
"""

import signal
import threading
from contextlib import contextmanager

import pytest

from tests.support.forked import Forked
from tests.support.recorder import Recorder

from ..conftest import MARKER
from .operations import CREDENTIAL, KEY, ROUTING, TEAM, Interruption, operations

TABLE = "Kills"
BEFORE, AFTER = "before it is forwarded", "before its answer"
KINDS = ["create", "change", "rotation", "removal", "delete", "adoption", "set"]
COMMON = KINDS
KINDS = [*COMMON, "pinned removal", *(CREDENTIAL + kind for kind in COMMON)]
KINDS += [TEAM + kind for kind in COMMON if kind != "rotation"]
KINDS += [KEY + kind for kind in COMMON]
KINDS += ROUTING


class Served:
    """Asks the gateway again and again which of our rows it serves."""

    def __init__(self, operation):
        self._operation = operation
        self.looks, self.gaps = 0, []

    @contextmanager
    def throughout(self):
        """What is served when the block begins, and is to stay, is served all the while."""
        kept = self._operation.lasting() & self._operation.served()
        over = threading.Event()

        def look():
            while not over.wait(0.01):
                self.looks += 1
                if missing := kept - self._operation.served():
                    self.gaps.append(missing)

        looking = threading.Thread(target=look)
        looking.start()
        try:
            yield
        finally:
            over.set()
            looking.join()
        assert self.looks
        assert self.gaps == []


class Kill(Interruption):
    """A client that is killed at one request."""

    def at(self, number, when):
        """Kill a client at a request, and see to all that is promised about it."""
        self.operation.prepare()
        _, others = self.operation.facts()
        with Served(self.operation).throughout():
            self._killed(number, when)
            self.others_are_as(others)
            self.is_mended_by_the_next_run(others)
            for row in self.operation.database():
                info = row[self.operation.kind.info] or {}
                assert {"tentative", "unserved"}.isdisjoint(info.get(MARKER) or ())

    def _killed(self, number, when):
        numbers, dead = iter(range(1, 1000)), threading.Event()

        def kill(answer=None):
            client.kill()
            dead.wait()
            return answer

        def is_due(_):
            due = next(numbers) == number
            if due and when is BEFORE:
                kill()
            return due

        self.recorder.clear()
        self.recorder.fault(
            when=is_due, **({"drop": True} if when is BEFORE else {"rewrite": kill})
        )
        client = Forked(lambda: self.operation.apply(self.recorder.url))
        ended = client.ended()
        dead.set()
        self.recorder.mend()
        assert ended == -signal.SIGKILL


@pytest.fixture
def trial_of(api, loaders, name):
    made = []

    def make(kind):
        made.append(operations(api, loaders, name)[kind]())
        return Kill(made[0], recorder)

    with Recorder(api.gateway.url) as recorder:
        yield make
    for operation in made:
        operation.clean()


@pytest.mark.parametrize(
    "kind", ["removal", "credential: removal", "team: removal", "key: rotation"]
)
def test_a_client_is_killed_after_each_write_of_a_removal(trial_of, survived, kind):
    trial = trial_of(kind)
    for number, request in enumerate(trial.requests(), 1):
        if request.method != "GET":
            trial.at(number, AFTER)
            survived(TABLE, f"client killed: {kind} (short)")


@pytest.mark.survive
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_a_client_is_killed_at_each_request(trial_of, survived, kind, when):
    trial = trial_of(kind)
    for number in range(1, len(trial.requests()) + 1):
        trial.at(number, when)
        survived(TABLE, f"client killed: {kind}")
