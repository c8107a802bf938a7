"""A whole run, with a kind of the tests' own: the engine knows nothing of models."""

import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm import objects
from saltext_litellm.errors import GatewayError, LiteLLMError, NotSeen, OutcomeUnknown, Refused
from saltext_litellm.objects import plan as plans
from saltext_litellm.objects.execute import ChangedByOthers
from saltext_litellm.objects.marker import Marker
from saltext_litellm.objects.operations import Check
from saltext_litellm.objects.plan import NONE, UPDATE, Plan, marker_of
from saltext_litellm.objects.steps import Create, Update
from saltext_litellm.values.secrets import REDACTED
from tests.support.build import FINGERPRINTER, examples, paths
from tests.support.tiny_kind import (
    FIELDS,
    LAMP,
    Lamps,
    after,
    converge,
    declared,
    failing,
    lamp,
    lost,
    not_done,
    store_of,
)

SECRET = "sk-0123456789"
WATTS = paths("settings/watts")
REVOKED = GatewayError("the key was revoked", 401)


def made(name, settings=None, set_=None, **more):
    """A lamp as a run has made it."""
    owner = marker_of(FIELDS, declared(name, settings, set=set_), FINGERPRINTER, name)
    return lamp(name, settings, replace(owner, **more))


def told(outcomes):
    return {one.name: one.status for one in outcomes}


def said(outcome):
    changes = {key: (change["old"], change["new"]) for key, change in outcome.changes.items()}
    return changes, outcome.failure


def test_nothing_in_the_engine_names_a_kind():
    """It may say where a quirk comes from, but it must not import one."""
    for file in Path(objects.__file__).parent.glob("*.py"):
        assert not re.search(r"from \.\.(models|credentials|gateway)", file.read_text()), file


# ---------------------------------------------------------------- one object

NOW = {"watts": 6, "colour": "red"}
ONE = [
    # The lamp that is there; what becomes of it, its changes, and the writes.
    pytest.param(
        None,
        "created",
        {"lamp_id": (None, "a"), "watts": (None, 6), "settings:colour": (None, "red")},
        ["create a"],
        id="none is there",
    ),
    pytest.param(made("a", NOW), "as_declared", {}, [], id="as declared"),
    pytest.param(
        made("a", {**NOW, "watts": 5}),
        "updated",
        {"watts": (5, 6)},
        ["update a"],
        id="another value",
    ),
    pytest.param(
        made("a", {**NOW, "shape": "oval"}),
        "updated",
        {"shape": ("oval", None)},
        ["update a"],
        id="a value that is not declared any more",
    ),
    pytest.param(
        lamp("a", NOW), "adopted", {"owner": (None, "a")}, ["update a"], id="nobody owns it"
    ),
    pytest.param(
        made("a", NOW, unserved=True),
        "updated",
        {"served": (False, True)},
        ["update a"],
        id="it was not served",
    ),
]


@pytest.mark.parametrize("test", [True, False])
@pytest.mark.parametrize(("there", "status", "changes", "writes"), ONE)
def test_an_object_is_made_as_declared(there, status, changes, writes, test):
    lamps = Lamps(*([there] if there else []))
    (outcome,) = converge(lamps, declared("a", NOW), test=test)
    assert (outcome.status, said(outcome)) == (status, (changes, None))
    assert (outcome.id, outcome.replaces) == ("a", False)
    assert lamps.sent == ([] if test else writes)
    if not test:
        assert lamps.settings() == {"a": NOW}
        (again,) = converge(lamps, declared("a", NOW))
        assert (again.status, lamps.sent) == ("as_declared", writes)


@pytest.mark.parametrize("test", [True, False])
def test_what_cannot_be_cleared_is_made_anew(test):
    lamps = Lamps(made("a", {"watts": 5, "shape": "oval"}), clears=False)
    (outcome,) = converge(lamps, declared("a", {"watts": 5}), test=test)
    assert said(outcome) == ({"shape": ("oval", None)}, None)
    assert (outcome.status, outcome.replaces) == ("updated", True)
    if test:
        assert lamps.sent == []
        assert outcome.notes == ("It needs a new row, because LiteLLM cannot clear shape in place",)
    else:
        assert lamps.sent == ["delete a", "create a"]
        assert outcome.notes == (
            "Its row was made anew under its id, because LiteLLM cannot clear shape in place",
        )


@pytest.mark.parametrize("test", [True, False])
def test_a_note_says_what_was_done_or_what_would_be(test):
    (outcome,) = converge(Lamps(lamp("a")), declared("a"), test=test)
    assert outcome.notes == (
        "a is there already, and Salt would manage it from then on"
        if test
        else "a was there already, and Salt manages it from now on",
    )


def test_a_note_on_a_change_that_was_not_made_is_left_out():
    lamps = Lamps(lamp("a"))
    lamps.instead = {1: failing(GatewayError("no", 400))}
    (outcome,) = converge(lamps, declared("a"))
    assert (outcome.status, outcome.notes) == ("failed", ())


def test_a_row_that_another_one_has_replaced_is_told_by_both_ids():
    """A kind may make another row, under another id."""
    done = []
    old, new = made("a", {"watts": 5}), made("b", {"watts": 6})
    changes = {"watts": {"old": 5, "new": 6}}
    more = {
        "plan": lambda *_: Plan(NONE, "b", new) if done else Plan(UPDATE, "a", old, changes),
        "next_step": lambda _, plan: None if plan.action == NONE else Create({}, old, WATTS),
        "do": lambda step, *_: done.append(step),
    }
    (outcome,) = converge(Lamps(), declared("a"), more=more)
    assert said(outcome) == ({"watts": (5, 6), "lamp_id": ("a", "b")}, None)
    assert (outcome.id, outcome.replaces) == ("b", True)
    assert outcome.notes == (
        "It was replaced by row b (was a), because LiteLLM cannot clear watts in place",
    )


def test_a_replacement_that_changes_nothing_is_none():
    plan = Plan(UPDATE, "a", made("a"), {"watts": {"old": 5, "new": 6}})
    more = {
        "plan": lambda *_: plan,
        "next_step": lambda *_: Create({}, plan.row, WATTS),
        "do": lambda *_: None,
    }
    (outcome,) = converge(Lamps(), declared("a"), more=more)
    assert (outcome.status, outcome.changes) == ("failed", {})
    assert (outcome.notes, outcome.replaces) == ((), False)


def test_what_was_deleted_to_be_made_anew_may_be_gone():
    lamps = Lamps(made("a", {"watts": 5, "shape": "oval"}), clears=False)
    lamps.instead = {2: failing(GatewayError("no", 400))}
    (outcome,) = converge(lamps, declared("a", {"watts": 5}))
    assert (
        outcome.failure
        == "It was deleted to be made anew, and is gone until this is applied again: no"
    )
    assert (outcome.id, lamps.table) == (None, {})


def test_what_is_anothers_is_refused_before_the_first_write():
    lamps = Lamps(lamp("b", {}, Marker("somebody")))
    with pytest.raises(Refused, match="b belongs to 'somebody'"):
        converge(lamps, declared("a"), declared("b"))
    assert lamps.sent == []


# ---------------------------------------------------------------- errors, and lost answers

UNSEEN = "the answer was lost; whether that was done cannot be seen: the gateway is down"
CREATED = {"lamp_id": (None, "a"), "watts": (None, 6)}
CHANGED = {"watts": (5, 6)}


@pytest.mark.parametrize(
    ("there", "instead", "status", "changes", "failure", "writes"),
    [
        pytest.param(False, lost, "created", CREATED, None, 1, id="create: done, answer lost"),
        pytest.param(
            False, not_done, "failed", {}, "the answer was lost", 1, id="create: not done"
        ),
        pytest.param(
            False,
            failing(NotSeen("it is still busy", 500)),
            "unknown",
            {},
            "it is still busy",
            1,
            id="create: perhaps under way",
        ),
        pytest.param(
            False, failing(GatewayError("no", 400)), "failed", {}, "no", 1, id="create: refused"
        ),
        pytest.param(True, lost, "updated", CHANGED, None, 1, id="update: done, answer lost"),
        pytest.param(True, not_done, "failed", {}, "the answer was lost", 1, id="update: not done"),
        pytest.param(
            True, failing(GatewayError("no", 400)), "failed", {}, "no", 1, id="update: refused"
        ),
    ],
)
def test_only_what_was_done_is_told_as_done(there, instead, status, changes, failure, writes):
    lamps = Lamps(*([made("a", {"watts": 5})] if there else []))
    lamps.instead = {1: instead}
    (outcome,) = converge(lamps, declared("a", {"watts": 6}))
    assert (outcome.status, said(outcome)) == (status, (changes, failure))
    assert (outcome.action == "none") is (not changes)
    assert len(lamps.sent) == writes
    assert bool(changes) is (lamps.settings() == {"a": {"watts": 6}})


@pytest.mark.parametrize("there", [True, False])
def test_what_nobody_can_see_is_told_as_unknown(there):
    lamps = Lamps(*([made("a", {"watts": 5})] if there else []))
    down = GatewayError("the gateway is down")
    lamps.instead = {1: lambda write: (setattr(lamps, "unreachable", down), lost(write))}
    (outcome,) = converge(lamps, declared("a", {"watts": 6}))
    assert (outcome.status, said(outcome)) == ("unknown", ({}, UNSEEN))


def test_a_change_of_which_only_a_part_was_done_is_told_in_part():
    """Somebody takes back one of two values while the answer is under way."""
    lamps = Lamps(made("a", {"watts": 5, "shape": "oval"}))

    def half(write):
        write()
        row = lamps.table["a"]
        lamps.table["a"] = replace(row, data={"settings": {"watts": 6, "shape": "oval"}})
        return lost(lambda: None)

    lamps.instead = {1: half, 2: failing(GatewayError("no", 400))}
    (outcome,) = converge(lamps, declared("a", {"watts": 6, "shape": "round"}))
    assert (outcome.status, said(outcome)) == ("changed", ({"watts": (5, 6)}, "no"))


# ---------------------------------------------------------------- other clients


@pytest.mark.parametrize(
    ("there", "meanwhile", "status", "writes"),
    [
        pytest.param(
            False,
            made("a", {"watts": 5}),
            "updated",
            ["create a", "update a"],
            id="it was made by another client",
        ),
        pytest.param(
            False,
            made("a", {"watts": 6}),
            "as_declared",
            ["create a"],
            id="it was made as declared by another client",
        ),
        pytest.param(
            True, None, "created", ["update a", "create a"], id="it was deleted by another client"
        ),
    ],
)
def test_another_client_that_is_faster_makes_another_plan(there, meanwhile, status, writes):
    lamps = Lamps(*([made("a", {"watts": 5})] if there else []))

    def act():
        lamps.table.pop("a", None)
        if meanwhile:
            lamps.table["a"] = meanwhile

    lamps.instead = {1: after(act)}
    (outcome,) = converge(lamps, declared("a", {"watts": 6}))
    assert (outcome.status, outcome.failure, lamps.sent) == (status, None, writes)
    assert lamps.settings() == {"a": {"watts": 6}}


def test_what_another_client_has_taken_meanwhile_is_left_alone():
    lamps = Lamps()
    lamps.instead = {1: after(lambda: lamps.table.update(a=lamp("a", {}, Marker("somebody"))))}
    (outcome,) = converge(lamps, declared("a", {"watts": 6}))
    assert outcome.status == "failed"
    assert outcome.failure == "a belongs to 'somebody', and is left alone"
    assert lamps.settings() == {"a": {}}


def test_what_must_not_be_there_may_be_made_meanwhile():
    lamps = Lamps()
    lamps.instead = {1: after(lambda: lamps.table.update(a=made("a", {"watts": 5})))}
    (outcome,) = converge(lamps, declared("a", {"watts": 6}), create_only=True)
    assert said(outcome) == ({}, "'a' is there already, as a")
    assert lamps.settings() == {"a": {"watts": 5}}


@pytest.mark.parametrize("others", ["answer", "raise"])
def test_a_change_that_others_take_back_each_time_comes_to_no_rest(others):
    lamps = Lamps(made("a", {"watts": 5}))
    steps = []

    def do(*step):
        steps.append(step)
        if others == "raise":
            raise ChangedByOthers

    (outcome,) = converge(lamps, declared("a", {"watts": 6}), more={"do": do})
    assert outcome.failure == "Another client keeps changing it"
    assert (outcome.status, outcome.changes, len(steps)) == ("failed", {}, 20)


# ---------------------------------------------------------------- many objects


def test_objects_are_written_in_their_order_and_progress_counts_what_is_due():
    lamps = Lamps(made("b", {"watts": 5}), made("d", {"watts": 5}))
    seen = []
    outcomes = converge(
        lamps,
        *(declared(name, {"watts": 6 if name == "d" else 5}) for name in "cbda"),
        progress=lambda *what: seen.append((*what, len(lamps.sent))),
    )
    assert told(outcomes) == {"c": "created", "b": "as_declared", "d": "updated", "a": "created"}
    assert list(told(outcomes)) == list("cbda")
    assert lamps.sent == ["create c", "update d", "create a"]
    assert seen == [(1, 3, "c", 1), (2, 3, "d", 2), (3, 3, "a", 3)]


def test_an_error_of_one_object_is_no_reason_to_leave_out_the_others():
    lamps = Lamps()
    lamps.instead = {2: failing(GatewayError("no", 400))}
    outcomes = converge(lamps, *map(declared, "abc"))
    assert told(outcomes) == {"a": "created", "b": "failed", "c": "created"}


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(REVOKED, id="the key was revoked"),
        pytest.param(GatewayError("no", 403), id="the key may not"),
        pytest.param(GatewayError("no answer"), id="the gateway cannot be reached"),
    ],
)
def test_after_a_hopeless_error_nothing_more_is_sent(error):
    lamps = Lamps(made("c"), made("e", {"watts": 1}, "s"), made("z", {}, "s"))
    lamps.instead = {2: failing(error)}
    seen = []
    outcomes = converge(
        lamps,
        *(declared(name, set="s" if name == "e" else None) for name in "abcde"),
        progress=lambda *what: seen.append(what),
        set="s",
        prune=True,
    )
    assert told(outcomes) == {
        "a": "created",
        "b": "failed",
        "c": "as_declared",
        "d": "not_tried",
        "e": "not_tried",
        "z": "not_deleted",
    }
    assert (lamps.sent, seen) == (["create a", "create b"], [(1, 4, "a")])


def test_what_was_as_declared_is_planned_again_if_the_gateway_was_read_meanwhile():
    """A lost answer lets the run read again. Then somebody else's change is seen, and mended."""
    lamps = Lamps(made("b", {"watts": 6}))

    def lose(write):
        lamps.table["b"] = made("b", {"watts": 1})
        lost(write)

    lamps.instead = {1: lose}
    seen = []
    wanted = [declared(name, {"watts": 6}) for name in "ab"]
    outcomes = converge(lamps, *wanted, progress=lambda *what: seen.append(what))
    assert seen == [(1, 1, "a")]  # what was due at first
    assert told(outcomes) == {"a": "created", "b": "updated"}
    assert lamps.settings() == {"a": {"watts": 6}, "b": {"watts": 6}}


def test_the_gateway_is_read_once():
    lamps = Lamps(made("b"))
    store = store_of(lamps)
    converge(lamps, *(declared(name, {"watts": 5}) for name in "abcd"), store=store)
    assert store.reads == 1


# ---------------------------------------------------------------- writes that overlap

HERE = threading.current_thread


def overlapping(lamps, *wanted, **options):
    """The outcomes of a run on a gateway to which four writes may be sent at once.

    :returns: And those whose first write was sent before its turn, by a thread of its own.
    """
    lamps.connections, ahead, main = 4, [], HERE()
    create, update = lamps.create, lamps.update

    def noted(row_id):
        if HERE() is not main:
            ahead.append(row_id)

    lamps.create = lambda body: (noted(body["id"]), create(body))[1]
    lamps.update = lambda row_id, body: (noted(row_id), update(row_id, body))[1]
    outcomes = converge(lamps, *wanted, **options)
    return outcomes, sorted(ahead)


def obstacle(one):
    return "the trial has failed" if one.name == "b" else None


@pytest.mark.parametrize(
    ("there", "more", "ahead"),
    [
        pytest.param([], {}, "abcde", id="creates"),
        pytest.param([made("b", {"watts": 5})], {}, "abcde", id="and changes"),
        pytest.param(
            [made("b", {"watts": 6, "shape": "oval"})], {}, "acde", id="nothing that is made anew"
        ),
        pytest.param(
            [], {"checks": (Check(obstacle=obstacle),)}, "acde", id="nothing that must not"
        ),
        pytest.param([], {"may_overlap": lambda plan: plan.id != "b"}, "acde", id="where it may"),
        pytest.param([], {"sees_all": lambda: False}, "", id="nothing if rows cannot be seen"),
        pytest.param([made("b", {"watts": 6})], {}, "acde", id="nothing that is as declared"),
    ],
)
def test_first_writes_may_be_sent_before_their_turn(there, more, ahead):
    lamps = Lamps(*there, clears=False)
    wanted = [declared(name, {"watts": 6}) for name in "abcde"]
    outcomes, found = overlapping(lamps, *wanted, more=more)
    assert found == list(ahead)
    assert list(told(outcomes)) == list("abcde")
    writes = [write for write in lamps.sent if not write.startswith("delete")]
    assert len(set(writes)) == len(writes)
    assert set(told(outcomes).values()) <= {"created", "updated", "as_declared", "failed"}


def test_nothing_is_sent_before_its_turn_if_it_is_only_predicted():
    lamps = Lamps()
    outcomes, ahead = overlapping(lamps, *map(declared, "abcd"), test=True)
    assert (set(told(outcomes).values()), ahead, lamps.sent) == ({"created"}, [], [])


def last_is_a(lamps, error):
    """Let the create of `a` wait until the others are there, and then raise an error."""
    others, done = [], threading.Event()
    create = lamps.create

    def late(body):
        if body["id"] == "a":
            assert done.wait(60)
            raise error(body)
        create(body)
        others.append(body["id"])
        if len(others) == 3:
            done.set()

    lamps.create = late


def test_what_was_sent_is_told_as_it_was_planned_though_a_lost_answer_lets_the_run_read_again():
    lamps = Lamps()

    def error(body):
        lamps.table["a"] = lamp("a", {}, Marker("a", id="a"))
        return OutcomeUnknown("the answer was lost")

    last_is_a(lamps, error)
    outcomes, _ = overlapping(lamps, *map(declared, "abcd"))
    assert told(outcomes) == dict.fromkeys("abcd", "created")


def test_what_was_sent_is_told_after_a_hopeless_error():
    lamps = Lamps()
    last_is_a(lamps, lambda _: REVOKED)
    outcomes, ahead = overlapping(lamps, *map(declared, "abcd"))
    assert told(outcomes) == {"a": "failed", **dict.fromkeys("bcd", "created")}
    assert ahead == list("abcd")


# ---------------------------------------------------------------- checks


def test_what_a_kind_checks_before_and_after_the_writes():
    lamps, seen = Lamps(), []
    check = Check(
        before=lambda planned: seen.append(([plan.action for _, plan in planned], lamps.sent[:])),
        after=lambda run: seen.append((sorted(run.outcomes), lamps.sent[:])),
    )
    converge(lamps, *map(declared, "ab"), more={"checks": (check,)})
    assert seen == [(["create", "create"], []), (["a", "b"], ["create a", "create b"])]


@pytest.mark.parametrize("test", [True, False])
def test_an_object_that_must_not_be_written_is_not(test):
    lamps = Lamps()
    check = Check(obstacle=lambda one: "the trial has failed" if one.name == "a" else None)
    more = {"checks": (Check(), check, Check())}
    outcomes = converge(lamps, *map(declared, "ab"), more=more, test=test)
    assert told(outcomes) == {"a": "failed", "b": "created"}
    assert outcomes[0].failure == "the trial has failed"
    assert lamps.sent == ([] if test else ["create b"])


def test_a_kind_may_clean_up_after_a_failure_and_say_what_came_of_it():
    lamps = Lamps()
    lamps.instead = {1: failing(GatewayError("no", 400))}

    def give_up(one, err):
        return LiteLLMError(f"{one.name}: {err}, and it was taken back")

    (outcome,) = converge(lamps, declared("a"), more={"give_up": give_up})
    assert outcome.failure == "a: no, and it was taken back"


def test_what_a_kind_has_to_say_of_each_object():
    outcomes = converge(
        Lamps(made("b")),
        *map(declared, "ab"),
        more={
            "notes": lambda one, _, used: [f"{one.name} of {len(used)}"],
            "warnings": lambda one: (f"check {one.name}",),
            "take_notes": lambda: ["the gateway has said so"],
        },
    )
    assert [one.notes for one in outcomes] == [("a of 2", "the gateway has said so"), ("b of 2",)]
    assert [one.warnings for one in outcomes] == [("check a",), ("check b",)]


# ---------------------------------------------------------------- a set


@pytest.mark.parametrize("test", [True, False])
@pytest.mark.parametrize(
    ("prune", "status", "left"),
    [
        pytest.param(False, "undeclared", ["a", "gone", "others"], id="it is left alone"),
        pytest.param(True, "deleted", ["a", "others"], id="it is deleted"),
    ],
)
def test_what_a_set_does_not_declare_any_more(prune, status, left, test):
    lamps = Lamps(made("a", {}, "s"), made("gone", {"watts": 5}, "s"), made("others", {}, "t"))
    outcomes = converge(lamps, declared("a", set="s"), set="s", prune=prune, test=test)
    assert told(outcomes) == {"a": "as_declared", "gone": status}
    gone = {"lamp_id": {"old": "gone", "new": None}}
    assert outcomes[1].changes == (gone if prune else {})
    assert sorted(lamps.table) == (["a", "gone", "others"] if test else left)


def test_what_would_be_deleted_is_gone_for_the_states_that_follow():
    lamps = Lamps(made("gone", {}, "s"))
    store = store_of(lamps)
    converge(lamps, set="s", prune=True, test=True, store=store)
    (outcome,) = converge(lamps, declared("gone"), test=True, store=store)
    assert outcome.status == "created"


def test_nothing_is_deleted_if_an_object_has_failed():
    lamps = Lamps(made("gone", {}, "s"))
    lamps.instead = {1: failing(GatewayError("no", 400))}
    outcomes = converge(lamps, declared("a", set="s"), set="s", prune=True)
    assert told(outcomes) == {"a": "failed", "gone": "not_deleted"}
    assert lamps.sent == ["create a"]


@pytest.mark.parametrize("test", [True, False])
@pytest.mark.parametrize("writes", [0, 1])
def test_a_row_that_is_needed_is_kept_and_the_reason_is_told(writes, test):
    lamps = Lamps(made("gone", {}, "s"), made("needed", {}, "s"))
    why = {"why_kept": lambda row: "a model names it" if row.id == "needed" else None}
    declaring = [declared("a", set="s")] * writes
    *_, needed, gone = converge(lamps, *declaring, set="s", prune=True, test=test, more=why)
    assert told([needed, gone]) == {"needed": "not_deleted", "gone": "deleted"}
    assert (needed.failure, needed.changes) == ("a model names it", {})
    assert ("gone" in lamps.table, "needed" in lamps.table) == (test, True)


def test_a_row_of_which_nobody_can_say_whether_it_is_needed_is_kept_and_the_rest_is_told():
    lamps = Lamps(made("unsure", {}, "s"), made("gone", {}, "s"))

    def cannot_say(row):
        if row.id == "unsure":
            raise REVOKED

    why = {"why_kept": cannot_say}
    outcomes = converge(lamps, declared("a", set="s"), set="s", prune=True, more=why)
    assert told(outcomes) == {"a": "created", "unsure": "not_deleted", "gone": "deleted"}
    assert outcomes[1].failure == str(REVOKED)
    assert "unsure" in lamps.table


@pytest.mark.parametrize(
    ("writes", "looks"), [pytest.param(1, 1, id="after writes"), pytest.param(0, 0, id="at once")]
)
def test_before_the_first_delete_the_rows_are_seen_again_if_the_writes_have_taken_time(
    writes, looks
):
    lamps, seen = Lamps(made("gone", {}, "s")), []
    declaring = [declared("a", set="s")] * writes
    more = {"see_again": lambda rows: seen.append([row.id for row in rows])}
    converge(lamps, *declaring, set="s", prune=True, more=more)
    assert seen == [["gone"]] * looks
    assert "gone" not in lamps.table
    converge(lamps, declared("more", set="s"), set="s", prune=True, more=more)
    assert seen == [["gone"]] * looks + [["a"]] * writes  # not if there is nothing to delete


def test_a_row_that_another_set_has_taken_meanwhile_is_not_deleted():
    lamps = Lamps(made("gone", {}, "s"))
    lamps.instead = {1: after(lambda: lamps.table.update(gone=made("gone", {}, "t")))}
    outcomes = converge(lamps, declared("a", set="s"), set="s", prune=True)
    assert told(outcomes) == {"a": "created"}
    assert sorted(lamps.table) == ["a", "gone"]


def test_if_the_rows_cannot_be_seen_again_the_first_is_not_deleted():
    lamps = Lamps(made("gone", {}, "s"), made("late", {}, "s"))

    def see_again(_):
        raise REVOKED

    outcomes = converge(
        lamps, declared("a", set="s"), set="s", prune=True, more={"see_again": see_again}
    )
    assert told(outcomes) == {"a": "created", "gone": "not_deleted", "late": "not_deleted"}
    assert (outcomes[1].failure, outcomes[1].tried) == ("the key was revoked", True)
    assert (outcomes[2].failure, outcomes[2].tried) == (None, False)


# ---------------------------------------------------------------- predictions

names = st.sampled_from("abc")
settings = st.fixed_dictionaries(
    {},
    optional={
        "watts": st.sampled_from([0, 5, "5"]),
        "colour": st.sampled_from(["red", "blue"]),
        "labels": st.dictionaries(st.sampled_from("xy"), st.sampled_from([1, 2]), max_size=2),
        "token": st.sampled_from([SECRET, "sk-9876543210"]),
        "api_key": st.sampled_from([SECRET, "sk-9876543210"]),
    },
)
sets = st.dictionaries(names, settings, max_size=3)


@examples
@given(before=sets, theirs=sets, now=sets, prune=st.booleans(), clears=st.booleans())
def test_the_prediction_is_what_is_done_and_then_there_is_nothing_to_do(
    before, theirs, now, prune, clears
):
    lamps = Lamps(*(lamp(name, one) for name, one in theirs.items()), clears=clears)
    options = {"set": "s", "prune": prune}
    converge(lamps, *(declared(name, one, set="s") for name, one in before.items()), **options)
    wanted = [declared(name, one, set="s") for name, one in now.items()]
    writes = len(lamps.sent)
    predicted = converge(lamps, *wanted, test=True, **options)
    assert len(lamps.sent) == writes
    done = converge(lamps, *wanted, **options)
    assert [(one.name, one.status, one.changes, one.replaces) for one in done] == [
        (one.name, one.status, one.changes, one.replaces) for one in predicted
    ]
    writes = len(lamps.sent)
    assert {one.status for one in converge(lamps, *wanted, **options)} <= {
        "as_declared",
        "undeclared",
    }
    assert len(lamps.sent) == writes
    assert SECRET not in str([done, predicted])
    assert all(REDACTED in str(one) for one in done if "token" in one.changes)
    for name, one in theirs.items():
        if name not in before | now:
            assert lamps.settings()[name] == one


def test_a_state_that_follows_sees_what_an_earlier_one_has_predicted():
    lamps = Lamps()
    store = store_of(lamps)
    (first,) = converge(lamps, declared("a", {"watts": 5}), store=store, test=True)
    (second,) = converge(lamps, declared("a", {"watts": 5}), store=store, test=True)
    assert (first.status, second.status) == ("created", "as_declared")
    (third,) = converge(lamps, declared("a", {"watts": 6}), store=store, test=True)
    assert said(third) == ({"watts": (5, 6)}, None)


def test_a_prediction_asks_for_the_step_of_each_plan():
    """So it says what a real run would refuse."""
    lamps = Lamps(made("a", {"watts": 5}))

    def next_step(one, plan):
        raise Refused("a secret would be lost")

    with pytest.raises(Refused, match="a secret would be lost"):
        converge(lamps, declared("a", {"watts": 6}), test=True, more={"next_step": next_step})


def test_a_plan_that_is_not_to_be_reported_gives_way_to_the_one_that_is():
    """A kind may find out by its first step what there is to do."""
    looked = []

    def plan(one, _):
        row = made("a", {"watts": 5 if looked else 1})
        return replace(plans.update(LAMP, one, row, FINGERPRINTER), fresh=bool(looked))

    more = {"plan": plan, "do": lambda step, *_: looked.append(step)}
    (outcome,) = converge(Lamps(), declared("a", {"watts": 5}), more=more)
    assert (len(looked), outcome.status, outcome.changes) == (1, "as_declared", {})


def without_markers(lamps, wanted, **options):
    """A run of a kind that has no room for markers."""
    store = store_of(lamps)

    def plan(one, _):
        row = store.rows().get(one.name)
        if row is None:
            return plans.create(LAMP, one, None, one.name)
        return plans.update(LAMP, one, row, None)

    def step(one, planned):
        if planned.action == NONE:
            return None
        body = {"settings": {path[1]: value for path, value in one.values.items()}}
        if planned.row is None:
            return Create({"id": one.name, **body})
        return Update(planned.row, {**body, "gone": [], "marker": None})

    return converge(lamps, *wanted, store=store, more={"plan": plan, "next_step": step}, **options)


def test_a_kind_without_markers_is_made_changed_and_owned_by_nobody():
    lamps = Lamps(lamp("a", {"watts": 4, "colour": "red"}), lamp("c", {"watts": 1}))
    wanted = [declared("a", {"watts": 5}), declared("b", {"watts": 5})]
    outcomes = without_markers(lamps, wanted)
    assert told(outcomes) == {"a": "updated", "b": "created"}
    assert [one.notes for one in outcomes] == [(), ()]
    assert lamps.settings() == {
        "a": {"watts": 5, "colour": "red"},
        "b": {"watts": 5},
        "c": {"watts": 1},
    }
    assert told(without_markers(lamps, wanted)) == {"a": "as_declared", "b": "as_declared"}


@pytest.mark.parametrize("fault", [lost, not_done])
def test_a_lost_answer_for_a_kind_without_markers(fault):
    lamps = Lamps()
    lamps.instead = {1: fault}
    (outcome,) = without_markers(lamps, [declared("a", {"watts": 5})])
    assert outcome.status == ("created" if fault is lost else "failed")
