"""A deployment of a team is the team's: LiteLLM lists it under the name that the team calls.

Only LiteLLM's enterprise edition makes such rows. Here they are made in its database.
"""

import json

import pytest

from .conftest import MODEL, id_of

TEAM = "team-of-somebody"


@pytest.fixture
def teams_row(api, gateway, name):
    """The id of a team's row that is listed under the test's name."""
    if not gateway.psql:
        pytest.skip("the database of this gateway is out of reach")
    other = api.create(f"{name}-other")
    model_id = api.create(name, {"custom_llm_provider": "openai"})
    info = {"team_id": TEAM, "team_public_model_name": name}
    gateway.sql(
        f"""UPDATE "LiteLLM_ProxyModelTable" SET model_name = 'model_name_{TEAM}_{name}',
        model_info = model_info || '{json.dumps(info)}'::jsonb WHERE model_id = '{model_id}'"""
    )
    api.patch(other)  # makes LiteLLM read its database again
    yield model_id
    gateway.sql(f"""DELETE FROM "LiteLLM_ProxyModelTable" WHERE model_id = '{model_id}'""")
    api.patch(other)


def stored(api, model_id):
    (row,) = [row for row in api.all_rows() if id_of(row) == model_id]
    return row


@pytest.mark.parametrize("test", [True, False])
def test_it_is_not_adopted(api, states, teams_row, name, test):
    before = stored(api, teams_row)
    result = states.present(name, test=test)
    assert result["comment"] == f"{name} {'would be' if test else 'was'} created"
    assert stored(api, teams_row) == before
    assert states.present(name, test=test)["result"] is (None if test else True)


def test_a_set_does_not_adopt_it_and_does_not_prune_it(api, states, managed, teams_row, name):
    before = stored(api, teams_row)
    done = managed(models={name: MODEL}, prune=True)
    assert done["comment"] == "1 model was created", done
    gone = managed(models={}, prune=True, allow_empty=True)
    assert gone["changes"][name]["model_id"]["old"] != teams_row
    assert stored(api, teams_row) == before


@pytest.mark.parametrize("test", [True, False])
def test_absent_leaves_it_alone_and_says_so(api, states, teams_row, name, test):
    result = states.absent(name, test=test)
    assert (result["result"], result["changes"]) == (True, {})
    assert result["comment"] == (
        f"{name} is absent. These have the same model name, but belong to teams: "
        f"{teams_row} ({TEAM})"
    )
    assert stored(api, teams_row)


def test_by_hand_it_is_not_meant_by_its_name(api, modules, teams_row, name):
    assert modules("get", name) is None
    done = modules("delete", name)
    assert (done["action"], done["changes"]) == ("none", {})
    assert stored(api, teams_row)
    assert modules("get", model_id=teams_row)["team"] == TEAM
    # LiteLLM 1.83.14 refuses it while it does not know the team.
    assert modules("delete", model_id=teams_row, test=True)["action"] == "delete"


def test_its_id_is_refused_unless_the_team_is_declared(api, states, teams_row, name):
    before = stored(api, teams_row)
    refused = f"{teams_row} belongs to the team '{TEAM}': if that is meant, declare"
    for result in (
        states.present(name, model_id=teams_row),
        states.absent(name, model_id=teams_row),
    ):
        assert result["result"] is False
        assert refused in result["comment"]
    assert stored(api, teams_row) == before
    planned = states.present(name, test=True, model_info={"team_id": TEAM})
    assert planned["comment"].startswith(f"{name} would be adopted"), planned["comment"]
    other = states.present(name, test=True, model_info={"team_id": "another"})
    assert other["comment"] == f"{name} would be created"


def test_list_and_export_show_the_team(modules, teams_row, name):
    listed = {row["model_id"]: row for row in modules("list")}
    assert listed[teams_row]["team"] == TEAM
    assert {row["team"] for row in listed.values()} == {TEAM, None}
    exported = modules("export", data=True)[name]
    assert exported["model_info"]["team_id"] == TEAM
    assert "model_id" not in exported


def test_what_is_unowned_does_not_count_it(modules, teams_row, name):
    planned = modules("plan_set", f"set-{name}", models={f"{name}-x": MODEL})
    assert not [one for one in planned["unowned"] if teams_row in one]
