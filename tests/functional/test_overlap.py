"""Writes of a set that overlap: as many as the profile allows, and all is told as it is."""

from collections import Counter

import pytest

from tests.support.recorder import Recorder

from .conftest import Api, States, managed_set, sent

MANY, CONNECTIONS = 20, 8


def models(name, number=MANY, **more):
    declared = {"custom_llm_provider": "openai", "base_model": "gpt-4", **more}
    return {f"{name}-{n:02}": declared for n in range(number)}


@pytest.fixture
def served(api, name):
    """A gateway that serves something: on an empty one the first create is alone."""
    api.create(f"{name}-other")


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("connections", [1, None])
def test_so_many_creates_are_under_way_as_the_profile_allows(
    loaders, profile, recorder, api, name, connections
):
    recorder.fault(path="/model/new", delay=0.1)
    given = {} if connections is None else {"connections": connections}
    states = States(loaders, {**profile, **given})
    done = states.run(managed_set(name, models(name, rpm=1)))
    assert done["comment"].startswith(f"All {MANY} models were created"), done
    assert list(done["changes"]) == list(models(name))
    assert recorder.most_at_once == (connections or CONNECTIONS)
    counted = Counter(sent(recorder))
    assert counted["POST", "/model/new"] == MANY
    assert sum(counted.values()) <= MANY + 3
    assert {len(api.in_database(model)) for model in models(name)} == {1}
    recorder.clear()
    assert states.run(managed_set(name, models(name, rpm=1)))["changes"] == {}
    assert len(sent(recorder)) == 1


def test_changes_overlap_where_litellm_serves_meanwhile(
    states, recorder, api, name, gateway_can_block
):
    states.run(managed_set(name, models(name, 8, rpm=1)))
    recorder.clear()
    recorder.fault(method="PATCH", delay=0.1)
    done = states.run(managed_set(name, models(name, 8, rpm=2)))
    assert done["comment"].startswith("All 8 models were updated"), done
    assert (recorder.most_at_once > 1) is gateway_can_block  # they came together
    rows = [api.in_database(model)[0] for model in models(name, 8)]
    assert {row["litellm_params"]["rpm"] for row in rows} == {2}


def test_progress_is_told_in_order(states, name, caplog):
    caplog.set_level("INFO", logger="saltext_litellm")
    states.run(managed_set(name, models(name)))
    told = [line for line in caplog.messages if f"of {MANY}" in line]
    assert told == sorted(told, key=lambda line: int(line.split(" of ")[0].split()[-1]))


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("away", ["refuses", "is out of reach"])
def test_a_gateway_that_goes_away_in_the_middle(loaders, profile, recorder, api, name, away):
    """What was sent is told as it is, and the next run does the rest."""
    states = States(loaders, {**profile, "connections": CONNECTIONS // 2})
    number = iter(range(1000))

    def is_late(record):
        return record.path == "/model/new" and next(number) >= MANY // 2

    gone = {"status": 401, "json": {"detail": "no"}} if away == "refuses" else {"drop": True}
    recorder.fault(when=is_late, **gone)
    if away == "is out of reach":
        recorder.fault(method="GET", drop=True, when=lambda _: next(number) > MANY // 2)
    done = states.run(managed_set(name, models(name)))
    assert done["result"] is False
    made = {model for model in models(name) if api.in_database(model)}
    assert set(done["changes"]) == made
    assert 0 < len(made) < MANY
    assert "Not tried, because the gateway takes no more requests" in done["comment"]
    assert sent(recorder).count(("POST", "/model/new")) < MANY
    recorder.mend()
    again = states.run(managed_set(name, models(name)))
    assert (again["result"], set(again["changes"])) == (True, set(models(name)) - made)


@pytest.mark.long
@pytest.mark.parametrize("spread", [False, True])
def test_on_three_workers(gateway_factory, loaders, name, spread):
    gateway = gateway_factory(workers=3)
    with Recorder(gateway.url, spread=spread) as recorder:
        profile = {"url": recorder.url, "api_key": gateway.key, "retries": 0}
        states = States(loaders, profile)
        for rpm in (1, 2, 3):
            done = states.run(managed_set(name, models(name, rpm=rpm)))
            assert done["result"] is True, done
            assert len(done["changes"]) == MANY
            for _ in range(3):
                again = states.run(managed_set(name, models(name, rpm=rpm)))
                assert (again["result"], again["changes"]) == (True, {}), again
        gone = states.run(managed_set(name, {}, prune=True, allow_empty=True))
        assert len(gone["changes"]) == MANY
        assert Api(gateway).in_database(f"{name}-00") == []
