"""`parallel: True`: each such state runs in a process of its own, which Salt forks from the run."""

import json

import pytest

from tests.functional.conftest import LIST, sent

TABLE = "Workers and clients"
MODEL = {"custom_llm_provider": "openai", "base_model": "gpt-4"}
FORKED = 8


@pytest.fixture
def name(tmp_path):
    return f"parallel-{tmp_path.name}"[:40]


@pytest.fixture
def apply(salt_call, gateway, recorder):
    """Applies states, given as (id, function, arguments), and returns their results by id."""
    salt_call.pillar({"litellm": {"url": recorder.url, "api_key": gateway.key, "retries": 0}})

    def apply(*states, test=False):
        sls = {
            one: {f"litellm_model.{function}": [{key: value} for key, value in args.items()]}
            for one, function, args in states
        }
        salt_call.states("models", json.dumps(sls))
        recorder.clear()
        results = salt_call.apply("models", *(["test=True"] if test else []))
        return {result["__id__"]: result for result in results}

    return apply


def require(*ids):
    return [{"litellm_model": one} for one in ids]


def told(results):
    return {one: (result["result"], result["comment"]) for one, result in results.items()}


def id_of(row):
    return row["model_info"]["id"]


def all_rest(apply, states):
    """Nothing is left to do, nor is anything predicted."""
    for test in (True, False):
        results = apply(*states, test=test)
        rests = [(one["result"], one["changes"]) == (True, {}) for one in results.values()]
        assert all(rests), told(results)


def many(name):
    """States that read before, at the same time as and after others that write in forks."""
    moved = {**MODEL, "rpm": 1}
    models = {f"{name}-a": MODEL, f"{name}-0": moved}
    return [
        ("first", "present", {"name": f"{name}-first", **MODEL}),
        *(
            (f"fork-{n}", "present", {"name": f"{name}-{n}", **MODEL, "parallel": True})
            for n in range(FORKED)
        ),
        ("beside", "present", {"name": f"{name}-beside", **MODEL}),
        ("set", "managed", {"name": f"{name}-s", "models": models, "require": require("fork-0")}),
        ("gone", "absent", {"name": f"{name}-1", "require": require("fork-1")}),
    ]


def test_what_was_forked_is_seen_by_those_that_follow(apply, api, name, survived):
    done = apply(*many(name))
    assert all(one["result"] is True for one in done.values()), told(done)
    for number in range(FORKED):
        assert done[f"fork-{number}"]["comment"] == f"{name}-{number} was created"
    # Both follow a state that has written in another process since they could read first.
    assert done["set"]["changes"][f"{name}-0"]["owner"]["old"] == f"{name}-0"
    assert done["gone"]["comment"] == f"{name}-1 was deleted"
    rows = sorted(row["model_name"] for row in api.rows() if name in row["model_name"])
    left = [number for number in range(FORKED) if number != 1]
    assert rows == sorted(f"{name}-{one}" for one in ("a", "beside", "first", *left))
    assert api.one(f"{name}-0")["litellm_params"]["rpm"] == 1
    survived(TABLE, "forked states of one run (parallel: True)", FORKED)


@pytest.mark.survive
def test_what_is_forked_is_predicted_and_rests_afterwards(apply, api, name):
    states = [state for state in many(name) if state[0] not in ("set", "gone")]
    predicted = apply(*states, test=True)
    assert {one["result"] for one in predicted.values()} == {None}, told(predicted)
    assert [row for row in api.rows() if name in row["model_name"]] == []
    done = apply(*states)
    assert {one: result["changes"] for one, result in done.items()} == {
        one: result["changes"] for one, result in predicted.items()
    }
    all_rest(apply, states)


@pytest.mark.survive
def test_what_rests_is_one_request_and_one_more_for_a_forked_state(apply, api, name, recorder):
    states = [(f"s{n}", "present", {"name": f"{name}-{n}", **MODEL}) for n in range(4)]
    apply(*states)
    apply(*states)
    assert sent(recorder) == [LIST]
    forked = ("s3", "present", {**states[3][2], "parallel": True})
    apply(*states[:3], forked)
    assert sent(recorder) == [LIST] * 2


@pytest.mark.survive
def test_forked_states_that_replace_rows_end_right(apply, api, name, survived):
    def states(info):
        return [
            (f"s{n}", "present", {"name": f"{name}-{n}", **MODEL, "parallel": True, **info})
            for n in range(6)
        ]

    apply(*states({"model_info": {"note": "x"}}))
    before = {row["model_name"]: id_of(row) for row in api.rows() if name in row["model_name"]}
    done = apply(*states({}))
    assert all(one["result"] is True for one in done.values()), told(done)
    after = {row["model_name"]: id_of(row) for row in api.rows() if name in row["model_name"]}
    assert before.keys() == after.keys()
    assert set(before.values()).isdisjoint(after.values())
    all_rest(apply, states({}))
    survived(TABLE, "forked states of one run (parallel: True)", 6)


@pytest.mark.survive
def test_two_forked_states_about_one_row_double_nothing(apply, api, name, survived):
    """Both may adopt it; the one that does not get it has a row of its own after the next run."""
    states = [
        (one, "present", {"name": f"{name}-{one}", "model_name": name, **MODEL, "parallel": True})
        for one in ("x", "y")
    ]
    adopted = api.create(name)
    apply(*states)
    apply(*states)
    rows = api.named(name)
    owners = sorted(row["model_info"]["saltext_litellm"]["name"] for row in rows)
    assert owners == [f"{name}-x", f"{name}-y"]
    assert adopted in [id_of(row) for row in rows]
    all_rest(apply, states)
    survived(TABLE, "forked states about one row nobody owns")
