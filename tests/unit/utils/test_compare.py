"""Comparison by meaning."""

import pytest

from saltext_litellm.utils.litellm.compare import same


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        (5e-06, 0.000005),
        (600, 600.0),
        ([1, "2"], [1.0, "2"]),
        ({"a": 600}, {"a": 600.0}),
        ({"a": None}, {}),
        ([None], ["None"]),
        (2**60, 2**60),
    ],
)
def test_same(declared, shown):
    assert same(declared, shown)


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        (5e-06, "5e-06"),
        ("5e-06", 0.000005),
        ("100", 100),
        (100, "100"),
        ("yes", True),
        ("off", False),
        (True, "true"),
        (1, True),
    ],
)
def test_a_type_counts_but_where_litellm_makes_it_itself(declared, shown):
    assert same(declared, shown, coerced=True)
    assert not same(declared, shown)
    assert not same([declared], [shown], coerced=True)  # what is inside is kept to the letter


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        (1, 2),
        ("a", "b"),
        ("1.0", "1"),
        (True, False),
        (True, None),
        (0, None),
        ("", None),
        ([1, 2], [2, 1]),
        ([1], 1),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, "a"),
        (2**60, 2**60 + 1),
        (1, "one"),
        ("gpt-4", True),
        ("sk-1234567890", "sk-1*****7890"),
    ],
)
def test_different(declared, shown):
    assert not same(declared, shown)


@pytest.mark.parametrize("shown", [["b", "a"], "a,b", '["b", "a"]', ["a", "b", "a"]])
def test_a_set_has_no_order(shown):
    assert same(["a", "b"], shown, ordered=False)


@pytest.mark.parametrize("shown", [["a"], ["a", "b", "c"], "a", None])
def test_a_set_has_its_members(shown):
    assert not same(["a", "b"], shown, ordered=False)


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        ("sk-1234567890", "sk-1*****7890"),
        (["sk-1234567890"], ["sk-1*****7890"]),
        ({"a": ["sk-1234567890"]}, {"a": ["sk-1*****7890"]}),
        (5, "*"),
    ],
)
def test_a_mask_counts_only_where_there_may_be_one(declared, shown):
    assert same(declared, shown, masked=True)
    assert not same(declared, shown)
