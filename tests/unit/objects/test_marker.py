"""The marker: what it stores, what it makes of a damaged one, and which places are ours."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.objects.marker import VERSION, Marker, form, is_same_form, of_row
from tests.support.build import examples, marker, paths, values

# ---------------------------------------------------------------- as it is stored


def test_it_is_stored_in_words_that_people_can_read():
    owner = Marker(
        name="gpt-4-proxy",
        set="team",
        gateway="prod",
        id="8ef3",
        keys=paths("model_info/tier", "blocked", "litellm_params/api_key"),
        secrets={("litellm_params", "api_key"): "3f0c"},
        key_id="a7",
        forms={("model_info", "access_windows"): "5b1f"},
        replaces="7ab2",
        tentative=True,
        unserved=True,
    )
    assert owner.dump() == {
        "version": 1,
        "name": "gpt-4-proxy",
        "set": "team",
        "gateway": "prod",
        "id": "8ef3",
        "replaces": "7ab2",
        "tentative": True,
        "unserved": True,
        "keys": ["blocked", "litellm_params/api_key", "model_info/tier"],
        "secrets": {"litellm_params/api_key": "3f0c"},
        "key_id": "a7",
        "forms": {"model_info/access_windows": "5b1f"},
    }


def test_what_it_does_not_need_is_left_out():
    assert Marker("gpt").dump() == {"version": 1, "name": "gpt", "keys": []}


def test_a_slash_in_a_key_is_escaped():
    owner = Marker("gpt", keys=frozenset({("litellm_params", "extra_headers", "a/b~c")}))
    assert owner.dump()["keys"] == ["litellm_params/extra_headers/a~1b~0c"]


places = st.lists(st.text(max_size=5), min_size=1, max_size=3).map(tuple)
marks = st.dictionaries(places, st.text("0123456789abcdef", max_size=4), max_size=3)
ids = st.none() | st.text(max_size=5)
any_marker = st.builds(
    Marker,
    name=st.text(max_size=5),
    set=ids,
    gateway=ids,
    id=ids,
    keys=st.frozensets(places, max_size=4),
    secrets=marks.filter(bool),
    key_id=st.none() | st.text(max_size=2),
    forms=marks,
    replaces=ids,
    tentative=st.booleans(),
    unserved=st.booleans(),
    version=st.integers(0, 3),
)


@examples
@given(any_marker)
def test_what_is_stored_is_read_back(owner):
    assert Marker.load(json.loads(json.dumps(owner.dump()))) == owner


@examples
@given(any_marker, st.randoms())
def test_equal_markers_are_stored_as_equal_text(owner, random):
    def shuffled(marks):
        return dict(random.sample(list(marks.items()), len(marks)))

    other = Marker(
        **{**vars(owner), "secrets": shuffled(owner.secrets), "forms": shuffled(owner.forms)}
    )
    assert json.dumps(other.dump()) == json.dumps(owner.dump())


# ---------------------------------------------------------------- damaged

WHOLE = {"version": 1, "name": "gpt", "keys": ["a/b"]}


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        pytest.param(None, None, id="nothing"),
        pytest.param("gpt", None, id="a text"),
        pytest.param([WHOLE], None, id="a list"),
        pytest.param({}, None, id="empty"),
        pytest.param({**WHOLE, "name": 5}, None, id="a name that is no text"),
        pytest.param({**WHOLE, "set": 5}, None, id="a set that is no text: it may be another's"),
        pytest.param({**WHOLE, "set": None}, marker("gpt", "a/b"), id="a set that is null"),
        pytest.param({"name": "gpt"}, marker("gpt"), id="a name only"),
        pytest.param({**WHOLE, "more": 1}, marker("gpt", "a/b"), id="a word that we do not know"),
        pytest.param({**WHOLE, "keys": "a/b"}, marker("gpt"), id="keys as a text"),
        pytest.param({**WHOLE, "keys": ["a/b", 5, None]}, marker("gpt", "a/b"), id="odd keys"),
        pytest.param({**WHOLE, "secrets": []}, marker("gpt", "a/b"), id="secrets as a list"),
        pytest.param(
            {**WHOLE, "secrets": {"a/b": 5}},
            marker("gpt", "a/b", secrets={("a", "b"): "5"}),
            id="a fingerprint that is a number",
        ),
        pytest.param({**WHOLE, "id": 5, "replaces": []}, marker("gpt", "a/b"), id="odd ids"),
        pytest.param({**WHOLE, "gateway": 5}, marker("gpt", "a/b"), id="a gateway that is no text"),
        pytest.param({**WHOLE, "tentative": "yes"}, marker("gpt", "a/b"), id="tentative in words"),
        pytest.param({**WHOLE, "unserved": 1}, marker("gpt", "a/b"), id="unserved as a number"),
        pytest.param({**WHOLE, "version": "2"}, marker("gpt", "a/b"), id="a version as a text"),
        pytest.param({**WHOLE, "version": 2}, marker("gpt", "a/b", version=2), id="a newer one"),
    ],
)
def test_parts_that_make_no_sense_are_ignored(stored, found):
    assert Marker.load(stored) == found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
words = st.sampled_from([*Marker("").__dict__, "keys"])


@examples
@given(json_values | st.dictionaries(words, json_values))
def test_whatever_is_stored_can_be_read_and_written_again(stored):
    found = Marker.load(stored)
    if found is not None:
        written = json.loads(json.dumps(found.dump()))
        assert Marker.load(written).dump() == written


# ---------------------------------------------------------------- copies and owners


@pytest.mark.parametrize(
    ("stored", "owner", "copied"),
    [
        pytest.param({**WHOLE, "id": "row"}, "gpt", None, id="written for this row"),
        pytest.param(WHOLE, "gpt", None, id="written before markers had ids"),
        pytest.param({**WHOLE, "id": "other"}, None, "gpt", id="a copy"),
        pytest.param({**WHOLE, "id": "other", "set": "s"}, None, "gpt in s", id="a copy of a set"),
        pytest.param(None, None, None, id="nobody's"),
    ],
)
def test_a_marker_of_another_row_is_a_copy_and_owns_nothing(stored, owner, copied):
    found, of = of_row(stored, "row")
    assert (found and found.owner, of) == (owner, copied)


# ---------------------------------------------------------------- what is ours


@pytest.mark.parametrize(
    ("ours", "declared", "dropped"),
    [
        pytest.param(["p/x"], {"p": {"x": 1}}, [], id="still declared"),
        pytest.param(["p/x"], {"p": {"y": 1}}, ["p/x"], id="not declared any more"),
        pytest.param(["p/x", "p/y"], {"p": {"x": 1}}, ["p/y"], id="one of two"),
        pytest.param(["p/h/x"], {"p": {"h": {"y": 1}}}, ["p/h/x"], id="inside of a mapping"),
        pytest.param(["p/h"], {"p": {"h": {"x": 1}}}, [], id="a mapping that has keys now"),
        pytest.param(["p/h/x"], {"p": {"h": [1]}}, [], id="a mapping that is a list now"),
        pytest.param(["p/h/x"], {"p": {"h": {}}}, ["p/h/x"], id="a mapping that is empty now"),
    ],
)
def test_what_we_have_set_and_do_not_declare_any_more_is_dropped(ours, declared, dropped):
    assert marker("gpt", *ours).dropped(values(declared)) == paths(*dropped)


def test_it_may_keep_places_of_an_older_marker_with_their_fingerprints():
    """Until they are gone, we still have to remove them."""
    old = marker("gpt", "p/x", "p/key", "p/y", secrets={("p", "key"): "f", ("p", "y"): "g"})
    old = Marker(**{**vars(old), "key_id": "a7"})
    kept = marker("gpt", "p/z").keeping(old, paths("p/x", "p/key"))
    assert kept.keys == paths("p/z", "p/x", "p/key")
    assert (dict(kept.secrets), kept.key_id) == ({("p", "key"): "f"}, "a7")


def test_what_it_keeps_of_an_older_marker_is_no_newer_fingerprint():
    old = marker("gpt", "p/key", secrets={("p", "key"): "old"}, key_id="a7")
    new = marker("gpt", "p/key", secrets={("p", "key"): "new"}, key_id="b8")
    kept = new.keeping(old, paths("p/key"))
    assert (dict(kept.secrets), kept.key_id) == ({("p", "key"): "new"}, "b8")


def test_it_needs_no_key_id_if_it_keeps_no_fingerprint():
    old = marker("gpt", "p/x", "p/key", secrets={("p", "key"): "f"}, key_id="a7")
    assert marker("gpt").keeping(old, paths("p/x")).key_id is None


# ---------------------------------------------------------------- forms

SAME = [
    pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, id="keys in another order"),
    pytest.param(5, 5.0, id="a whole number"),
    pytest.param([None], ["None"], id="a null in a list, as 1.106.2 shows it"),
    pytest.param("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00", id="a time in UTC"),
    pytest.param({"a": ["x", 1.0]}, {"a": ["x", 1]}, id="inside"),
]
OTHER = [
    pytest.param("5", 5, id="a number as a text"),
    pytest.param("yes", True, id="a word for a boolean"),
    pytest.param(1, True, id="a number for a boolean"),
    pytest.param(5.5, 5, id="a part of a number"),
    pytest.param([1, 2], [2, 1], id="a list in another order"),
    pytest.param("09:00", "09:00:00", id="a time"),
]


@pytest.mark.parametrize(("declared", "stored"), SAME)
def test_it_is_the_same_form(declared, stored):
    assert is_same_form(declared, stored)
    assert form("x", declared) == form("x", stored)


@pytest.mark.parametrize(("declared", "stored"), OTHER)
def test_it_is_another_form(declared, stored):
    assert not is_same_form(declared, stored)
    assert form("x", declared) != form("x", stored)


def test_a_mark_tells_what_was_declared_from_what_is_stored():
    assert form("a", "b") != form("b", "a")
    assert len(form("a", "b")) == 16


def test_the_version_is_the_one_that_the_engine_knows():
    assert Marker("gpt").version == VERSION == 1
