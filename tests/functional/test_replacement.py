"""A key that LiteLLM cannot clear: the deployment is replaced, and served all the while.

What stands in `model_info` is kept by every LiteLLM up to 1.110, once it is set.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from .conftest import MARKER, id_of, sent

NEW, DELETE = ("POST", "/model/new"), ("POST", "/model/delete")
FULL = {
    "rpm": 5000,
    "tpm": 600000,
    "model_api_key": "sk-provider-0123456789",
    "litellm_params": {"mock_response": "Hello"},
    "model_info": {"note": "ours"},
}
LESS = {key: value for key, value in FULL.items() if key != "model_info"}
NOTE_GONE = {"model_info:note": {"old": "ours", "new": None}}


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


def writes(recorder):
    return [request for request in sent(recorder) if request[0] == "POST"]


def chat(gateway, model, session=requests):
    return session.post(
        f"{gateway.url}/chat/completions",
        headers={"Authorization": f"Bearer {gateway.key}"},
        json={"model": model, "messages": [{"role": "user", "content": "Hi"}]},
        timeout=60,
    )


def test_the_new_row_is_created_before_the_old_one_is_deleted(
    api, states, recorder, name, gateway_can_block
):
    states.present(name, **FULL)
    old = id_of(api.one(name))
    recorder.clear()
    predicted = states.present(name, test=True, **LESS)
    assert writes(recorder) == []
    done = states.present(name, **LESS)
    row = api.one(name)
    assert id_of(row) != old
    assert predicted["changes"] == done["changes"]
    assert (
        "It needs a new row, because LiteLLM cannot clear model_info:note in place"
        in (predicted["comment"])
    )
    assert done["changes"] == {**NOTE_GONE, "model_id": {"old": old, "new": id_of(row)}}
    assert writes(recorder) == [NEW, DELETE]
    assert f"It was replaced by row {id_of(row)} (was {old}), because LiteLLM" in done["comment"]
    assert "note" not in row["model_info"]
    assert row["model_info"][MARKER]["name"] == name
    assert "model_info/note" not in row["model_info"][MARKER]["keys"]
    assert ("replaces" in row["model_info"][MARKER]) is not gateway_can_block
    assert api.secrets(id_of(row))["api_key"] == "sk****89"
    assert states.present(name, **LESS)["changes"] == {}


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"litellm_params": {"temperature": 0.5}}, {}),
        ({"rpm": 5, "tpm": 6}, {"tpm": 7}),
        ({"input_cost_per_million_tokens": 5}, {}),
        ({"model_api_key": "sk-provider-0123456789"}, {}),
        ({"litellm_params": {"merge_reasoning_content_in_choices": True}}, {}),
        ({"model_info": {"team": {"a": 1, "b": 2}}}, {"model_info": {"team": {"a": 1}}}),
        ({"model_info": {"team": {"a": 1}}, "mode": "chat"}, {"mode": "embedding"}),
        ({"model_id": "ID", "mode": "chat"}, {"model_id": "ID"}),
        ({"model_id": "ID", "mode": "chat"}, {"model_id": "ID-2"}),
    ],
)
def test_a_removal_is_predicted_exactly(api, states, recorder, name, first, then):
    """Whether LiteLLM clears it, or only a new row does, and which id that has."""

    def named(arguments):
        model_id = arguments.get("model_id", "").replace("ID", name)
        return {**arguments, **({"model_id": model_id} if model_id else {})}

    states.present(name, **named(first))
    old = id_of(api.one(name))
    recorder.clear()
    predicted = states.present(name, test=True, **named(then))
    assert [request for request in sent(recorder) if request[0] != "GET"] == []
    done = states.present(name, **named(then))
    assert (predicted["result"], done["result"]) == (None, True)
    assert predicted["changes"] == done["changes"]
    new = id_of(api.one(name))
    moved = {"old": old, "new": new} if new != old else None
    assert predicted["changes"].get("model_id") == moved
    replaced = any(note in done["comment"] for note in ("replaced by", "made anew"))
    predicts = any(note in predicted["comment"] for note in ("needs a new row", "be replaced"))
    assert predicts is replaced
    assert states.present(name, **named(then))["changes"] == {}


def test_what_others_have_set_survives(api, states, name):
    ours = {"extra_headers": {"X-Ours": "ours"}}
    states.present(name, model_info={"ours": "x"}, litellm_params=ours)
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
    assert "ours" not in after["model_info"]
    assert before["model_info"].pop("ours") == "x"
    assert after["litellm_params"] == before["litellm_params"]
    for row in (before, after):
        for key in ("id", MARKER):
            row["model_info"].pop(key)
    assert after["model_info"] == before["model_info"]


def test_each_later_removal_replaces_again(api, states, name):
    ids = []
    for arguments in (FULL, LESS, FULL, LESS, FULL, LESS):
        assert states.present(name, **arguments)["result"] is True
        ids.append(id_of(api.one(name)))
    assert ids[1] == ids[2]  # nothing to remove
    assert ids[3] == ids[4]
    assert len(set(ids)) == 4


@pytest.mark.parametrize("status", [400, 500])
def test_a_create_that_fails_leaves_the_old_row(api, states, recorder, name, status):
    states.present(name, **FULL)
    before = api.one(name)
    mended = break_creates(recorder, status)
    result = states.present(name, **{**LESS, "tpm": 7})
    assert result["result"] is False
    assert result["changes"] == {}
    assert "made to fail" in result["comment"]
    assert DELETE not in writes(recorder)
    after = api.one(name)
    assert after["litellm_params"] == before["litellm_params"]
    assert "model_info/note" in after["model_info"][MARKER]["keys"]
    mended.set()
    done = states.present(name, **{**LESS, "tpm": 7})
    assert done["result"] is True
    assert done["changes"].keys() == {*NOTE_GONE, "model_id", "tpm"}
    assert "note" not in api.one(name)["model_info"]


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
    assert "note" not in api.one(name)["model_info"]
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
    assert (done["result"], done["changes"].keys()) == (True, {*NOTE_GONE, "model_id"})
    assert "note" not in api.one(name)["model_info"]
    assert states.present(name, **LESS)["changes"] == {}


@pytest.mark.parametrize("pinned", [False, True])
def test_a_secret_of_somebody_elses_is_not_lost(api, gateway, states, recorder, name, pinned):
    declared = {key: FULL[key] for key in ("tpm", "litellm_params")}
    declared["model_id"] = f"{name}-id" if pinned else None
    states.present(name, model_info={"note": "ours"}, **declared)
    model_id = id_of(api.one(name))
    api.patch(model_id, litellm_params={"api_key": "sk-theirs-0123456789"})
    before = api.stored(model_id)
    recorder.clear()
    result = states.present(name, **declared)
    assert (result["result"], result["changes"]) == (False, {})
    assert "litellm_params:api_key, which is not declared" in result["comment"]
    assert writes(recorder) == []
    after = api.stored(model_id)
    assert after["litellm_params"] == before["litellm_params"]
    assert after["model_info"] == before["model_info"]
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
    recorder.clear()
    done = states.present(name)
    row = api.one(name)
    moved = {} if gateway_can_block else {"model_id": {"old": old, "new": id_of(row)}}
    price = {"input_cost_per_million_tokens": {"old": 30.0, "new": None}}
    assert done["changes"] == {**price, **moved}
    assert (id_of(row) == old) is gateway_can_block
    assert ("replaced" in done["comment"]) is not gateway_can_block
    if gateway_can_block:  # the database, and the change
        assert [request[0] for request in sent(recorder)] == ["GET", "PATCH"]
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
    notes = {"one": 1, "two": 2, "three": 3}
    states.present(name, **{**FULL, "model_info": notes})
    ids = {id_of(api.one(name))}
    with hammering(gateway, name) as answers:
        for key in list(notes):
            del notes[key]
            assert states.present(name, **{**FULL, "model_info": notes})["result"] is True
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
    assert "a new row" in predicted["comment"]
    done = pinned(LESS)
    assert done["changes"] == predicted["changes"] == NOTE_GONE
    assert "made anew under its id" in done["comment"]
    # Another row stands in meanwhile, so that nothing is ever lost, and the model is served.
    assert writes(recorder) == [NEW, DELETE, NEW, DELETE]
    row = api.one(name)
    assert id_of(row) == f"{name}-id"
    assert "note" not in row["model_info"]
    assert api.secrets(id_of(row))["api_key"] == "sk****89"
    assert pinned(LESS)["changes"] == {}


def test_clients_notice_nothing_of_a_row_that_is_made_anew(
    api, gateway, gateway_can_block, recorder, pinned, name
):
    with hammering(gateway, name) as answers:
        result = pinned(LESS)
    assert result["result"] is True, result["comment"]
    if not gateway_can_block and "PATCH" in [method for method, _ in sent(recorder)]:
        # A poll of LiteLLM 1.83.14 was reading while the row was made anew, and listed the old one
        # again. Only a PATCH ends that, for the time of which 1.83.14 serves nothing.
        return
    assert [answer for answer in answers if answer[0] != 200] == []


@pytest.mark.parametrize("status", [400, 500])
def test_a_row_of_a_chosen_id_stays_if_no_other_can_be_made(api, pinned, recorder, name, status):
    before = api.one(name)
    break_creates(recorder, status, times=1)
    result = pinned(LESS)
    assert (result["result"], result["changes"]) == (False, {})
    assert f"{name} was not changed" in result["comment"]
    assert api.one(name)["litellm_params"] == before["litellm_params"]
    assert api.secrets(f"{name}-id")["api_key"] == "sk****89"
    done = pinned(LESS)
    assert (done["result"], done["changes"]) == (True, NOTE_GONE)
    assert id_of(api.one(name)) == f"{name}-id"


@pytest.mark.parametrize("status", [400, 500])
def test_a_row_that_cannot_get_its_id_back_is_served_by_another(
    api, gateway, pinned, recorder, name, status
):
    theirs = {"temperature": 0.5}
    api.patch(f"{name}-id", litellm_params=theirs)
    mended = threading.Event()
    recorder.fault(
        method="POST",
        path="/model/new",
        when=lambda r: r.json["model_info"]["id"] == f"{name}-id" and not mended.is_set(),
        status=status,
        json={"error": {"message": "made to fail"}},
    )
    result = pinned(LESS)
    row = api.one(name)
    assert result["result"] is False
    moved = {"model_id": {"old": f"{name}-id", "new": id_of(row)}}
    assert result["changes"] == {**NOTE_GONE, **moved}
    assert f"{name} was changed, but is not as declared yet" in result["comment"]
    assert row["litellm_params"]["temperature"] == 0.5
    assert chat(gateway, name).status_code == 200
    mended.set()
    predicted = pinned(LESS, test=True)
    done = pinned(LESS)
    assert (done["result"], done["changes"]) == (True, predicted["changes"])
    assert id_of(api.one(name)) == f"{name}-id"
    assert api.one(name)["litellm_params"]["temperature"] == 0.5
    assert api.secrets(f"{name}-id")["api_key"] == "sk****89"


def test_a_gateway_that_goes_away_after_the_delete_loses_nothing(api, pinned, recorder, name):
    """The delete is done, and its balancer answers 502 from then on."""
    api.patch(f"{name}-id", litellm_params={"temperature": 0.5})
    away, mended = threading.Event(), threading.Event()

    def is_away(record):
        if record.path == "/model/delete":
            away.set()
        return away.is_set() and record.path != "/model/delete" and not mended.is_set()

    recorder.fault(when=is_away, status=502, body="<html>bad gateway</html>")
    recorder.fault(method="POST", path="/model/delete", lose_response=True, times=1)
    result = pinned(LESS)
    assert result["result"] is False
    assert "whether that was done cannot be seen" in result["comment"]
    assert f"{name} may have been changed or not" in result["comment"]
    (row,) = api.in_database(name)
    assert row["litellm_params"]["temperature"] == 0.5
    assert result["changes"]["model_id"] == {"old": f"{name}-id", "new": id_of(row)}
    mended.set()
    assert pinned(LESS)["result"] is True
    assert id_of(api.one(name)) == f"{name}-id"
    assert api.one(name)["litellm_params"]["temperature"] == 0.5
    assert pinned(LESS)["changes"] == {}
