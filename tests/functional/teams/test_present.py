"""The state `present`, on a real gateway."""

import re

import pytest

from tests.functional.conftest import MARKER, sent

from .conftest import FIRST, PAGE

FULL = {
    **FIRST,
    "tpm_limit": 1000,
    "team_member_budget": 3,
    "model_aliases": {"fast": "gpt-4"},
    "members": {"Ada@Example.com": "user", "u-1": "user"},
    "metadata": {"cost": {"center": 1}},
    "settings": {
        "soft_budget": 5,
        "model_rpm_limit": {"gpt-4": 3},
        "router_settings": {"timeout": 9},
    },
}


def writes(recorder):
    return [(one.path, one.json) for one in recorder.requests if one.method == "POST"]


def test_it_is_made_by_one_write_and_then_as_declared_by_one_request(run, api, name, recorder):
    predicted, result = run(test=True, **FIRST), run(**FIRST)
    assert (predicted["result"], result["result"]) == (None, True), result
    assert predicted["changes"] == result["changes"]
    assert result["comment"] == f"{name} was created"
    row = api.one(name)
    assert {key: row[key] for key in FIRST} == FIRST
    assert row["metadata"][MARKER]["name"] == name
    assert row["metadata"][MARKER]["id"] == row["team_id"]
    recorder.clear()
    again = run(**FIRST)
    assert (again["result"], again["changes"]) == (True, {})
    assert sent(recorder) == [PAGE]


def test_all_of_it_comes_and_goes(run, api, name, recorder):
    result = run(**FULL)
    assert result["result"] is True, result
    row = api.one(name)
    team_id = row["team_id"]
    assert api.roles(team_id) == {"ada@example.com": "user", "u-1": "user"}
    assert api.aliases(team_id) == {"fast": "gpt-4"}
    info = api.info(team_id)
    assert info["team_member_budget_table"]["max_budget"] == 3
    assert (info["soft_budget"], info["router_settings"]) == (5, {"timeout": 9})
    assert info["metadata"]["model_rpm_limit"] == {"gpt-4": 3}
    assert info["metadata"]["cost"] == {"center": 1}
    again = run(**FULL)
    assert (again["result"], again["changes"]) == (True, {}), again
    recorder.clear()
    assert run(**FULL)["changes"] == {}
    lists = [PAGE, ("GET", "/budget/list")]  # which has the budgets of members
    assert sent(recorder) == lists + ([] if api.since("1.106") else [("GET", "/team/list")])
    predicted, result = run(test=True), run()
    assert (predicted["result"], result["result"]) == (None, True), result
    assert predicted["changes"] == result["changes"]
    assert "LiteLLM lets a team use all of them" in result["comment"]
    info = api.info(team_id)
    assert (info["models"], info["max_budget"], info["soft_budget"]) == ([], None, None)
    assert (info["budget_duration"], info["tpm_limit"], info["rpm_limit"]) == (None, None, None)
    budget = info["team_member_budget_table"]
    assert budget is None or budget["max_budget"] is None
    assert api.roles(team_id) == {}
    assert not api.aliases(team_id)
    assert not info["router_settings"]
    left = {key: value for key, value in info["metadata"].items() if value}
    assert left.keys() <= {MARKER, "team_member_budget_id"}
    assert run()["changes"] == {}


def test_what_others_have_set_stays(run, api, name):
    run(**FULL)
    team_id = api.one(name)["team_id"]
    metadata = {**api.info(team_id)["metadata"], "theirs": {"kept": [1]}}
    aliases = {"fast": "gpt-4", "theirs": "gpt-3"}
    api.update(team_id, metadata=metadata, tpm_limit=None, model_aliases=aliases)
    api.update(team_id, team_member_budget=3, team_member_rpm_limit=2, metadata=metadata)
    member = {"user_id": "theirs", "role": "user"}
    api("POST", "/team/member_add", json={"team_id": team_id, "member": member})
    changed = {**FULL, "max_budget": 20, "model_aliases": {"fast": "gpt-5"}}
    result = run(**changed)
    assert result["result"] is True, result
    assert result["changes"] == {
        "max_budget": {"old": 10.0, "new": 20.0},
        "tpm_limit": {"old": None, "new": 1000},
        "model_aliases:fast": {"old": "gpt-4", "new": "gpt-5"},
    }
    info = api.info(team_id)
    assert info["metadata"]["theirs"] == {"kept": [1]}
    assert info["team_member_budget_table"]["max_budget"] == 3
    assert info["team_member_budget_table"]["rpm_limit"] == 2
    assert api.aliases(team_id) == {"fast": "gpt-5", "theirs": "gpt-3"}
    assert api.roles(team_id)["theirs"] == "user"
    run()
    info = api.info(team_id)
    assert info["metadata"]["theirs"] == {"kept": [1]}
    assert api.aliases(team_id) == {"theirs": "gpt-3"}
    assert api.roles(team_id) == {"theirs": "user"}
    assert info["team_member_budget_table"]["rpm_limit"] == 2
    assert info["team_member_budget_table"]["max_budget"] is None


def test_each_change_by_hand_is_seen_and_repaired(run, api, name):
    run(**FULL)
    team_id = api.one(name)["team_id"]
    metadata = {**api.info(team_id)["metadata"], "cost": {"center": 2}}
    by_hand = {"max_budget": 99, "models": [], "rpm_limit": None, "blocked": True}
    api.update(team_id, team_alias="renamed", metadata=metadata, team_member_budget=4, **by_hand)
    api("POST", "/team/member_delete", json={"team_id": team_id, "user_id": "u-1"})
    predicted, result = run(test=True, blocked=False, **FULL), run(blocked=False, **FULL)
    assert predicted["changes"] == result["changes"]
    assert result["result"] is True, result
    assert result["changes"] == {
        "team_alias": {"old": "renamed", "new": name},
        "max_budget": {"old": 99.0, "new": 10.0},
        "models": {"old": [], "new": ["gpt-4"]},
        "rpm_limit": {"old": None, "new": 5},
        "blocked": {"old": True, "new": False},
        "metadata:cost:center": {"old": 2, "new": 1},
        "team_member_budget": {"old": 4.0, "new": 3.0},
        "members:u-1": {"old": None, "new": "user"},
    }
    assert api.info(team_id)["team_member_budget_table"]["max_budget"] == 3
    assert api.roles(team_id) == {"ada@example.com": "user", "u-1": "user"}
    assert run(blocked=False, **FULL)["changes"] == {}


def test_a_wiped_marker_is_found_again_by_the_id(run, api, name):
    run(**FIRST)
    team_id = api.one(name)["team_id"]
    api.update(team_id, metadata={"theirs": 1}, team_alias="renamed", max_budget=99)
    result = run(**FIRST)
    assert result["result"] is True, result
    assert result["changes"]["owner"] == {"old": None, "new": name}
    row = api.one(name)
    assert (row["team_id"], row["max_budget"]) == (team_id, 10)
    assert row["metadata"]["theirs"] == 1
    assert row["metadata"][MARKER]["name"] == name


def test_the_only_team_of_an_alias_is_adopted(run, api, name):
    team_id = api.create(name, max_budget=10, metadata={"theirs": 1})
    result = run(max_budget=10)
    assert result["comment"].startswith(f"{name} was adopted")
    assert result["changes"] == {"owner": {"old": None, "new": name}}
    assert api.one(name)["team_id"] == team_id
    assert api.one(name)["metadata"]["theirs"] == 1


def test_several_of_an_alias_are_refused_with_their_ids(run, api, name):
    ids = sorted(api.create(name) for _ in range(2))
    result = run(max_budget=1)
    assert result["result"] is False
    assert all(one in result["comment"] for one in ids)
    assert run(max_budget=1, team_id=ids[1])["result"] is True
    assert api.info(ids[1])["max_budget"] == 1
    assert api.info(ids[0])["max_budget"] is None


def test_a_second_team_of_an_alias_is_said_to_be_one(run, api, name):
    assert run(max_budget=1)["comment"] == f"{name} was created"
    team_id = api.one(name)["team_id"]
    other = {"name": f"{name}-renamed", "team_alias": name}
    predicted, result = run(test=True, **other), run(**other)
    said = (
        f"{team_id} of '{name}' has the same team_alias, so keys must name this team by its id",
        f"If '{name}' is how this state was named before, declare `name: {name}`",
    )
    for one in (predicted, result):
        assert all(sentence in one["comment"] for sentence in said), one
    assert run(**other)["comment"] == f"{name}-renamed is as declared"


def test_the_team_from_before_an_id_was_declared_is_named(run, api, name):
    assert run(**FIRST)["result"] is True
    team_id = api.one(name)["team_id"]
    mine = {**FIRST, "team_id": f"{name}-mine"}
    predicted, result, again = run(**mine, test=True), run(**mine), run(**mine)
    for one in (predicted, result, again):
        assert f"the marker of {name}, which had no or another team_id: {team_id}" in one["comment"]
    assert (result["result"], again["changes"]) == (True, {})
    assert len(api.teams(name)) == 2


def test_anothers_team_is_left_alone(run, api, name):
    run(**FIRST)
    team_id = api.one(name)["team_id"]
    result = run(name=f"{name}-other", team_id=team_id, max_budget=1)
    assert f"{team_id} belongs to '{name}'" in result["comment"]
    assert run("absent", name=f"{name}-other", team_id=team_id)["result"] is False
    assert api.one(name)["max_budget"] == 10


def test_what_needs_a_licence_is_refused_before_anything_else(run, api, name):
    run(members={"u-1": "user"}, **FIRST)
    team_id = api.one(name)["team_id"]
    before = api.info(team_id)
    more = {**FIRST, "max_budget": 50}
    for arguments in (
        {**more, "members": {"u-2": "user"}, "settings": {"tags": ["a"]}},
        {**more, "members": {"u-1": "admin"}},
        {**more, "members": {"u-2": "admin", "u-3": "user"}},
    ):
        result = run(**arguments)
        assert result["result"] is False
        assert re.search("Enterprise users|premium feature", result["comment"])
        assert "license" not in result["comment"]  # nor an advertisement
        assert api.info(team_id) == before


def test_what_litellm_ignores_is_never_called_done(run, api, name):
    result = run(settings={"nonsense": 1, "soft_budget": 2}, max_budget=5)
    assert result["result"] is False
    assert "has taken settings:nonsense, and not stored that" in result["comment"]
    assert api.one(name)["soft_budget"] == 2
    assert run(settings={"nonsense": 1, "soft_budget": 2}, max_budget=5)["result"] is False
    assert run(settings={"soft_budget": 2}, max_budget=5)["result"] is True


@pytest.mark.parametrize("listed", ["list", "lost"])
def test_permissions_are_seen_though_no_list_shows_them(run, api, name, listed):
    declared = {"settings": {"object_permission": {"vector_stores": ["v-1"]}}}
    assert run(**declared)["result"] is True
    team_id = api.one(name)["team_id"]
    assert run(**declared)["changes"] == {}
    if listed == "list":
        api.update(team_id, object_permission={"vector_stores": ["v-2"]})
        assert run(**declared)["changes"].keys() == {"settings:object_permission:vector_stores"}
        assert api.info(team_id)["object_permission"]["vector_stores"] == ["v-1"]
    else:
        assert run()["result"] is True
        assert api.info(team_id)["object_permission"]["vector_stores"] == []
        assert run()["changes"] == {}


def test_a_member_by_another_name_keeps_his_keys(run, api, name):
    assert run(members={f"{name}@example.com": "user"})["result"] is True
    row = api.one(name)
    (user,) = [
        one["user_id"] for one in row["members_with_roles"] if one["user_id"] != "default_user_id"
    ]
    key = {"team_id": row["team_id"], "user_id": user, "key_alias": name}
    token = api("POST", "/key/generate", json=key)["token"]
    predicted, result = run(members={user: "user"}, test=True), run(members={user: "user"})
    changes = {"managed_keys": {"old": [f"members:{name}@example.com"], "new": [f"members:{user}"]}}
    assert (result["result"], result["changes"]) == (True, changes) == (True, predicted["changes"])
    assert run(members={user: "user"})["changes"] == {}
    assert api("GET", "/key/info", params={"key": token})["info"]["key_alias"] == name
    api("POST", "/key/delete", json={"keys": [token]})


def test_a_budget_of_the_members_that_somebody_deletes_is_made_anew(run, api, name):
    declared = {"team_member_budget": 5, "members": {"u-1": "user"}}
    assert run(**declared)["result"] is True
    team_id = api.one(name)["team_id"]
    budget = api.info(team_id)["metadata"]["team_member_budget_id"]
    api("POST", "/budget/delete", json={"id": budget})
    predicted, result = run(**declared, test=True), run(**declared)
    changes = {"team_member_budget": {"old": None, "new": 5.0}}
    assert (result["result"], result["changes"]) == (True, changes) == (True, predicted["changes"])
    assert api.info(team_id)["team_member_budget_table"]["max_budget"] == 5
    assert run(**declared)["changes"] == {}


def test_a_reset_date_is_not_moved(run, api, name):
    run(**FIRST)
    before = api.one(name)["budget_reset_at"]
    assert before
    run(**{**FIRST, "max_budget": 20})
    assert api.one(name)["budget_reset_at"] == before


def test_absent_finds_that_somebody_else_has_just_deleted_it(run, api, name, recorder):
    run(**FIRST)
    recorder.fault(path=PAGE[1], times=1, rewrite=lambda answer: api.clean(name) or answer)
    result = run("absent")
    assert (result["result"], result["changes"]) == (True, {}), result["comment"]
    assert result["comment"] == f"{name} is absent"


def test_absent_leaves_what_another_state_has_just_adopted(run, states, api, name, recorder):
    team_id = api.create(name, **FIRST)

    def adopted(answer):
        states.run(("litellm_team.present", {"name": f"{name}-other", "team_id": team_id}))
        return answer

    recorder.fault(path=PAGE[1], times=1, rewrite=adopted)
    result = run("absent")
    assert (result["result"], result["changes"]) == (True, {}), result["comment"]
    assert api.info(team_id)["metadata"][MARKER]["name"] == f"{name}-other"
