"""`verify_secrets`: secrets that were changed on the gateway are found and written again."""

import pytest

from .conftest import LIST, bodies, id_of, one_body, sent, without_booleans

FIRST, SECOND = "sk-first-0123456789", "sk-second-9876543210"
REDACTED = {"old": "**********", "new": "**********"}
KEY_CHANGED = {"model_api_key": REDACTED}

pytestmark = pytest.mark.usefixtures("no_mask_is_ever_written")


# ---------------------------------------------------------------- secrets by themselves


@pytest.fixture
def declared(states, name):
    """What `name` was applied with, to be applied again with `verify_secrets`."""
    arguments = {"rpm": 5, "model_api_key": FIRST, "aws_secret_access_key": "aws-0123456789"}
    assert states.present(name, **arguments)["result"] is True
    return arguments


def test_verification_of_what_is_right_is_one_request_more(api, states, recorder, declared, name):
    recorder.clear()
    result = states.present(name, verify_secrets=True, **declared)
    assert (result["result"], result["changes"]) == (True, {})
    model_id = id_of(api.one(name))
    assert sent(recorder) == [LIST, ("GET", f"/credentials/by_model/{model_id}")]


def test_verification_repairs_a_secret_that_was_changed_by_hand(
    api, states, recorder, declared, name
):
    model_id = id_of(api.one(name))
    api.patch(model_id, litellm_params={"api_key": SECOND})
    assert states.present(name, **declared)["changes"] == {}
    recorder.clear()
    predicted = states.present(name, test=True, verify_secrets=True, **declared)
    assert (predicted["result"], predicted["changes"]) == (None, KEY_CHANGED)
    assert bodies(recorder) == []
    assert api.secrets(model_id)["api_key"] == "sk****10"
    done = states.present(name, verify_secrets=True, **declared)
    assert (done["result"], done["changes"]) == (True, KEY_CHANGED)
    assert without_booleans(one_body(recorder)["litellm_params"]) == {"api_key": FIRST}
    assert api.secrets(model_id)["api_key"] == "sk****89"
    assert states.present(name, verify_secrets=True, **declared)["changes"] == {}


def test_verification_repairs_a_secret_that_is_gone(api, states, declared, name):
    model_id = id_of(api.one(name))
    stored = api.stored(model_id)
    info = {key: value for key, value in stored["model_info"].items() if value is not None}
    api.delete(model_id)
    params = {"custom_llm_provider": "openai", "rpm": 5, "aws_secret_access_key": "aws-0123456789"}
    api.create(name, params, info)
    assert states.present(name, **declared)["changes"] == {}
    done = states.present(name, verify_secrets=True, **declared)
    written = {"model_api_key": {"old": None, "new": "**********"}}
    assert (done["result"], done["changes"]) == (True, written)
    assert api.secrets(model_id)["api_key"] == "sk****89"
    assert states.present(name, verify_secrets=True, **declared)["changes"] == {}


# ---------------------------------------------------------------- secrets inside mappings and lists

NESTED = {
    "extra_headers": {"Authorization": "Bearer of-a-nested-secret-0123456789", "X-Team": "one"},
    "fallbacks": [{"model": "openai/x", "api_key": "sk-listed-0123456789"}, "plain"],
}
INSIDE = "inside of mappings and lists"
NESTED_CHANGED = {"litellm_params:extra_headers:Authorization": REDACTED}


def verified(recorder, model_id):
    """The requests of a run that verifies what is inside, and finds nothing."""
    asked = ("GET", f"/credentials/by_model/{model_id}")
    return [LIST, asked, ("PATCH", f"/model/{model_id}/update")]


def masked_as_the_ui_does(api, model_id, **more):
    """What LiteLLM's UI writes when somebody saves a model: nested masks, as they were read."""
    params = api("GET", "/v2/model/info", params={"modelId": model_id})["data"][0]["litellm_params"]
    masked = {key: params[key] for key in NESTED if key in params}
    assert "****" in str(masked)
    api.patch(model_id, litellm_params={**masked, **more})
    stored = api.stored(model_id)["litellm_params"]
    assert {key: stored[key] for key in masked} == masked
    return masked


@pytest.fixture
def nested(states, api, name):
    """The id of `name`, which was applied with `NESTED`."""
    assert states.present(name, litellm_params=NESTED)["result"] is True
    return id_of(api.one(name))


@pytest.fixture
def shows_inside(gateway_can_block):
    if not gateway_can_block:
        pytest.skip("this LiteLLM would stop serving during a PATCH, so none is sent")


def test_masks_written_over_nested_secrets_are_repaired(
    api, states, recorder, nested, shows_inside, name
):
    masked_as_the_ui_does(api, nested)
    assert states.present(name, litellm_params=NESTED)["changes"] == {}  # reads cannot tell
    recorder.clear()
    done = states.present(name, litellm_params=NESTED, verify_secrets=True)
    expected = {
        **NESTED_CHANGED,
        "litellm_params:fallbacks": done["changes"].get("litellm_params:fallbacks"),
    }
    assert (done["result"], done["changes"]) == (True, expected)
    assert "sk-listed" not in str(done)
    assert expected["litellm_params:fallbacks"]["new"][0]["api_key"] == REDACTED["new"]
    (body,) = [body for body in bodies(recorder) if body]
    assert without_booleans(body["litellm_params"]) == NESTED
    stored = api.stored(nested)["litellm_params"]
    assert {key: stored[key] for key in NESTED} == NESTED
    recorder.clear()
    again = states.present(name, litellm_params=NESTED, verify_secrets=True)
    assert (again["result"], again["changes"]) == (True, {})
    assert again["comment"] == f"{name} is as declared"
    assert sent(recorder) == verified(recorder, nested)


def test_only_the_mask_that_was_written_is_repaired(
    api, states, recorder, nested, shows_inside, name
):
    """What others have in the same mapping survives, their secrets too."""
    theirs = {"X-Theirs": "theirs", "X-Their-Token": "of-somebody-else-0123456789"}
    masked = {"Authorization": "Bear****6789", "X-Team": "one"}
    api.patch(nested, litellm_params={"extra_headers": {**masked, **theirs}})
    recorder.clear()
    done = states.present(name, litellm_params=NESTED, verify_secrets=True)
    assert (done["result"], done["changes"]) == (True, NESTED_CHANGED)
    assert "of-somebody-else" not in str(done)
    (body,) = [body for body in bodies(recorder) if body]
    assert set(without_booleans(body["litellm_params"])) == {"extra_headers"}
    stored = api.stored(nested)["litellm_params"]
    assert stored["extra_headers"] == {**NESTED["extra_headers"], **theirs}
    assert states.present(name, litellm_params=NESTED, verify_secrets=True)["changes"] == {}


def test_a_set_is_verified_inside(api, states, recorder, nested, shows_inside, name):
    models = {
        f"{name}-a": {"litellm_params": {"model": "openai/x", **NESTED}},
        f"{name}-b": {"litellm_params": {"model": "openai/x"}, "model_api_key": FIRST},
    }
    arguments = {"name": f"{name}-set", "models": models, "verify_secrets": True}
    assert states.run(("managed", arguments))["result"] is True
    model_id = id_of(api.one(f"{name}-a"))
    masked_as_the_ui_does(api, model_id)
    recorder.clear()
    done = states.run(("managed", arguments))
    assert set(done["changes"]) == {f"{name}-a"}
    empty = [record.path for record in recorder.requests if record.body == b"{}"]
    assert empty == [f"/model/{model_id}/update"]
    assert states.run(("managed", arguments))["changes"] == {}


def test_a_test_run_sends_no_patch_and_says_what_it_cannot_see(api, states, recorder, nested, name):
    recorder.clear()
    predicted = states.present(name, test=True, litellm_params=NESTED, verify_secrets=True)
    assert (predicted["result"], predicted["changes"]) == (True, {})
    assert f"{INSIDE} are verified only when it is applied" in predicted["comment"]
    assert {record.method for record in recorder.requests} == {"GET"}


def test_an_old_litellm_is_sent_no_patch(states, recorder, nested, gateway_can_block, name):
    if gateway_can_block:
        pytest.skip("this LiteLLM serves during a PATCH")
    recorder.clear()
    done = states.present(name, litellm_params=NESTED, verify_secrets=True)
    assert (done["result"], done["changes"]) == (True, {})
    assert f"{INSIDE} were not verified: the gateway's LiteLLM is too old" in done["comment"]
    assert {record.method for record in recorder.requests} == {"GET"}


def test_a_row_without_nested_secrets_is_sent_no_patch(states, recorder, declared, name):
    recorder.clear()
    states.present(name, verify_secrets=True, **declared)
    assert {record.method for record in recorder.requests} == {"GET"}


def test_a_repair_that_is_lost_is_not_taken_for_done(
    api, states, recorder, nested, shows_inside, name
):
    masked = masked_as_the_ui_does(api, nested)
    recorder.fault(method="PATCH", when=lambda record: len(record.body) > len("{}"), drop=True)
    done = states.present(name, litellm_params=NESTED, verify_secrets=True)
    assert (done["result"], done["changes"]) == (False, {})
    assert api.stored(nested)["litellm_params"]["extra_headers"] == masked["extra_headers"]


def test_a_row_that_is_gone_by_then_is_made_again(
    api, states, recorder, nested, shows_inside, name
):
    def gone(record):
        if record.method == "PATCH" and api.in_database(name):
            api.delete(nested)
        return False

    recorder.fault(when=gone)
    done = states.present(name, litellm_params=NESTED, verify_secrets=True)
    assert done["result"] is True
    assert done["comment"].startswith(f"{name} was created")
    patches = [record for record in recorder.requests if record.method == "PATCH"]
    assert len(patches) == 1  # a new row is not verified
    stored = api.stored(id_of(api.one(name)))["litellm_params"]
    assert stored["extra_headers"] == NESTED["extra_headers"]
