"""`managed`: a whole set, planned before the first write, pruned with care."""

import json

import pytest
import salt.utils.yaml

from .conftest import LIST, Api, States, sent, served_check

SECRET = "sk-managed-0123456789"


@pytest.fixture
def managed(states, name):
    """The state, its set named after the test."""

    def managed(test=False, **args):
        return states.run(("managed", {"name": f"set-{name}", **args}), test=test)

    return managed


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


def test_every_mistake_is_reported_before_anything_is_written(managed, api, recorder, name):
    declared = models(name)
    declared[f"{name}-1"]["tier"] = "gold"
    declared[f"{name}-2"]["rpm"] = -1
    declared[f"{name}-3"] = {"nonsense": 1}
    result = managed(models=declared)
    assert (result["result"], result["changes"]) == (False, {})
    for words in (
        f"{name}-1: tier must be",
        f"{name}-2: rpm must not",
        f"{name}-3: there is no arg",
    ):
        assert words in result["comment"]
    assert recorder.requests == []


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
    states = States(loaders_with({"gateways": {"models": models(name)}}), profile)
    result = states.run(("managed", {"name": name, "pillar": "gateways:models"}))
    assert result["result"] is True
    assert api.secrets(api.one(f"{name}-1")["model_info"]["id"])["api_key"] == "sk****-1"
    missing = states.run(("managed", {"name": name, "pillar": "gateways:none"}))
    assert missing["result"] is False
    assert "There is no 'gateways:none' in the pillar" in missing["comment"]


@pytest.mark.parametrize("args", [{}, {"models": {}, "pillar": "x"}])
def test_the_models_come_from_one_place(managed, recorder, args):
    result = managed(**args)
    assert result["result"] is False
    assert "exactly one of models, pillar and source" in result["comment"]
    assert recorder.requests == []


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
    recorder.fault(
        method="POST", path="/model/new", drop=True, when=lambda r: r.json["model_name"][-1] != "0"
    )
    result = managed(models=declared, prune=True)
    assert result["result"] is False
    assert set(result["changes"]) == {f"{name}-0"}
    assert result["comment"].startswith(
        "1 of 3 models was created, 1 failed, 1 was not tried, "
        "1 that is no longer declared was not deleted\n"
        f"{name}-1 was not changed: "
    )
    assert f"the gateway takes no more requests: {name}-2" in result["comment"]
    assert f"Not deleted, because a model failed: {name}-old" in result["comment"]
    assert api.one(f"{name}-old")


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


# ---------------------------------------------------------------- LiteLLM's own model_list

CONFIG = """
model_list:
  - model_name: {name}-group
    litellm_params:
      model: azure/gpt-4-eu
      api_base: https://eu.example.com/
      api_key: os.environ/AZURE_API_KEY_EU
      rpm: 6
  - model_name: {name}-group
    litellm_params:
      model: azure/gpt-4-us
      api_base: https://us.example.com/
      api_key: sk-literal-0123456789
    rpm: 9  # beside litellm_params, where LiteLLM's router takes it as well
    model_info:
      version: 2
  - model_name: "{name}/*"
    litellm_params:
      model: "openai/*"
      api_key: os.environ/OPENAI_API_KEY
  - model_name: {name}-priced
    litellm_params:
      model: openai/text-embedding-3-large
    model_info:
      id: {name}-chosen-id
      mode: embedding
      input_cost_per_token: 0.0000001
general_settings:
  master_key: sk-1234
"""


def test_a_config_file_of_the_proxy_is_converged_unchanged(managed, api, recorder, tmp_path, name):
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(name=name))
    result = managed(source=str(config))
    assert result["result"] is True, result
    group = {row["litellm_params"]["api_base"]: row for row in api.named(f"{name}-group")}
    assert set(group) == {"https://eu.example.com/", "https://us.example.com/"}
    assert group["https://us.example.com/"]["model_info"]["version"] == 2
    assert group["https://us.example.com/"]["litellm_params"]["rpm"] == 9
    assert api.one(f"{name}/*")["litellm_params"]["model"] == "openai/*"
    priced = api.one(f"{name}-priced")
    assert priced["model_info"]["id"] == f"{name}-chosen-id"
    assert priced["litellm_params"]["input_cost_per_token"] == 1e-07
    assert "tier" not in {k: v for k, v in priced["model_info"].items() if v is not None}
    recorder.clear()
    assert managed(source=str(config))["changes"] == {}
    assert sent(recorder) == [LIST]


def test_a_group_keeps_its_rows_when_its_entries_move(managed, api, name):
    entries = salt.utils.yaml.safe_load(CONFIG.format(name=name))["model_list"][:2]
    third = {
        "model_name": f"{name}-group",
        "litellm_params": {"model": "azure/gpt-4-asia", "api_key": "sk-third-0123456789"},
    }
    managed(models=[*entries, third])
    ids = {
        row["litellm_params"]["model"]: row["model_info"]["id"]
        for row in api.named(f"{name}-group")
    }
    assert managed(models=[third, *entries])["changes"] == {}
    result = managed(models=[entries[1], third], prune=True)
    assert len(result["changes"]) == 1
    del ids["azure/gpt-4-eu"]
    assert ids == {
        row["litellm_params"]["model"]: row["model_info"]["id"]
        for row in api.named(f"{name}-group")
    }
    assert managed(models=[entries[1], third], prune=True)["changes"] == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model_list: {}", "has no model_list"),
        ("other: 1", "has no model_list"),
        ("a: [1", "cannot be read as YAML in line"),
        ("- model_name: x", "x: custom_llm_provider and base_model are missing"),
        ("- litellm_params: {model: x}", "entry 1: model_name is missing"),
        ("- [1]", "entry 1: an entry must be a mapping"),
        (
            "- {model_name: x, litellm_params: {model: y}, limit: 5}",
            "x: LiteLLM's model_list has no limit",
        ),
    ],
)
def test_a_wrong_file_is_one_sentence(managed, recorder, tmp_path, text, words):
    (tmp_path / "file.yaml").write_text(text)
    result = managed(source=str(tmp_path / "file.yaml"))
    assert result["result"] is False
    assert words in result["comment"]
    assert recorder.requests == []


def test_a_file_from_the_file_server(managed, loaders, api, name):
    root = loaders.opts["file_roots"]["base"][0]
    with open(f"{root}/models.yaml", "w") as file:
        file.write(CONFIG.format(name=name))
    assert managed(source="salt://models.yaml")["result"] is True
    assert len(api.named(f"{name}-group")) == 2
    missing = managed(source="salt://none.yaml")
    assert (missing["result"], missing["comment"]) == (False, "There is no file salt://none.yaml")


# ---------------------------------------------------------------- export


@pytest.fixture
def fresh(gateway_factory, api):
    """A gateway of its own, to be emptied and rebuilt."""
    started = gateway_factory()
    return Api(started)


def comparable(rows):
    """Rows without what differs however they are made."""
    return {row["model_info"]["id"]: alike(row) for row in rows}


def alike(row):
    own = ("saltext_litellm", "id", "created_at", "created_by", "updated_at", "updated_by")
    info = {key: value for key, value in row["model_info"].items() if key not in own}
    return row["model_name"], row["litellm_params"], info


def rebuilt(rows):
    """Rows without their ids as well: an export names only those that are needed."""
    return sorted(map(repr, map(alike, rows)))


def test_an_export_adopts_and_rebuilds(fresh, loaders, loaders_with):
    login = {"url": fresh.gateway.url, "api_key": fresh.gateway.key}
    header = "Bearer header-0123456789"
    fresh.create("plain", {"api_key": "sk-plain-0123456789"})
    fresh.create("openai/*", {"model": "openai/*"})
    for region in ("eu", "us"):
        fresh.create("group", {"model": f"azure/gpt-4-{region}", "rpm": 5})
    fresh.create(
        "full",
        {
            "custom_llm_provider": "openai",
            "api_base": "https://x.example.com/{{ not jinja }}/{% nor this %}",
            "input_cost_per_token": 3e-05,
            "timeout": 600,
            "tags": ["a", "b"],
            "extra_headers": {"Authorization": header, "X-Team": "a"},
            "azure_ad_token": "token-0123456789",
        },
        {"base_model": "gpt-4", "tier": "paid", "mode": "completion", "note": {"deep": [1]}},
    )
    before = comparable(fresh.rows())
    text = loaders.modules.litellm_model.export(profile=login)
    assert "sk-plain" not in text
    assert header not in text
    assert "max_input_tokens" not in text  # it is in the cost map
    filled_in = loaders_with(
        {
            "litellm": login,
            "litellm_secrets": {
                "plain": {"model_api_key": "sk-plain-0123456789"},
                "full": {
                    "litellm_params:extra_headers:Authorization": header,
                    "litellm_params:azure_ad_token": "token-0123456789",
                },
            },
        }
    )
    with open(f"{filled_in.opts['root_dir']}/exported.sls", "w") as file:
        file.write(text)

    def apply():
        results = filled_in.modules.state.sls("exported").raw
        assert isinstance(results, dict), results
        assert all(result["result"] for result in results.values()), results
        return [result["changes"] for result in results.values()]

    adopted = apply()
    secret_words = {
        "model_api_key",
        "litellm_params:azure_ad_token",
        "litellm_params:extra_headers:Authorization",
    }
    assert len(adopted) == 5
    assert all(set(changes) <= {"owner", *secret_words} for changes in adopted)
    assert comparable(fresh.rows()) == before
    was = rebuilt(fresh.rows())
    fresh.empty()
    apply()
    assert rebuilt(fresh.rows()) == was
    assert not any(apply())
