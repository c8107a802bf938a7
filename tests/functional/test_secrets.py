"""Secrets, which LiteLLM does not give back: seen when they are rotated, and shown to nobody."""

import copy
import json

import pytest

from .conftest import LIST, sent

MARKER = "saltext_litellm"
FIRST, SECOND = "sk-first-0123456789", "sk-second-9876543210"
REDACTED = {"old": "**********", "new": "**********"}
KEY_CHANGED = {"model_api_key": REDACTED}
# Their key ids differ, which keys of a random make would not always do.
ADMIN_KEYS = ("sk-test-of-rotation-1", "sk-test-of-rotation-2")
REFERENCE, OTHER_REFERENCE = "os.environ/LANG", "os.environ/PATH"
UNSET = "os.environ/SALTEXT_LITELLM_UNSET"


@pytest.fixture(autouse=True)
def no_mask_is_ever_written(recorder):
    yield
    assert not [record.body for record in recorder.requests if b"****" in record.body]


@pytest.fixture
def admin_keys(api):
    """Two more admin keys."""

    def delete():
        for key in ADMIN_KEYS:  # by itself: an unknown one fails the whole request
            api.gateway.request("POST", "/key/delete", json={"keys": [key]})

    delete()
    user = api("POST", "/user/new", json={"user_role": "proxy_admin", "auto_create_key": False})
    for key in ADMIN_KEYS:
        api("POST", "/key/generate", json={"user_id": user["user_id"], "key": key})
    yield ADMIN_KEYS
    delete()
    api("POST", "/user/delete", json={"user_ids": [user["user_id"]]})


def id_of(row):
    return row["model_info"]["id"]


def marker_of(api, name):
    return api.one(name)["model_info"][MARKER]


def bodies(recorder):
    """What was written, but for the reload."""
    return [record.json for record in recorder.requests if record.method != "GET" and record.json]


def one_body(recorder):
    (body,) = bodies(recorder)
    return body


def without_booleans(params):
    return {key: value for key, value in params.items() if not isinstance(value, bool)}


# ---------------------------------------------------------------- rotation


def test_a_rotation_is_one_patch_of_that_secret_alone(api, states, recorder, name):
    declared = {
        "rpm": 5,
        "model_api_key": FIRST,
        "aws_access_key_id": "AKIA-0123456789",
        "aws_secret_access_key": "aws-0123456789",
        "litellm_params": {"extra_headers": {"X-Token": "header-0123456789"}},
    }
    states.present(name, **declared)
    recorder.clear()
    declared["model_api_key"] = SECOND
    done = states.present(name, **declared)
    assert (done["result"], done["changes"]) == (True, KEY_CHANGED)
    body = one_body(recorder)
    assert without_booleans(body["litellm_params"]) == {"api_key": SECOND}
    assert set(body) == {"litellm_params", "model_info"}
    assert set(body["model_info"]) == {"id", "db_model", MARKER}
    assert api.secrets(id_of(api.one(name)))["api_key"] == "sk****10"
    recorder.clear()
    assert states.present(name, **declared)["changes"] == {}
    assert sent(recorder) == [LIST]


def test_a_secret_in_a_mapping_is_rotated(api, states, name):
    def headers(token):
        return {"extra_headers": {"X-Auth-Token": token, "X-Team": "one"}}

    states.present(name, litellm_params=headers(FIRST))
    done = states.present(name, litellm_params=headers(SECOND))
    assert done["changes"] == {"litellm_params:extra_headers:X-Auth-Token": REDACTED}
    stored = api.stored(id_of(api.one(name)))["litellm_params"]
    assert stored["extra_headers"] == headers(SECOND)["extra_headers"]


def test_a_secret_in_a_list_is_rotated(api, states, name):
    def fallbacks(key):
        return {"fallbacks": [{"model": "openai/gpt-4o", "api_key": key}, "plain"]}

    assert states.present(name, litellm_params=fallbacks(FIRST))["result"] is True
    assert states.present(name, litellm_params=fallbacks(FIRST))["changes"] == {}
    done = states.present(name, litellm_params=fallbacks(SECOND))
    assert set(done["changes"]) == {"litellm_params:fallbacks"}
    assert SECOND not in str(done)
    stored = api.stored(id_of(api.one(name)))["litellm_params"]
    assert stored["fallbacks"] == fallbacks(SECOND)["fallbacks"]
    assert states.present(name, litellm_params=fallbacks(SECOND))["changes"] == {}


def test_credentials_given_as_a_mapping_are_encrypted_at_rest(api, states, recorder, name):
    def vertex(key):
        return {"vertex_credentials": {"type": "service_account", "private_key": key}}

    states.present(name, litellm_params=vertex(FIRST))
    sent_value = bodies(recorder)[0]["litellm_params"]["vertex_credentials"]
    assert json.loads(sent_value) == vertex(FIRST)["vertex_credentials"]
    stored = api.stored(id_of(api.one(name)))["litellm_params"]["vertex_credentials"]
    assert isinstance(stored, str)
    assert "service_account" not in stored
    done = states.present(name, litellm_params=vertex(SECOND))
    assert done["changes"] == {"litellm_params:vertex_credentials": REDACTED}
    assert states.present(name, litellm_params=vertex(SECOND))["changes"] == {}


# ---------------------------------------------------------------- fingerprints


def test_a_new_admin_key_writes_the_secrets_once_more(
    api, states, recorder, profile, admin_keys, name
):
    declared = {"rpm": 5, "model_api_key": FIRST}
    profile["api_key"] = admin_keys[0]
    states.present(name, **declared)
    profile["api_key"] = admin_keys[1]
    recorder.clear()
    predicted = states.present(name, test=True, **declared)
    done = states.present(name, **declared)
    assert done["changes"] == predicted["changes"] == KEY_CHANGED
    assert "the key of its fingerprint has changed" in done["comment"]
    assert without_booleans(one_body(recorder)["litellm_params"]) == {"api_key": FIRST}
    assert states.present(name, **declared)["changes"] == {}


def test_with_a_fingerprint_key_the_admin_key_does_not_matter(
    api, states, recorder, profile, admin_keys, name
):
    profile["fingerprint_key"] = "fingerprints-one"
    states.present(name, model_api_key=FIRST)
    profile["api_key"] = admin_keys[0]
    recorder.clear()
    assert states.present(name, model_api_key=FIRST)["changes"] == {}
    assert sent(recorder) == [LIST]
    profile["fingerprint_key"] = "fingerprints-two"
    done = states.present(name, model_api_key=FIRST)
    assert done["changes"] == KEY_CHANGED
    assert "the key of its fingerprint has changed" in done["comment"]
    assert states.present(name, model_api_key=FIRST)["changes"] == {}


def test_equal_secrets_have_different_fingerprints(api, states, name):
    secret = {
        "model_api_key": FIRST,
        "aws_secret_access_key": FIRST,
        "litellm_params": {"extra_headers": {"X-Token": FIRST}},
    }
    names = [name, f"{name}-two"]
    states.run(
        *(
            ("present", {"name": each, "custom_llm_provider": "openai", "base_model": "x"} | secret)
            for each in names
        )
    )
    markers = [marker_of(api, each) for each in names]
    marks = [mark for marker in markers for mark in marker["secrets"].values()]
    assert len(marks) == len(set(marks)) == 6
    assert FIRST not in json.dumps(markers)
    assert FIRST[3:] not in json.dumps(markers)


# ---------------------------------------------------------------- verification


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


# ---------------------------------------------------------------- verification of what is inside

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


# ---------------------------------------------------------------- references


@pytest.mark.parametrize("reference", [REFERENCE, UNSET])
@pytest.mark.parametrize("verify", [False, True])
def test_a_reference_to_the_gateways_environment_converges(api, states, name, reference, verify):
    declared = {"model_api_key": reference, "model_api_base": reference, "verify_secrets": verify}
    assert states.present(name, **declared)["result"] is True
    assert states.present(name, **declared)["changes"] == {}
    assert states.present(name, test=True, **declared)["changes"] == {}


@pytest.mark.parametrize("shown", [REFERENCE, "https://resolved.example.com"])
def test_a_reference_converges_however_it_is_shown(api, states, recorder, name, shown):
    declared = {"model_api_key": REFERENCE, "model_api_base": REFERENCE}
    states.present(name, **declared)
    row = copy.deepcopy(api.one(name))
    row["litellm_params"]["api_base"] = shown
    recorder.fault(method="GET", path=LIST[1], status=200, json={"data": [row]})
    result = states.present(name, **declared)
    assert (result["result"], result["changes"]) == (True, {})


def test_another_reference_is_a_change(api, states, recorder, name):
    declared = {"model_api_key": REFERENCE, "model_api_base": REFERENCE}
    states.present(name, **declared)
    recorder.clear()
    declared["model_api_key"] = OTHER_REFERENCE
    assert states.present(name, **declared)["changes"] == KEY_CHANGED
    assert without_booleans(one_body(recorder)["litellm_params"]) == {"api_key": OTHER_REFERENCE}
    recorder.clear()
    declared["model_api_base"] = OTHER_REFERENCE
    done = states.present(name, **declared)
    assert set(done["changes"]) == {"model_api_base"}
    assert without_booleans(one_body(recorder)["litellm_params"]) == {"api_base": OTHER_REFERENCE}
    assert states.present(name, **declared)["changes"] == {}


# ---------------------------------------------------------------- masks


def test_a_mask_of_somebody_elses_secret_is_not_written_back(api, states, recorder, name):
    """A mapping can only be written whole, so what cannot be read back must be declared."""
    states.present(name, rpm=5)
    model_id = id_of(api.one(name))
    headers = {"X-Auth-Token": "header-0123456789", "X-Team": "theirs"}
    api.patch(model_id, litellm_params={"extra_headers": headers})
    ours = {"extra_headers": {"X-Ours": "ours"}}
    refused = states.present(name, rpm=5, litellm_params=ours)
    assert (refused["result"], refused["changes"]) == (False, {})
    assert "litellm_params:extra_headers:X-Auth-Token is not declared" in refused["comment"]
    assert api.stored(model_id)["litellm_params"]["extra_headers"] == headers
    ours["extra_headers"]["X-Auth-Token"] = headers["X-Auth-Token"]
    assert states.present(name, rpm=5, litellm_params=ours)["result"] is True
    stored = api.stored(model_id)["litellm_params"]["extra_headers"]
    assert stored == {**headers, "X-Ours": "ours"}
    # The rest of the row may be changed, and replaced, without it.
    assert states.present(name, rpm=6, litellm_params=ours)["result"] is True
