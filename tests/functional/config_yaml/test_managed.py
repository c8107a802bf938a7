"""One document: a credential, and models that name it, in one state."""

import copy

import pytest
import yaml

from tests.functional.conftest import States, sent
from tests.support.upstream import Upstream

from .conftest import KEY, model

NEXT = "sk-second-0123456789"
CREDENTIALS, MODELS = ("GET", "/credentials"), ("GET", "/v2/model/info")
RULES, LIVE = ("GET", "/router/settings"), ("GET", "/get/config/callbacks")


def counted(whole, *sentences):
    """The counts of a comment, without the last one where there are no router settings."""
    return ". ".join(sentences if whole.has_settings() else sentences[:-1])


def test_an_empty_gateway_becomes_what_the_document_says(managed, whole, recorded, document):
    predicted = managed(document(), test=True)
    assert (whole.credentials(), whole.models()) == ({}, [])
    result = managed(document())
    assert (predicted["result"], result["result"]) == (None, True), result["comment"]
    assert predicted["changes"] == result["changes"]
    assert predicted["comment"] == counted(
        whole,
        "1 credential would be created",
        "All 3 models would be created",
        "All 2 fallbacks would be created",
        "All 2 router settings would be updated",
    )
    assert result["comment"] == counted(
        whole,
        "1 credential was created",
        "All 3 models were created",
        "All 2 fallbacks were created",
        "All 2 router settings were updated",
    )
    assert set(whole.credentials()) == {"openai-prod"}
    assert {row["model_name"] for row in whole.models()} == {"chat", "large", "small"}
    assert whole.rules() == {
        "general": {"chat": ["large", "small"]},
        "context_window": {"small": ["large"]},
        "content_policy": {},
    }
    if whole.has_settings():
        assert whole.settings("num_retries", "timeout") == {"num_retries": 4, "timeout": 45}
    recorded.clear()
    again = managed(document())
    assert (again["result"], again["changes"]) == (True, {})
    assert again["comment"] == counted(
        whole,
        "1 credential is as declared",
        "All 3 models are as declared",
        "All 2 fallbacks are as declared",
        "All 2 router settings are as declared",
    )
    at_rest = [CREDENTIALS, MODELS, RULES, *([RULES, LIVE] if whole.has_settings() else [])]
    assert sent(recorded) == at_rest
    assert KEY not in str([predicted, result, again])


def test_a_rotated_key_is_one_write(managed, whole, recorded, document):
    with Upstream(KEY, NEXT) as upstream:
        managed(document(upstream.url))
        assert whole.call("chat").status_code == 200
        recorded.clear()
        result = managed(document(upstream.url, NEXT))
        assert result["result"] is True
        assert "1 credential was updated. All 3 models are as declared" in result["comment"]
        assert whole.call("small").status_code == 200
        assert upstream.calls == [KEY, NEXT]
    bodies = [one.json for one in recorded.requests if one.method != "GET" and one.json]
    assert len(bodies) == 1
    assert bodies[0]["credential_values"]["api_key"] == NEXT


def test_what_is_changed_by_hand_is_repaired(managed, whole, document):
    managed(document())
    row = whole.one_model("large")
    path = f"/model/{row['model_info']['id']}/update"
    whole("PATCH", path, json={"litellm_params": {"rpm": 7}})
    body = {"credential_name": "openai-prod", "credential_info": {}}
    values = {"credential_values": {"api_base": "https://other.example.com"}}
    whole("PATCH", "/credentials/openai-prod", json={**body, **values})
    rule = {"model": "chat", "fallback_models": ["small"], "fallback_type": "general"}
    whole("POST", "/fallback", json=rule).raise_for_status()
    expected = {
        "credentials": {
            "openai-prod": {
                "credential_values:api_base": {
                    "old": "https://other.example.com",
                    "new": "https://provider.example.com/v1",
                }
            }
        },
        "models": {"large": {"rpm": {"old": 7, "new": 5}}},
        "fallbacks": {
            "general/chat": {"fallback_models": {"old": ["small"], "new": ["large", "small"]}}
        },
    }
    if whole.has_settings():
        whole.set(num_retries=9)
        expected["router_settings"] = {"num_retries": {"old": 9, "new": 4}}
    predicted, result = managed(document(), test=True), managed(document())
    assert predicted["changes"] == result["changes"] == expected
    assert result["result"] is True, result["comment"]
    assert whole.one_model("large")["litellm_params"]["rpm"] == 5
    assert whole.rules()["general"] == {"chat": ["large", "small"]}
    assert managed(document())["changes"] == {}


@pytest.mark.parametrize("test", [True, False])
def test_everything_goes_in_the_reverse_order(managed, whole, test, document):
    managed(document())
    left = {"credential_list": [], "model_list": []}
    result = managed(left, prune=True, allow_empty=True, test=test)
    assert result["result"] is (None if test else True), result["comment"]
    assert {kind: set(found) for kind, found in result["changes"].items()} == {
        "credentials": {"openai-prod"},
        "models": {"chat", "large", "small"},
    }
    assert len(whole.models()) == (3 if test else 0)
    assert len(whole.credentials()) == (1 if test else 0)
    assert result["comment"].count("deleted") == 2


def test_fallbacks_are_not_pruned_but_named(managed, whole, document):
    managed(document())
    rule = {"model": "large", "fallback_models": ["small"], "fallback_type": "general"}
    whole("POST", "/fallback", json=rule).raise_for_status()
    result = managed(document(), prune=True)
    assert (result["result"], result["changes"]) == (True, {})
    assert result["comment"].endswith("and that are left alone: general/large")
    assert whole.rules()["general"]["large"] == ["small"]


def test_a_kind_that_is_missing_is_not_deleted_on_a_guess(managed, whole, recorded, document):
    managed(document())
    only = {"credential_list": document()["credential_list"]}
    result = managed(only, prune=True)
    assert (result["result"], result["changes"]) == (False, {})
    assert "models: set-" in result["comment"]
    assert "declares no models, and prune would delete all of the set" in result["comment"]
    assert len(whole.models()) == 3
    recorded.clear()
    assert managed(only)["result"] is True
    assert sent(recorded) == [CREDENTIALS]


def test_a_set_without_a_kind_may_be_pruned(managed, whole, recorded):
    models = {"model_list": [model("chat", None, api_key=KEY), model("old", None, api_key=KEY)]}
    managed(models)
    del models["model_list"][1]
    result = managed(models, prune=True)
    assert result["result"] is True, result["comment"]
    assert [row["model_name"] for row in whole.models()] == ["chat"]
    recorded.clear()
    assert managed(models, prune=True)["changes"] == {}
    assert sent(recorded) == [CREDENTIALS, MODELS]


def test_all_mistakes_are_told_at_once_and_nothing_is_written(managed, whole, recorded, document):
    wrong = document()
    wrong["credential_list"][0]["credential_values"]["api_key"] = "os.environ/OPENAI_API_KEY"
    wrong["credential_list"].append({"credential_values": {"api_key": KEY}})
    wrong["model_list"][1]["litellm_params"]["rpm"] = "many"
    result = managed(wrong)
    assert (result["result"], result["changes"]) == (False, {})
    for words in (
        "credential_list: openai-prod: credential_values:api_key has an os.environ/ reference",
        "write an sdb:// reference or the value",
        "credential_list: entry 2: credential_name is missing",
        "model_list: large: rpm must be a whole number",
    ):
        assert words in result["comment"]
    assert recorded.requests == []


def test_what_does_not_fit_the_gateway_is_refused_before_the_first_write(
    managed, whole, recorded, document
):
    whole(
        "POST",
        "/credentials",
        json={
            "credential_name": "openai-prod",
            "credential_values": {"api_key": KEY},
            "credential_info": {"saltext_litellm": {"version": 1, "name": "somebody", "keys": []}},
        },
    )
    wrong = document()
    wrong["model_list"][0]["litellm_params"]["litellm_credential_name"] = "nowhere"
    result = managed(wrong)
    assert result["result"] is False
    assert "credentials: openai-prod: openai-prod belongs to 'somebody'" in result["comment"]
    assert "models: chat: There is no credential 'nowhere'" in result["comment"]
    assert {method for method, _ in sent(recorded)} == {"GET"}


def test_what_the_database_cannot_hold_is_named(managed, whole):
    more = {
        "litellm_settings": {"drop_params": True},
        "general_settings": {"master_key": "os.environ/MASTER_KEY"},
        "guardrails": [],
        "model_list": [model("chat", None, api_key="os.environ/OPENAI_API_KEY")],
    }
    for _ in range(2):
        result = managed(more)
        assert result["result"] is True
        assert "general_settings, guardrails, litellm_settings:drop_params" in result["comment"]
        assert "as os.environ/ says: OPENAI_API_KEY" in result["comment"]


def test_a_model_is_not_made_without_its_credential(managed, whole, recorded, document):
    recorded.fault(method="POST", path="/credentials", status=403, json={})
    result = managed(document())
    assert result["result"] is False
    assert whole.models() == []
    assert "Not tried: chat, large, small. chat: There is no credential" in result["comment"]
    assert "the gateway has no model small" in result["comment"]
    if whole.has_settings():
        assert "All 2 router settings were updated" in result["comment"]
    recorded.mend()
    assert managed(document())["result"] is True


def test_a_source_and_a_pillar(managed, whole, tmp_path, loaders_with, gateway, document):
    parts = document()
    main = {"include": ["models.yaml"], "credential_list": parts["credential_list"]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(main))
    (tmp_path / "models.yaml").write_text(yaml.safe_dump({"model_list": parts["model_list"]}))
    result = managed(source=f"{tmp_path}/config.yaml")
    assert "1 credential was created. All 3 models were created" in result["comment"]
    del parts["litellm_settings"], parts["router_settings"]
    loaders = loaders_with(pillar={"gateway": copy.deepcopy(parts)})
    states = States(loaders, {"url": gateway.url, "api_key": gateway.key})
    given = {"name": result["name"], "pillar": "gateway", "prune": True}
    again = states.run(("litellm_gateway.managed", given))
    assert (again["result"], again["changes"]) == (True, {}), again["comment"]
    main["include"].append("gone.yaml")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(main))
    result = managed(source=f"{tmp_path}/config.yaml", prune=True)
    assert result["result"] is False
    assert "There is no file" in result["comment"]
    assert len(whole.models()) == 3
    result = managed({**parts, "include": ["models.yaml"]})
    assert "only a source may have an include" in result["comment"]


@pytest.mark.parametrize("test", [True, False])
def test_preflight_and_verify_are_passed_on(managed, whole, document, test):
    tried = document()
    tried["model_list"] = [
        {"model_name": name, "litellm_params": {"model": "openai/gpt-4o", "api_key": KEY}}
        for name in ("chat", "large", "small")
    ]
    with Upstream(KEY) as upstream:
        for entry in tried["model_list"]:
            entry["litellm_params"]["api_base"] = upstream.url
        tried["model_list"][2]["litellm_params"]["api_key"] = NEXT  # which the provider refuses
        result = managed(tried, test=test, preflight="test", verify=True)
    assert result["result"] is False
    assert ("2 of 3 models" in result["comment"], "1 failed" in result["comment"]) == (True, True)
    assert "Not tried: general/chat, context_window/small" in result["comment"]
    assert len(upstream.calls) == (3 if test else 5)  # and two checks of their health
    assert len(whole.models()) == (0 if test else 2)


def test_secrets_are_verified(managed, whole, document):
    managed(document())
    body = {"credential_name": "openai-prod", "credential_info": {}}
    whole(
        "PATCH",
        "/credentials/openai-prod",
        json={**body, "credential_values": {"api_key": "of somebody"}},
    )
    result = managed(document(), verify_secrets=True)
    assert result["result"] is True
    assert set(result["changes"]["credentials"]["openai-prod"]) == {"credential_values:api_key"}
    again = managed(document(), verify_secrets=True)
    assert (again["result"], again["changes"]) == (True, {})


def test_watch_applies_it_again_with_its_secrets_verified(loaders, gateway, whole, document, name):
    states = States(loaders, {"url": gateway.url, "api_key": gateway.key})
    watching = {"name": f"set-{name}", "document": document()}
    states.run(("litellm_gateway.managed", watching))
    changing = ("test.succeed_with_changes", {"name": "rotated"})
    watching["watch"] = [{"test": "rotated"}]
    _, result = states.run(changing, ("litellm_gateway.managed", watching))
    assert "It was applied again with `verify_secrets: True`" in result["comment"]
