"""Answers that are wrong, lost or late: what became of the write, and what a state says of it."""

import pytest

from .conftest import MODEL, UNSERVABLE, id_of, managed_set


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_create_that_was_done_but_answered_otherwise(api, states, recorder, name, status):
    done = []

    def forward(record):
        """Send it on ourselves, and let the recorder answer something else."""
        if record.method == "POST" and record.path == "/model/new" and not done:
            done.append(api.gateway.request("POST", record.path, json=record.json))
            return True
        return False

    recorder.fault(when=forward, status=status, body="<html>bad gateway</html>")
    result = states.present(name, rpm=5)
    assert result["result"] is True
    assert result["comment"].startswith(f"{name} was created")
    assert result["changes"]["rpm"] == {"old": None, "new": 5}
    assert len(api.named(name)) == 1
    assert states.present(name, rpm=5)["changes"] == {}


@pytest.mark.parametrize("answer", [{}, {"model_id": "another"}, [], None, "done"])
def test_not_every_200_is_a_row(api, states, recorder, name, answer):
    recorder.fault(method="POST", path="/model/new", status=200, json=answer, times=1)
    result = states.present(name)
    assert (result["result"], result["changes"]) == (False, {})
    assert "not as a LiteLLM gateway does" in result["comment"]
    assert api.in_database(name) == []
    assert states.present(name)["result"] is True


def test_a_change_whose_answer_is_lost_is_looked_up(api, states, recorder, name):
    states.present(name, rpm=5)
    recorder.fault(method="PATCH", path="/model/*", lose_response=True, times=1)
    result = states.present(name, rpm=6)
    assert (result["result"], result["changes"]) == (True, {"rpm": {"old": 5, "new": 6}})
    recorder.fault(method="PATCH", path="/model/*", drop=True, times=1)
    result = states.present(name, rpm=7)
    assert (result["result"], result["changes"]) == (False, {})
    assert f"{name} was not changed" in result["comment"]
    assert api.one(name)["litellm_params"]["rpm"] == 6


def test_a_gateway_that_is_gone_after_a_write_leaves_it_open(api, states, recorder, name):
    states.present(name, rpm=5)
    gone = []

    def is_gone(record):
        gone.extend([1] if record.method == "PATCH" else [])
        return bool(gone)

    recorder.fault(when=is_gone, drop=True)
    result = states.present(name, rpm=6)
    assert (result["result"], result["changes"]) == (False, {})
    assert result["comment"].startswith(f"{name} may have been changed or not. ")


def test_a_write_that_costs_others_their_service_is_said(api, states, recorder, name):
    states.present(name, rpm=5)
    saved = (
        "Model update was saved to the database, but the reload it triggered degraded this pod's "
        "serving state. Previously served model id(s) ['x'] are also no longer being served."
    )

    def forward(record):
        if record.method != "PATCH":
            return False
        api.gateway.request("PATCH", record.path, json=record.json)
        return True

    recorder.fault(when=forward, status=500, json={"error": {"message": saved}})
    result = states.present(name, rpm=6)
    assert (result["result"], result["changes"]) == (True, {"rpm": {"old": 5, "new": 6}})
    assert "['x'] are also no longer being served" in result["comment"]
    assert api.one(name)["litellm_params"]["rpm"] == 6


def test_a_row_deleted_meanwhile_is_made_anew(api, states, recorder, name):
    states.present(name, rpm=5)
    model_id = id_of(api.one(name))

    def delete(record):
        if record.method == "PATCH" and api.named(name):
            api.delete(model_id)
        return False

    recorder.fault(when=delete)
    result = states.present(name, rpm=6)
    assert result["result"] is True
    assert result["comment"].startswith(f"{name} was created")
    assert api.one(name)["litellm_params"]["rpm"] == 6


def test_a_create_that_cannot_be_taken_back_is_not_green(api, states, recorder, name):
    api.create(f"{name}-other")
    recorder.fault(method="POST", path="/model/delete", status=500, body="no", times=2)
    result = states.present(name, litellm_params=UNSERVABLE)
    assert result["result"] is False
    assert "taking it back has failed" in result["comment"]
    assert result["changes"]["model_name"] == {"old": None, "new": name}
    assert len(api.in_database(name)) == 1
    assert states.present(name, litellm_params=UNSERVABLE)["result"] is False


def test_a_read_that_fails_after_a_write_does_not_hide_it(api, states, recorder, name):
    states.present(name, model_api_base="https://a.example.com")
    written = []

    def after(record):
        written.extend([1] if record.method == "PATCH" else [])
        return bool(written) and record.method == "GET"

    recorder.fault(when=after, status=500, json={"detail": {"error": "no"}})
    result = states.present(name, model_api_base="https://b.example.com")
    assert result["result"] is False
    assert list(result["changes"]) == ["model_api_base"]
    assert "whether LiteLLM serves it could not be seen" in result["comment"]


def test_a_prune_that_cannot_look_again_tells_what_was_done(api, states, recorder, name):
    models = {f"{name}-{n}": MODEL for n in "ab"}
    states.run(managed_set(name, models))
    made = []

    def after(record):
        made.extend([1] if record.path == "/model/new" else [])
        return bool(made) and record.method == "GET"

    del models[f"{name}-a"]
    models[f"{name}-c"] = MODEL
    recorder.fault(when=after, status=500, json={"detail": {"error": "no"}})
    result = states.run(managed_set(name, models, prune=True))
    assert (result["result"], list(result["changes"])) == (False, [f"{name}-c"])
    assert f"{name}-a" in result["comment"]
    assert len(api.in_database(f"{name}-a")) == 1
