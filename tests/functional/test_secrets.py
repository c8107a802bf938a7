"""Secrets, which LiteLLM does not give back: seen when they are rotated, and shown to nobody."""

import copy
import json

import pytest

from .conftest import LIST, MARKER, bodies, id_of, one_body, sent, without_booleans

FIRST, SECOND = "sk-first-0123456789", "sk-second-9876543210"
REDACTED = {"old": "**********", "new": "**********"}
KEY_CHANGED = {"model_api_key": REDACTED}
# Their key ids differ, which keys of a random make would not always do.
ADMIN_KEYS = ("sk-test-of-rotation-1", "sk-test-of-rotation-2")
REFERENCE, OTHER_REFERENCE = "os.environ/LANG", "os.environ/PATH"
UNSET = "os.environ/SALTEXT_LITELLM_UNSET"

pytestmark = pytest.mark.usefixtures("no_mask_is_ever_written")


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


def marker_of(api, name):
    return api.one(name)["model_info"][MARKER]


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


def test_a_mask_of_somebody_elses_secret_is_not_written_back(api, states, name):
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
