"""`present` and `absent` on a real gateway: what is written, and how little is sent."""

import datetime

import pytest

from .conftest import DATABASE, LIST, ROUTER, sent, served_check

PROVIDER_KEY = "sk-provider-0123456789"
AWS_ID, AWS_SECRET = "AKIA-0123456789", "aws-secret-0123456789"
# The published example.
EXAMPLE = {
    "custom_llm_provider": "openai",
    "model_api_key": PROVIDER_KEY,
    "model_api_base": "https://api.openai.com/v1",
    "api_version": datetime.date(2023, 5, 15),
    "base_model": "gpt-4",
    "tier": "paid",
    "mode": "completion",
    "tpm": 100000,
    "rpm": 1000,
    "input_cost_per_million_tokens": 30.0,
    "output_cost_per_million_tokens": 60.0,
    "aws_access_key_id": AWS_ID,
    "aws_secret_access_key": AWS_SECRET,
    "aws_region_name": "us-west-2",
}
RESET_BOOLEANS = (
    "use_in_pass_through",
    "use_litellm_proxy",
    "use_xai_oauth",
    "merge_reasoning_content_in_choices",
    "allow_client_keepalive_override",
)


def test_the_published_example_stands_where_it_should(api, states, name):
    result = states.present(name, **EXAMPLE)
    assert result["result"] is True
    row = api.one(name)
    params, info = row["litellm_params"], row["model_info"]
    assert {key: params[key] for key in ("tpm", "rpm", "aws_region_name", "api_base")} == {
        "tpm": 100000,
        "rpm": 1000,
        "aws_region_name": "us-west-2",
        "api_base": "https://api.openai.com/v1",
    }
    assert params["custom_llm_provider"] == "openai"
    assert params["model"] == "openai/gpt-4"
    assert params["api_version"] == "2023-05-15"
    assert params["input_cost_per_token"] == 3e-05
    assert params["output_cost_per_token"] == 6e-05
    assert (info["tier"], info["mode"], info["base_model"]) == ("paid", "completion", "gpt-4")
    masks = api.secrets(info["id"])
    assert masks["api_key"] == "sk****89"
    assert masks["aws_access_key_id"] == "AK****89"
    assert masks["aws_secret_access_key"] == "aw****89"


def test_what_was_declared_is_reported_in_the_users_words(states, name):
    changes = states.present(name, **EXAMPLE)["changes"]
    assert set(changes) == {"model_name", "model_id", *EXAMPLE}
    assert changes["input_cost_per_million_tokens"] == {"old": None, "new": 30.0}
    assert changes["api_version"] == {"old": None, "new": "2023-05-15"}
    assert changes["model_api_key"] == {"old": None, "new": "**********"}


def test_the_second_run_sends_one_request(states, recorder, name):
    states.present(name, **EXAMPLE)
    recorder.clear()
    result = states.present(name, **EXAMPLE)
    assert (result["result"], result["changes"]) == (True, {})
    assert sent(recorder) == [LIST]


def test_many_states_read_the_gateway_once(states, recorder, name):
    declared = [("present", {"name": f"{name}-{n}", **EXAMPLE, "rpm": n}) for n in range(5)]
    states.run(*declared)
    recorder.clear()
    results = states.run(*declared)
    assert all(result["result"] and not result["changes"] for result in results)
    assert sent(recorder) == [LIST]
    recorder.clear()
    absent = [("absent", {"name": f"{name}-none-{n}"}) for n in range(5)]
    results = states.run(*declared, *absent)
    assert all(result["result"] and not result["changes"] for result in results)
    # That no deployment of the config file bears the name shows in the other view alone.
    assert sent(recorder) == [DATABASE, ROUTER]


def test_a_first_run_looks_once_and_creates(states, recorder, name, gateway_can_block):
    states.run(*(("present", {"name": f"{name}-{n}", **EXAMPLE}) for n in range(3)))
    requests = sent(recorder)
    assert requests.count(("POST", "/model/new")) == 3
    assert requests[:2] == [DATABASE, ROUTER]
    if gateway_can_block:
        assert len(requests) <= 3 + 3


def test_a_changed_limit_changes_nothing_else(api, states, recorder, name, gateway_can_block):
    api.create(f"{name}-other")  # else the row would be tentative, until it is written again
    states.present(name, **EXAMPLE)
    before = api.one(name)
    model_id = before["model_info"]["id"]
    api.patch(model_id, litellm_params=dict.fromkeys(RESET_BOOLEANS, True))
    before = api.one(name)
    recorder.clear()
    result = states.present(name, **{**EXAMPLE, "rpm": 2000})
    assert result["changes"] == {"rpm": {"old": 1000, "new": 2000}}
    after = api.one(name)
    assert after["litellm_params"] == {**before["litellm_params"], "rpm": 2000}
    assert after["model_info"] == before["model_info"]
    assert all(after["litellm_params"][key] is True for key in RESET_BOOLEANS)
    assert api.secrets(model_id)["api_key"] == "sk****89"
    writes = [record.json for record in recorder.requests if record.method != "GET"]
    change = {"litellm_params": {**dict.fromkeys(RESET_BOOLEANS, True), "rpm": 2000}}
    assert writes == [change]
    assert len(recorder.requests) == 2 + len(served_check(gateway_can_block))


def test_test_mode_predicts_and_writes_nothing(api, states, recorder, name):
    predicted = states.present(name, test=True, **EXAMPLE)
    assert predicted["result"] is None
    assert api.named(name) == []
    assert all(record.method == "GET" for record in recorder.requests)
    done = states.present(name, **EXAMPLE)
    assert done["changes"] == predicted["changes"]
    converged = states.present(name, test=True, **EXAMPLE)
    assert (converged["result"], converged["changes"]) == (True, {})
    changed = {**EXAMPLE, "rpm": 7, "tier": "free", "model_api_key": "sk-rotated-0123456789"}
    predicted = states.present(name, test=True, **changed)
    assert predicted["result"] is None
    assert api.one(name)["litellm_params"]["rpm"] == 1000
    assert states.present(name, **changed)["changes"] == predicted["changes"]
    predicted = states.absent(name, test=True)
    assert predicted["result"] is None
    assert api.one(name)
    assert states.absent(name)["changes"] == predicted["changes"]


def test_absent_removes_and_then_rests(api, states, recorder, name):
    states.present(name, **EXAMPLE)
    model_id = api.one(name)["model_info"]["id"]
    result = states.absent(name)
    assert result["result"] is True
    assert result["changes"] == {
        "model_name": {"old": name, "new": None},
        "model_id": {"old": model_id, "new": None},
    }
    assert api.named(name) == []
    api.create(f"{name}-other")
    recorder.clear()
    result = states.absent(name)
    assert (result["result"], result["changes"]) == (True, {})
    assert sent(recorder) == [DATABASE, ROUTER]


def test_a_rotated_key_is_one_redacted_change(api, states, recorder, name):
    states.present(name, **EXAMPLE)
    recorder.clear()
    result = states.present(name, **{**EXAMPLE, "model_api_key": "sk-rotated-abcdefghij"})
    assert result["changes"] == {"model_api_key": {"old": "**********", "new": "**********"}}
    assert api.secrets(api.one(name)["model_info"]["id"])["api_key"] == "sk****ij"
    # LiteLLM goes on serving what was there if it cannot serve what it has saved: it is looked up.
    assert [record.method for record in recorder.requests] == ["GET", "PATCH", "GET"]
    again = states.present(name, **{**EXAMPLE, "model_api_key": "sk-rotated-abcdefghij"})
    assert again["changes"] == {}


def test_zero_is_a_value(api, states, name):
    zero = {
        "tpm": 0,
        "rpm": 0,
        "input_cost_per_million_tokens": 0,
        "output_cost_per_million_tokens": 0,
    }
    states.present(name, **zero)
    params = api.one(name)["litellm_params"]
    assert params["tpm"] == params["rpm"] == 0
    assert params["input_cost_per_token"] == params["output_cost_per_token"] == 0
    assert states.present(name, **zero)["changes"] == {}


def test_the_id_may_be_chosen(api, states, name):
    states.present(name, model_id=f"{name}.chosen:1")
    assert api.one(name)["model_info"]["id"] == f"{name}.chosen:1"
    assert states.present(name, model_id=f"{name}.chosen:1")["changes"] == {}
    assert states.absent(name, model_id=f"{name}.chosen:1")["changes"]
    assert api.named(name) == []


def test_several_deployments_may_share_a_name(api, states, name):
    states.run(
        *(
            ("present", {"name": f"{name}-{n}", "model_name": name, **EXAMPLE, "rpm": n})
            for n in (1, 2)
        )
    )
    assert sorted(row["litellm_params"]["rpm"] for row in api.named(name)) == [1, 2]
    states.absent(f"{name}-1")
    assert [row["litellm_params"]["rpm"] for row in api.named(name)] == [2]


def test_blocked_is_refused_where_litellm_does_not_know_it(api, states, name, gateway_can_block):
    if gateway_can_block:
        pytest.skip("this LiteLLM can block")
    result = states.present(name, blocked=True)
    assert result["result"] is False
    assert "too old to block deployments" in result["comment"]
    assert api.named(name) == []
    assert states.present(name, blocked=False)["result"] is True


def test_blocked_goes_both_ways(api, states, recorder, name, gateway_can_block):
    if not gateway_can_block:
        pytest.skip("this LiteLLM cannot block")
    predicted = states.present(name, test=True, blocked=True)
    assert predicted["changes"]["blocked"] == {"old": None, "new": True}
    assert {record.method for record in recorder.requests} == {"GET"}
    assert states.present(name, blocked=True)["result"] is True
    assert api.one(name)["model_info"]["blocked"] is True
    assert states.present(name, blocked=True)["changes"] == {}
    result = states.present(name, blocked=False)
    assert result["changes"] == {"blocked": {"old": True, "new": False}}
    assert api.one(name)["model_info"]["blocked"] is False


def test_a_created_model_answers(api, states, name):
    states.present(
        name, model_api_key=PROVIDER_KEY, litellm_params={"mock_response": "Hello from Salt"}
    )
    answer = api(
        "POST",
        "/chat/completions",
        json={"model": name, "messages": [{"role": "user", "content": "Hi"}]},
    )
    assert answer["choices"][0]["message"]["content"] == "Hello from Salt"


def test_an_unknown_mode_is_a_warning_and_sent(api, states, name):
    result = states.present(name, mode="telepathy")
    assert result["result"] is True
    assert "telepathy" in result["warnings"][0]
    assert api.one(name)["model_info"]["mode"] == "telepathy"


@pytest.mark.parametrize("arguments", [{"tier": "gold"}, {"rpm": -1}, {"base_model": None}])
def test_wrong_input_fails_before_any_request(states_unasked, name, arguments):
    result = states_unasked.present(name, **arguments)
    assert (result["result"], result["changes"]) == (False, {})
    assert result["comment"]
    assert "Traceback" not in result["comment"]


def test_a_provider_that_litellm_does_not_know_is_refused(api, states, recorder, name):
    result = states.present(name, custom_llm_provider="no-such-provider")
    assert result["result"] is False
    assert "does not know the provider 'no-such-provider'" in result["comment"]
    assert api.named(name) == []
    assert all(record.method == "GET" for record in recorder.requests)
