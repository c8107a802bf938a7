"""No secret in any return, comment, log line or error, whatever happens."""

import json
import logging

import pytest

SECRETS = {
    "model_api_key": "sk-LEAK-provider-0123456789",
    "aws_access_key_id": "LEAK-aws-id-0123456789",
    "aws_secret_access_key": "LEAK-aws-secret-0123456789",
    "litellm_params": {
        "extra_headers": {"Authorization": "Bearer LEAK-header-0123456789"},
        "vertex_credentials": {"private_key": "LEAK-vertex-0123456789"},
        "fallbacks": [{"model": "x", "api_key": "LEAK-listed-0123456789"}],
    },
}


def all_secrets(gateway):
    return ["LEAK", gateway.key]


@pytest.fixture
def leaks(gateway, caplog):
    """Collects what a person or a log may see."""
    caplog.set_level(1)
    seen = []
    yield seen
    logged = caplog.get_records("call")  # what `caplog.records` has by now is of the teardown
    own = [r for r in logged if r.name.startswith(("saltext_litellm", "urllib3"))]
    text = json.dumps(seen, default=str) + "\n".join(
        logging.Formatter("%(message)s").format(record) for record in own
    )
    assert own
    assert not [secret for secret in all_secrets(gateway) if secret in text]


def test_a_deployments_whole_life(leaks, states, modules, api, name):
    rotated = {**SECRETS, "model_api_key": "sk-LEAK-rotated-0123456789"}
    leaks.append(states.present(name, test=True, **SECRETS))
    leaks.append(states.present(name, **SECRETS))
    leaks.append(states.present(name, **SECRETS))
    leaks.append(states.present(name, test=True, **rotated))
    leaks.append(states.present(name, **rotated))
    leaks.append(states.present(name, verify_secrets=True, **rotated))
    leaks.append(modules("list"))
    leaks.append(modules("get", name))
    leaks.append(modules("plan", name, litellm_params={"model": "openai/x"}))
    leaks.append(states.absent(name))
    assert [result["result"] for result in leaks[:6]] == [None, True, True, None, True, True]
    marker = json.dumps(leaks)
    assert "**********" in marker


BY_HABIT = {
    "model_api_base": "https://user:LEAK@0/1:2#3@host.example.com/v1?code=LEAK-code",
    "litellm_params": {
        "apikey": "LEAK-apikey",
        "organization": "Bearer LEAK-bearer",
        "extra_body": {"urls": ["https://LEAK-user@host.example.com/a"], "max_tokens": 5},
    },
    "model_info": {"connection_string": "LEAK-connection", "homepage": "https://h/?sig=LEAK-sig"},
}


def test_what_litellm_itself_shows(leaks, states, modules, name):
    """It is compared as it is, so that a rotation is noticed, and shown to nobody."""
    rotated = json.loads(json.dumps(BY_HABIT).replace("LEAK", "LEAK2"))
    leaks.append(states.present(name, test=True, **BY_HABIT))
    leaks.append(states.present(name, **BY_HABIT))
    leaks.append(states.present(name, **BY_HABIT))
    leaks.append(states.present(name, **rotated))
    leaks.append(states.present(name, **rotated))
    assert [bool(result["changes"]) for result in leaks] == [True, True, False, True, False]
    changes = leaks[3]["changes"]
    assert set(changes) == {
        "model_api_base",
        *(f"litellm_params:{key}" for key in ("apikey", "organization", "extra_body:urls")),
        *(f"model_info:{key}" for key in ("connection_string", "homepage")),
    }
    assert all(change["old"] == change["new"] for change in changes.values())
    assert changes["litellm_params:apikey"]["new"] == "**********"
    assert changes["model_api_base"]["new"] == (
        "https://**********@host.example.com/v1?code=**********"
    )
    leaks.append(modules("list"))
    leaks.append(modules("get", name))
    leaks.append(modules("export"))
    assert leaks[6]["litellm_params"]["extra_body"]["max_tokens"] == 5
    references = ("model_api_base", "litellm_params:apikey", "litellm_params:organization")
    for reference in (*references, "litellm_params:extra_body:urls", "model_info:homepage"):
        assert f'.get("{name}", {{}}).get("{reference}", "' in leaks[7]
    leaks.append(states.absent(name))


def test_names_of_others_do_not_leak_or_garble(leaks, modules, api, name):
    model_id = api.create(f"{name}\x1b[31m https://u:LEAK@h", {"custom_llm_provider": "openai"})
    leaks.append([row for row in modules("list") if row["model_id"] == model_id])
    leaks.append(modules("get", model_id=model_id))
    leaks.append(modules("delete", model_id=model_id))
    shown = f"{name}\\x1b[31m https://**********@h"
    assert leaks[0][0]["model_name"] == leaks[1]["model_name"] == shown
    assert leaks[2]["changes"]["model_name"] == {"old": shown, "new": None}


def test_the_marker_holds_none(states, api, name):
    states.present(name, **SECRETS)
    assert "LEAK" not in json.dumps(api.one(name)["model_info"])


@pytest.mark.parametrize(
    "answer",
    [
        {
            "status": 422,
            "json": {"detail": [{"loc": ["body", "x"], "msg": "bad", "input": "ECHO"}]},
        },
        {"status": 400, "json": {"error": {"message": "{'error': 'cannot use ECHO'}"}}},
        {"status": 500, "json": {"detail": {"error": "failed with ECHO"}}},
        {"status": 400, "body": "plain ECHO"},
    ],
)
@pytest.mark.parametrize("echoed", ["model_api_key", "aws_secret_access_key"])
def test_an_echo_in_an_error_is_scrubbed(leaks, states, recorder, name, answer, echoed):
    answer = json.loads(json.dumps(answer).replace("ECHO", SECRETS[echoed]))
    recorder.fault(method="POST", path="/model/new", **answer)
    result = states.present(name, **SECRETS)
    leaks.append(result)
    assert result["result"] is False


def test_an_echo_of_the_admin_key_is_scrubbed(leaks, states, recorder, gateway, name):
    recorder.fault(status=401, json={"error": {"message": f"Invalid key {gateway.key}"}})
    leaks.append(states.present(name))
    assert "refuses the api_key of the given profile" in leaks[0]["comment"]
