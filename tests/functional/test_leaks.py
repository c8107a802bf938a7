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
    own = [r for r in caplog.records if r.name.startswith(("saltext_litellm", "urllib3"))]
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
