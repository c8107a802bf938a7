"""`managed` with LiteLLM's own `model_list`: as a list, and from a file that `source` names."""

import pytest
import salt.utils.yaml

from .conftest import LIST, make_loaders, sent

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
        ("model_list: {}", "must be a list, not a mapping"),
        ("other: 1", "has no model_list"),
        ("a: [1", "cannot be read as YAML in line 1: a bracket is opened there"),
        ("a: 1\na: 2", "the key a stands twice, in line 2 and in line 1 before it"),
        ("include: [none.yaml]\nmodel_list: []", "none.yaml, which "),
        ("- model_name: x", "x: custom_llm_provider and base_model are missing"),
        ("- litellm_params: {model: x}", "entry 1: model_name is missing"),
        ("- [1]", "entry 1: an entry must be a mapping"),
        (
            "- {model_name: x, litellm_params: {model: y}, modelinfo: {}}",
            "x: LiteLLM's model_list has no modelinfo (did you mean model_info?)",
        ),
    ],
)
def test_a_wrong_file_is_one_sentence(states_unasked, tmp_path, text, words):
    (tmp_path / "file.yaml").write_text(text)
    result = states_unasked.run(("managed", {"name": "s", "source": str(tmp_path / "file.yaml")}))
    assert result["result"] is False
    assert words in result["comment"]


def test_a_file_from_the_file_server(managed, loaders, api, name):
    root = loaders.opts["file_roots"]["base"][0]
    with open(f"{root}/models.yaml", "w") as file:
        file.write(CONFIG.format(name=name))
    assert managed(source="salt://models.yaml")["result"] is True
    assert len(api.named(f"{name}-group")) == 2
    missing = managed(source="salt://none.yaml")
    assert (missing["result"], missing["comment"]) == (False, "There is no file salt://none.yaml")


def entry(name, **more):
    return {"model_name": name, "litellm_params": {"model": "openai/gpt-4"}, **more}


def write(path, *names, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(salt.utils.yaml.safe_dump({"model_list": [*map(entry, names)], **more}))


def names_of(api, name):
    return sorted(row["model_name"] for row in api.all_rows() if name in row["model_name"])


# ---------------------------------------------------------------- included files


def test_models_that_move_into_an_included_file_stay(managed, api, recorder, tmp_path, name):
    config, models = tmp_path / "config.yaml", [f"{name}-{one}" for one in "abc"]
    write(config, *models)
    managed(source=str(config))
    ids = {row["model_name"]: row["model_info"]["id"] for row in api.all_rows()}
    write(config, models[0], include=["more/b.yaml"])
    write(tmp_path / "more/b.yaml", models[1], include=["c.yaml"])
    write(tmp_path / "more/c.yaml", models[2])
    recorder.clear()
    assert managed(source=str(config), prune=True)["changes"] == {}
    assert sent(recorder) == [LIST]
    assert ids == {row["model_name"]: row["model_info"]["id"] for row in api.all_rows()}


@pytest.mark.parametrize("text", [None, "", "a: [1"])
def test_an_included_file_that_cannot_be_read_deletes_nothing(
    managed, api, recorder, tmp_path, name, text
):
    config, more = tmp_path / "config.yaml", tmp_path / "more.yaml"
    write(config, f"{name}-a", include=["more.yaml"])
    write(more, f"{name}-b")
    assert managed(source=str(config), prune=True)["result"] is True
    more.unlink() if text is None else more.write_text(text)
    recorder.clear()
    for test in (True, False):
        result = managed(source=str(config), prune=True, test=test)
        assert (result["result"], result["changes"]) == (False, {})
        assert str(more) in result["comment"]
    assert recorder.requests == []
    assert names_of(api, name) == [f"{name}-a", f"{name}-b"]


# ---------------------------------------------------------------- environments


@pytest.fixture
def in_two_environments(tmp_path, profile, name):
    """Applies a `managed` state of an environment; base declares one model, dev two."""
    base, dev = tmp_path / "base", tmp_path / "dev"
    write(base / "c.yaml", f"{name}-a", include=["more.yaml"])
    write(base / "more.yaml")
    write(dev / "c.yaml", f"{name}-a", include=["more.yaml"])
    write(dev / "more.yaml", f"{name}-b")
    loaders = make_loaders(tmp_path, file_roots={"base": [str(base)], "dev": [str(dev)]})

    def run(env="dev", source="salt://c.yaml", **more):
        arguments = {"source": source, "prune": True, "profile": profile, **more}
        state = ["managed", {"name": f"set-{name}"}, *({k: v} for k, v in arguments.items())]
        returned = loaders.modules.state.high({"x": {"litellm_model": state, "__env__": env}})
        return next(iter(returned.raw.values()))

    run.modules = loaders.modules
    return run


def test_a_file_comes_from_the_environment_of_the_state(in_two_environments, api, name):
    assert in_two_environments()["result"] is True
    assert names_of(api, name) == [f"{name}-a", f"{name}-b"]
    assert in_two_environments()["changes"] == {}
    for arguments in ({"source": "salt://c.yaml?saltenv=dev"}, {"saltenv": "dev"}):
        assert in_two_environments("base", **arguments)["changes"] == {}
    missing = in_two_environments(source="salt://none.yaml")
    assert missing["comment"] == "There is no file salt://none.yaml?saltenv=dev"
    assert list(in_two_environments("base")["changes"]) == [f"{name}-b"]
    assert names_of(api, name) == [f"{name}-a"]


def test_by_hand_the_url_names_the_environment(in_two_environments, api, profile, name):
    def call(function, query):
        call = in_two_environments.modules[f"litellm_model.{function}"]
        return call(f"set-{name}", source=f"salt://c.yaml{query}", profile=profile)["created"]

    assert [len(call("plan_set", one)) for one in ("", "?saltenv=base", "?saltenv=dev")] == [
        1,
        1,
        2,
    ]
    call("manage", "?saltenv=dev")
    assert names_of(api, name) == [f"{name}-a", f"{name}-b"]


# ---------------------------------------------------------------- forecasts of what will be written


@pytest.fixture
def run(loaders, profile, name):
    """Applies other states before a `managed` one of a source; returns the result of that."""

    def run(source, *before, test=False, **more):
        high = {
            f"{number}": {
                "__env__": "base",
                "__sls__": "x",
                state: [function, *({key: value} for key, value in arguments.items())],
            }
            for number, (state, function, arguments) in enumerate(before)
        }
        arguments = {"name": f"set-{name}", "source": str(source), "profile": profile, **more}
        high["managed"] = {"litellm_model": ["managed", *({k: v} for k, v in arguments.items())]}
        returned = loaders.modules.state.high(high, test=test)
        assert isinstance(returned.raw, dict), returned
        (result,) = (one for one in returned.raw.values() if one["__id__"] == "managed")
        return result

    return run


def file_of(path, *names, **more):
    """A state that writes a file with models."""
    content = salt.utils.yaml.safe_dump({"model_list": [*map(entry, names)]})
    return ("file", "managed", {"name": str(path), "contents": content, "makedirs": True, **more})


def assert_unpredictable(result, recorder, *writers):
    assert (result["result"], result["changes"]) == (None, {})
    assert result["comment"] == (
        "What would change cannot be predicted, as the source may be written before: by "
        + ", ".join(writers)
    )
    assert recorder.requests == []


@pytest.mark.parametrize("requisites", [{}, {"require": [{"file": "0"}]}, {"watch": ["0"]}])
def test_a_file_that_is_written_first(run, api, recorder, tmp_path, name, requisites):
    config = tmp_path / "conf/config.yaml"
    before = file_of(config, f"{name}-a", f"{name}-b")
    result = run(config, before, test=True, **requisites)
    if "watch" in requisites:
        line = "It would be applied again with `verify_secrets: True`, because something that it "
        assert line in result["comment"]
        result["comment"] = result["comment"].partition("\n")[0]
    assert_unpredictable(result, recorder, "file: 0")
    assert run(config, before, **requisites)["result"] is True
    assert names_of(api, name) == [f"{name}-a", f"{name}-b"]
    # What is there now is believed again.
    assert run(config, before, test=True, **requisites)["result"] is True


def test_no_deletion_is_predicted_that_will_not_happen(run, api, recorder, tmp_path, name):
    config = tmp_path / "config.yaml"
    run(config, file_of(config, f"{name}-a", f"{name}-b"))
    write(config, f"{name}-a")  # somebody has taken one out, and Salt will put it back
    recorder.clear()
    before = file_of(config, f"{name}-a", f"{name}-b")
    assert_unpredictable(run(config, before, test=True, prune=True), recorder, "file: 0")
    assert run(config, before, prune=True)["changes"] == {}
    assert names_of(api, name) == [f"{name}-a", f"{name}-b"]


def test_an_included_file_that_is_written_first(run, recorder, tmp_path, name):
    config, more = tmp_path / "config.yaml", tmp_path / "more.yaml"
    write(config, f"{name}-a", include=["more.yaml"])
    before = file_of(more, f"{name}-b")
    assert_unpredictable(run(config, before, test=True), recorder, "file: 0")
    assert len(run(config, before)["changes"]) == 2


def test_a_file_of_the_file_server_that_is_written_first(run, loaders, recorder, name):
    root = loaders.opts["file_roots"]["base"][0]
    before = file_of(f"{root}/{name}/c.yaml", f"{name}-a")
    source = f"salt://{name}/c.yaml"
    assert_unpredictable(run(source, before, test=True), recorder, "file: 0")
    assert len(run(source, before)["changes"]) == 1


@pytest.mark.parametrize(
    ("before", "more"),
    [
        (("cmd", "run", {"name": "true", "creates": "{config}"}), {}),
        (("test", "succeed_with_changes", {"name": "any"}), {"require": [{"test": "0"}]}),
        (("test", "succeed_with_changes", {"name": "a", "require_in": ["managed"]}), {}),
    ],
)
def test_another_state_that_may_write_it(run, recorder, tmp_path, before, more):
    state, function, arguments = before
    config = tmp_path / "conf/config.yaml"
    config.parent.mkdir()
    arguments = {
        key: str(config) if value == "{config}" else value for key, value in arguments.items()
    }
    result = run(config, (state, function, arguments), test=True, **more)
    assert_unpredictable(result, recorder, f"{state}: 0")


@pytest.mark.parametrize("more", [{}, {"require": [{"file": "0"}]}])
def test_what_writes_another_file_does_not_count(run, tmp_path, name, more):
    config = tmp_path / "config.yaml"
    write(config, f"{name}-a")
    other = file_of(tmp_path / "other.yaml", contents=f"the file is {config}")
    result = run(config, other, test=True, **more)
    assert (result["result"], list(result["changes"])) == (None, [f"{name}-a"])
    # Nor does a state that has nothing to do, or one of other models.
    write(tmp_path / "other.yaml")
    done = ("file", "managed", {"name": str(config), "replace": False})
    assert list(run(config, done, test=True, **more)["changes"]) == [f"{name}-a"]


def test_a_forecast_for_a_state_that_runs_if_something_changes(run, api, tmp_path, name):
    """`prereq`: the forecast comes first, then the file, then what was forecast."""
    config = tmp_path / "config.yaml"
    before = file_of(config, f"{name}-a", prereq=[{"litellm_model": "managed"}])
    assert run(config, before)["result"] is True
    assert names_of(api, name) == [f"{name}-a"]


# ---------------------------------------------------------------- entries of strangers


def test_an_entry_of_a_stranger_is_taken_as_far_as_it_goes(managed, api, tmp_path, name):
    config = tmp_path / "config.yaml"
    config.write_text(f"""
x-params: &params
  model: openai/gpt-4
  rpm: 1
  input_cost_per_token: null
model_list:
  - model_name: {name}
    plugin: {{some: thing}}
    rpm: 7
    litellm_params:
      <<: *params
      rpm: null
    model_info:
      db_model: false
      input_cost_per_token: 0.000001
      mode: chat
""")
    result = managed(source=str(config))
    assert result["result"] is True, result
    row = api.one(name)
    assert row["litellm_params"]["rpm"] == 7
    assert row["litellm_params"]["input_cost_per_token"] == 1e-06
    assert (row["model_info"]["db_model"], row["model_info"]["mode"]) == (True, "chat")
    assert result["warnings"] == [
        f"{name}: LiteLLM's model_list has no plugin, so it is left out.",
        f"{name}: model_info:db_model is not for a set, so it is left out: LiteLLM sets it itself.",
    ]
    assert managed(source=str(config))["changes"] == {}


@pytest.mark.parametrize("place", ["entry", "model_info"])
def test_a_paused_entry(managed, api, gateway_can_block, name, place):
    if not gateway_can_block:
        pytest.skip("this LiteLLM pauses nothing")
    blocked = {"blocked": True}
    paused = entry(name, **(blocked if place == "entry" else {"model_info": blocked}))
    assert managed(models=[paused])["result"] is True
    (row,) = api.in_database(name)
    assert row["model_info"]["blocked"] is True
    assert managed(models=[paused])["changes"] == {}
    assert managed(models=[entry(name, blocked=False)])["changes"][name] == {
        "blocked": {"old": True, "new": False}
    }
