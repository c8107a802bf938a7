"""What becomes of the rows that a set owns and does not declare any more."""

import pytest

from saltext_litellm.errors import GatewayError, NotDone, NotSeen
from saltext_litellm.objects import prune
from saltext_litellm.objects.marker import Marker
from tests.support.tiny_kind import LAMP, lamp


def owned(name):
    return lamp(f"row-{name}", {}, Marker(name, set="s"))


def deleted(rows, errors=None, error=None):
    """The outcomes, the rows that were sent, and the progress.

    :param errors: Why a row cannot be deleted, by its name.
    """
    sent, progress = [], []

    def send(row):
        sent.append(row.owner)
        if row.owner in (errors or {}):
            raise errors[row.owner]

    found = list(
        prune.delete(
            LAMP, [owned(name) for name in rows], send, lambda *it: progress.append(it), error
        )
    )
    return found, sent, progress


@pytest.mark.parametrize(
    ("outcome", "status", "tried"),
    [
        pytest.param(prune.left_alone(owned("a")), "undeclared", False, id="no prune"),
        pytest.param(prune.not_deleted(owned("a")), "not_deleted", False, id="not tried"),
        pytest.param(prune.not_deleted(owned("a"), "why"), "not_deleted", True, id="must stay"),
        pytest.param(
            prune.not_deleted(owned("a"), NotSeen("x")), "perhaps_deleted", True, id="not seen"
        ),
        pytest.param(prune.deleted(LAMP, owned("a")), "deleted", True, id="deleted"),
    ],
)
def test_each_row_is_told_by_its_owner_and_has_a_status(outcome, status, tried):
    assert (outcome.name, outcome.id, outcome.status) == ("a", "row-a", status)
    assert outcome.tried is tried


def test_rows_are_deleted_one_after_the_other():
    found, sent, progress = deleted("ab")
    assert [one.changes for one in found] == [
        {"lamp_id": {"old": f"row-{name}", "new": None}} for name in "ab"
    ]
    assert (sent, progress) == (["a", "b"], [(1, 2, "a"), (2, 2, "b")])


def test_a_row_that_cannot_be_deleted_is_told_and_the_others_are_deleted():
    found, sent, _ = deleted("abc", {"b": NotDone("it is still there")})
    assert [one.status for one in found] == ["deleted", "not_deleted", "deleted"]
    assert (found[1].failure, found[1].changes) == ("it is still there", {})
    assert sent == ["a", "b", "c"]


def test_after_a_hopeless_error_nothing_more_is_sent():
    found, sent, progress = deleted("abc", {"b": GatewayError("the key was revoked", 401)})
    assert [(one.status, one.tried) for one in found] == [
        ("deleted", True),
        ("not_deleted", True),
        ("not_deleted", False),
    ]
    assert (sent, progress) == (["a", "b"], [(1, 3, "a"), (2, 3, "b")])


@pytest.mark.parametrize(
    ("error", "statuses", "sent"),
    [
        pytest.param(GatewayError("busy", 500), ["not_deleted", "deleted"], ["b"], id="for one"),
        pytest.param(GatewayError("down"), ["not_deleted", "not_deleted"], [], id="hopeless"),
    ],
)
def test_an_error_before_the_first_delete_counts_for_the_first_row(error, statuses, sent):
    found, asked, _ = deleted("ab", error=error)
    assert ([one.status for one in found], asked) == (statuses, sent)
    assert found[0].failure == str(error)
