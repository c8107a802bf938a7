"""What a run knows of rows: it reads them once, and then follows its own writes and predictions."""

import pytest

from saltext_litellm.objects.row import Row, Rows
from saltext_litellm.objects.store import Store


class Reads:
    """Rows that somebody else may change between two reads."""

    def __init__(self, *ids):
        self.ids = list(ids)
        self.before = []  # what each read has got

    def __call__(self, before):
        self.before.append(before and sorted(row.id for row in before))
        return Rows(row(one) for one in self.ids)


def row(row_id, note=""):
    return Row(row_id, None, {"note": note})


def told(rows):
    return {one.id: one.data["note"] for one in rows}


@pytest.fixture
def reads():
    return Reads("a", "b")


@pytest.fixture
def store(reads):
    return Store(reads, Rows, lambda: None)


def test_rows_are_read_once(store, reads):
    assert store.last_read is None
    assert told(store.rows()) == told(store.rows()) == {"a": "", "b": ""}
    assert (reads.before, store.reads) == ([None], 1)


def test_the_first_read_is_used_for_something_else_meanwhile():
    done = []
    store = Store(Reads("a"), Rows, lambda: done.append(True))
    assert done == []
    store.rows()
    store.read_again()
    assert done == [True]


def test_our_own_writes_need_no_read(store, reads):
    store.rows()
    store.put(row("a", "new"))
    store.put(row("c", "made"))
    store.drop("b")
    store.drop("nobody's")
    assert told(store.rows()) == {"a": "new", "c": "made"}
    assert len(reads.before) == 1


def test_a_second_read_gets_what_was_known_and_replaces_it(store, reads):
    store.rows()
    store.put(row("c", "made"))
    reads.ids = ["a"]
    store.read_again()
    assert told(store.rows()) == {"a": ""}
    assert (reads.before, store.reads) == ([None, ["a", "b", "c"]], 2)


def test_what_others_may_have_changed_is_read_when_it_is_needed(store, reads):
    store.rows()
    store.forget()
    assert store.last_read is None
    assert len(reads.before) == 1
    reads.ids = ["c"]
    assert told(store.rows()) == {"c": ""}
    assert reads.before == [None, None]


# ---------------------------------------------------------------- predictions


def test_predictions_change_the_forecast_only(store):
    store.predict(row("a", "would be new"), gone=["b"])
    store.predict(row("c", "would be made"))
    assert told(store.rows(forecast=True)) == {"a": "would be new", "c": "would be made"}
    assert told(store.rows()) == {"a": "", "b": ""}


def test_without_a_prediction_the_forecast_is_what_is_there(store):
    assert store.rows(forecast=True) is store.rows()


def test_how_many_more_there_would_be(store):
    assert store.foreseen(lambda row: row.id == "a") == 0
    assert store.reads == 0  # without a prediction nothing is read
    store.predict(row("c"), gone=["a"])
    store.predict(row("d"))
    assert store.foreseen(lambda row: row.id == "a") == -1
    assert store.foreseen(lambda row: row.id > "b") == 2


def test_a_state_forgets_its_own_predictions_when_it_speaks_again(store):
    store.state = "one"
    store.predict(row("a", "one"))
    store.state = "two"
    store.predict(row("b", "two"))
    store.forget_predictions("one")
    assert told(store.rows(forecast=True)) == {"a": "", "b": "two"}
    store.forget_predictions("two")
    assert told(store.rows(forecast=True)) == {"a": "", "b": ""}


@pytest.mark.parametrize("anew", ["read_again", "forget"])
def test_predictions_outlast_a_read(store, reads, anew):
    store.predict(None, gone=["a"])
    reads.ids = ["a", "b", "c"]
    getattr(store, anew)()
    assert told(store.rows(forecast=True)) == {"b": "", "c": ""}


def test_a_write_shows_in_the_forecast_as_well(store):
    store.predict(row("c", "would be made"))
    store.put(row("a", "new"))
    store.drop("b")
    assert told(store.rows(forecast=True)) == {"a": "new", "c": "would be made"}


def test_a_read_that_finds_nothing_new_leaves_the_forecast_as_it_is():
    """A gateway that shows nothing for a moment is known as it was before."""
    known = Rows([row("a")])
    store = Store(lambda before: before or known, Rows, lambda: None)
    store.predict(row("b", "would be made"))
    forecast = store.rows(forecast=True)
    store.read_again()
    assert store.rows(forecast=True) is forecast
    assert store.reads == 2
