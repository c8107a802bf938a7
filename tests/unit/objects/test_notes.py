"""Sentences about what the changes do not show: how a row is replaced."""

import pytest

from saltext_litellm.objects.notes import foreseen, replaced
from saltext_litellm.objects.plan import UPDATE, Plan
from tests.support.build import paths
from tests.support.tiny_kind import FIELDS, lamp


def first(*leftovers):
    return Plan(UPDATE, "a", lamp("a"), leftovers=tuple(map(lamp, leftovers)))


@pytest.mark.parametrize(
    ("plan", "lasting", "said"),
    [
        pytest.param(first(), None, [], id="in place"),
        pytest.param(
            first(),
            paths("settings/watts", "settings/colour"),
            ["It needs a new row, because LiteLLM cannot clear settings:colour, watts in place"],
            id="what cannot be cleared",
        ),
        pytest.param(
            first(),
            frozenset(),
            ["It would be replaced, because LiteLLM cannot change an id"],
            id="another id",
        ),
        pytest.param(
            first("b", "c"),
            None,
            ["b, c, which it has replaced, would be deleted"],
            id="what an earlier run has left",
        ),
    ],
)
def test_how_an_update_would_be_done(plan, lasting, said):
    assert list(foreseen(FIELDS, plan, lasting)) == said


@pytest.mark.parametrize(
    ("now", "lasting", "said"),
    [
        pytest.param(
            "b",
            paths("settings/watts"),
            "It was replaced by row b (was a), because LiteLLM cannot clear watts in place",
            id="another row",
        ),
        pytest.param(
            "b",
            frozenset(),
            "It was replaced by row b (was a), because LiteLLM cannot change an id",
            id="another id",
        ),
        pytest.param(
            "a",
            paths("settings/watts"),
            "Its row was made anew under its id, because LiteLLM cannot clear watts in place",
            id="under its id",
        ),
    ],
)
def test_how_a_row_was_replaced(now, lasting, said):
    assert replaced(FIELDS, first(), lamp(now), lasting) == said
