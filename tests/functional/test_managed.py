"""`managed`: a whole set, planned before the first write, pruned with care."""

import json
import threading

import pytest

from .conftest import LIST, MODEL, States, managed_set, sent, served_check

SECRET = "sk-managed-0123456789"


def models(name, count=3, **more):
    """A mapping of models, each with a limit of its own."""
    return {
        f"{name}-{n}": {
            "custom_llm_provider": "openai",
            "base_model": "gpt-4",
            "model_api_key": f"{SECRET}-{n}",
            "rpm": n,
            **more,
        }
        for n in range(count)
    }


def test_a_set_is_created_and_then_rests(managed, api, recorder, name):
    declared = models(name)
    predicted = managed(test=True, models=declared)
    assert predicted["result"] is None
    assert "All 3 models would be created" in predicted["comment"]
    assert not api.named(f"{name}-0")
    created = managed(models=declared)
    assert (created["result"], created["changes"]) == (True, predicted["changes"])
    assert set(created["changes"]) == set(declared)
    assert created["changes"][f"{name}-1"]["rpm"] == {"old": None, "new": 1}
    assert SECRET not in json.dumps(created)
    assert [api.one(model)["litellm_params"]["rpm"] for model in declared] == [0, 1, 2]
    recorder.clear()
    again = managed(models=declared)
    assert (again["result"], again["changes"]) == (True, {})
    assert sent(recorder) == [LIST]
    assert managed(test=True, models=declared)["result"] is True


def test_one_changed_costs_a_read_and_a_write(managed, recorder, name, gateway_can_block):
    declared = models(name)
    managed(models=declared)
    declared[f"{name}-1"]["rpm"] = 100
    recorder.clear()
    result = managed(models=declared)
    assert result["changes"] == {f"{name}-1": {"rpm": {"old": 1, "new": 100}}}
    assert result["comment"] == "1 of 3 models was updated, 2 are as declared"
    methods = [record.method for record in recorder.requests]
    assert methods == ["GET", "PATCH", *served_check(gateway_can_block)]


def test_defaults_hold_where_a_model_says_nothing(managed, api, name):
    result = managed(
        defaults={
            "custom_llm_provider": "openai",
            "base_model": "gpt-4",
            "tier": "paid",
            "rpm": 7,
            "litellm_params": {"timeout": 30, "extra_headers": {"X-A": "a", "X-B": "b"}},
        },
        models={
            f"{name}-plain": None,
            f"{name}-own": {
                "tier": "free",
                "base_model": "gpt-4o",
                "litellm_params": {"rpm": 8, "extra_headers": {"X-B": "own"}},
            },
        },
    )
    assert result["result"] is True, result
    plain, own = api.one(f"{name}-plain"), api.one(f"{name}-own")
    assert (plain["model_info"]["tier"], plain["litellm_params"]["rpm"]) == ("paid", 7)
    assert (own["model_info"]["tier"], own["litellm_params"]["rpm"]) == ("free", 8)
    assert own["litellm_params"]["model"] == "openai/gpt-4o"
    assert own["litellm_params"]["timeout"] == 30
    assert own["litellm_params"]["extra_headers"] == {"X-A": "a", "X-B": "own"}


def test_every_mistake_is_reported_before_anything_is_sent(states_unasked, name):
    declared = models(name)
    declared[f"{name}-1"]["tier"] = "gold"
    declared[f"{name}-2"]["rpm"] = -1
    declared[f"{name}-3"] = {"nonsense": 1}
    result = states_unasked.run(managed_set(name, declared))
    assert (result["result"], result["changes"]) == (False, {})
    for words in (
        f"{name}-1: tier must be",
        f"{name}-2: rpm must not",
        f"{name}-3: there is no arg",
    ):
        assert words in result["comment"]


def test_an_unknown_provider_stops_the_whole_set(managed, api, name):
    declared = models(name)
    declared[f"{name}-2"]["custom_llm_provider"] = "no-such-provider"
    result = managed(models=declared)
    assert result["result"] is False
    assert f"{name}-2: The gateway's LiteLLM does not know" in result["comment"]
    assert not api.named(f"{name}-0")


def test_prune_deletes_what_the_set_no_longer_declares_and_nothing_else(managed, states, api, name):
    foreign = api.create(f"{name}-foreign")
    states.present(f"{name}-state")
    states.run(("managed", {"name": f"other-{name}", "models": models(f"{name}-other")}))
    declared = models(name)
    managed(models=declared)
    del declared[f"{name}-1"]
    assert managed(models=declared)["changes"] == {}
    assert api.one(f"{name}-1")
    predicted = managed(test=True, models=declared, prune=True)
    assert predicted["result"] is None
    assert api.one(f"{name}-1")
    result = managed(models=declared, prune=True)
    assert result["changes"] == predicted["changes"]
    assert list(result["changes"]) == [f"{name}-1"]
    assert "1 that is no longer declared was deleted" in result["comment"]
    assert not api.named(f"{name}-1")
    left = {row["model_info"]["id"] for row in api.rows()}
    assert foreign in left
    assert api.one(f"{name}-state")
    assert api.one(f"{name}-other-2")


@pytest.mark.parametrize("empty", [{}, []])
def test_an_empty_set_is_not_pruned_by_accident(managed, api, name, empty):
    managed(models=models(name))
    result = managed(models=empty, prune=True)
    assert (result["result"], result["changes"]) == (False, {})
    assert "allow_empty" in result["comment"]
    assert api.one(f"{name}-0")
    result = managed(models=empty, prune=True, allow_empty=True)
    assert len(result["changes"]) == 3
    assert not api.named(f"{name}-0")


def test_models_from_pillar(loaders_with, profile, api, name):
    pillar = {"gateways": {"models": models(name), "empty": None}}
    states = States(loaders_with(pillar), profile)
    result = states.run(("managed", {"name": name, "pillar": "gateways:models"}))
    assert result["result"] is True
    assert api.secrets(api.one(f"{name}-1")["model_info"]["id"])["api_key"] == "sk****-1"
    missing = states.run(("managed", {"name": name, "pillar": "gateways:none"}))
    assert missing["result"] is False
    assert "There is no 'gateways:none' in the pillar" in missing["comment"]
    empty = states.run(("managed", {"name": name, "pillar": "gateways:empty"}))
    assert empty["result"] is False
    assert empty["comment"] == "'gateways:empty' in the pillar is empty: if that is meant, write {}"


@pytest.mark.parametrize("args", [{}, {"models": {}, "pillar": "x"}])
def test_the_models_come_from_one_place(states_unasked, args):
    result = states_unasked.run(("managed", {"name": "s", **args}))
    assert result["result"] is False
    assert "exactly one of models, pillar and source" in result["comment"]


def test_a_failure_half_way_is_told_and_finished_by_the_next_run(managed, api, recorder, name):
    declared = models(name)
    reason = {"error": {"message": "not today"}}
    recorder.fault(
        method="POST",
        path="/model/new",
        when=lambda record: record.json["model_name"] == f"{name}-1",
        status=400,
        json=reason,
        times=1,
    )
    result = managed(models=declared)
    assert result["result"] is False
    assert set(result["changes"]) == {f"{name}-0", f"{name}-2"}
    summary, *details = result["comment"].split("\n")
    assert summary == "2 of 3 models were created, 1 failed"
    assert details[0].startswith(f"{name}-1 was not changed: ")
    assert "not today" in details[0]
    result = managed(models=declared)
    assert (result["result"], set(result["changes"])) == (True, {f"{name}-1"})


def test_a_gateway_that_goes_away_ends_the_run(managed, api, recorder, name):
    declared = models(name)
    managed(models={f"{name}-old": declared[f"{name}-0"]})
    gone = threading.Event()

    def is_gone(record):
        if record.path == "/model/new" and record.json["model_name"] == f"{name}-1":
            gone.set()
        return gone.is_set()

    recorder.fault(drop=True, when=is_gone)
    result = managed(models=declared, prune=True)
    assert result["result"] is False
    assert set(result["changes"]) == {f"{name}-0"}
    assert (
        "1 may have been changed or not, 1 was not tried, "
        "1 that is no longer declared was not deleted\n"
    ) in result["comment"]
    assert f"{name}-1 may have been changed or not: " in result["comment"]
    assert f"the gateway takes no more requests: {name}-2" in result["comment"]
    assert f"Not deleted, because a model failed: {name}-old" in result["comment"]
    assert api.one(f"{name}-old")


def test_a_write_that_breaks_off_and_was_not_done_ends_no_run(managed, api, recorder, name):
    recorder.fault(drop=True, when=lambda r: r.json and r.json["model_name"] == f"{name}-1")
    result = managed(models=models(name))
    assert result["result"] is False
    assert set(result["changes"]) == {f"{name}-0", f"{name}-2"}
    assert result["comment"].startswith(
        f"2 of 3 models were created, 1 failed\n{name}-1 was not changed: "
    )
    assert [bool(api.in_database(f"{name}-{n}")) for n in range(3)] == [True, False, True]


def test_a_state_of_its_own_moves_into_the_set(managed, states, api, name):
    states.present(f"{name}-0", rpm=0, model_api_key=f"{SECRET}-0")
    model_id = api.one(f"{name}-0")["model_info"]["id"]
    result = managed(models=models(name, 1))
    assert list(result["changes"][f"{name}-0"])[-1] == "owner"
    assert api.one(f"{name}-0")["model_info"]["id"] == model_id
    assert managed(models=models(name, 1))["changes"] == {}


def test_a_row_is_adopted_by_one_of_those_that_share_its_name(managed, api, name):
    row = api.create(name)
    entry = {"model_name": name, "litellm_params": {"model": "openai/gpt-4"}}
    declared = {"a": entry, "b": entry}
    predicted = managed(test=True, models=declared)
    result = managed(models=declared)
    assert (result["result"], result["changes"]) == (True, predicted["changes"])
    rows = api.named(name)
    owners = {one["model_info"]["saltext_litellm"]["name"]: one["model_info"]["id"] for one in rows}
    assert set(owners) == {"a", "b"}
    assert len(rows) == 2
    assert owners["a"] == row
    assert managed(models=declared)["changes"] == {}


def test_a_row_that_is_asked_for_by_its_id_is_not_adopted_by_another(managed, api, name):
    row = api.create(name)
    entry = {"model_name": name, "litellm_params": {"model": "openai/gpt-4"}}
    declared = {"a": entry, "b": {**entry, "model_id": row}}
    assert managed(models=declared)["result"] is True
    rows = {one["model_info"]["id"]: one["model_info"] for one in api.named(name)}
    assert len(rows) == 2
    assert rows[row]["saltext_litellm"]["name"] == "b"
    assert managed(models=declared)["changes"] == {}


def test_a_row_that_goes_to_another_model_is_not_pruned(managed, api, name):
    entry = {"model_name": name, "litellm_params": {"model": "openai/gpt-4"}, "model_id": name}
    managed(models={"before": entry})
    result = managed(models={"after": entry}, prune=True)
    assert set(result["changes"]) == {"after"}
    assert api.one(name)["model_info"]["saltext_litellm"]["name"] == "after"
    assert managed(models={"after": entry}, prune=True)["changes"] == {}


def test_a_group_that_cannot_be_told_apart_is_one_sentence_for_each(managed, api, recorder, name):
    ids = {api.create(name), api.create(name)}
    entry = {"model_name": name, "litellm_params": {"model": "openai/gpt-4"}}
    recorder.clear()
    result = managed(models=[entry, {**entry, "litellm_params": {"model": "azure/gpt-4"}}])
    assert result["result"] is False
    assert f"{name}: Several deployments are named" in result["comment"]
    assert f"{name} #2: Several deployments are named" in result["comment"]
    assert all(one in result["comment"] for one in ids)
    assert sent(recorder) == [LIST]


def test_progress_is_logged(managed, name, caplog):
    caplog.set_level("INFO", "saltext_litellm")
    managed(models=models(name))
    assert f"set-{name}: 3 of 3 done" in caplog.text


def test_a_first_converge_of_an_empty_gateway(
    gateway_factory, recorder_for, loaders, gateway_can_block
):
    gateway = gateway_factory()
    recorder = recorder_for(gateway)
    states = States(loaders, {"url": recorder.url, "api_key": gateway.key})
    models = {f"model-{n}": {**MODEL, "rpm": n} for n in range(20)}
    result = states.run(("managed", {"name": "all", "models": models}))
    assert (result["result"], len(result["changes"])) == (True, 20)
    # That an older LiteLLM serves what it saved is looked up once.
    assert len(sent(recorder)) <= 20 + 3 + (not gateway_can_block)
    for prune in (False, True):
        recorder.clear()
        rests = states.run(("managed", {"name": "all", "models": models, "prune": prune}))
        assert (rests["result"], rests["changes"]) == (True, {})
        assert len(sent(recorder)) == 1
