"""`export`: what a gateway has, as one document that changes nothing when it is applied to it."""

import pytest
import yaml
from salt.exceptions import CommandExecutionError

KEY = "sk-secret-0123456789"


@pytest.fixture
def made(whole):
    """A gateway that somebody has filled by hand."""
    body = {
        "credential_name": "openai-prod",
        "credential_values": {"api_key": KEY, "api_base": "https://provider.example.com/v1"},
        "credential_info": {"custom_llm_provider": "openai"},
    }
    whole("POST", "/credentials", json=body)
    for name, more, info in (
        ("chat", {"litellm_credential_name": "openai-prod", "rpm": 5}, {"tier": "paid"}),
        ("chat", {"api_key": KEY, "input_cost_per_token": 2.5e-06}, {}),
        ("embed", {"api_base": "https://user:hunter22@host.example.com"}, {"mode": "embedding"}),
    ):
        params = {"model": "openai/gpt-4o", **more}
        body = {"model_name": name, "litellm_params": params, "model_info": info}
        whole("POST", "/model/new", json=body)
    rule = {"model": "chat", "fallback_models": ["embed"], "fallback_type": "context_window"}
    whole("POST", "/fallback", json=rule).raise_for_status()
    return whole


def test_it_changes_nothing_where_it_comes_from(made, call, managed, name):
    text = call("export", set=f"set-{name}")
    assert (KEY in text, "hunter22" in text) == (False, False)
    before = made.models()
    unfilled = managed(text)
    assert (unfilled["result"], unfilled["changes"]) == (False, {})
    assert unfilled["comment"].count("is a mask or a placeholder") == 2, unfilled["comment"]
    filled = text.replace("https://**********@", "https://user:hunter22@host.example.com")
    filled = filled.replace("'**********'", KEY)
    predicted, result = managed(filled, test=True), managed(filled)
    assert (predicted["result"], result["result"]) == (None, True), result["comment"]
    assert predicted["changes"] == result["changes"]
    assert result["comment"].startswith(
        "1 credential was adopted. All 3 models were adopted. 1 fallback is as declared"
    )
    keys = {key for kind in result["changes"].values() for one in kind.values() for key in one}
    assert keys <= {"owner", "credential_values:api_key", "model_api_key", "model_api_base"}
    again = managed(filled)
    assert (again["result"], again["changes"]) == (True, {})
    for old, new in zip(before, made.models(), strict=True):
        assert new["litellm_params"] == old["litellm_params"]
        del new["model_info"]["saltext_litellm"]
        assert new["model_info"] == old["model_info"]


def test_the_head_says_what_to_do(made, call):
    text = call("export")
    head = "".join(line[1:] for line in text.splitlines(True) if line.startswith("#"))
    assert "exported by litellm_gateway.export" in head
    assert "Salt refuses the file until each of them is filled in" in head
    assert "litellm_gateway.managed:" in head
    assert "salt://litellm/config.yaml" in head


def test_data_and_a_file(made, call, tmp_path):
    found = call("export", data=True)
    assert found == yaml.safe_load(call("export"))
    assert found["credential_list"] == [
        {
            "credential_name": "openai-prod",
            "credential_values": {
                "api_key": "**********",
                "api_base": "https://provider.example.com/v1",
            },
            "credential_info": {"custom_llm_provider": "openai"},
        }
    ]
    costly = next(one for one in found["model_list"] if "api_key" in one["litellm_params"])
    assert costly["litellm_params"]["input_cost_per_token"] == 2.5e-06
    told = call("export", path=f"{tmp_path}/config.yaml")
    assert told["path"] == f"{tmp_path}/config.yaml"
    assert yaml.safe_load((tmp_path / "config.yaml").read_text()) == found
    with pytest.raises(CommandExecutionError, match="is there already"):
        call("export", path=f"{tmp_path}/config.yaml")


def test_of_an_empty_gateway(whole, call):
    stored = whole.stored()
    found = call("export", data=True)
    assert found.keys() == ({"router_settings"} if stored else set())
    settings = found.get("router_settings", {})
    assert settings.keys() >= ({"num_retries", "timeout"} if stored else set())
    assert settings == {key: stored[key] for key in settings}
