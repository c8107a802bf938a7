"""Budgets, on a real gateway."""

import pytest

from tests.functional.conftest import sent

from .conftest import LIST

FIRST = {"max_budget": 5, "budget_duration": "30d", "rpm_limit": 3}


def test_it_is_made_by_one_write_and_then_as_declared_by_one_request(run, api, name, recorder):
    predicted, result = run(test=True, **FIRST), run(**FIRST)
    assert (predicted["result"], result["result"]) == (None, True), result
    assert predicted["changes"] == result["changes"]
    assert result["comment"] == f"{name} was created"
    row = api.one(name)
    assert {key: row[key] for key in FIRST} == FIRST
    recorder.clear()
    again = run(**FIRST)
    assert (again["result"], again["changes"]) == (True, {})
    assert sent(recorder) == [LIST]


def test_a_change_by_hand_is_repaired_and_the_reset_date_stays(run, api, name, recorder):
    run(**FIRST)
    before = api.one(name)["budget_reset_at"]
    api("POST", "/budget/update", json={"budget_id": name, "max_budget": 50, "tpm_limit": 7})
    recorder.clear()
    result = run(**FIRST)
    assert result["changes"] == {"max_budget": {"old": 50.0, "new": 5.0}}
    (write,) = [one.json for one in recorder.requests if one.method == "POST"]
    assert write == {"budget_id": name, "max_budget": 5.0}
    row = api.one(name)
    assert (row["max_budget"], row["tpm_limit"], row["budget_reset_at"]) == (5, 7, before)


def test_what_is_declared_no_longer_stays(run, api, name):
    run(**FIRST)
    assert run(max_budget=5)["changes"] == {}
    assert api.one(name)["rpm_limit"] == 3


def test_absent_counts_who_uses_it(run, api, name):
    run(**FIRST)
    api("POST", "/key/generate", json={"budget_id": name, "key_alias": f"{name}-key"})
    customer = {"user_id": f"{name}-customer", "budget_id": name}
    api("POST", "/customer/new", json=customer)
    users = "1 key and 1 customer" if api.since("1.106") else "1 key"
    for test in (True, False):
        result = run("absent", test=test)
        assert result["result"] is False
        assert (
            f"{users} of the gateway would have no limits without the budget {name}"
            in result["comment"]
        )
    assert api.one(name)["max_budget"] == 5
    api("POST", "/key/delete", json={"key_aliases": [f"{name}-key"]})
    api("POST", "/customer/delete", json={"user_ids": [customer["user_id"]]})
    predicted, result = run("absent", test=True), run("absent")
    assert (predicted["result"], result["result"]) == (None, True)
    assert predicted["changes"] == result["changes"] == {"budget_id": {"old": name, "new": None}}
    assert api.one(name) is None
    assert run("absent")["comment"] == f"{name} is absent"


@pytest.mark.parametrize("goes", ["absent", "present"])
def test_a_budget_goes_after_its_key_also_in_a_prediction(states, run, api, name, goes):
    run(**FIRST)
    key = {"name": name, "key": f"sk-{name}-0123456789"}
    assert states.run(("litellm_key.present", {**key, "budget_id": name}))["result"] is True
    left = key if goes == "present" else {"name": name}
    last = [(f"litellm_key.{goes}", left), ("litellm_budget.absent", {"name": name})]
    predicted, done = states.run(*last, test=True), states.run(*last)
    assert [one["result"] for one in predicted] == [None, None], predicted
    assert [one["changes"] for one in done] == [one["changes"] for one in predicted]
    assert api.one(name) is None
    states.run(("litellm_key.absent", {"name": name}))


def test_the_budget_of_the_members_of_a_team_is_never_touched(run, api, call, name):
    team = {"team_alias": name, "team_member_budget": 4}
    team_id = api("POST", "/team/new", json=team)["team_id"]
    pointer = api.info(team_id)["metadata"]["team_member_budget_id"]
    for result in (run(budget_id=pointer, max_budget=9), run("absent", budget_id=pointer)):
        assert result["result"] is False
        assert "set team_member_budget of the team" in result["comment"]
    assert api.one(pointer)["max_budget"] == 4
    assert pointer not in call("export", data=True)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("/budget/new", None, FIRST),
        ("/budget/update", FIRST, {**FIRST, "max_budget": 6}),
        ("/budget/delete", FIRST, None),
    ],
)
@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_is_looked_up(run, api, name, recorder, path, before, after, done):
    if before is not None:
        run(**before)
    recorder.fault(path=path, times=1, lose_response=done, drop=not done)
    result = run("absent") if after is None else run(**after)
    assert result["result"] is done, result
    result = run("absent") if after is None else run(**after)
    assert result["result"] is True, result
    row = api.one(name)
    assert (row and row["max_budget"]) == (after and after["max_budget"])


def test_a_budget_that_goes_meanwhile_is_made_again(run, api, name, recorder):
    run(**FIRST)

    def gone(answer):
        api("POST", "/budget/delete", json={"id": name})
        return answer

    recorder.fault(path="/budget/list", times=1, rewrite=gone)
    result = run(**{**FIRST, "max_budget": 6})
    assert result["result"] is True, result
    assert api.one(name)["max_budget"] == 6


def test_a_licence_is_wanted_in_one_sentence(run, api, name):
    result = run(max_budget=5, model_max_budget={"gpt-4": {"max_budget": 1}})
    assert result["result"] is False
    assert "enterprise license" in result["comment"]
    assert api.one(name) is None


def test_the_functions_by_hand(call, api, name):
    assert call("get", name) is None
    assert call("plan", name, max_budget=1)["action"] == "create"
    assert call("apply", name, max_budget=1)["action"] == "create"
    (row,) = call("list", name)
    assert (row["budget_id"], row["max_budget"]) == (name, 1) == (name, api.one(name)["max_budget"])
    assert call("export", data=True)[name] == {"max_budget": 1.0}
    assert call("delete", name)["action"] == "delete"
    assert call("delete", name)["action"] == "none"
