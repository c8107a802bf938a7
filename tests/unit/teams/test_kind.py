"""What is declared of a team, its rows, and how a patch changes them."""

import pytest

from saltext_litellm.errors import InvalidInput
from saltext_litellm.objects.marker import KEY
from saltext_litellm.objects.row import MISSING
from saltext_litellm.teams import kind

ROW = {
    "team_id": "t",
    "team_alias": "search",
    "models": ["b", "a"],
    "blocked": False,
    "max_budget": None,
    "router_settings": {"num_retries": 3},
    "model_aliases": {"fast": "gpt-4"},
    "metadata": {"theirs": 1, "model_rpm_limit": {"gpt-4": 7}, KEY: {"name": "search", "id": "t"}},
    "members_with_roles": [
        {"user_id": "default_user_id", "user_email": None, "role": "admin"},
        {"user_id": "u-1", "user_email": "Ada@Example.com", "role": "user"},
    ],
}


def declared(**arguments):
    return kind.declared({"name": "search", **arguments}, lambda value: value)


@pytest.mark.parametrize(
    ("argument", "value", "place", "sent"),
    [
        ("team_alias", "other", "team_alias", "other"),
        ("models", ["gpt-4"], "models", ["gpt-4"]),
        ("max_budget", "10.5", "max_budget", 10.5),
        ("budget_duration", "1mo", "budget_duration", "1mo"),
        ("tpm_limit", "7", "tpm_limit", 7),
        ("rpm_limit", 0, "rpm_limit", 0),
        ("team_member_budget", 3, "team_member_budget", 3.0),
        ("blocked", True, "blocked", True),
        ("model_aliases", {"a": "b"}, "model_aliases/a", "b"),
        ("members", {"Ada@Example.com": "user"}, "members/ada@example.com", "user"),
        ("members", {"U-1": "admin"}, "members/U-1", "admin"),
        ("metadata", {"cost": {"center": 1}}, "metadata/cost/center", 1),
        ("settings", {"soft_budget": 2}, "settings/soft_budget", 2),
    ],
)
def test_each_argument_has_its_place(argument, value, place, sent):
    assert declared(**{argument: value}).values[tuple(place.split("/"))] == sent


def test_the_alias_is_the_name_unless_it_is_given():
    assert declared().values == {("team_alias",): "search"}
    assert declared(team_alias="other").values == {("team_alias",): "other"}
    assert (declared().id, declared(team_id="x").id) == (None, "x")


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        ({"models": []}, "models is empty, which LiteLLM takes for all models"),
        ({"models": "gpt-4"}, "models must be a list"),
        ({"models": ["a", None]}, "each of models must be a string, not empty$"),
        ({"budget_duration": "month"}, "such as 30d, not 'month'"),
        ({"budget_duration": "0d"}, "such as 30d, not '0d'"),
        ({"max_budget": -1}, "max_budget must not be negative"),
        ({"members": {"u": "boss"}}, "members:u must be admin or user, not 'boss'"),
        ({"members": {"u": {"role": "user"}}}, "members:u must be admin or user, not a mapping"),
        ({"members": {"u": None}}, "members:u has no role: user or admin"),
        (
            {"members": {"A@x.org": "user", " a@x.org": "user"}},
            "members has a@x.org twice, in other spellings",
        ),
        ({"model_aliases": {"a": {"b": "c"}}}, "model_aliases:a must be .*, not a mapping"),
        ({"budget_duration": 30}, "budget_duration must be a number with s, m, h, d, w or mo"),
        ({"settings": {"spend": 1}}, "settings:spend cannot be declared: LiteLLM sets that"),
        (
            {"metadata": {"team_member_budget_id": "b"}},
            "budget_id cannot be declared: LiteLLM sets",
        ),
        ({"model_aliases": {"a": 1}}, "model_aliases:a must be the name of a model, not 1"),
        ({"settings": {"max_budget": 1}}, "settings:max_budget has an argument of its own"),
        ({"settings": {"members_with_roles": []}}, "has an argument of its own: members"),
        ({"metadata": {KEY: {"name": "x"}}}, "it is the marker of this extension"),
        ({"metadata": {"api_key": "x"}}, "metadata:api_key is a secret"),
        ({"metadata": {"note": "sk-0123456789abcdef0123"}}, "metadata:note is a secret"),
    ],
)
def test_what_litellm_must_not_get_is_refused(arguments, mistake):
    with pytest.raises(InvalidInput, match=mistake) as caught:
        declared(**arguments)
    assert "0123456789" not in str(caught.value)


def test_the_names_of_settings_are_no_secrets():
    settings = {"access_group_ids": ["a"], "team_member_key_duration": "1d"}
    assert len(declared(settings=settings).values) == 3


def test_a_row_shows_where_litellm_keeps_things():
    row = kind.parse(ROW)
    assert row.marker.name == "search"
    assert row.get(("members", "ada@example.com")) == row.get(("members", "u-1")) == "user"
    assert row.get(("settings", "model_rpm_limit", "gpt-4")) == 7  # LiteLLM has it in the metadata
    assert row.get(("settings", "router_settings", "num_retries")) == 3
    assert row.get(("max_budget",)) is MISSING
    assert kind.parse({"team_alias": "no id"}) is None
    assert kind.parse({**ROW, "metadata": None}).marker is None
    assert kind.parse({**ROW, "team_id": "copy"}).copied == "search"


def test_when_a_limit_begins_anew_is_no_difference():
    limits = [{"max_budget": 1.0, "budget_duration": "1d", "reset_at": "2026-11-30"}]
    row = kind.parse({**ROW, "budget_limits": limits})
    assert row.get(("settings", "budget_limits")) == [{"max_budget": 1.0, "budget_duration": "1d"}]


def test_a_patch_keeps_what_others_have():
    patch = {
        "max_budget": 5,
        "metadata": {"ours": {"a": 1}, KEY: {"name": "search"}},
        "model_aliases": {"fast": None, "slow": "gpt-3"},
        "router_settings": {"timeout": 1},
        "model_rpm_limit": {"gpt-5": 1},
        "object_permission": {"vector_stores": []},
    }
    assert kind.patched(patch, kind.parse(ROW).data) == {
        "max_budget": 5,
        "metadata": {
            "theirs": 1,
            "model_rpm_limit": {"gpt-4": 7},
            "ours": {"a": 1},
            KEY: {"name": "search"},
        },
        "model_aliases": {"slow": "gpt-3"},
        "router_settings": {"num_retries": 3, "timeout": 1},
        "model_rpm_limit": {"gpt-4": 7, "gpt-5": 1},
        "object_permission": {"vector_stores": []},
    }


def test_a_patch_leaves_no_empty_mapping_behind():
    patch = {"metadata": {"a": {"b": None}}, "model_aliases": {"fast": None}}
    data = {**ROW, "metadata": {"a": {"b": 1}, "c": {}}}
    assert kind.patched(patch, data) == {"metadata": {"c": {}}, "model_aliases": {}}


def test_what_an_update_makes_of_a_row():
    row = kind.parse(ROW)
    changed = kind.changed(row, {"update": {"max_budget": 5}}, None)
    assert changed.data["max_budget"] == 5
    assert changed.data["settings"]["max_budget"] == 5
    # An answer counts: LiteLLM has ignored one name, and shows nothing of the members' budget.
    patch = {"nonsense": 1, "team_member_budget": 2}
    answered = kind.changed(row, {"update": patch}, {**ROW, "max_budget": 6})
    assert answered.get(("settings", "nonsense")) is MISSING
    assert answered.data["team_member_budget"] == 2
    assert answered.data["max_budget"] == 6


def test_what_a_write_makes_of_the_members():
    row = kind.parse(ROW)
    added = kind.changed(row, {"member_add": {"member": [{"user_id": "x", "role": "user"}]}}, None)
    assert added.data["members"]["x"] == "user"
    update = {"member_update": {"user_id": "u-1", "role": "admin"}}
    assert kind.changed(row, update, None).data["members"]["u-1"] == "admin"
    removed = kind.changed(row, {"member_delete": {"user_id": "u-1"}}, None)
    assert removed.data["members"] == {"default_user_id": "admin"}
    roster = {"members_with_roles": [{"user_id": "y", "role": "user"}]}
    assert kind.changed(row, {"member_delete": {"user_id": "u-1"}}, roster).data["members"] == {
        "y": "user"
    }


def test_a_member_is_named_as_litellm_has_it():
    row = kind.parse(ROW)
    assert kind.who(row, "ada@example.com") == {"user_id": "u-1"}
    assert kind.who(row, "new@example.com") == {"user_email": "new@example.com"}
    assert kind.who(None, "u-2") == {"user_id": "u-2"}
