"""Teams as states: applying them changes nothing but the owner."""

from saltext_litellm.objects.marker import KEY
from saltext_litellm.objects.row import Rows
from saltext_litellm.teams import kind, steps
from saltext_litellm.teams.export import export
from tests.support.build import FINGERPRINTER


def row(row_id, alias, **data):
    return kind.parse({"team_id": row_id, "team_alias": alias, **data})


FULL = row(
    "a",
    "search",
    models=["gpt-4"],
    max_budget=5.0,
    budget_duration="30d",
    blocked=True,
    model_aliases={"fast": "gpt-4"},
    router_settings={"num_retries": 3},
    access_group_ids=["x"],
    team_member_budget=2.0,
    team_member_rpm_limit=3,
    metadata={"cost": {"center": 1}, "team_member_budget_id": "team-budget-1"},
    members_with_roles=[
        {"user_id": "default_user_id", "user_email": None, "role": "admin"},
        {"user_id": "u-1", "user_email": "ada@example.com", "role": "user"},
        {"user_id": "u-2", "user_email": None, "role": "user"},
    ],
)


def test_each_value_is_where_its_argument_is():
    assert export([FULL], None).states == {
        "search": {
            "models": ["gpt-4"],
            "max_budget": 5.0,
            "budget_duration": "30d",
            "team_member_budget": 2.0,
            "blocked": True,
            "model_aliases": {"fast": "gpt-4"},
            "members": {"ada@example.com": "user", "u-2": "user"},
            "metadata": {"cost": {"center": 1}},
            "settings": {
                "router_settings": {"num_retries": 3},
                "access_group_ids": ["x"],
                "team_member_rpm_limit": 3,
            },
        }
    }


def test_applying_it_adopts_and_changes_nothing_else():
    rows = [FULL, row("b", "twin"), row("c", "twin", max_budget=1)]
    states = export(rows, None).states
    assert set(states) == {"search", "twin b", "twin c"}
    for name, arguments in states.items():
        declared = kind.declared({"name": name, **arguments}, lambda value: value)
        plan = steps.make_plan(declared, Rows(rows), FINGERPRINTER, set())
        assert plan.changes == {"owner": {"old": None, "new": name}}


def test_secrets_and_markers_are_left_out():
    marker = {"name": "mine", "id": "a", "keys": []}
    shown = {"logging": [{"callback_vars": {"secret_key": "sk-0123456789abcdef"}}], KEY: marker}
    found = export([row("a", "search", metadata=shown)], None)
    assert found.states == {"mine": {"team_alias": "search", "team_id": "a"}}
    assert "0123456789" not in str(found)
    assert found.lacking == ("metadata:logging of mine, a secret or named like one",)


def test_a_team_without_an_alias_is_left_out():
    assert export([row("a", None)], None).left_out == {"a": "it has no team_alias"}


def test_who_owns_a_team_is_said_if_a_set_cannot_take_it_over():
    marker = {"name": "search", "set": "other", "id": "a", "keys": []}
    assert export([row("a", "search", metadata={KEY: marker})], "mine").owners == {
        "search": "search in other"
    }
