"""Two jobs at once on many gateways, and a minion that is restarted in the middle of one.

`ROUNDS=20` makes more rounds.
"""

import itertools
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
import salt.payload

pytest.importorskip("salt.utils.resources", reason="Salt has resources from 3008 on")

from tests.support.fleet import result_of, returns_of, running_fleet
from tests.support.gateway import Gateway
from tests.support.recorder import Recorder

pytestmark = pytest.mark.long

ROUNDS = int(os.environ.get("ROUNDS", "3"))
NUMBER = 12
VERSIONS = ("1.106.2", "1.83.14")  # of the gateways, in turns
MANY = 50


@pytest.fixture(scope="module")
def recorders(gateway_factory):
    """In front of two gateways of different versions."""
    gateways = [gateway_factory(litellm_version=version) for version in VERSIONS]
    with Recorder(gateways[0].url) as first, Recorder(gateways[1].url) as second:
        recorders = [(first, gateways[0]), (second, gateways[1])]
        yield recorders


@pytest.fixture(scope="module")
def gateways(recorders):
    return [Gateway(recorder.url, gateway.key) for recorder, gateway in recorders]


@pytest.fixture(scope="module")
def fleet(salt_factories, gateways):
    with running_fleet(salt_factories, gateways, NUMBER) as fleet:
        yield fleet


def test_fifty_gateways_on_one_minion(salt_factories, gateways):
    with running_fleet(salt_factories, gateways, MANY) as fleet:
        for expected in (False, True):
            found = fleet.apply()
            assert set(found) == set(fleet.gateways)
            assert {one["result"] for one in found.values()} == {True}
            assert {not one["changes"] for one in found.values()} == {expected}
        assert fleet.all_limits() == fleet.expected()


def both(*found):
    """What two runs leave, by gateway."""
    return {url: {**found[0][url], **found[1][url]} for url in found[0]}


def test_two_jobs_at_once_never_take_one_gateway_for_another(fleet):
    names = list(fleet.gateways)
    for turn in range(ROUNDS):
        wanted = {"a": turn * 1000, "b": turn * 1000 + 500}
        jobs = {
            what: fleet.start(
                *("-C", "T@litellm", "state.apply", "models"),
                f"pillar={{what: {what}, more: {more}}}",
            )
            for what, more in wanted.items()
        }
        versions = fleet.returns("-C", "T@litellm", "litellm_model.version")
        for what, job in jobs.items():
            found = returns_of(job)
            assert sorted(name for name, _ in found) == sorted(names), (turn, what)
            for name, returned in found:
                result = result_of(returned)
                assert result["result"] is True, result
                assert result["name"] == f"{name}-{what}"
        assert fleet.all_limits() == both(*(fleet.expected(*one) for one in wanted.items()))
        assert sorted(versions) == sorted(zip(names, itertools.cycle(VERSIONS)))


def start_slowly(fleet, recorders):
    """Start a job that changes each gateway, and wait until it has changed one."""
    fleet.apply("pillar={more: 10000}")
    before = fleet.all_limits()
    for recorder, _ in recorders:
        recorder.fault(method="PATCH", delay=2)
    job = fleet.start(
        "-C", "T@litellm", "state.apply", "models", "pillar={more: 20000}", seconds=30
    )
    deadline = time.monotonic() + 60
    while fleet.all_limits() == before:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return job


def test_a_minion_is_restarted_in_the_middle_of_a_job(fleet, recorders):
    names = list(fleet.gateways)
    job = start_slowly(fleet, recorders)
    with fleet.minion.stopped():
        pass
    found = [(name, result_of(returned)) for name, returned in returns_of(job)]
    done = [name for name, result in found if isinstance(result, dict)]
    assert 0 < len(done) < len(names), found
    assert len(set(done)) == len(done)
    # What has returned is so, and nobody got what was another's.
    after = {
        name: limit for limits in fleet.all_limits().values() for name, limit in limits.items()
    }
    for name in names:
        allowed = (20000,) if name in done else (10000, 20000)
        assert after[f"{name}-model"] - fleet.limits[name] in allowed
    for recorder, _ in recorders:
        recorder.mend()
    fleet.wait(names)
    again = fleet.apply("pillar={more: 20000}")
    assert {name: one["result"] for name, one in again.items()} == dict.fromkeys(names, True)
    limits = {
        name: limit
        for found in fleet.all_limits().values()
        for name, limit in found.items()
        if name.endswith("-model")
    }
    assert limits == {f"{name}-model": fleet.limits[name] + 20000 for name in names}


def jobs_of(minion):
    """The processes of the jobs that a minion runs."""
    files = (Path(minion.config["cachedir"]) / "proc").iterdir()
    return [psutil.Process(salt.payload.loads(file.read_bytes())["pid"]) for file in files]


def test_a_job_writes_nothing_when_its_minion_is_gone(fleet, recorders):
    """Otherwise it would undo what a job of the next minion has done meanwhile."""
    job = start_slowly(fleet, recorders)
    left, jobs = psutil.Process(fleet.minion.pid).children(), jobs_of(fleet.minion)
    assert jobs
    os.kill(fleet.minion.pid, signal.SIGKILL)
    try:
        _, running = psutil.wait_procs(jobs, timeout=240)
    finally:
        for process in psutil.wait_procs(left, timeout=0)[1]:
            process.kill()
    limits = [limit for found in fleet.all_limits().values() for limit in found.values()]
    fleet.minion.terminate()
    fleet.minion.start()
    for recorder, _ in recorders:
        recorder.mend()
    returns_of(job)
    assert not running
    assert len([limit for limit in limits if limit > 20000]) <= 2  # one, and one that was under way
    fleet.wait(list(fleet.gateways))
    again = fleet.apply("pillar={more: 20000}")
    assert {one["result"] for one in again.values()} == {True}
