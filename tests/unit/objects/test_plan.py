"""What is declared, what we have set before, what the row shows: what follows from the three."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.errors import Refused
from saltext_litellm.objects import plan as plans
from saltext_litellm.objects.declared import Declared
from saltext_litellm.objects.fields import Meaning
from saltext_litellm.objects.marker import Marker
from saltext_litellm.objects.plan import CREATE, DELETE, NONE, UPDATE, Learnt, Note, marker_of
from saltext_litellm.objects.row import MISSING, Row
from saltext_litellm.values.secrets import REDACTED
from tests.support.build import FINGERPRINTER, ROTATED, examples, paths
from tests.support.tiny_kind import FIELDS, LAMP, changed, created, declared, lamp, next_step

SECRET, NEXT = "sk-0123456789", "sk-9876543210"


def owned(ours, shown, **more):
    """A lamp that the state `a` owns.

    :param ours: The settings that we have set before.
    :param shown: The settings that it shows.
    """
    owner = marker_of(FIELDS, declared("a", ours), FINGERPRINTER, "a")
    return lamp("a", shown, replace(owner, **more))


def update(wanted, row, **more):
    return plans.update(LAMP, wanted, row, more.pop("fingerprint", FINGERPRINTER), **more)


def told(plan):
    return {key: (change["old"], change["new"]) for key, change in plan.changes.items()}


# ---------------------------------------------------------------- three ways

CASES = [
    # What is declared, what we have set before, what the row shows; and the changes.
    pytest.param({"watts": 5}, {"watts": 5}, {"watts": 5}, {}, id="as declared"),
    pytest.param({"watts": 6}, {"watts": 5}, {"watts": 5}, {"watts": (5, 6)}, id="another value"),
    pytest.param({"watts": 5}, {"watts": 5}, {"watts": 7}, {"watts": (7, 5)}, id="drift"),
    pytest.param({"watts": 5}, {"watts": 5}, {}, {"watts": (None, 5)}, id="gone"),
    pytest.param({"watts": 5}, {}, {}, {"watts": (None, 5)}, id="new"),
    pytest.param({}, {}, {"colour": "red"}, {}, id="another's value is left alone"),
    pytest.param(
        {"watts": 5}, {"watts": 5}, {"watts": 5, "colour": "red"}, {}, id="also beside ours"
    ),
    pytest.param(
        {"colour": "blue"},
        {},
        {"colour": "red"},
        {"settings:colour": ("red", "blue")},
        id="another's value is declared",
    ),
    pytest.param(
        {"colour": "red"},
        {},
        {"colour": "red"},
        {"managed_keys": ([], ["settings:colour"])},
        id="another's value is declared as it is",
    ),
    pytest.param({}, {"watts": 5}, {"watts": 5}, {"watts": (5, None)}, id="dropped"),
    pytest.param(
        {}, {"watts": 5}, {"watts": 7}, {"watts": (7, None)}, id="dropped, and changed by others"
    ),
    pytest.param(
        {}, {"watts": 5}, {}, {"managed_keys": (["watts"], [])}, id="dropped, and gone already"
    ),
    pytest.param(
        {"labels": {"a": 1}},
        {"labels": {"a": 1, "b": 2}},
        {"labels": {"a": 1, "b": 2, "c": 3}},
        {"settings:labels:b": (2, None)},
        id="dropped inside of a mapping, beside another's",
    ),
    pytest.param(
        {},
        {"labels": {}},
        {"labels": {"c": 3}},
        {"managed_keys": (["settings:labels"], [])},
        id="a mapping that others have filled",
    ),
    pytest.param(
        {}, {"labels": {}}, {"labels": {}}, {"settings:labels": ({}, None)}, id="an empty mapping"
    ),
    pytest.param(
        {"labels": {}},
        {"labels": {}},
        {"labels": {"c": 3}},
        {},
        id="empty declares none of its keys",
    ),
    pytest.param(
        {"labels": {}},
        {"labels": {}},
        {"labels": 5},
        {"settings:labels": (5, {})},
        id="empty is still a mapping",
    ),
    pytest.param(
        {"labels": [1]},
        {"labels": {"a": 1}},
        {"labels": {"a": 1}},
        {"settings:labels": ({"a": 1}, [1]), "managed_keys": (["settings:labels:a"], [])},
        id="a list for a mapping",
    ),
    pytest.param(
        {"tags": ["a", "b"]}, {"tags": ["a", "b"]}, {"tags": ["b", "a"]}, {}, id="order is nothing"
    ),
    pytest.param(
        {"steps": ["a", "b"]},
        {"steps": ["a", "b"]},
        {"steps": ["b", "a"]},
        {"settings:steps": (["b", "a"], ["a", "b"])},
        id="order counts",
    ),
    pytest.param({"watts": "5"}, {"watts": "5"}, {"watts": 5}, {}, id="LiteLLM makes numbers"),
    pytest.param(
        {"size": "5"}, {"size": "5"}, {"size": 5}, {"settings:size": (5, "5")}, id="or it does not"
    ),
    pytest.param(
        {"cents": 250},
        {"cents": 100},
        {"cents": 100},
        {"euros": (1.0, 2.5)},
        id="changes are in the user's unit",
    ),
    pytest.param(
        {"maker": "a-company-of-lamps"},
        {"maker": "a-company-of-lamps"},
        {"maker": "a-co**********amps"},
        {},
        id="a name that LiteLLM masks",
    ),
]


@pytest.mark.parametrize(("now", "before", "shown", "changes"), CASES)
def test_only_what_is_ours_is_compared_set_and_removed(now, before, shown, changes):
    plan = update(declared("a", now), owned(before, shown))
    assert told(plan) == changes
    assert plan.action == (UPDATE if changes else NONE)
    written = plan.touched | plan.removed
    assert {FIELDS.label(path) for path in written} == changes.keys() - {"managed_keys"}


def test_an_unset_place_is_not_removed_again():
    """It is one that reads leave out, but that is known to have no value."""
    row = owned({"token": SECRET}, {})
    assert update(declared("a"), row).removed == paths("settings/token")
    plan = update(declared("a"), replace(row, unset=paths("settings/token")))
    assert (plan.removed, told(plan)) == (frozenset(), {"managed_keys": (["token"], [])})


def test_a_secret_that_is_known_to_be_gone_is_written_again():
    row = replace(owned({"token": SECRET}, {}), unset=paths("settings/token"))
    plan = update(declared("a", {"token": SECRET}), row)
    assert told(plan) == {"token": (None, REDACTED)}


# ---------------------------------------------------------------- create and delete


def test_a_new_row_has_all_that_is_declared_and_a_marker():
    wanted = declared(
        "a", {"cents": 250, "token": SECRET, "labels": {"x": 1}}, set="s", gateway="g"
    )
    plan = plans.create(LAMP, wanted, FINGERPRINTER, "id-1")
    assert (plan.action, plan.id, plan.row) == (CREATE, "id-1", None)
    assert told(plan) == {
        "lamp_id": (None, "id-1"),
        "euros": (None, 2.5),
        "token": (None, REDACTED),
        "settings:labels:x": (None, 1),
    }
    assert plan.touched == paths("settings/cents", "settings/token", "settings/labels/x")
    marker = plan.marker
    assert (marker.owner, marker.gateway, marker.id) == ("a in s", "g", "id-1")
    assert marker.keys == plan.touched
    assert marker.secrets.keys() == paths("settings/token")
    assert marker.key_id == FINGERPRINTER.key_id()


@pytest.mark.parametrize("tentative", [True, False])
def test_a_row_that_is_made_blindly_is_tentative(tentative):
    plan = plans.create(LAMP, declared("a"), FINGERPRINTER, "a", tentative=tentative)
    assert plan.marker.tentative is tentative


def test_a_marker_without_secrets_names_no_key():
    assert plans.create(LAMP, declared("a", {"watts": 5}), FINGERPRINTER, "a").marker.key_id is None


def test_a_delete_takes_what_the_row_has_replaced_with_it():
    plan = plans.delete(LAMP, lamp("b"), [lamp("a")])
    assert (plan.action, plan.id, [row.id for row in plan.leftovers]) == (DELETE, "b", ["a"])
    assert told(plan) == {"lamp_id": ("b, a", None)}


# ---------------------------------------------------------------- owners


@pytest.mark.parametrize(
    ("wanted", "before", "changes"),
    [
        pytest.param({}, {}, {}, id="ours"),
        pytest.param({"set": "s"}, {}, {"owner": ("a", "a in s")}, id="it joins a set"),
        pytest.param({}, {"set": "s"}, {"owner": ("a in s", "a")}, id="it leaves a set"),
        pytest.param({}, {"name": "b"}, {"owner": ("b", "a")}, id="another state's"),
        pytest.param({"gateway": "g"}, {}, {"gateway_name": (None, "g")}, id="a gateway's name"),
        pytest.param(
            {"gateway": "g"}, {"gateway": "f"}, {"gateway_name": ("f", "g")}, id="another name"
        ),
        pytest.param({}, {"gateway": "f"}, {}, id="a name that the profile has not"),
        pytest.param({}, {"unserved": True}, {"served": (False, True)}, id="it was not served"),
        pytest.param({}, {"tentative": True}, {}, id="it was made blindly"),
    ],
)
def test_a_change_of_the_marker_is_a_change(wanted, before, changes):
    """A mark of how it was made goes with the next write, and is no reason for one."""
    plan = update(
        declared("a", {"watts": 5}, **wanted), owned({"watts": 5}, {"watts": 5}, **before)
    )
    assert told(plan) == changes
    assert plan.touched == plan.removed == frozenset()
    assert plan.marker.gateway == (wanted.get("gateway") or before.get("gateway"))


def test_a_row_that_nobody_owns_is_adopted():
    row = lamp("a", {"watts": 5, "colour": "red"})
    plan = update(declared("a", {"watts": 5, "shape": "round"}), row)
    assert told(plan) == {"owner": (None, "a"), "shape": (None, "round")}
    assert plan.marker.keys == paths("settings/watts", "settings/shape")
    assert [note.done for note in plan.notes] == [
        "a was there already, and Salt manages it from now on"
    ]
    assert [note.pending for note in plan.notes] == [
        "a is there already, and Salt would manage it from then on"
    ]


def test_a_copy_is_nobodys():
    """Somebody has copied a row with its marker, which names the id of the first one."""
    copy = lamp("copy", {"watts": 5}, Marker("a", id="a", keys=paths("settings/watts")))
    assert (copy.marker, copy.copied) == (None, "a")
    plan = update(declared("copy"), copy)
    assert told(plan) == {"owner": (None, "copy")}
    assert plan.removed == frozenset()


def test_a_row_with_a_newer_marker_is_left_alone():
    with pytest.raises(Refused) as err:
        update(declared("a", {"watts": 6}), owned({"watts": 5}, {"watts": 5}, version=2))
    assert str(err.value) == "a was last managed by a newer saltext-litellm; upgrade this one"


@pytest.mark.parametrize(
    ("more", "changes"),
    [
        pytest.param({"id": "b"}, {"lamp_id": ("a", "b")}, id="another id is declared"),
        pytest.param({"id": "a"}, {}, id="its own id is declared"),
    ],
)
def test_the_id_that_it_must_have(more, changes):
    plan = update(declared("a", **more), owned({}, {}))
    assert told(plan) == changes
    assert plan.moves_to == (more["id"] if changes else None)


def test_rows_that_it_has_replaced_are_a_change():
    plan = update(declared("a"), owned({}, {}), leftovers=[lamp("b"), lamp("c")])
    assert told(plan) == {"lamp_id": ("b, c", "a")}


def test_a_row_that_it_must_replace_is_noted_in_its_marker():
    plan = update(declared("a"), owned({}, {}), supersedes=lamp("b"))
    assert told(plan) == {"lamp_id": ("b", "a")}
    assert plan.marker.replaces == "b"


# ---------------------------------------------------------------- only some values


def test_a_partial_update_changes_what_is_declared_and_nothing_else():
    row = owned({"watts": 5, "shape": "round"}, {"watts": 5, "shape": "round"}, name="other")
    plan = update(declared("a", {"watts": 6}), row, partial=True)
    assert told(plan) == {"watts": (5, 6)}
    assert (plan.removed, plan.marker) == (frozenset(), row.marker)


def test_a_partial_update_does_not_say_that_a_row_is_served():
    """Its marker stays as it was."""
    row = owned({"watts": 5}, {"watts": 5}, unserved=True)
    assert told(update(declared("a", {"watts": 6}), row, partial=True)) == {"watts": (5, 6)}


def test_a_partial_update_of_nobodys_row_adopts_nothing():
    plan = update(declared("a", {"watts": 6}), lamp("a", {"watts": 5}), partial=True)
    assert (told(plan), plan.marker, plan.notes) == ({"watts": (5, 6)}, None, ())


def test_a_partial_update_renews_the_fingerprints_that_there_are():
    """A secret that the marker does not manage stays somebody else's."""
    row = owned({"token": SECRET}, {"api_key": "sk****89"})
    plan = update(declared("a", {"token": NEXT, "api_key": NEXT}), row, partial=True)
    assert told(plan).keys() == {"token", "settings:api_key"}
    assert plan.marker.keys == row.marker.keys
    assert dict(plan.marker.secrets) == {
        ("settings", "token"): FINGERPRINTER("a", ("settings", "token"), NEXT)
    }


# ---------------------------------------------------------------- secrets

KNOWN, MASK, OTHERS_MASK = {"api_key": SECRET}, {"api_key": "sk****89"}, {"api_key": "sk****00"}
DRIFT = "was written again, because the gateway had another one"
SECRETS = [
    # What is declared, what we have set before, what the row shows; the old value, and the note.
    pytest.param(KNOWN, KNOWN, MASK, ..., None, id="its fingerprint and its mask fit"),
    pytest.param({"api_key": NEXT}, KNOWN, MASK, REDACTED, "was rotated", id="rotated"),
    pytest.param(KNOWN, KNOWN, OTHERS_MASK, REDACTED, DRIFT, id="somebody has changed it"),
    pytest.param(KNOWN, KNOWN, {}, REDACTED, DRIFT, id="somebody has removed it"),
    pytest.param(KNOWN, {}, MASK, REDACTED, None, id="it is set, but not by us"),
    pytest.param(KNOWN, {}, {}, None, None, id="new"),
    pytest.param({"token": SECRET}, {"token": SECRET}, {}, ..., None, id="left out by reads"),
    pytest.param(
        {"token": NEXT}, {"token": SECRET}, {}, REDACTED, "was rotated", id="left out, and rotated"
    ),
    pytest.param({"token": SECRET}, {}, {}, "(unknown)", None, id="left out, and perhaps not set"),
    pytest.param(
        {"list": [{"api_key": SECRET}]},
        {"list": [{"api_key": SECRET}]},
        {"list": [{"api_key": "sk-0*****6789"}]},
        ...,
        None,
        id="inside of a list",
    ),
    pytest.param(
        {"labels": {"auth_token": NEXT}},
        {"labels": {"auth_token": SECRET}},
        {"labels": {"auth_token": "sk-0*****6789"}},
        REDACTED,
        "was rotated",
        id="inside of a mapping",
    ),
]


@pytest.mark.parametrize(("now", "before", "shown", "old", "note"), SECRETS)
def test_a_secret_is_compared_by_its_fingerprint_and_its_mask(now, before, shown, old, note):
    plan = update(declared("a", now), owned(before, shown))
    if old is ...:
        assert plan.changes == {}
        return
    (path,) = plan.touched
    key = FIELDS.label(path)
    assert told(plan)[key] == (old, REDACTED)
    assert [one.done for one in plan.notes] == ([f"{key} {note}"] if note else [])
    assert all(one.pending.startswith(f"{key} would be ") for one in plan.notes)


@pytest.mark.parametrize("settings", [{"token": SECRET}, {"api_key": SECRET}])
def test_a_secret_is_written_again_if_the_key_of_its_fingerprint_has_changed(settings):
    """So the marker gets a fingerprint that can be compared. Nobody has rotated the secret."""
    row = owned(settings, {"api_key": "sk****89"} if "api_key" in settings else {})
    plan = update(declared("a", settings), row, fingerprint=ROTATED)
    (key,) = plan.changes
    assert [note.done for note in plan.notes] == [
        f"{key} was written again, because the key of its fingerprint has changed"
    ]
    assert plan.marker.key_id == ROTATED.key_id() != row.marker.key_id
    assert dict(plan.marker.secrets) != dict(row.marker.secrets)


def test_equal_secrets_have_other_fingerprints_elsewhere():
    settings = {"token": SECRET, "api_key": SECRET}
    one, two = (
        marker_of(FIELDS, declared("a", settings), FINGERPRINTER, row_id).secrets.values()
        for row_id in ("a", "b")
    )
    assert len({*one, *two}) == 4


def test_a_value_that_reads_leave_out_is_removed_though_its_fingerprint_is_lost():
    """Somebody has edited the marker. Nobody can say whether there is a value."""
    plan = update(declared("a"), owned({"token": SECRET}, {}, secrets={}))
    assert told(plan) == {"token": ("(unknown)", None)}


def test_a_secret_inside_of_a_mapping_that_is_not_shown_is_gone():
    """Only a reference that stands directly in a section may be there without being shown."""
    row = owned({"labels": {"auth_token": SECRET}}, {})
    plan = update(declared("a"), row)
    assert told(plan) == {"managed_keys": (["settings:labels:auth_token"], [])}


def test_a_secret_that_is_not_declared_any_more_is_removed():
    row = owned({"token": SECRET, "api_key": SECRET}, {"api_key": "sk****89"})
    plan = update(declared("a"), row)
    assert plan.removed == paths("settings/token", "settings/api_key")
    assert told(plan) == {
        "token": (REDACTED, None),
        "settings:api_key": (REDACTED, None),
    }


class Believed(Row):
    """A row of which more is known than a read shows."""

    def __init__(self, stored, **row):
        super().__init__(**row)
        object.__setattr__(self, "_stored", stored)

    def stored_value(self, *_):
        return self._stored


@pytest.mark.parametrize(
    ("stored", "written"),
    [
        pytest.param(MISSING, False, id="nobody knows what is stored"),
        pytest.param(SECRET, False, id="the secret is"),
        pytest.param("sk****89", True, id="its mask is"),
    ],
)
def test_a_mask_that_is_stored_is_no_secret(stored, written):
    """It looks the same on reads. Somebody has written back what was shown."""
    row = Believed(stored, **vars(owned(KNOWN, MASK)))
    plan = update(declared("a", KNOWN), row)
    assert plan.touched == (paths("settings/api_key") if written else frozenset())


# ---------------------------------------------------------------- references

ENV, OTHER = "env/NAME", "env/OTHER"
REFERENCES = [
    pytest.param({"host": ENV}, {"host": ENV}, {"host": ENV}, False, id="shown as it is"),
    pytest.param({"host": ENV}, {"host": ENV}, {"host": "example.com"}, False, id="shown resolved"),
    pytest.param({"host": ENV}, {"host": ENV}, {}, False, id="not shown while it is not set"),
    pytest.param({"host": OTHER}, {"host": ENV}, {"host": ENV}, True, id="another one"),
    pytest.param({"host": OTHER}, {"host": ENV}, {}, True, id="another one, while it is not shown"),
    pytest.param({"host": ENV}, {}, {}, True, id="new"),
    pytest.param({"host": ENV}, {}, {"host": "example.com"}, True, id="another's value"),
    pytest.param({"host": ENV}, {}, {"host": ENV}, False, id="another's, which is the same"),
    pytest.param({"host": ENV}, {"host": "x"}, {"host": "x"}, True, id="in place of a value"),
    pytest.param({"api_key": ENV}, {"api_key": ENV}, {"api_key": "en****ME"}, False, id="a secret"),
    pytest.param({"api_key": ENV}, {}, {"api_key": ENV}, True, id="another's secret"),
    pytest.param({"token": ENV}, {"token": ENV}, {}, False, id="a secret that is not shown"),
    pytest.param(
        {"labels": {"host": ENV}}, {"labels": {"host": ENV}}, {}, True, id="gone inside a mapping"
    ),
]


@pytest.mark.parametrize(("now", "before", "shown", "written"), REFERENCES)
def test_a_reference_is_known_by_its_fingerprint(now, before, shown, written):
    """Versions of LiteLLM differ in whether they show it or what it stands for."""
    plan = update(declared("a", now), owned(before, shown))
    assert bool(plan.touched) is written


def test_a_reference_is_no_secret_so_its_change_needs_no_note():
    plan = update(declared("a", {"host": OTHER}), owned({"host": ENV}, {"host": ENV}))
    assert told(plan) == {"settings:host": (ENV, OTHER)}
    assert plan.notes == ()


def test_a_reference_that_is_not_shown_is_removed_all_the_same():
    assert update(declared("a"), owned({"host": ENV}, {})).removed == paths("settings/host")


# ---------------------------------------------------------------- what writes have shown


def test_what_must_be_written_again_is_written_whatever_the_row_shows():
    again = Learnt(again=paths("settings/watts"), why=(Note("watts", "why", "why"),))
    plan = update(declared("a", {"watts": 5}), owned({"watts": 5}, {"watts": 5}), learnt=again)
    assert told(plan) == {"watts": (5, 5)}
    assert [note.done for note in plan.notes] == ["why"]


def test_the_reason_for_that_stands_beside_an_adoption():
    again = Learnt(again=paths("settings/watts"), why=(Note("watts", "why", "why"),))
    plan = update(declared("a", {"watts": 5}), lamp("a", {"watts": 5}), learnt=again)
    assert [note.key for note in plan.notes] == ["watts", "owner"]


@pytest.mark.parametrize(("is_new", "action"), [(True, UPDATE), (False, NONE)])
def test_a_value_in_another_form_is_as_declared_and_the_marker_says_so(is_new, action):
    form = {("settings", "size"): "5b1f"}
    row = owned({"size": "5"}, {"size": 5})
    plan = update(declared("a", {"size": "5"}), row, learnt=Learnt(forms=form, is_new=is_new))
    assert (plan.action, plan.changes, plan.touched) == (action, {}, frozenset())
    assert plan.marker.forms == (form if is_new else {})


# ---------------------------------------------------------------- whatever it is

names = st.sampled_from(["watts", "colour", "tags", "token", "api_key", "labels", "maker", "cents"])
secrets = st.sampled_from([SECRET, NEXT, "canary-of-a-secret", ENV])
plain = st.sampled_from([0, 1, 5, "red", "", True]) | st.lists(st.integers(0, 2), max_size=2)
labels = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from([1, 2]), max_size=2)


def settings_of(keys):
    values = {"token": secrets, "api_key": secrets, "labels": labels, "cents": st.integers(0, 9)}
    return st.fixed_dictionaries({}, optional={key: values.get(key, plain) for key in keys})


settings = settings_of(["watts", "colour", "tags", "token", "api_key", "labels", "cents"])


def shown(row):
    """A stored lamp as the gateway shows it."""
    data = {
        key: f"{value[:2]}****{value[-2:]}" if key == "api_key" else value
        for key, value in row.data["settings"].items()
        if key != "token"
    }
    return replace(row, data={"settings": data})


@examples
@given(now=settings, before=settings, theirs=settings)
def test_what_is_planned_comes_to_rest_and_keeps_what_others_have_set(now, before, theirs):
    made = created(
        next_step(
            declared("a", before),
            plans.create(LAMP, declared("a", before), FINGERPRINTER, "a"),
            clears=True,
        ).body,
        None,
    )
    stored = replace(made, data={"settings": {**made.data["settings"], **theirs}})
    wanted = declared("a", now)
    plan = update(wanted, shown(stored))
    ours = made.marker.keys
    assert plan.touched <= wanted.values.keys()
    assert plan.removed <= ours - wanted.values.keys()
    if plan.action == NONE:
        return
    step = next_step(wanted, plan, clears=True)
    after = changed(stored, step.body, None)
    again = update(wanted, shown(after))
    assert (again.action, again.changes) == (NONE, {})
    for key, value in theirs.items():
        place = ("settings", key)
        if all(path[:2] != place for path in {*ours, *wanted.values}):
            assert after.data["settings"][key] == value


CANARY = "canary-0123456789"
hidden = st.fixed_dictionaries(
    {},
    optional={
        "token": st.just(CANARY),
        "api_key": st.just(CANARY),
        "labels": st.fixed_dictionaries({}, optional={"password": st.just(CANARY)}),
        "list": st.just([{"secret": CANARY}]),
        "url": st.just(f"https://user:{CANARY}@example.com"),
        "header": st.just(f"Bearer {CANARY}"),
        "passphrase": st.just(CANARY),
    },
)


@examples
@given(now=hidden, before=hidden, shows=hidden)
def test_no_secret_is_in_a_plan_a_note_or_a_marker(now, before, shows):
    """Not even if the gateway shows it, or a rotated one stands beside it."""
    row = owned(before, shows)
    wanted = declared("a", now, set="s")
    for plan in (
        plans.create(LAMP, wanted, FINGERPRINTER, "a"),
        update(wanted, row),
        update(wanted, row, fingerprint=ROTATED),
        update(wanted, row, partial=True),
        update(wanted, lamp("a", shows)),
        plans.delete(LAMP, row),
    ):
        text = json.dumps(plan.changes) + str(plan.notes) + repr(plan)
        text += json.dumps(plan.marker.dump() if plan.marker else {})
        assert CANARY not in text


def test_a_kind_without_markers_owns_nothing():
    """It gets no fingerprinter."""
    wanted = declared("a", {"watts": 5})
    new = plans.create(LAMP, wanted, None, "a")
    assert (new.action, new.marker) == (plans.CREATE, None)
    assert new.changes == {
        "lamp_id": {"old": None, "new": "a"},
        "watts": {"old": None, "new": 5},
    }
    change = plans.update(LAMP, wanted, lamp("a", {"watts": 4, "shape": "round"}), None)
    assert (change.marker, change.notes, change.removed) == (None, (), frozenset())
    assert change.changes == {"watts": {"old": 4, "new": 5}}
    rests = plans.update(LAMP, wanted, lamp("a", {"watts": 5}), None)
    assert (rests.action, rests.changes) == (plans.NONE, {})


@pytest.mark.parametrize(
    ("value", "shown", "whole", "differs"),
    [
        ({}, {"a": 1}, False, False),
        ({}, {"a": 1}, True, True),
        ({}, {}, True, False),
        ({"a": 1}, {"a": 1, "b": 2}, True, True),
        ({"a": 1}, {"a": 1}, True, False),
    ],
)
def test_a_mapping_that_is_one_value_is_compared_whole(value, shown, whole, differs):
    kind = replace(LAMP, fields=replace(FIELDS, meaning=lambda _: Meaning(whole=whole)))
    wanted = Declared("a", {("settings", "extra"): value})
    plan = plans.update(kind, wanted, lamp("a", {"extra": shown}), None)
    assert (plan.action != plans.NONE) is differs
