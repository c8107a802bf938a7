"""The gateway or its database killed in the middle of an operation, and started again later.

What a state says is true, in one sentence where it fails; when the gateway is there again, one run
does the rest, and one more finds nothing to do.
"""

import contextlib
import time

import pytest
import requests

from tests.support.gateway import running_gateway
from tests.support.recorder import Recorder

from ..conftest import Api
from .operations import CREDENTIAL, KEY, ROUTING, TEAM, Interruption, operations

TABLE = "Kills"
PATIENT = 60  # seconds in which LiteLLM finds its database again
KINDS = ["create", "change", "rotation", "removal", "delete", "adoption", "set"]
COMMON = KINDS
KINDS = [*COMMON, "pinned removal", *(CREDENTIAL + kind for kind in COMMON)]
KINDS += [TEAM + kind for kind in COMMON if kind != "rotation"]
KINDS += [KEY + kind for kind in COMMON]
KINDS += ROUTING


@pytest.fixture(scope="module")
def killable():
    with running_gateway() as gateway:
        yield gateway


class Outage(Interruption):
    """A part of a gateway that is killed at one request of a run, and is away until its end."""

    def __init__(self, operation, recorder, service):
        super().__init__(operation, recorder)
        self.service = service

    def at(self, number, forwarded):
        """Kill it at a request: before that is forwarded, or before its answer is sent."""
        self.operation.prepare()
        before, others = self.operation.facts()
        numbers = iter(range(1, 1000))

        def kill(answer=None):
            self.service.kill()
            return answer

        def is_due(_):
            due = next(numbers) == number
            if due and not forwarded:
                kill()
            return due

        self.recorder.fault(when=is_due, **({"rewrite": kill} if forwarded else {}))
        result = self.run()
        self.recorder.mend()
        self.service.start()
        self._wait_until_it_reads()
        self.others_are_as(others)
        self._is_true(result, before, self.operation.facts()[0])
        self.is_mended_by_the_next_run(others)

    def _wait_until_it_reads(self):
        """LiteLLM fails or has an empty list as long as its connections are those of before."""
        deadline = time.monotonic() + PATIENT
        while not self._reads():
            assert time.monotonic() < deadline

    def _reads(self):
        with contextlib.suppress(requests.HTTPError):
            return len(self.operation.facts()[1]) >= len(self.operation.others)

    def _is_true(self, result, before, after):
        is_done = self.operation.is_done
        done = {one.name: is_done(one, after[one.name]) for one in self.operation.targets}
        assert result["result"] in (True, False)
        assert result["result"] is False or all(done.values()), (result, after)
        assert "Traceback" not in result["comment"]
        for name, (changes, words) in self.operation.told(result).items():
            if "may have been" not in words:  # changed or deleted
                assert bool(changes) is (before[name] != after[name]), (result, before, after)


@pytest.fixture
def outage_of(killable, loaders, name):
    """An outage of a part of the gateway during an operation."""
    made = []

    def make(kind, part):
        made.append(operations(Api(killable), loaders, name)[kind]())
        return Outage(made[0], recorder, getattr(killable, part))

    with Recorder(killable.url) as recorder:
        yield make
    for operation in made:
        operation.clean()


@pytest.mark.survive
@pytest.mark.parametrize("kind", KINDS)
def test_the_database_is_killed_at_each_request(outage_of, survived, kind):
    outage = outage_of(kind, "database")
    for number in range(1, len(outage.requests()) + 1):
        for forwarded in (False, True):
            outage.at(number, forwarded)
            survived(TABLE, f"database killed: {kind}")


@pytest.mark.survive
@pytest.mark.parametrize("kind", KINDS)
def test_the_gateway_is_killed_in_the_middle(outage_of, survived, kind):
    """At its first write: before it is forwarded, and when it is done but not answered."""
    outage = outage_of(kind, "proxy")
    writes = [n for n, r in enumerate(outage.requests(), 1) if r.method != "GET"]
    for forwarded in (False, True):
        outage.at(writes[0], forwarded)
        survived(TABLE, f"gateway killed: {kind}")
