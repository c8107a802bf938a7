"""`salt-call --local` with fallbacks, router settings and a whole config.yaml."""

import json

import pytest
import yaml

from tests.functional.config_yaml.conftest import Whole, model

KEY = "sk-provider-0123456789"
OBJECTS = """
openai-prod:
  litellm_credential.present:
    - credential_values:
        api_key: {{ pillar['keys']['openai'] }}

{% for name in ('chat', 'large', 'small') %}
{{ name }}:
  litellm_model.present:
    - litellm_params: {model: openai/gpt-4o, litellm_credential_name: openai-prod}
    - require:
      - litellm_credential: openai-prod
{% endfor %}

fallbacks of chat:
  litellm_fallback.present:
    - model: chat
    - fallback_models: [large, small]
    - require:
      - litellm_model: chat
      - litellm_model: large
      - litellm_model: small

window of small:
  litellm_fallback.present:
    - model: small
    - fallback_type: context_window
    - fallback_models: [large]
    - require:
      - litellm_model: small
      - litellm_model: large
"""
SETTINGS = """
num_retries:
  litellm_router.present:
    - value: {{ pillar.get('retries', 4) }}
"""
GONE = """
fallbacks of chat: {litellm_fallback.absent: [{model: chat}]}
window of small: {litellm_fallback.absent: [{model: small}, {fallback_type: context_window}]}
chat: {litellm_model.absent: [{require: [{litellm_fallback: fallbacks of chat}]}]}
large: {litellm_model.absent: []}
small: {litellm_model.absent: []}
openai-prod:
  litellm_credential.absent:
    - require: [{litellm_model: chat}, {litellm_model: large}, {litellm_model: small}]
"""
DOCUMENT = "production: {litellm_gateway.managed: [{pillar: gateway}, {prune: True}]}"


@pytest.fixture
def whole(gateway):
    whole = Whole(gateway)
    whole.empty()
    yield whole
    whole.empty()


@pytest.fixture
def salt_call(salt_call, gateway, whole):
    router = {"fallbacks": [{"chat": ["large"]}]}
    if whole.has_settings():
        router["num_retries"] = 5
    salt_call.pillar(
        {
            "litellm": {"url": gateway.url, "api_key": gateway.key},
            "keys": {"openai": KEY},
            "gateway": {
                "credential_list": [
                    {"credential_name": "openai-prod", "credential_values": {"api_key": KEY}}
                ],
                "model_list": [model("chat"), model("large", rpm=5)],
                "router_settings": router,
            },
        }
    )
    salt_call.states("objects", OBJECTS + (SETTINGS if whole.has_settings() else ""))
    salt_call.states("gone", GONE)
    salt_call.states("document", DOCUMENT)
    return salt_call


def outcomes(results):
    return [(one["result"], bool(one["changes"])) for one in results]


def test_states_of_single_objects(salt_call, whole):
    number = 7 if whole.has_settings() else 6
    predicted = salt_call.apply("objects", "test=True")
    assert outcomes(predicted) == [(None, True)] * number
    assert (whole.models(), whole.credentials()) == ([], {})
    made = salt_call.apply("objects")
    assert outcomes(made) == [(True, True)] * number, made
    assert [one["changes"] for one in made] == [one["changes"] for one in predicted]
    assert whole.rules()["general"] == {"chat": ["large", "small"]}
    assert whole.rules()["context_window"] == {"small": ["large"]}
    assert outcomes(salt_call.apply("objects")) == [(True, False)] * number
    if whole.has_settings():
        assert whole.settings("num_retries") == {"num_retries": 4}
        changed = salt_call.apply("objects", "pillar={retries: 6}")
        assert changed[-1]["changes"] == {"num_retries": {"old": 4, "new": 6}}
        assert salt_call("litellm_router.get", "num_retries")["value"] == 6
    listed = salt_call("litellm_fallback.list")
    rules = {(one["model"], one["fallback_type"]): one["fallback_models"] for one in listed}
    assert rules == {
        ("chat", "general"): ["large", "small"],
        ("small", "context_window"): ["large"],
    }
    assert outcomes(salt_call.apply("gone")) == [(True, True)] * 6
    assert outcomes(salt_call.apply("gone")) == [(True, False)] * 6
    assert (whole.models(), whole.credentials(), whole.rules()["general"]) == ([], {}, {})


def test_a_document(salt_call, whole):
    (predicted,) = salt_call.apply("document", "test=True")
    assert predicted["result"] is None, predicted["comment"]
    assert whole.models() == []
    (made,) = salt_call.apply("document")
    assert (made["result"], made["changes"]) == (True, predicted["changes"])
    (rested,) = salt_call.apply("document")
    assert (rested["result"], rested["changes"]) == (True, {})
    assert whole.rules()["general"] == {"chat": ["large"]}
    differing = ("litellm_gateway.diff", "production", "document={model_list: []}")
    objects = {line["object"] for line in salt_call(*differing)}
    assert {
        "credential openai-prod",
        "model chat",
        "model large",
        "fallback general/chat",
    } <= objects
    table = salt_call.run("--no-color", *differing).stdout
    assert "In Force" in table or "in_force" in table
    exported = salt_call.root / "config.yaml"
    salt_call("litellm_gateway.export", f"path={exported}", "set=production")
    text = exported.read_text(encoding="utf-8")
    assert KEY not in text
    filled = yaml.safe_load(text.replace("'**********'", KEY))
    arguments = ("production", f"document={json.dumps(filled)}", "test=True")
    assert salt_call("litellm_gateway.manage", *arguments)["changes"] == {}


def test_an_error_is_a_sentence_and_an_exit_code(salt_call, whole):
    salt_call.states("bad", "x: {litellm_gateway.managed: [{document: {models_list: []}}]}")
    done = salt_call.run("--retcode-passthrough", "state.apply", "bad")
    assert done.returncode == 2
    assert "did you mean model_list?" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    done = salt_call.run("litellm_fallback.apply", "nowhere", "[chat]")
    assert done.returncode == 1
    assert "the gateway has no model nowhere" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_nothing_printed_or_logged_holds_a_secret(salt_call, gateway, whole):
    everything = ""
    for arguments in (
        ("state.apply", "document"),
        ("state.apply", "document", "test=True"),
        ("litellm_gateway.diff", "production", "pillar=gateway"),
        ("litellm_gateway.export",),
        ("litellm_router.list",),
        ("litellm_fallback.list",),
    ):
        done = salt_call.run("--log-level=debug", *arguments)
        assert done.returncode == 0, done.stderr
        ours = [line for line in done.stderr.splitlines() if "saltext" in line or "urllib3" in line]
        everything += done.stdout + "\n".join(ours)
    assert "**********" in everything
    assert KEY not in everything
    assert gateway.key not in everything
