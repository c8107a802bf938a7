"""What is known after a write: its answer was lost, the row was there already, or it is gone."""

import pytest

from saltext_litellm.errors import (
    AlreadyThere,
    GatewayError,
    NotDone,
    NotSeen,
    NotServed,
    OutcomeUnknown,
    Refused,
)
from saltext_litellm.objects.execute import ChangedByOthers, Executor, is_hopeless
from saltext_litellm.objects.marker import Marker
from saltext_litellm.objects.row import Rows
from saltext_litellm.objects.steps import Create, Update
from saltext_litellm.objects.store import Store
from tests.support.tiny_kind import (
    LAMP,
    Lamps,
    after,
    failing,
    lamp,
    lost,
    not_done,
    store_of,
)

OURS, THEIRS = Marker("a"), Marker("b")


def executor(lamps, exists=lambda _: True):
    store = store_of(lamps)
    store.rows()
    return Executor(LAMP, lamps, store, exists)


def body(watts, owner=OURS):
    return {"id": "a", "settings": {"watts": watts}, "marker": owner.dump()}


def change(lamps, watts):
    return Update(lamps.table["a"], {**body(watts), "gone": []})


def somebody_makes(lamps, owner=THEIRS):
    return lambda: lamps.table.update(a=lamp("a", {"watts": 9}, owner))


def somebody_deletes(lamps):
    return lambda: lamps.table.pop("a", None)


def known(found):
    return {row.id: row.data["settings"] for row in found.store.rows()}


def done(act):
    """What an executor says: what it returns, or the class of the error, and its words."""
    try:
        return act()
    except ChangedByOthers:
        return ChangedByOthers
    except GatewayError as err:
        return type(err), str(err)


LOST = "the answer was lost"
UNSEEN = f"{LOST}; whether that was done cannot be seen: the gateway is down"
DOWN = GatewayError("the gateway is down")


# ---------------------------------------------------------------- a create


@pytest.mark.parametrize(
    ("instead", "said", "knows"),
    [
        pytest.param(None, True, 5, id="answered"),
        pytest.param(lost, False, 5, id="done, the answer was lost"),
        pytest.param(not_done, (NotDone, LOST), None, id="not done"),
        pytest.param(
            failing(NotSeen("it is still busy")),
            (NotSeen, "it is still busy"),
            None,
            id="not done yet, as far as anybody can see",
        ),
        pytest.param(failing(GatewayError("no", 403)), (GatewayError, "no"), None, id="refused"),
    ],
)
def test_a_create(instead, said, knows):
    lamps = Lamps()
    lamps.instead = {1: instead} if instead else {}
    found = executor(lamps)
    step = Create(body(5))
    assert done(lambda: found.create(step, lambda: lamps.create(step.body))) == said
    assert known(found) == ({"a": {"watts": knows}} if knows else {})
    assert lamps.sent == ["create a"]


def test_a_create_whose_answer_was_lost_may_meet_the_row_of_another_client():
    lamps = Lamps()
    lamps.instead = {1: lambda _: (somebody_makes(lamps)(), not_done(_))}
    found = executor(lamps)
    assert done(lambda: found.do(Create(body(5)), None)) is ChangedByOthers
    assert known(found) == {"a": {"watts": 9}}


def test_a_create_whose_answer_was_lost_may_not_be_seen():
    lamps = Lamps()
    lamps.instead = {1: lambda write: (setattr(lamps, "unreachable", DOWN), lost(write))}
    found = executor(lamps)
    assert done(lambda: found.do(Create(body(5)), None)) == (NotSeen, UNSEEN)


def test_a_row_that_somebody_was_faster_to_make_is_planned_again():
    lamps = Lamps()
    lamps.instead = {1: after(somebody_makes(lamps))}
    found = executor(lamps)
    assert done(lambda: found.do(Create(body(5)), None)) is ChangedByOthers
    assert known(found) == {"a": {"watts": 9}}


def test_a_row_that_the_database_refuses_twice_and_that_is_not_there_is_an_error():
    """Once, another client may have made it and deleted it."""
    lamps = Lamps()
    lamps.instead = dict.fromkeys((1, 2), failing(AlreadyThere("it is there", 500)))
    found = executor(lamps)
    assert done(lambda: found.do(Create(body(5)), None)) is ChangedByOthers
    assert done(lambda: found.do(Create(body(5)), None)) == (AlreadyThere, "it is there")


def test_a_row_that_is_there_each_time_is_always_planned_again():
    lamps = Lamps()
    found = executor(lamps)
    lamps.table["a"] = lamp("a", {}, THEIRS)
    for _ in range(3):
        assert done(lambda: found.do(Create(body(5)), None)) is ChangedByOthers


def test_a_write_that_was_sent_before_its_turn_is_not_sent_again():
    lamps = Lamps(lamp("b", {"watts": 5}))
    found = executor(lamps)
    found.do(Create(body(5)), lambda: None)
    found.do(Update(lamps.table["b"], {**body(6), "gone": []}), lambda: None)
    assert lamps.sent == []
    assert known(found) == {"a": {"watts": 5}, "b": {"watts": 6}}


# ---------------------------------------------------------------- an update


@pytest.mark.parametrize(
    ("instead", "said", "knows"),
    [
        pytest.param(None, True, 6, id="answered"),
        pytest.param(lost, False, 6, id="done, the answer was lost"),
        pytest.param(not_done, False, 5, id="not done: the plan is made again"),
        pytest.param(failing(GatewayError("no", 400)), (GatewayError, "no"), 5, id="refused"),
    ],
)
def test_an_update(instead, said, knows):
    lamps = Lamps(lamp("a", {"watts": 5}, OURS))
    lamps.instead = {1: instead} if instead else {}
    found, step = executor(lamps), change(lamps, 6)
    assert done(lambda: found.update(step, lambda: lamps.update("a", step.body))) == said
    assert known(found) == {"a": {"watts": knows}}


def test_an_update_that_was_not_done_is_not_sent_a_second_time():
    lamps = Lamps(lamp("a", {"watts": 5}, OURS))
    lamps.instead = {1: not_done}
    found = executor(lamps)
    found.do(change(lamps, 6), None)
    assert done(lambda: found.do(change(lamps, 6), None)) == (NotDone, LOST)
    assert lamps.sent == ["update a"]
    found.do(change(lamps, 7), None)
    assert lamps.sent == ["update a"] * 2


def test_an_update_that_may_still_be_under_way_stays_unknown():
    lamps = Lamps(lamp("a", {"watts": 5}, OURS))
    lamps.instead = {1: failing(NotSeen("it is still busy"))}
    found = executor(lamps)
    found.do(change(lamps, 6), None)
    assert done(lambda: found.do(change(lamps, 6), None)) == (NotSeen, "it is still busy")


@pytest.mark.parametrize("then", [None, not_done], ids=["answered", "the answer was lost"])
def test_a_row_that_somebody_has_deleted_is_planned_again(then):
    lamps = Lamps(lamp("a", {"watts": 5}, OURS))
    found, step = executor(lamps), change(lamps, 6)
    gone = somebody_deletes(lamps)
    lamps.instead = {1: after(gone) if then is None else lambda _: (gone(), then(_))}
    assert done(lambda: found.do(step, None)) is ChangedByOthers
    assert known(found) == {}


def test_what_others_have_made_as_well_is_read_then():
    lamps = Lamps(lamp("a", {"watts": 5}, OURS))
    found, step = executor(lamps), change(lamps, 6)
    lamps.table = {"b": lamp("b", {"watts": 7}, THEIRS)}
    assert done(lambda: found.do(step, None)) is ChangedByOthers
    assert known(found) == {"b": {"watts": 7}}


def test_a_row_that_the_database_lacks_is_gone_though_an_old_list_shows_it():
    lamps = Lamps(lamp("a", {"watts": 5}, OURS))
    found, step = executor(lamps), change(lamps, 6)
    found.store = Store(lambda before: before or Rows(lamps.table.values()), Rows, lambda: None)
    found.store.rows()
    somebody_deletes(lamps)()
    assert done(lambda: found.do(step, None)) is ChangedByOthers
    assert known(found) == {}


def test_an_update_that_cannot_be_seen_leaves_the_row_as_it_was_known():
    """So a later plan does not take it for a row that is not there."""
    lamps = Lamps(lamp("a", {"watts": 5}, OURS))
    found, step = executor(lamps), change(lamps, 6)
    lamps.instead = {1: lambda write: (setattr(lamps, "unreachable", DOWN), lost(write))}
    assert done(lambda: found.do(step, None)) == (NotSeen, UNSEEN)
    assert known(found) == {"a": {"watts": 5}}


# ---------------------------------------------------------------- a delete


@pytest.mark.parametrize(
    ("instead", "said", "is_known"),
    [
        pytest.param(None, None, False, id="answered"),
        pytest.param(after(lambda: None), None, False, id="late"),
        pytest.param(lost, None, False, id="done, the answer was lost"),
        pytest.param(not_done, (NotDone, LOST), True, id="not done"),
        pytest.param(
            failing(NotSeen("still busy")), (NotSeen, "still busy"), True, id="perhaps under way"
        ),
        pytest.param(failing(GatewayError("no", 403)), (GatewayError, "no"), True, id="refused"),
    ],
)
def test_a_delete(instead, said, is_known):
    row = lamp("a", {"watts": 5}, OURS)
    lamps = Lamps(row)
    lamps.instead = {1: instead} if instead else {}
    found = executor(lamps)
    assert done(lambda: found.delete(row)) == said
    assert ("a" in found.store.rows()) is is_known


def test_what_is_gone_already_is_deleted():
    row = lamp("a", {}, OURS)
    lamps = Lamps(row)
    found = executor(lamps)
    somebody_deletes(lamps)()
    found.delete(row)
    assert known(found) == {}


def test_a_delete_that_cannot_be_seen_leaves_the_row_as_it_was_known():
    row = lamp("a", {"watts": 5}, OURS)
    lamps = Lamps(row)
    found = executor(lamps)
    lamps.instead = {1: lambda write: (setattr(lamps, "unreachable", DOWN), lost(write))}
    assert done(lambda: found.delete(row)) == (NotSeen, UNSEEN)
    assert known(found) == {"a": {"watts": 5}}


@pytest.mark.parametrize("write", ["update", "delete"])
def test_a_row_that_a_list_does_not_show_is_not_gone_until_somebody_says_so(write):
    row = lamp("a", {"watts": 5}, OURS)
    lamps = Lamps(row)
    step = change(lamps, 6)

    def exists(_):
        raise DOWN

    found = executor(lamps, exists)
    lamps.instead = {1: lambda _: (somebody_deletes(lamps)(), not_done(_))}
    said = done(lambda: found.do(step, None) if write == "update" else found.delete(row))
    assert said == (NotSeen, UNSEEN)
    assert known(found) == {"a": {"watts": 5}}


# ---------------------------------------------------------------- made anew under its id


def test_a_row_that_is_made_anew_is_deleted_first():
    row = lamp("a", {"watts": 5}, OURS)
    lamps = Lamps(row)
    found = executor(lamps)
    found.do(Create(body(6), row), None)
    assert lamps.sent == ["delete a", "create a"]
    assert known(found) == {"a": {"watts": 6}}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        pytest.param(1, "the key was revoked", id="the delete: nothing was done"),
        pytest.param(
            2,
            "It was deleted to be made anew, and is gone until this is applied again: "
            "the key was revoked",
            id="the create: it is gone",
        ),
    ],
)
def test_if_that_fails_it_is_said_what_was_done(number, words):
    row = lamp("a", {"watts": 5}, OURS)
    lamps = Lamps(row)
    lamps.instead = {number: failing(GatewayError("the key was revoked", 401))}
    with pytest.raises(GatewayError) as err:
        executor(lamps).do(Create(body(6), row), None)
    assert (str(err.value), err.value.status) == (words, 401)


# ---------------------------------------------------------------- looking


def test_whether_a_row_exists_is_made_sure_of():
    lamps = Lamps()
    lamps.instead = {1: not_done}
    asked = []
    found = executor(lamps, asked.append)
    assert done(lambda: found.do(Create(body(5)), None)) == (NotDone, LOST)
    assert asked == ["a"]


def test_what_cannot_be_made_sure_of_is_unknown():
    lamps = Lamps()
    lamps.instead = {1: not_done}

    def exists(_):
        raise GatewayError("the gateway does not show it", 500)

    with pytest.raises(NotSeen) as err:
        executor(lamps, exists).do(Create(body(5)), None)
    assert str(err.value).endswith("cannot be seen: the gateway does not show it")
    assert err.value.status == 500


def test_once_the_gateway_is_given_up_nothing_is_looked_for():
    lamps = Lamps()
    lamps.instead = {1: not_done}
    found = executor(lamps)
    found.gave_up, reads = GatewayError("the key was revoked", 401), found.store.reads
    assert done(lambda: found.do(Create(body(5)), None))[0] is NotSeen
    assert found.store.reads == reads


# ---------------------------------------------------------------- predictions


def test_a_step_that_is_only_foreseen_is_not_sent():
    lamps = Lamps(lamp("a", {"watts": 5}, OURS))
    found = executor(lamps)
    found.foresee(change(lamps, 6))
    found.foresee(Create({**body(7), "id": "b"}))
    assert lamps.sent == []
    forecast = found.store.rows(forecast=True)
    assert {row.id: row.data["settings"]["watts"] for row in forecast} == {"a": 6, "b": 7}
    assert known(found) == {"a": {"watts": 5}}


# ---------------------------------------------------------------- hopeless errors


@pytest.mark.parametrize(
    ("error", "hopeless"),
    [
        pytest.param(None, False, id="none"),
        pytest.param(GatewayError("no answer"), True, id="no answer"),
        pytest.param(GatewayError("the key", 401), True, id="401"),
        pytest.param(GatewayError("the key", 403), True, id="403"),
        pytest.param(GatewayError("the row", 400), False, id="400"),
        pytest.param(GatewayError("the row", 500), False, id="500"),
        pytest.param(OutcomeUnknown("lost"), True, id="lost, and not looked up"),
        pytest.param(NotSeen("nobody knows"), True, id="nobody can see"),
        pytest.param(NotSeen("nobody knows", 500), False, id="nobody can see this one"),
        pytest.param(NotDone("lost"), False, id="a read has shown that it was not done"),
        pytest.param(NotServed("saved"), False, id="only this row is not served"),
        pytest.param(Refused("not sent"), False, id="not sent"),
    ],
)
def test_after_which_errors_no_further_request_is_worth_a_try(error, hopeless):
    assert is_hopeless(error) is hopeless
