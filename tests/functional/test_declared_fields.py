"""Every field that LiteLLM declares converges in one run, whatever form LiteLLM stores it in."""

import json
import subprocess

import pytest

from tests.support.install import DEFAULT_VERSION, installed

from .conftest import LIST, sent

pytestmark = pytest.mark.long

DECLARED = """
import json
from litellm.types.router import LiteLLM_Params, ModelInfo
sections = {"litellm_params": LiteLLM_Params, "model_info": ModelInfo}
print(json.dumps({
    section: {name: str(field.annotation) for name, field in model.model_fields.items()}
    for section, model in sections.items()
}))
"""
# What has a meaning of its own, so that not any value will do.
LEFT_OUT = {
    "litellm_params": {"model", "custom_llm_provider", "litellm_credential_name", "model_info"}
    | {"mock_response", "provider_affinity_header", "vertex_credentials", "aws_session_tags"}
    | {"complexity_router_config", "adaptive_router_config", "quality_router_config"}
    | {"configurable_clientside_auth_params"},
    "model_info": {"id", "db_model", "blocked", "created_at", "created_by", "updated_at"}
    | {"updated_by", "team_id", "base_model", "access_windows", "tier", "ptu_count"}
    | {"cost_per_ptu_per_hour", "ptu_effective_from", "ptu_effective_to"},
}
SERVER_OWNED = ("anthropic_", "openai_")  # for workload identity federation
# By a word of the type: values that mean something there. The first that fits counts.
VALUES = {
    "Mapping": [{"flex": "30"}, {"flex": 5}],
    "Dict": [{"small": "0.5"}, {"small": 5}],
    "dict[": [{"small": "0.5"}, {"small": 5}],
    "List": [["one"], ["1", "true"]],
    "list": [["one"], ["1", "true"]],
    "float": ["0.5", "1e-6", 3, " 7 "],
    "bool": ["true", "OFF", True, 1],
    "int": ["5", "1_000", 7, " 6 "],
    "datetime": ["2026-01-01", "2026-01-01T10:00:00Z", "2026-01-01 10:00:00+02:00"],
    "str": ["text", "12345", "true", "2026-01-01"],
}


@pytest.fixture(scope="module")
def fields():
    """The declared fields of this LiteLLM: their types, by section and name."""
    with installed(DEFAULT_VERSION) as installation:
        python = installation.root / "bin/python"
        command = [python, "-c", DECLARED]
        result = subprocess.run(
            command, env={"LITELLM_LOCAL_MODEL_COST_MAP": "True"}, capture_output=True, check=True
        )
    return json.loads(result.stdout)


def values(fields, section, number):
    """A value for each field: the one of this number, or the last."""
    found = {}
    for name, kind in fields[section].items():
        if name in LEFT_OUT[section] or name.startswith(SERVER_OWNED) or "router_" in name:
            continue
        if section == "model_info" and ("cost" in name or "pricing" in name):
            continue  # it belongs in litellm_params
        if name == "tiered_pricing":
            found[name] = [{"range": [0, 5], "input_cost_per_token": "1e-6"}]
            continue
        options = next((options for word, options in VALUES.items() if word in kind), None)
        if options:
            found[name] = options[min(number, len(options) - 1)]
    return found


@pytest.mark.parametrize("adopted", [False, True])
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("section", ["litellm_params", "model_info"])
def test_each_converges_in_one_run(api, states, recorder, name, fields, section, number, adopted):
    declared = values(fields, section, number)
    assert len(declared) > (50 if section == "litellm_params" else 0)
    model = {"model": "openai/gpt-4"} if section == "litellm_params" else {}
    declared = {section: {**model, **declared}}
    if adopted:
        api.create(name)
    result = states.present(name, **declared)
    assert result["result"] is True, result["comment"]
    recorder.requests.clear()
    result = states.present(name, **declared)
    assert (result["changes"], result["result"]) == ({}, True), result
    assert sent(recorder) == [LIST]
