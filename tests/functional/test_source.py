"""`managed` with LiteLLM's own `model_list`: as a list, and from a file that `source` names."""

import pytest
import salt.utils.yaml

from .conftest import LIST, sent

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
