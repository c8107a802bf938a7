"""`export`: every row of a gateway as a state, in a file that Salt renders to the same values."""

import os
import stat

import pytest
import salt.utils.yaml
from salt.exceptions import CommandExecutionError, SaltInvocationError

# Names and values that YAML, Jinja or Salt might take for something else. Without the line breaks
# of Unicode, behind which LiteLLM puts spaces of its own (1.106.2).
ODD = [
    *("no", "1.10", "null", "~", "0x1F", "2024-10-21", "include", "__hidden", ".relative"),
    *("{{ jinja }}", "{{{", "}}", "{% raw %}", "{# comment #}", "{%- x", "# hash", "a # b"),
    *("say 'hi'", 'say "hi"', "back\\slash", "two\nlines", "tab\there", "a: b", "- a", "&a *b"),
    *(
        "ünïcödé 模型",
        "\U0001f600 face",
        "a_|-b",
        "a.b.c",
        "x/y",
        "%s",
        "@at",
        "|",
        ">",
    ),
]


@pytest.fixture
def made(api):
    """Creates rows and deletes them when the test is over, whatever they are called."""
    ids = []

    def create(*args, **kwargs):
        ids.append(api.create(*args, **kwargs))
        return ids[-1]

    yield create
    for model_id in ids:
        api.delete(model_id)


def state_in_head(text):
    """The SLS that the head of an exported pillar file says to save."""
    lines = text.partition("\n\n")[0].splitlines()
    return "\n".join(line[1:] for line in lines if line.startswith("#      "))


def salted(loaders_with, folder, text, pillar, set_):
    """Loaders of a minion to which an export was given as its head says."""
    salt = loaders_with(pillar)
    if set_ is None:
        (folder / "models.sls").write_text(text)
        return salt
    (folder / "models.sls").write_text(state_in_head(text))
    (folder / "pillar/exported.sls").write_text(text)
    (folder / "pillar/top.sls").write_text("base: {'*': [data, exported]}")
    salt.reload_all()
    return salt


@pytest.mark.parametrize("set_", [None, pytest.param("production", marks=pytest.mark.long)])
def test_odd_names_and_values_come_back_as_they_were(
    modules, api, made, loaders_with, profile, name, tmp_path, set_
):
    ids = {}
    for number, odd in enumerate(ODD):
        params = {"api_key": f"sk-{name}-{number}", "my_value": odd, "my_values": [odd, {odd: odd}]}
        model_name = odd if odd.isprintable() else f"{name}-{number}"  # no state may be named so
        model_id = made(model_name, params, {"note": {"deep": odd}})
        ids[model_id] = (model_name, params["api_key"])
    told = modules("export", path=str(tmp_path / "exported.sls"), set=set_)
    assert "left_out" not in told
    found = modules("export", data=True, set=set_)
    assert {model_name for model_name, _ in ids.values()} <= found.keys()
    secrets = {model_name: {"model_api_key": key} for model_name, key in ids.values()}
    before = {row["model_info"]["id"]: row for row in api.rows()}
    text = (tmp_path / "exported.sls").read_text()
    pillar = {"litellm": profile, "litellm_secrets": secrets}
    salt = salted(loaders_with, tmp_path, text, pillar, set_)
    planned = salt.modules.state.sls("models", test=True).raw
    assert isinstance(planned, dict), planned
    done = salt.modules.state.sls("models").raw
    assert isinstance(done, dict), done
    for results, pending in ((planned, None), (done, True)):
        assert all(result["result"] is pending for result in results.values()), results
        changes = {one["name"]: one["changes"] for one in results.values()}
        if set_ is None:
            # LiteLLM does not give a key, so that it must be written once to be known.
            assert all(set(changes[one]) == {"owner", "model_api_key"} for one in secrets), changes
        else:  # which declares no secret before it is filled in
            (changes,) = changes.values()
            assert all(changes[one].startswith("owner: None -> ") for one in secrets), changes
            assert "model_api_key" not in str(changes)
    after = {row["model_info"]["id"]: row for row in api.rows()}
    for model_id, (model_name, _) in ids.items():
        was, now = before[model_id], after[model_id]
        assert (was["model_name"], now["model_name"]) == (model_name, model_name)
        assert was["litellm_params"] == now["litellm_params"]
        assert was["model_info"]["note"] == now["model_info"]["note"]


def test_what_another_owner_has_is_named_and_refused(
    modules, api, loaders_with, profile, name, tmp_path
):
    modules("manage", f"{name}-set", models={name: {"litellm_params": {"model": "openai/gpt-4"}}})
    before = api.one(name)
    text = modules("export")
    assert f"so Salt refuses them here:\n# - {name}: " in text
    salt = salted(loaders_with, tmp_path, text, {"litellm": profile, "litellm_secrets": {}}, None)
    (result,) = salt.modules.state.sls_id(name, "models").raw.values()
    assert result["result"] is False
    assert "belongs to" in result["comment"]
    assert api.named(name) == [before]
    # To its own set it is as declared.
    text = modules("export", set=f"{name}-set")
    assert "refuses them" not in text


# What LiteLLM's cost map or its defaults say as well, what is empty, and what reads do not show.
SAME_AS_LITELLM = {
    "custom_llm_provider": "openai",
    "base_model": "text-embedding-3-small",
    "tier": "paid",
    "mode": "embedding",
    "input_cost_per_million_tokens": 0.02,
    "output_cost_per_million_tokens": 0,
    "blocked": False,
    "model_api_base": "os.environ/UNSET_API_BASE",
    "model_api_key": "os.environ/UNSET_API_KEY",
    "litellm_params": {"use_litellm_proxy": False, "drop_params": False, "extra_body": {}},
    "model_info": {"max_input_tokens": 8191, "limits": {}, "notes": []},
}
NOT_SHOWN = ("model_api_base", "model_api_key")


def test_an_export_of_what_salt_manages_is_as_declared(
    modules, states, managed, api, loaders_with, profile, name, tmp_path
):
    """Nothing of ours is left out, wherever LiteLLM says the same, so nothing is taken away."""
    no_tier = {"litellm_params": {"model": "openai/gpt-4"}, "tier": None}
    own = {f"{name}-state": SAME_AS_LITELLM, f"{name}-plain": no_tier}
    for one, declared in own.items():
        states.run(("present", {"name": one, **declared}))
    text = modules("export")
    of_set = {f"{name}-full": SAME_AS_LITELLM, f"{name}-poor": no_tier}
    assert managed(models=of_set)["result"] is True
    before = {row["model_info"]["id"]: row for row in api.all_rows()}

    hidden = {key: SAME_AS_LITELLM[key] for key in NOT_SHOWN}
    pillar = {"litellm": profile, "litellm_secrets": {f"{name}-state": hidden}}
    salt = salted(loaders_with, tmp_path, text, pillar, None)
    for one in own:
        (result,) = salt.modules.state.sls_id(one, "models").raw.values()
        assert (result["result"], result["changes"]) == (True, {}), result

    data = modules("export", data=True, set=f"set-{name}")
    models = {one: data[one] for one in of_set}
    result = managed(models=models, test=True)
    # Nothing is taken away, as it would be if a secret of ours was not declared.
    assert "is a mask or a placeholder, not a secret" in result["comment"]
    models[f"{name}-full"].update(hidden)
    assert managed(models=models)["changes"] == {}
    assert {row["model_info"]["id"]: row for row in api.all_rows()} == before


def test_a_row_that_no_state_can_declare_is_left_out(modules, api, recorder, name):
    api.create(name)
    params = [{}, None, {"rpm": 5}, {"model": "openai/x", "rpm": "nan"}]
    broken = [
        {
            "model_name": f"broken-{number}",
            "litellm_params": one,
            "model_info": {"id": f"id-{number}", "db_model": True},
        }
        for number, one in enumerate(params)
    ]
    recorder.fault(path="/v2/model/info", status=200, json={"data": [*api.rows(), *broken]})
    text = modules("export")
    states = salt.utils.yaml.safe_load(text)
    assert name in states
    assert [one for one in states if "broken" in one] == []
    no_model = "LiteLLM shows no model of it"
    for number, why in enumerate([no_model] * 3 + ["rpm must be a finite number"]):
        assert f"\n# - id-{number}, 'broken-{number}': {why}" in text
    assert name in modules("export", data=True)


def test_the_file_is_written_for_its_owner_alone(modules, api, name, tmp_path):
    api.create(name, {"api_key": "sk-0123456789"})
    path = tmp_path / "models.sls"
    told = modules("export", path=str(path))
    assert told["path"] == str(path)
    assert told["deployments"] == len(modules("export", data=True))
    assert "test=True" in told["next"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == modules("export")
    assert os.listdir(tmp_path) == ["models.sls"]


def test_a_file_is_replaced_only_if_told(modules, api, recorder, name, tmp_path):
    api.create(name)
    path = tmp_path / "models.sls"
    path.write_text("mine")
    path.chmod(0o644)
    recorder.clear()
    with pytest.raises(CommandExecutionError, match="is there already"):
        modules("export", path=str(path))
    assert recorder.requests == []
    assert path.read_text() == "mine"
    modules("export", path=str(path), overwrite=True)
    assert name in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["models.sls"]


def test_a_file_that_somebody_writes_meanwhile_is_left_alone(modules, recorder, tmp_path):
    path = tmp_path / "models.sls"

    def write_it(record):
        path.write_text("mine")
        return False

    recorder.fault(when=write_it)
    with pytest.raises(CommandExecutionError, match="is there by now"):
        modules("export", path=str(path))
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["models.sls"]


def test_where_no_file_can_be_written_is_said_before_anything_is_asked(modules_unasked, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    sentences = {
        "link": "is a symbolic link",
        "dangling": "is a symbolic link",
        "": "is a folder",
        "pipe": "is no regular file",
        "none/models.sls": f"There is no folder {tmp_path}/none",
        "file/models.sls": f"There is no folder {tmp_path}/file",
        "x" * 300: "cannot be written: File name too long",
    }
    for path, sentence in sentences.items():
        with pytest.raises(CommandExecutionError, match=sentence):
            modules_unasked("export", path=f"{tmp_path}/{path}", overwrite=True)
    for wrong in ("", 5, ["x"], "nul\0"):
        with pytest.raises(SaltInvocationError, match=r"^path "):
            modules_unasked("export", path=wrong)
    for wrong in ("", 5, ["x"], "two\nlines"):
        with pytest.raises(SaltInvocationError, match=r"^set "):
            modules_unasked("export", set=wrong)
    with pytest.raises(SaltInvocationError, match="exclude each other"):
        modules_unasked("export", path=f"{tmp_path}/models.sls", data=True)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(modules, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CommandExecutionError, match="cannot be written: Permission denied"):
        modules("export", path=str(tmp_path / "models.sls"))


def test_a_full_disk_leaves_nothing_behind(modules, tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandExecutionError, match="cannot be written: No space left on device"):
        modules("export", path=str(tmp_path / "models.sls"))
    assert os.listdir(tmp_path) == []


# ---------------------------------------------------------------- a gateway that is rebuilt


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


def test_an_export_adopts_and_rebuilds(second_api, loaders, loaders_with):
    login = {"url": second_api.gateway.url, "api_key": second_api.gateway.key}
    header = "Bearer header-0123456789"
    second_api.create("plain", {"api_key": "sk-plain-0123456789"})
    second_api.create("openai/*", {"model": "openai/*"})
    for region in ("eu", "us"):
        second_api.create("group", {"model": f"azure/gpt-4-{region}", "rpm": 5})
    second_api.create(
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
    before = comparable(second_api.rows())
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
    assert comparable(second_api.rows()) == before
    was = rebuilt(second_api.rows())
    second_api.empty()
    apply()
    assert rebuilt(second_api.rows()) == was
    assert not any(apply())
