"""The plan of a credential, and the one request that comes next."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.credentials import kind, steps
from saltext_litellm.credentials.kind import FIELDS
from saltext_litellm.errors import Refused
from saltext_litellm.objects.marker import KEY, Marker
from saltext_litellm.objects.plan import CREATE, NONE, UPDATE
from saltext_litellm.objects.row import Rows
from saltext_litellm.objects.steps import Create, Update
from saltext_litellm.values.secrets import REDACTED
from tests.support.build import (
    FINGERPRINTER,
    ROTATED,
    credential,
    credential_row,
    examples,
    marker_for,
    paths,
)

SECRET, NEXT, MASK = "sk-0123456789", "sk-9876543210", "sk****89"


def tree(values=None, info=None, label=None):
    found = {"credential_values": values or {}, "credential_info": info or {}}
    return {**found, **({"display_name": label} if label else {})}


def shown(values):
    """Values as a list shows them."""
    return {
        key: f"{value[:2]}****{value[-2:]}" if "key" in key else value
        for key, value in (values or {}).items()
    }


def made(values=None, info=None, label=None, theirs=None, **more):
    """A credential as we have made it.

    :param theirs: The values that somebody else has added.
    """
    wanted = credential("key", tree(values, info, label), **more)
    values = shown({**(values or {}), **(theirs or {})})
    return credential_row("key", tree(values, info, label), marker_for(FIELDS, wanted, "key"))


def plan(wanted, *rows, fingerprint=FINGERPRINTER):
    return steps.make_plan(wanted, Rows(rows), fingerprint)


def step(wanted, row=None, deletes=True):
    return steps.next_step(wanted, plan(wanted, *([row] if row else [])), deletes=deletes)


# ---------------------------------------------------------------- whose it is


@pytest.mark.parametrize(
    ("row", "wanted", "action"),
    [
        pytest.param(None, {}, CREATE, id="none"),
        pytest.param(made(), {}, NONE, id="ours"),
        pytest.param(credential_row(), {}, UPDATE, id="nobody's: it is adopted"),
        pytest.param(made(), {"set": "s"}, UPDATE, id="it joins a set"),
        pytest.param(made(set="s"), {"set": "s"}, NONE, id="the set's"),
        pytest.param(made(set="t"), {"set": "s"}, "'key in t'", id="another set's"),
        pytest.param(made(set="s"), {}, "'key in s'", id="a set's, for a state"),
        pytest.param(credential_row(source="config"), {}, "config file", id="the config file's"),
        pytest.param(
            credential_row(owner=Marker("key", id="other")), {}, UPDATE, id="a copy is nobody's"
        ),
    ],
)
def test_the_row_of_a_credential_has_its_name(row, wanted, action):
    rows = [row] if row else []
    if action not in (NONE, CREATE, UPDATE):
        with pytest.raises(Refused, match=f"^key belongs to .*{action}"):
            plan(credential("key", **wanted), *rows)
        return
    assert plan(credential("key", **wanted), *rows).action == action


# ---------------------------------------------------------------- a new one


def test_a_create_has_what_is_declared_and_a_marker():
    wanted = credential("key", tree({"api_key": SECRET}, {"team": {"a": 1}}, "Our key"))
    found = step(wanted)
    assert isinstance(found, Create)
    assert found.body == {
        "credential_name": "key",
        "credential_values": {"api_key": SECRET},
        "credential_info": {"team": {"a": 1}, KEY: marker_for(FIELDS, wanted, "key")},
        "display_name": "Our key",
    }
    assert SECRET not in json.dumps(found.body["credential_info"])


@pytest.mark.parametrize(
    ("wanted", "rows", "refused"),
    [
        pytest.param(tree(), [], True, id="a new one without a value"),
        pytest.param(tree(info={"a": 1}), [], True, id="a new one with info only"),
        pytest.param(tree({"api_key": SECRET}), [], False, id="a new one with a value"),
        pytest.param(tree(), [credential_row()], False, id="one that is there"),
    ],
)
def test_litellm_makes_no_credential_without_a_value(wanted, rows, refused):
    wanted = credential("key", wanted)
    if not refused:
        steps.check(wanted, plan(wanted, *rows))
        return
    with pytest.raises(Refused, match="credential_values is missing"):
        steps.check(wanted, plan(wanted, *rows))


@pytest.mark.parametrize("given", [None, {}, {"credential_values": {"api_key": None}}])
@pytest.mark.parametrize("theirs", [{}, {"region": "eu"}])
def test_the_last_value_is_not_cleared(given, theirs):
    """LiteLLM would keep an empty credential, and 1.83 lose it, as it has to be made anew."""
    rows = [made({"api_key": SECRET, "api_base": "a"}, theirs=theirs)]
    wanted = credential("key", {"credential_info": {"a": 1}, **(given or {})})
    if theirs:
        steps.check(wanted, plan(wanted, *rows))
        return
    with pytest.raises(Refused) as err:
        steps.check(wanted, plan(wanted, *rows))
    assert str(err.value) == (
        "credential_values is missing: nothing would be left in it. To delete it, use absent"
    )


# ---------------------------------------------------------------- a change in place

UPDATES = [
    # What was declared before, what is declared now; and the body, without the marker.
    pytest.param((), (), None, id="as declared"),
    pytest.param(
        ({"api_key": SECRET, "api_base": "a"},),
        ({"api_key": SECRET, "api_base": "b"},),
        {"credential_values": {"api_base": "b"}, "credential_info": {}},
        id="a value: no other is sent, as it is a mask",
    ),
    pytest.param(
        ({"api_key": SECRET},),
        ({"api_key": NEXT},),
        {"credential_values": {"api_key": NEXT}, "credential_info": {}},
        id="a rotated secret",
    ),
    pytest.param(
        ({"api_key": SECRET, "api_base": "a"},),
        ({"api_key": SECRET},),
        {
            "credential_values": {},
            "credential_info": {},
            "credential_values_to_delete": ["api_base"],
        },
        id="a value goes",
    ),
    pytest.param(
        ({"headers": {"a": "1", "b": "2"}},),
        ({"headers": {"a": "1"}},),
        {"credential_values": {"headers": {"a": "1"}}, "credential_info": {}},
        id="a key inside of a mapping goes",
    ),
    pytest.param(
        ({"headers": {"a": "1"}},),
        (),
        {
            "credential_values": {},
            "credential_info": {},
            "credential_values_to_delete": ["headers"],
        },
        id="nothing is left of a mapping",
    ),
    pytest.param(
        ({}, {"a": 1, "b": 2}),
        ({}, {"a": 3, "b": 2}),
        {"credential_values": {}, "credential_info": {"a": 3, "b": 2}},
        id="credential_info is sent whole",
    ),
    pytest.param(
        ({}, {"a": 1, "b": 2}),
        ({}, {"b": 2}),
        {"credential_values": {}, "credential_info": {"a": None, "b": 2}},
        id="a key of it that goes is sent as null",
    ),
    pytest.param(
        ({}, {"team": {"a": 1, "b": 2}}),
        ({}, {"team": {"a": 1}}),
        {"credential_values": {}, "credential_info": {"team": {"a": 1}}},
        id="a key inside of it",
    ),
    pytest.param(
        ({}, {}, "old"),
        ({}, {}, "new"),
        {"credential_values": {}, "credential_info": {}, "display_name": "new"},
        id="a label",
    ),
    pytest.param(
        ({}, {}, "old"),
        (),
        {"credential_values": {}, "credential_info": {}, "display_name": None},
        id="a label goes",
    ),
]


@pytest.mark.parametrize(("was", "now", "body"), UPDATES)
def test_an_update_has_what_differs_and_the_whole_info(was, now, body):
    wanted = credential("key", tree(*now))
    found = step(wanted, made(*was))
    if body is None:
        assert found is None
        return
    assert isinstance(found, Update)
    sent = dict(found.body)
    assert sent["credential_info"].pop(KEY) == marker_for(FIELDS, wanted, "key")
    assert sent == body


def test_what_others_have_set_stays():
    row = made({"api_key": SECRET}, {"ours": 1}, theirs={"other_key": NEXT, "region": "eu"})
    row = replace(
        row, data={**row.data, "credential_info": {**row.data["credential_info"], "team": {"x": 1}}}
    )
    found = step(credential("key", tree({"api_key": NEXT}, {"ours": 2})), row)
    assert found.body["credential_values"] == {"api_key": NEXT}
    info = {k: v for k, v in found.body["credential_info"].items() if k != KEY}
    assert info == {"ours": 2, "team": {"x": 1}}
    assert "credential_values_to_delete" not in found.body


def test_a_null_that_was_sent_to_clear_is_not_sent_again():
    row = made({}, {"a": 1})
    row = replace(
        row, data={**row.data, "credential_info": {**row.data["credential_info"], "gone": None}}
    )
    found = step(credential("key", tree({}, {"a": 2})), row)
    assert set(found.body["credential_info"]) == {"a", KEY}


def test_a_secret_is_compared_by_its_fingerprint_and_its_mask():
    """LiteLLM masks more names than people know as secrets."""
    for key in ("api_key", "my_tokens", "openaikey"):
        wanted = credential("key", tree({key: SECRET}))
        owner = marker_for(FIELDS, wanted, "key")
        row = credential_row("key", tree({key: MASK}), owner)
        assert plan(wanted, row).action == NONE
        assert plan(credential("key", tree({key: NEXT})), row).touched == paths(
            f"credential_values/{key}"
        )
        changed = credential_row("key", tree({key: "sk****00"}), owner)
        assert plan(wanted, changed).action == UPDATE


def test_a_new_key_of_the_fingerprints_is_told():
    row = made({"api_key": SECRET})
    found = plan(credential("key", tree({"api_key": SECRET})), row, fingerprint=ROTATED)
    assert [note.done for note in found.notes] == [
        "credential_values:api_key was written again, because the key of its fingerprint has "
        "changed"
    ]


# ---------------------------------------------------------------- made anew


def test_a_litellm_that_deletes_no_value_gets_the_credential_anew():
    wanted = credential("key", tree({"api_key": SECRET, "region": "eu"}, {"a": 1}))
    row = made(
        {"api_key": SECRET, "region": "us", "api_base": "x"},
        {"a": 1, "b": 2},
        "theirs",
        theirs={"org": "y"},
    )
    row = replace(row, marker=replace(row.marker, keys=row.marker.keys - paths("display_name")))
    found = step(wanted, row, deletes=False)
    assert isinstance(found, Create)
    assert found.instead is row
    assert found.lasting == paths("credential_values/api_base")
    body = dict(found.body)
    info = dict(body.pop("credential_info"))
    assert info.pop(KEY) == marker_for(FIELDS, wanted, "key")
    assert (info["a"], info.get("b")) == (1, None)
    assert body == {
        "credential_name": "key",
        "credential_values": {"api_key": SECRET, "region": "eu", "org": "y"},
        "display_name": "theirs",
    }


def test_it_gets_no_label_if_it_had_none():
    found = step(credential("key", tree()), made({"api_base": "x"}), deletes=False)
    assert set(found.body) == {"credential_name", "credential_values", "credential_info"}


@pytest.mark.parametrize(
    "name", ["api_key", "my_tokens", "aws_secret_access_key", "vertex_credentials"]
)
def test_a_secret_of_somebody_else_would_be_lost(name):
    row = made({"api_base": "x"}, theirs={name: MASK})
    with pytest.raises(Refused) as err:
        step(credential("key", tree({"region": "eu"})), row, deletes=False)
    assert str(err.value) == (
        "LiteLLM cannot clear everything in place, so the credential would have to be made anew, "
        f"but credential_values:{name}, which is not declared, cannot be read back and would be "
        "lost: declare it too"
    )
    assert isinstance(step(credential("key", tree({"region": "eu"})), row), Update)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        pytest.param(({"a": "1"},), ({"a": "2"},), id="another value"),
        pytest.param(({}, {"a": 1}), (), id="a key of credential_info goes"),
        pytest.param(
            ({"headers": {"a": "1", "b": "2"}},), ({"headers": {"a": "1"}},), id="a key inside goes"
        ),
    ],
)
def test_for_all_else_it_is_changed_in_place(was, now):
    assert isinstance(step(credential("key", tree(*now)), made(*was), deletes=False), Update)


@pytest.mark.parametrize(
    ("was", "now", "deletes"),
    [
        (({"a": "1"},), (), True),
        (({"a": "1"},), ({"a": "2"},), False),
        (({}, {"a": 1}), (), False),
        (({}, {}, "x"), (), False),
    ],
)
def test_only_the_removal_of_a_value_depends_on_the_version(was, now, deletes):
    assert steps.deletes_values(plan(credential("key", tree(*now)), made(*was))) is deletes


# ---------------------------------------------------------------- whatever it is

texts = st.sampled_from(["one", "two"])
secrets = st.sampled_from([SECRET, NEXT])
values = st.fixed_dictionaries(
    {},
    optional={
        "api_key": secrets,
        "api_base": texts,
        "region": texts,
        "headers": st.dictionaries(st.sampled_from("ab"), texts),
    },
)
infos = st.fixed_dictionaries(
    {}, optional={"a": texts, "team": st.dictionaries(st.sampled_from("ab"), texts)}
)
trees = st.builds(tree, values, infos, st.sampled_from([None, "label"]))


@examples
@given(was=trees, now=trees, theirs=values, deletes=st.booleans())
def test_each_plan_comes_to_rest_and_tells_no_secret(was, now, theirs, deletes):
    """The steps are done to a row in memory, which is shown as LiteLLM shows it."""
    wanted = credential("key", was)
    values = {**theirs, **was["credential_values"]}
    before = {**was, "credential_values": values}
    stored = credential_row("key", before, marker_for(FIELDS, wanted, "key"))
    ours = {path[1] for path in wanted.values if path[0] == "credential_values"}
    wanted = credential("key", now)
    text = ""
    for _ in range(4):
        row = replace(
            stored,
            data={**stored.data, "credential_values": shown(stored.data["credential_values"])},
        )
        found = plan(wanted, row)
        text += str(found.changes) + str(found.notes) + repr(found)
        try:
            following = steps.next_step(wanted, found, deletes=deletes)
        except Refused:
            assert theirs.get("api_key")
            return
        if following is None:
            break
        if isinstance(following, Create):
            stored = kind.created(following.body, None)
        else:
            stored = kind.changed(stored, following.body, None)
    assert found.action == NONE
    assert not any(secret in text for secret in (SECRET, NEXT))
    declared_keys = {path[1] for path in wanted.values if path[0] == "credential_values"}
    for key, value in theirs.items():
        if key not in ours | declared_keys:
            assert stored.data["credential_values"][key] == value


def test_a_secret_is_never_told():
    found = plan(credential("key", tree({"api_key": NEXT})), made({"api_key": SECRET}))
    change = {"old": REDACTED, "new": REDACTED}
    assert found.changes == {"credential_values:api_key": change}
