"""The states `managed` and `absent`, lost answers, pages, and the functions by hand."""

import pytest
import requests

from tests.functional.conftest import MARKER, sent

from .conftest import FIRST, PAGE


def test_a_set_and_what_it_prunes(run, api, name, recorder):
    many = {f"{name}-{letter}": FIRST for letter in "abc"}
    arguments = {"name": f"set-{name}", "defaults": {"metadata": {"of": "all"}}}
    predicted = run("managed", test=True, teams=many, **arguments)
    result = run("managed", teams=many, **arguments)
    assert (predicted["result"], result["result"]) == (None, True), result
    assert predicted["changes"] == result["changes"]
    assert result["comment"] == "All 3 teams were created"
    recorder.clear()
    assert run("managed", teams=many, **arguments)["comment"] == "All 3 teams are as declared"
    assert sent(recorder) == [PAGE]
    api("POST", "/key/generate", json={"team_id": api.one(f"{name}-c")["team_id"]})
    left = {f"{name}-a": FIRST}
    alone = run("managed", teams=left, **arguments)
    assert "left alone without `prune: True`" in alone["comment"]
    predicted = run("managed", test=True, teams=left, prune=True, **arguments)
    result = run("managed", teams=left, prune=True, **arguments)
    assert (predicted["result"], result["result"]) == (False, False)
    assert predicted["changes"].keys() == result["changes"].keys() == {f"{name}-b"}
    assert "LiteLLM would delete 1 key with the team" in result["comment"]
    assert {row["team_alias"] for row in api.teams(name)} == {f"{name}-a", f"{name}-c"}
    assert run("managed", teams={}, prune=True, **arguments)["result"] is False


def test_absent_counts_the_keys_that_litellm_would_delete(run, api, name, recorder):
    run(**FIRST)
    team_id = api.one(name)["team_id"]
    for number in range(2):
        key = {"team_id": team_id, "key_alias": f"{name}-{number}"}
        api("POST", "/key/generate", json=key)
    for test in (True, False):
        result = run("absent", test=test)
        assert result["result"] is False
        assert "LiteLLM would delete 2 keys with the team" in result["comment"]
    aliases = [f"{name}-0", f"{name}-1"]
    api("POST", "/key/delete", json={"key_aliases": aliases})
    predicted, result = run("absent", test=True), run("absent")
    assert (predicted["result"], result["result"]) == (None, True), result
    assert predicted["changes"] == result["changes"] == {"team_id": {"old": team_id, "new": None}}
    assert api.one(name) is None
    recorder.clear()
    assert run("absent")["comment"] == f"{name} is absent"
    assert sent(recorder) == [PAGE]


def test_a_failure_for_want_of_a_licence_lets_the_others_go_on(run, api, name):
    teams = {f"{name}-1": {"settings": {"tags": ["a"]}}, f"{name}-2": FIRST}
    result = run("managed", teams=teams)
    assert result["result"] is False
    assert "Enterprise users" in result["comment"]
    assert [one["team_alias"] for one in api.teams(name)] == [f"{name}-2"]


@pytest.mark.parametrize("goes", ["absent", "moves"])
def test_a_team_goes_after_its_keys_also_in_a_prediction(states, run, api, name, goes):
    assert run(**FIRST)["result"] is True
    key = {"name": name, "key": f"sk-{name}-0123456789"}
    assert states.run(("litellm_key.present", {**key, "team": name}))["result"] is True
    last = [
        ("litellm_key.absent", {"name": name})
        if goes == "absent"
        else ("litellm_key.present", key),
        ("litellm_team.absent", {"name": name}),
    ]
    predicted, done = states.run(*last, test=True), states.run(*last)
    assert [one["result"] for one in predicted] == [None, None], predicted
    assert [one["result"] for one in done] == [True, True], done
    assert [one["changes"] for one in done] == [one["changes"] for one in predicted]
    assert api.one(name) is None
    states.run(("litellm_key.absent", {"name": name}))


def test_a_key_that_comes_keeps_a_team_in_a_prediction(states, run, api, name):
    assert run(**FIRST)["result"] is True
    key = {"name": name, "key": f"sk-{name}-0123456789", "team": name}
    both = [("litellm_key.present", key), ("litellm_team.absent", {"name": name})]
    predicted, done = states.run(*both, test=True), states.run(*both)
    assert [one["result"] for one in predicted] == [None, False]
    assert [one["result"] for one in done] == [True, False]
    assert predicted[1]["comment"] == done[1]["comment"]
    states.run(("litellm_key.absent", {"name": name}))


def test_a_team_is_found_by_those_that_name_it(run, loaders, profile, api, name):
    from saltext_litellm.adapter.execution import Minion

    team_id = api.create(name)
    minion = Minion(loaders.opts, {}, {}, loaders.modules)
    teams = minion.gateway(profile).teams
    assert teams.find(name, test=False).id == team_id
    assert teams.find(team_id, test=False).id == team_id
    assert teams.find(f"{name}-none", test=False) is None


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("/team/new", None, FIRST),
        ("/team/update", FIRST, {**FIRST, "max_budget": 20}),
        ("/team/member_add", FIRST, {**FIRST, "members": {"u-1": "user"}}),
        ("/team/member_delete", {**FIRST, "members": {"u-1": "user"}}, FIRST),
        ("/team/delete", FIRST, None),
    ],
)
@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_is_looked_up(run, api, name, recorder, path, before, after, done):
    if before is not None:
        run(**before)
    recorder.fault(path=path, times=1, lose_response=done, drop=not done)
    result = run("absent") if after is None else run(**after)
    row = api.one(name)
    if done:
        assert result["result"] is True, result
    else:
        assert result["result"] is False
        assert (row is None) is (before is None)
    result = run("absent") if after is None else run(**after)
    assert result["result"] is True, result
    assert (api.one(name) is None) is (after is None)
    if after is not None:
        assert (run(**after)["changes"], api.one(name)["max_budget"]) == ({}, after["max_budget"])


@pytest.mark.long
def test_a_hundred_and_one_teams_are_two_pages(run, api, name, recorder):
    many = {f"{name}-{number}": {"max_budget": number} for number in range(101)}
    result = run("managed", name=f"set-{name}", teams=many)
    assert result["comment"] == "All 101 teams were created", result["comment"]
    rows = api.teams(name)
    assert sorted(row["max_budget"] for row in rows) == list(range(101))
    assert {row["metadata"][MARKER]["set"] for row in rows} == {f"set-{name}"}
    recorder.clear()
    again = run("managed", name=f"set-{name}", teams=many)
    assert again["comment"] == "All 101 teams are as declared"
    assert sent(recorder) == [PAGE, PAGE]


def test_an_export_is_adopted_and_changes_nothing(run, call, api, name):
    api.create(name, metadata={"cost": 1}, max_budget=3, models=["gpt-4"], model_aliases={"a": "b"})
    api.create(f"{name}-bare")
    found = {key: one for key, one in call("export", data=True).items() if name in key}
    assert found == {
        name: {
            "models": ["gpt-4"],
            "max_budget": 3.0,
            "model_aliases": {"a": "b"},
            "metadata": {"cost": 1},
        },
        f"{name}-bare": {},
    }
    before = {row["team_alias"]: row for row in api.teams(name)}
    result = run("managed", name=f"set-{name}", teams=found)
    assert result["result"] is True, result
    assert {tuple(change) for change in result["changes"].values()} == {("owner",)}
    for row in api.teams(name):
        row["metadata"].pop(MARKER)
        changing = {"updated_at", "metadata"}
        old = before[row["team_alias"]]
        assert (row["metadata"] or {}) == (old["metadata"] or {})
        assert {k: v for k, v in row.items() if k not in changing} == {
            k: v for k, v in old.items() if k not in changing
        }


def test_the_functions_by_hand(call, api, name):
    assert call("get", name) is None
    assert call("plan", name, max_budget=1)["action"] == "create"
    assert call("apply", name, max_budget=1)["action"] == "create"
    (row,) = call("list", name)
    assert (row["team_alias"], row["owner"], row["max_budget"]) == (name, name, 1)
    assert call("get", name)["team_id"] == row["team_id"] == api.one(name)["team_id"]
    assert call("list", name, owner="") == []
    assert call("delete", name)["action"] == "delete"
    assert call("delete", name)["action"] == "none"


def test_a_viewer_sees_what_would_be_done_and_does_nothing(run, api, name, states, gateway):
    user = {"user_role": "proxy_admin_viewer", "user_id": name, "user_email": f"{name}@x.example"}
    answer = requests.post(
        f"{gateway.url}/user/new",
        json=user,
        headers={"Authorization": f"Bearer {gateway.key}"},
        timeout=60,
    )
    if not answer.ok:
        pytest.skip("this LiteLLM makes no users here")
    run(**FIRST)
    profile = {"url": gateway.url, "api_key": answer.json()["key"], "retries": 0}
    changed = {"name": name, **FIRST, "max_budget": 20, "profile": profile}
    assert states.run(("litellm_team.present", changed), test=True)["result"] is None
    result = states.run(("litellm_team.present", changed))
    assert result["result"] is False
    assert "was not changed" in result["comment"]
    assert api.one(name)["max_budget"] == 10
