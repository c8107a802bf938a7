"""Which team is meant, and the request that comes next."""

import json

import pytest

from saltext_litellm.errors import Ambiguous, Refused
from saltext_litellm.objects.identity import derived_ids
from saltext_litellm.objects.marker import KEY
from saltext_litellm.objects.plan import CREATE, NONE, UPDATE
from saltext_litellm.objects.row import Rows
from saltext_litellm.objects.steps import Create, Update
from saltext_litellm.teams import kind, steps
from tests.support.build import FINGERPRINTER

DERIVED = next(derived_ids("team", None, "search"))


def team(set_=None, **arguments):
    from dataclasses import replace

    declared = kind.declared({"name": "search", **arguments}, lambda value: value)
    return replace(declared, set=set_)


def row(row_id="t", owner=None, alias="search", keys=("team_alias",), set_=None, **data):
    metadata = dict(data.pop("metadata", {}))
    if owner:
        marker = {"version": 1, "name": owner, "id": row_id, "keys": sorted(keys)}
        metadata[KEY] = {**marker, **({"set": set_} if set_ else {})}
    return kind.parse({"team_id": row_id, "team_alias": alias, "metadata": metadata, **data})


def plan(declared, *rows, taken=frozenset()):
    return steps.make_plan(declared, Rows(rows), FINGERPRINTER, taken)


def lived(declared, *rows):
    """The bodies that are sent until nothing is left to do, each applied to the rows."""
    known, sent = Rows(rows), []
    for _ in range(10):
        step = steps.next_step(
            declared, found := steps.make_plan(declared, known, FINGERPRINTER, set())
        )
        if step is None:
            return sent
        sent.append(json.loads(json.dumps(step.body)))
        assert steps.written(step, found) <= found.touched | found.removed
        is_create = isinstance(step, Create)
        done = (
            kind.created(step.body, None) if is_create else kind.changed(step.row, step.body, None)
        )
        known.add(done)
    raise AssertionError("it does not come to rest")


# ---------------------------------------------------------------- identity


def test_a_new_team_has_an_id_of_its_name():
    found = plan(team())
    assert (found.action, found.id) == (CREATE, DERIVED)
    assert plan(team(team_id="mine")).id == "mine"
    assert plan(team(set_="s")).id == next(derived_ids("team", "s", "search")) != DERIVED


def test_the_marker_comes_before_the_alias():
    assert plan(team(), row("a", "search", alias="renamed"), row("b")).id == "a"


def test_the_only_free_one_of_the_alias_is_adopted():
    found = plan(team(), row("a"), row("b", alias="other"))
    assert (found.action, found.id) == (UPDATE, "a")
    assert found.changes == {"owner": {"old": None, "new": "search"}}


def test_several_of_the_alias_are_refused_with_their_ids():
    with pytest.raises(Ambiguous, match=r"Several teams are named 'search': a \(search\), b"):
        plan(team(), row("b"), row("a"))
    assert plan(team(), row("b"), row("a"), taken={"a"}).id == "b"
    assert plan(team(team_id="a"), row("b"), row("a")).id == "a"


def test_a_row_whose_marker_was_wiped_is_known_by_its_id():
    found = plan(team(), row(DERIVED, alias="renamed by hand"), row("other"))
    assert (found.action, found.id) == (UPDATE, DERIVED)
    assert found.changes["owner"] == {"old": None, "new": "search"}


def test_anothers_row_is_left_alone():
    assert plan(team(), row("a", "another")).action == CREATE
    with pytest.raises(Refused, match="a belongs to 'another'"):
        plan(team(team_id="a"), row("a", "another"))
    taken_over = plan(team(), row(DERIVED, "another"))
    assert (taken_over.action, taken_over.id != DERIVED) == (CREATE, True)


def test_a_set_takes_the_team_of_a_state_of_that_name():
    assert plan(team(set_="s"), row("a", "search")).id == "a"


# ---------------------------------------------------------------- steps


def test_a_create_has_all_of_it():
    declared = team(
        models=["gpt-4"],
        members={"a@x.example": "user", "u": "admin"},
        metadata={"cost": {"center": 1}},
        model_aliases={"fast": "gpt-4"},
        settings={"soft_budget": 2, "model_rpm_limit": {"gpt-4": 3}},
    )
    (body,) = lived(declared)
    marker = body["metadata"].pop(KEY)
    assert body == {
        "team_id": DERIVED,
        "team_alias": "search",
        "models": ["gpt-4"],
        "members_with_roles": [
            {"user_email": "a@x.example", "role": "user"},
            {"user_id": "u", "role": "admin"},
        ],
        "metadata": {"cost": {"center": 1}},
        "model_aliases": {"fast": "gpt-4"},
        "soft_budget": 2,
        "model_rpm_limit": {"gpt-4": 3},
    }
    assert (marker["name"], marker["id"]) == ("search", DERIVED)
    assert "members/a@x.example" in marker["keys"]


def test_what_is_declared_no_longer_is_cleared_as_litellm_wants_it():
    keys = ("team_alias", "models", "max_budget", "blocked", "metadata/ours", "model_aliases/a")
    keys += ("settings/access_group_ids", "settings/soft_budget", "settings/model_rpm_limit/gpt-4")
    keys += ("settings/router_settings/timeout", "settings/object_permission/vector_stores")
    before = row(
        "t",
        "search",
        keys=keys,
        models=["gpt-4"],
        max_budget=5,
        blocked=True,
        model_aliases={"a": "b", "theirs": "c"},
        access_group_ids=["x"],
        soft_budget=3,
        router_settings={"timeout": 1, "num_retries": 2},
        object_permission={"vector_stores": ["v"]},
        metadata={"ours": 1, "theirs": 2, "model_rpm_limit": {"gpt-4": 1}},
    )
    (body,) = lived(team(), before)
    patch = body["update"]
    assert patch["metadata"].pop(KEY)["keys"] == ["team_alias"]
    assert patch == {
        "models": [],
        "max_budget": None,
        "blocked": False,
        "model_aliases": {"a": None},
        "access_group_ids": [],
        "soft_budget": None,
        "router_settings": {"timeout": None},
        "object_permission": {"vector_stores": []},
        "metadata": {"ours": None, "model_rpm_limit": {"gpt-4": None}},
    }


def test_only_what_differs_is_written():
    before = row("t", "search", max_budget=5, budget_duration="30d", keys=("budget_duration",))
    (body,) = lived(team(max_budget=6, budget_duration="30d"), before)
    assert set(body["update"]) == {"max_budget", "metadata"}
    assert plan(team(), row("t", "search", max_budget=5)).action == NONE


def members(*names, role="user"):
    return [{"user_id": name, "role": role} for name in names]


def test_admins_come_first_and_a_member_who_goes_stays_in_the_marker_until_he_is_gone():
    before = row(
        "t",
        "search",
        keys=("team_alias", "members/gone", "members/stays"),
        members_with_roles=members("gone", "stays", "theirs"),
    )
    declared = team(members={"stays": "admin", "new": "user"}, max_budget=5)
    promoted, update, added, removed, last = lived(declared, before)
    assert promoted == {"member_update": {"user_id": "stays", "role": "admin"}}
    assert "members/gone" in update["update"]["metadata"][KEY]["keys"]
    assert update["update"]["max_budget"] == 5
    assert added == {"member_add": {"member": [{"user_id": "new", "role": "user"}]}}
    assert removed == {"member_delete": {"user_id": "gone"}}
    assert last["update"].keys() == {"metadata"}
    assert last["update"]["metadata"][KEY]["keys"] == [
        "max_budget",
        "members/new",
        "members/stays",
        "team_alias",
    ]


def test_members_of_others_stay():
    before = row("t", "search", members_with_roles=members("default_user_id", "theirs"))
    assert lived(team(), before) == []


MARKED = ("team_alias", "members/ada@example.com")
ADA = {"user_id": "ada", "user_email": "Ada@Example.com", "role": "user"}


def test_a_member_who_is_declared_by_his_id_stays_when_his_email_goes():
    before = row("t", "search", keys=MARKED, members_with_roles=[ADA])
    (only,) = lived(team(members={"ada": "user"}), before)
    assert only["update"]["metadata"][KEY]["keys"] == ["members/ada", "team_alias"]
    found = plan(team(members={"ada": "user"}), before)
    new, old = ["members:ada"], ["members:ada@example.com"]
    assert found.changes == {"managed_keys": {"old": old, "new": new}}


def test_of_two_with_one_email_the_declared_one_stays():
    twin = {**ADA, "user_id": "made-by-litellm", "user_email": "ada@example.com"}
    before = row("t", "search", keys=MARKED, members_with_roles=[ADA, twin])
    sent = lived(team(members={"ada": "user"}), before)
    assert [one for one in sent if "member_delete" in one] == [
        {"member_delete": {"user_id": "made-by-litellm"}}
    ]


def test_a_member_by_both_of_his_names_loses_one():
    keys = (*MARKED, "members/ada")
    before = row("t", "search", keys=keys, members_with_roles=[ADA])
    for left in ("ada", "ada@example.com"):
        assert [*map(list, lived(team(members={left: "user"}), before))] == [["update"]]


def test_a_step_of_members_writes_no_other_place():
    before = row("t", "search")
    found = plan(team(members={"u": "admin"}, max_budget=1), before)
    step = steps.next_step(team(members={"u": "admin"}, max_budget=1), found)
    assert isinstance(step, Update)
    assert steps.written(step, found) == {("members", "u")}
