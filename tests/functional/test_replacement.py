"""A key that LiteLLM cannot clear: the deployment is replaced, and served all the while."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from .conftest import sent

MARKER = "saltext_litellm"
NEW, DELETE = ("POST", "/model/new"), ("POST", "/model/delete")
FULL = {
    "rpm": 5000,
    "tpm": 600000,
    "model_api_key": "sk-provider-0123456789",
    "litellm_params": {"mock_response": "Hello"},
}
LESS = {key: value for key, value in FULL.items() if key != "rpm"}
RPM_GONE = {"rpm": {"old": 5000, "new": None}}


@pytest.fixture(autouse=True)
def no_mask_is_ever_written(recorder):
    yield
    assert not [record.body for record in recorder.requests if b"****" in record.body]


def break_creates(recorder, status, times=None):
    """Let creates fail, at most so many times, until the returned switch is set."""
    mended, answer = threading.Event(), {"error": {"message": "made to fail"}}
    fault = {"method": "POST", "path": "/model/new", "times": times}
    recorder.fault(**fault, when=lambda _: not mended.is_set(), status=status, json=answer)
    return mended


def id_of(row):
    return row["model_info"]["id"]


def writes(recorder):
    return [request for request in sent(recorder) if request[0] == "POST"]


def chat(gateway, model, session=requests):
    return session.post(
        f"{gateway.url}/chat/completions",
        headers={"Authorization": f"Bearer {gateway.key}"},
        json={"model": model, "messages": [{"role": "user", "content": "Hi"}]},
        timeout=60,
    )


def test_the_new_row_is_created_before_the_old_one_is_deleted(api, states, recorder, name):
    states.present(name, **FULL)
    old = id_of(api.one(name))
    recorder.clear()
    predicted = states.present(name, test=True, **LESS)
    assert writes(recorder) == []
    done = states.present(name, **LESS)
    assert done["changes"] == predicted["changes"] == RPM_GONE
    assert writes(recorder) == [NEW, DELETE]
    row = api.one(name)
    assert id_of(row) != old
    assert f"It was replaced by {id_of(row)}" in done["comment"]
    assert row["litellm_params"].get("rpm") is None
    assert row["model_info"][MARKER]["name"] == name
    assert "litellm_params/rpm" not in row["model_info"][MARKER]["keys"]
    assert api.secrets(id_of(row))["api_key"] == "sk****89"
    assert states.present(name, **LESS)["changes"] == {}


def test_what_others_have_set_survives(api, states, name):
    ours = {"extra_headers": {"X-Ours": "ours"}}
    states.present(name, rpm=5, litellm_params=ours)
    old = id_of(api.one(name))
    headers = {"X-Ours": "ours", "X-Theirs": "theirs", "X-Auth-Token": "header-0123456789"}
    theirs = {"temperature": 0.5, "extra_headers": headers, "use_litellm_proxy": True}
    info = {"note": "theirs", "team": {"mail": "x@example.com", "token": "info-0123456789"}}
    api.patch(old, litellm_params=theirs, model_info={"id": old, "db_model": True, **info})
    before = api.one(name)
    assert states.present(name, litellm_params=ours)["result"] is True
    after = api.one(name)
    assert id_of(after) != old
    assert api.stored(id_of(after))["litellm_params"]["extra_headers"] == headers
    assert after["litellm_params"].pop("rpm", None) is None
    assert before["litellm_params"].pop("rpm") == 5
    assert after["litellm_params"] == before["litellm_params"]
    for row in (before, after):
        for key in ("id", MARKER):
            row["model_info"].pop(key)
    assert after["model_info"] == before["model_info"]


def test_each_later_removal_replaces_again(api, states, name):
    ids = []
    for arguments in (FULL, LESS, FULL, LESS, {**LESS, "tpm": None}):
        assert states.present(name, **arguments)["result"] is True
        ids.append(id_of(api.one(name)))
    assert ids[1] == ids[2]  # nothing to remove
    assert len(set(ids)) == 4


@pytest.mark.parametrize("status", [400, 500])
def test_a_create_that_fails_leaves_the_old_row(
    api, states, recorder, name, gateway_can_block, status
):
    states.present(name, **FULL)
    before = api.one(name)
    mended = break_creates(recorder, status)
    result = states.present(name, **{**LESS, "tpm": 7})
    assert result["result"] is False
    # An older LiteLLM stops serving for the time of a PATCH, so there none has been sent.
    patched = {"tpm": {"old": 600000, "new": 7}} if gateway_can_block else {}
    assert result["changes"] == patched
    assert "made to fail" in result["comment"]
    assert DELETE not in writes(recorder)
    after = api.one(name)
    tpm = 7 if gateway_can_block else 600000
    assert after["litellm_params"] == {**before["litellm_params"], "tpm": tpm}
    assert "litellm_params/rpm" in after["model_info"][MARKER]["keys"]
    mended.set()
    done = states.present(name, **{**LESS, "tpm": 7})
    assert done["result"] is True
    assert done["changes"].keys() == RPM_GONE.keys() | ({"tpm"} - patched.keys())
    assert api.one(name)["litellm_params"].get("rpm") is None


def test_a_run_cut_off_before_the_delete_is_finished_by_the_next(api, states, recorder, name):
    states.present(name, **FULL)
    old = id_of(api.one(name))
    recorder.fault(method="POST", path="/model/delete", drop=True, times=1)
    assert states.present(name, **LESS)["result"] is False
    assert len(api.named(name)) == 2
    predicted = states.present(name, test=True, **LESS)
    done = states.present(name, **LESS)
    assert done["result"] is True
    assert done["changes"] == predicted["changes"]
    assert done["changes"]["model_id"]["old"] == old
    assert api.one(name)["litellm_params"].get("rpm") is None
    assert states.present(name, **LESS)["changes"] == {}


def test_absent_after_a_run_was_cut_off_leaves_nothing(api, states, recorder, name):
    states.present(name, **FULL)
    recorder.fault(method="POST", path="/model/delete", drop=True, times=1)
    states.present(name, **LESS)
    assert len(api.named(name)) == 2
    assert states.absent(name)["result"] is True
    assert api.named(name) == []


def test_a_lost_answer_to_the_create_ends_in_one_row(api, states, recorder, name):
    states.present(name, **FULL)
    recorder.fault(method="POST", path="/model/new", lose_response=True, times=1)
    done = states.present(name, **LESS)
    assert (done["result"], done["changes"]) == (True, RPM_GONE)
    assert api.one(name)["litellm_params"].get("rpm") is None
    assert states.present(name, **LESS)["changes"] == {}


@pytest.mark.parametrize("pinned", [False, True])
def test_a_secret_of_somebody_elses_is_not_lost(api, gateway, states, recorder, name, pinned):
    declared = {key: FULL[key] for key in ("tpm", "litellm_params")}
    declared["model_id"] = f"{name}-id" if pinned else None
    states.present(name, rpm=5000, **declared)
    model_id = id_of(api.one(name))
    api.patch(model_id, litellm_params={"api_key": "sk-theirs-0123456789"})
    before = api.stored(model_id)
    recorder.clear()
    result = states.present(name, **declared)
    assert (result["result"], result["changes"]) == (False, {})
    assert "litellm_params:api_key, which is not declared" in result["comment"]
    assert writes(recorder) == []
    assert api.stored(model_id)["litellm_params"] == before["litellm_params"]
    assert api.stored(model_id)["model_info"] == before["model_info"]
    assert chat(gateway, name).status_code == 200


@pytest.mark.parametrize("declared", [True, False])
def test_a_blocked_deployment_stays_blocked(api, states, name, gateway_can_block, declared):
    if not gateway_can_block:
        pytest.skip("this LiteLLM cannot block")
    blocked = {"blocked": True} if declared else {}
    states.present(name, **FULL, **blocked)
    old = id_of(api.one(name))
    if not declared:
        api("POST", "/model/block", json={"model_id": old})
    assert states.present(name, **LESS, **blocked)["result"] is True
    row = api.one(name)
    assert id_of(row) != old
    assert row["model_info"]["blocked"] is True
    assert states.present(name, **LESS, **blocked)["changes"] == {}


def test_a_price_is_cleared_in_place_where_litellm_can(
    api, states, recorder, name, gateway_can_block
):
    """As long as those that can clear a price are those that can block."""
    states.present(name, input_cost_per_million_tokens=30)
    old = id_of(api.one(name))
    done = states.present(name)
    assert done["changes"] == {"input_cost_per_million_tokens": {"old": 30.0, "new": None}}
    row = api.one(name)
    assert (id_of(row) == old) is gateway_can_block
    assert ("replaced" in done["comment"]) is not gateway_can_block
    assert api.stored(id_of(row))["litellm_params"].get("input_cost_per_token") is None
    assert "litellm_params/input_cost_per_token" not in row["model_info"][MARKER]["keys"]
    assert states.present(name)["changes"] == {}


@contextmanager
def hammering(gateway, model):
    """Four clients that ask a model without a pause; yields what they are answered."""
    stop, answers = threading.Event(), []

    def ask(_):
        with requests.Session() as session:
            while not stop.is_set():
                answer = chat(gateway, model, session)
                answers.append((answer.status_code, answer.text[:300]))

    with ThreadPoolExecutor(4) as pool:
        clients = pool.map(ask, range(4))
        try:
            yield answers
        finally:
            stop.set()
    assert len(list(clients)) == 4  # none of them was hung up on


def test_clients_notice_nothing_of_a_replacement(api, gateway, states, name):
    keys = {"rpm": 5000, "tpm": 600000, "model_api_base": "https://x.example.com"}
    states.present(name, **{**FULL, **keys})
    ids = {id_of(api.one(name))}
    with hammering(gateway, name) as answers:
        for key in keys:
            keys[key] = None
            assert states.present(name, **{**FULL, **keys})["result"] is True
            ids.add(id_of(api.one(name)))
    assert len(ids) == 4
    assert len(answers) > 50
    assert [answer for answer in answers if answer[0] != 200] == []


# ---------------------------------------------------------------- pinned


@pytest.fixture
def pinned(states, api, recorder, name):
    """Applies a state whose row has an id that was chosen; it is there, with everything."""

    def apply(arguments, test=False):
        return states.present(name, test=test, model_id=f"{name}-id", **arguments)

    apply(FULL)
    assert id_of(api.one(name)) == f"{name}-id"
    recorder.clear()
    return apply


def test_a_chosen_id_is_kept(api, pinned, recorder, name):
    predicted = pinned(LESS, test=True)
    done = pinned(LESS)
    assert done["changes"] == predicted["changes"] == RPM_GONE
    assert "It was deleted and created again" in done["comment"]
    assert writes(recorder) == [DELETE, NEW]
    row = api.one(name)
    assert id_of(row) == f"{name}-id"
    assert row["litellm_params"].get("rpm") is None
    assert api.secrets(id_of(row))["api_key"] == "sk****89"
    assert pinned(LESS)["changes"] == {}


@pytest.mark.parametrize("status", [400, 500])
def test_a_row_of_a_chosen_id_is_put_back(api, pinned, recorder, name, status):
    before = api.one(name)
    break_creates(recorder, status, times=1)
    result = pinned(LESS)
    assert (result["result"], result["changes"]) == (False, {})
    assert f"{name}-id was put back" in result["comment"]
    assert api.one(name)["litellm_params"] == before["litellm_params"]
    assert api.secrets(f"{name}-id")["api_key"] == "sk****89"
    done = pinned(LESS)
    assert (done["result"], done["changes"]) == (True, RPM_GONE)
    assert id_of(api.one(name)) == f"{name}-id"


@pytest.mark.parametrize("status", [400, 500])
def test_a_row_that_cannot_be_put_back_is_said_to_be_gone(api, pinned, recorder, name, status):
    mended = break_creates(recorder, status)
    result = pinned(LESS)
    assert result["result"] is False
    assert f"{name}-id was deleted" in result["comment"]
    assert "apply again" in result["comment"]
    assert api.named(name) == []
    mended.set()
    assert pinned(LESS)["result"] is True
    assert api.one(name)["litellm_params"].get("rpm") is None
    assert api.secrets(f"{name}-id")["api_key"] == "sk****89"
