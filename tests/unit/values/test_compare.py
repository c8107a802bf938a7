"""Comparison by meaning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.values.compare import key, same


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


WORDS = ["", "5", "5.0", "05", "1", "1e0", "yes", "True", "off", "None", "nan", "[5]", "null"]
PLAIN = st.one_of(
    st.sampled_from([*WORDS, 0, 1, 1.0, 5, 5.0, 2**60, 5e-06, True, False, None]), st.integers()
)
ANY = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=4,
)


@given(one=ANY, other=ANY, ordered=st.booleans(), coerced=st.booleans())
def test_values_that_are_the_same_have_the_same_key(one, other, ordered, coerced):
    if ordered or isinstance(other, list):  # LiteLLM shows some lists as a string
        same_key = key(one, ordered=ordered, coerced=coerced) == key(
            other, ordered=ordered, coerced=coerced
        )
        assert same_key or not same(one, other, ordered=ordered, coerced=coerced)


@pytest.mark.parametrize(
    ("one", "other"),
    [("5", 5), (True, "True"), (1, True), ([1, 2], [2, 1]), ({"a": 1}, {"a": 2}), ("", None)],
)
def test_other_values_have_other_keys(one, other):
    assert key(one) != key(other)
