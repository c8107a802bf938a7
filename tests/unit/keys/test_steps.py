"""Which key is meant, and how one takes the place of another."""

from dataclasses import replace

import pytest

from saltext_litellm.errors import Ambiguous, Refused
from saltext_litellm.keys import kind, steps
from saltext_litellm.objects.row import Rows
from saltext_litellm.objects.steps import Create, Delete, Update
from tests.support.key_cluster import hashed
from tests.support.properties import FINGERPRINTER

OLD, NEW = "sk-old-0123456789", "sk-new-0123456789"


def declared(key=None, set_=None, **arguments):
    one = kind.declared({"name": "search", "key": key, **arguments}, lambda value: value)
    return replace(one, set=set_)


def row(key, alias="search", owner="search", replaces=None, twin=False, **data):
    marker = {"name": owner, "id": "search", "keys": ["max_budget"], "replaces": replaces}
    metadata = {} if owner is None else {"saltext_litellm": marker}
    metadata |= data.pop("metadata", {})
    found = kind.parse(
        {"token": hashed(key), "key_alias": alias, "metadata": metadata, "tpd_limit": None, **data}
    )
    return replace(found, has_twin=twin)


def planned(one, *rows):
    plan = steps.make_plan(one, Rows(rows), FINGERPRINTER)
    return plan, steps.next_step(one, plan)


def test_there_is_none():
    plan, step = planned(declared(NEW, max_budget=5))
    assert plan.changes["key_alias"] == {"old": None, "new": "search"}
    assert isinstance(step, Create)
    assert (step.body["key"], step.body["key_alias"], step.body["max_budget"]) == (NEW, "search", 5)
    assert step.body["metadata"]["saltext_litellm"]["id"] == "search"


@pytest.mark.parametrize("rotate", [True, False])
def test_none_is_made_that_nobody_would_have(rotate):
    with pytest.raises(Refused, match="LiteLLM shows a new key once"):
        planned(declared(rotate=rotate))


def test_it_is_as_declared():
    plan, step = planned(declared(OLD, max_budget=5), row(OLD, max_budget=5))
    assert (plan.action, step) == ("none", None)


def test_without_a_key_any_will_do():
    plan, step = planned(declared(max_budget=6), row(OLD, max_budget=5))
    assert plan.changes == {"max_budget": {"old": 5, "new": 6}}
    assert isinstance(step, Update)


def test_a_rotation_one_step_after_the_other():
    """Made under a second alias, then the old one deleted, then the alias."""
    one = declared(NEW, rotate=True, max_budget=5)
    old = row(OLD, max_budget=5, user_id="ada", metadata={"theirs": [1]}, tpm_limit=3)
    plan, first = planned(one, old)
    assert list(plan.changes) == ["key"]
    assert isinstance(first, Create)
    assert (first.body["key_alias"], first.body["key"]) == ("search.new", NEW)
    assert first.body["metadata"]["saltext_litellm"]["replaces"] == "search"
    copied = (first.body["user_id"], first.body["metadata"]["theirs"], first.body["tpm_limit"])
    assert copied == ("ada", [1], 3)
    new = kind.created(first.body, None)
    _, second = planned(one, old, new)
    assert isinstance(second, Delete)
    assert second.row is old
    plan, third = planned(one, new)
    assert isinstance(third, Update)
    assert third.body["key_alias"] == "search"
    assert "replaces" not in third.body["metadata"]["saltext_litellm"]
    done = kind.changed(new, third.body, None)
    assert planned(one, done)[1] is None


def test_a_rotation_is_called_off_if_the_old_key_is_declared_again():
    new = row(NEW, "search.new", replaces="search")
    _, step = planned(declared(OLD), row(OLD), new)
    assert isinstance(step, Delete)
    assert step.row is new


def test_a_third_key_replaces_both_of_a_rotation_that_was_cut_off():
    third = declared("sk-third-0123456789", rotate=True)
    rows = [row(OLD), row(NEW, "search.new", replaces="search")]
    _, step = planned(third, *rows)
    assert isinstance(step, Delete)
    assert step.row.id == "search.new"  # the one that nobody uses yet
    _, step = planned(third, rows[0])
    assert isinstance(step, Create)
    assert step.body["key_alias"] == "search.new"


def test_another_key_and_another_alias_at_once():
    """In a set all keys are seen. Else each of the two would stay."""
    one = declared(NEW, rotate=True, key_alias="other")
    old = row(OLD)
    _, step = planned(one, old)
    assert isinstance(step, Create)
    assert step.body["key_alias"] == "other"
    _, step = planned(one, old, kind.created(step.body, None))
    assert isinstance(step, Delete)
    assert step.row is old


def test_a_copy_of_a_key_with_its_marker_is_left_alone():
    copy = row(NEW, "copied by hand")
    plan, step = planned(declared(OLD, max_budget=5), row(OLD, max_budget=5), copy)
    assert (plan.action, step) == ("none", None)


@pytest.mark.parametrize("place", [None, "sdb://v/a"])
def test_another_key_is_refused_without_rotate(place):
    with pytest.raises(Refused, match="which LiteLLM cannot change: rotate: True makes"):
        planned(declared(NEW), row(OLD))


def test_another_key_of_nobody_is_refused_always():
    with pytest.raises(Refused, match="nobody manages it"):
        planned(declared(NEW, rotate=True), row(OLD, owner=None))


def test_one_of_nobody_is_adopted_if_it_is_the_same():
    plan, step = planned(declared(OLD), row(OLD, owner=None))
    assert plan.changes["owner"] == {"old": None, "new": "search"}
    assert isinstance(step, Update)


def test_anothers_is_left_alone():
    with pytest.raises(Refused, match="search belongs to 'another'"):
        planned(declared(OLD), row(OLD, owner="another"))


def test_two_of_an_alias_are_refused():
    with pytest.raises(Ambiguous, match="Two keys have the key_alias search"):
        planned(declared(OLD), row(OLD, twin=True))


def test_a_key_that_somebody_has_renamed_gets_its_alias_again():
    plan, step = planned(declared(OLD), row(OLD, "renamed"))
    assert plan.changes["key_alias"] == {"old": "renamed", "new": "search"}
    assert step.body["key_alias"] == "search"


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        (None, "as theirs: to manage that one, declare key_alias: theirs"),
        ("a", "as theirs of 'a': if it was renamed, keep the name a and declare key_alias instead"),
    ],
)
def test_a_key_that_is_there_as_anothers_is_refused(owner, said):
    with pytest.raises(Refused, match=f"The gateway has this key already, {said}$"):
        planned(declared(OLD), row(OLD, "theirs", owner=owner))
    if owner:
        with pytest.raises(Refused, match=r"as theirs of 'a'$"):
            planned(declared(OLD, set_="s"), row(OLD, "theirs", owner=owner))


def test_a_mapping_is_never_cleared_by_null():
    marked = {"saltext_litellm": {"name": "search", "id": "search", "keys": ["aliases/a"]}}
    one = row(OLD, aliases={"a": "x"}, metadata=marked)
    _, step = planned(declared(OLD), one)
    assert kind.changed(one, step.body, None).data["aliases"] == {}


def test_the_duration_is_kept_in_the_marker_and_written_once():
    one = declared(OLD, duration="30d")
    _, step = planned(one)
    made = kind.created(step.body, None)
    assert made.get(("duration",)) == "30d"
    assert planned(one, made)[1] is None
    plan, step = planned(declared(OLD, duration="60d"), made)
    assert plan.changes == {"duration": {"old": "30d", "new": "60d"}}
    assert step.body["duration"] == "60d"
