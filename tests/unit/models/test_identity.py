"""Which row a deployment is about, which rows it leaves alone, and which ids new rows get."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.errors import Ambiguous, Refused
from saltext_litellm.models import identity
from saltext_litellm.models.identity import ModelRows
from saltext_litellm.objects.marker import Marker
from tests.support.build import deployment, examples, marker, model_row

MODEL = {"litellm_params": {"model": "openai/gpt-4"}}
WANTED, IN_SET = deployment("gpt"), deployment("gpt", set="s")
CHOSEN, IN_SET_CHOSEN = deployment("gpt", id="chosen"), deployment("gpt", set="s", id="chosen")
FIRST, SECOND = islice(identity.derived_ids(WANTED), 2)
TEAM = {"team_id": "team-1", "team_public_model_name": "gpt"}


def row(row_id, owner=None, **more):
    return model_row(row_id, MODEL, marker=owner, **more)


def of_team(row_id, team="team-1"):
    return model_row(row_id, {**MODEL, "model_info": {**TEAM, "team_id": team}})


def mine(row_id, name="gpt", set_=None, **more):
    return row(row_id, Marker(name, set=set_, id=row_id, **more))


# ---------------------------------------------------------------- ids


def test_the_ids_that_we_choose_are_the_same_for_ever():
    """Else a create whose answer was lost would be sent a second time, under another id."""
    assert list(islice(identity.derived_ids(WANTED), 3)) == [
        "b0a8052e-b94f-5cde-817c-03e30631190b",
        "ab9372e5-dc77-5508-bfde-a9b9622ea14c",
        "935f0506-de8e-5665-adda-a9f70832454e",
    ]
    assert next(identity.derived_ids(IN_SET)) == "f8373051-6101-5834-ade6-55ca5b2419db"
    assert next(identity.derived_ids(deployment("gpü"))) == "8e5724f6-7a72-5c48-81e0-6f2312957da4"
    assert identity.next_id(row("row")) == "d1379392-a51f-5d18-b494-926f82a84124"
    assert identity.next_id(mine("row")) == identity.next_id(row("row"))
    assert identity.next_id(mine("row", replaces="old")) == "05bf8567-e05f-5da5-ae75-aa1f313e2627"
    assert identity.second_id("row") == "05761c14-a47b-54ee-b93e-054153168889"


@pytest.mark.parametrize(
    ("wanted", "there", "found"),
    [
        pytest.param(WANTED, [], FIRST, id="the first of its name"),
        pytest.param(WANTED, [FIRST], SECOND, id="the first is another's"),
        pytest.param(CHOSEN, [], "chosen", id="the one that the user chose"),
    ],
)
def test_a_new_row_gets_the_first_id_that_is_free(wanted, there, found):
    assert identity.free_id(wanted, ModelRows(row(one) for one in there)) == found


def test_a_replacement_of_a_replacement_has_another_id():
    """So two rows that take turns never have each other's id."""
    first = identity.next_id(row("row"))
    assert len({"row", first, identity.next_id(mine(first, replaces="row"))}) == 3


# ---------------------------------------------------------------- the row of a deployment

FOUND = [
    # What is declared, the rows that there are, the ids that others use; and the row that it is.
    pytest.param(WANTED, [], (), None, id="none"),
    pytest.param(
        WANTED, [mine("a", "other"), row("b", model_name="x")], (), None, id="others' only"
    ),
    pytest.param(WANTED, [mine("a"), row("b")], (), "a", id="its marker counts more than its name"),
    pytest.param(WANTED, [row("b")], (), "b", id="nobody's, by its model name"),
    pytest.param(WANTED, [mine("a", set_="s")], (), None, id="of a set: not a state's"),
    pytest.param(WANTED, [row("b")], ("b",), None, id="nobody's, but another deployment uses it"),
    pytest.param(WANTED, [mine("a")], ("a",), None, id="ours, but another deployment asks for it"),
    pytest.param(WANTED, [of_team("t")], (), None, id="a team's"),
    pytest.param(WANTED, [of_team("t"), row("b")], (), "b", id="a team's beside nobody's"),
    pytest.param(
        deployment("gpt", {"model_info": {"team_id": "team-1"}}),
        [of_team("t"), of_team("u", "team-2"), row("b")],
        (),
        "t",
        id="a team's that is declared",
    ),
    pytest.param(IN_SET, [mine("a", set_="s"), mine("b")], (), "a", id="the set's own"),
    pytest.param(IN_SET, [mine("b")], (), "b", id="it joins the set"),
    pytest.param(IN_SET, [mine("b", set_="t")], (), None, id="another set's"),
    pytest.param(
        IN_SET,
        [row("b", Marker("gpt"), model_name="other")],
        (),
        None,
        id="it does not join under another model name",
    ),
    pytest.param(WANTED, [row(FIRST)], (), FIRST, id="made by us, and its marker was lost"),
    pytest.param(
        WANTED, [row(FIRST, model_name="renamed")], (), FIRST, id="also under another model name"
    ),
    pytest.param(
        WANTED,
        [mine(FIRST, "other"), row(SECOND)],
        (),
        SECOND,
        id="the second id, as the first is another's",
    ),
    pytest.param(CHOSEN, [row("chosen"), mine("a")], (), "chosen", id="the id that is asked for"),
    pytest.param(CHOSEN, [mine("a")], (), "a", id="ours, which is to get that id"),
    pytest.param(CHOSEN, [row("b")], (), None, id="nobody's with another id is not adopted"),
    pytest.param(
        CHOSEN,
        [mine("new", replaces="chosen"), mine("chosen")],
        (),
        "new",
        id="the row of that id is being replaced",
    ),
    pytest.param(
        WANTED, [mine("new", replaces="old"), mine("old")], (), "new", id="what replaces counts"
    ),
    pytest.param(
        WANTED,
        [mine("b", replaces="a"), mine("a", replaces="b")],
        (),
        "a",
        id="each names the other: the elder id stays",
    ),
    pytest.param(
        deployment("gpt", id="b"),
        [mine("b", replaces="a"), mine("a", replaces="b")],
        (),
        "b",
        id="each names the other: the one that is asked for stays",
    ),
    pytest.param(
        deployment("gpt", id="b"),
        [mine("b", replaces="a"), mine("a", replaces="b")],
        ("b",),
        "b",
        id="its own id is not another's, though it is asked for",
    ),
    pytest.param(
        IN_SET_CHOSEN,
        [row("chosen", Marker("gpt"), team="team-1")],
        (),
        "chosen",
        id="a team's row that a state owns joins the set",
    ),
    pytest.param(IN_SET_CHOSEN, [row("chosen")], (), "chosen", id="nobody's is adopted by its id"),
    pytest.param(WANTED, [row(FIRST)], (FIRST,), None, id="made by us, but another asks for it"),
    pytest.param(
        WANTED, [mine("a", tentative=True), mine("b")], (), "b", id="not the one made blindly"
    ),
    pytest.param(WANTED, [mine("a", tentative=True)], (), "a", id="unless it is the only one"),
    pytest.param(
        WANTED,
        [mine("a"), mine(identity.second_id("a"))],
        (),
        "a",
        id="not the one that was only made to show it",
    ),
    pytest.param(
        IN_SET_CHOSEN,
        [mine("chosen", "other", "s")],
        (),
        "chosen",
        id="the id of another model of the set",
    ),
]


@pytest.mark.parametrize(("wanted", "there", "taken", "found"), FOUND)
def test_the_row_of_a_deployment(wanted, there, taken, found):
    row = identity.find(wanted, ModelRows(there), frozenset(taken))
    assert (row and row.id) == found


REFUSED = [
    pytest.param(
        CHOSEN,
        [mine("chosen", "other")],
        "chosen belongs to 'other', and is left alone",
        id="another state's id",
    ),
    pytest.param(
        CHOSEN,
        [mine("chosen", "gpt", "s")],
        "chosen belongs to 'gpt in s', and is left alone",
        id="a set's id",
    ),
    pytest.param(
        IN_SET_CHOSEN,
        [mine("chosen", "other", "t")],
        "chosen belongs to 'other in t', and is left alone",
        id="another set's id",
    ),
    pytest.param(
        CHOSEN,
        [of_team("chosen")],
        "chosen belongs to the team 'team-1': if that is meant, declare model_info:team_id",
        id="a team's id",
    ),
    pytest.param(
        WANTED,
        [row("b"), row("a")],
        "Several deployments are named 'gpt': a (openai/gpt-4), b (openai/gpt-4); say which one "
        "is meant, as `model_id: a`, or delete the others",
        id="several of nobody",
    ),
    pytest.param(
        WANTED,
        [mine("b"), mine("a")],
        "Several deployments carry the marker of 'gpt': a (openai/gpt-4), b (openai/gpt-4); say "
        "which one is meant, as `model_id: a`, or delete the others",
        id="several of ours",
    ),
    pytest.param(
        IN_SET,
        [mine("b"), row("a")],
        "Several deployments are named 'gpt': a (openai/gpt-4), b (openai/gpt-4); say which one "
        "is meant, as `model_id: a`, or delete the others",
        id="one that could join, and one of nobody",
    ),
]


@pytest.mark.parametrize(("wanted", "there", "told"), REFUSED)
def test_what_is_not_clear_or_anothers_is_refused(wanted, there, told):
    with pytest.raises(Refused) as err:
        identity.find(wanted, ModelRows(there))
    assert str(err.value) == told


@pytest.mark.parametrize("tentative", [True, False])
def test_it_is_said_whether_another_client_will_soon_delete_one_of_them(tentative):
    rows = [mine("a", tentative=tentative), mine("b", tentative=tentative)]
    with pytest.raises(Ambiguous) as err:
        identity.find(WANTED, ModelRows(rows))
    assert err.value.temporary is tentative


def test_not_all_of_many_rows_are_named_and_no_secret_in_their_models():
    rows = [
        model_row(
            f"row-{number}", {"litellm_params": {"model": f"openai/sk-live-{number}23456789"}}
        )
        for number in range(9)
    ]
    with pytest.raises(Ambiguous) as err:
        identity.find(WANTED, ModelRows([*rows, model_row("x", {})]))
    assert "and 5 more" in str(err.value)
    assert "23456789" not in str(err.value)


# ---------------------------------------------------------------- what is deleted in its place

LEFT = [
    # The row that is used, what is declared, the other rows; and what is deleted.
    pytest.param(mine("new", replaces="old"), WANTED, [mine("old")], ["old"], id="it replaces it"),
    pytest.param(mine("new", replaces="old"), WANTED, [], [], id="which is gone already"),
    pytest.param(
        mine("new", replaces="old"),
        WANTED,
        [row("old")],
        [],
        id="somebody has made a new one of it",
    ),
    pytest.param(
        mine("new", replaces="old"), WANTED, [mine("old", "other")], [], id="it is another's by now"
    ),
    pytest.param(
        mine("new", set_="s", replaces="old"),
        IN_SET,
        [mine("old")],
        ["old"],
        id="it joined the set",
    ),
    pytest.param(
        mine("new", set_="s", replaces="old"),
        IN_SET,
        [mine("old", set_="t")],
        [],
        id="another set's",
    ),
    pytest.param(mine("new"), WANTED, [mine("blind", tentative=True)], ["blind"], id="tentative"),
    pytest.param(
        mine("new", tentative=True),
        WANTED,
        [mine("blind", tentative=True)],
        [],
        id="both are tentative",
    ),
    pytest.param(
        mine("new"),
        WANTED,
        [mine(identity.second_id("new"))],
        [identity.second_id("new")],
        id="what was made to show it",
    ),
    pytest.param(
        mine("new", replaces="blind"),
        WANTED,
        [mine("blind", tentative=True)],
        ["blind"],
        id="tentative, and it replaces it: once",
    ),
    pytest.param(mine("new"), WANTED, [mine("second")], [], id="a second one, for no reason"),
    pytest.param(
        mine("new", "other", replaces="old"), WANTED, [mine("old", "other")], [], id="not ours"
    ),
    pytest.param(row("new"), WANTED, [mine("old")], [], id="nobody's"),
]


@pytest.mark.parametrize(("used", "wanted", "others", "gone"), LEFT)
def test_what_is_deleted_because_a_row_has_taken_its_place(used, wanted, others, gone):
    rows = ModelRows([used, *others])
    assert [one.id for one in identity.leftovers(used, wanted, rows)] == gone
    assert identity.leftovers(used, wanted, rows, frozenset(gone)) == []


@pytest.mark.parametrize(
    ("wanted", "chosen", "others", "found"),
    [
        pytest.param(CHOSEN, row("chosen"), [mine("own")], "own", id="its own row"),
        pytest.param(CHOSEN, row("chosen"), [], None, id="it had none"),
        pytest.param(CHOSEN, mine("chosen"), [mine("own")], None, id="the chosen one is its own"),
        pytest.param(WANTED, row("found"), [mine("own")], None, id="no id was chosen"),
        pytest.param(
            CHOSEN, row("chosen", copied="gpt"), [mine("own")], None, id="the chosen one is a copy"
        ),
        pytest.param(CHOSEN, row("chosen"), [mine("own"), mine("more")], None, id="it had several"),
        pytest.param(
            CHOSEN,
            row("chosen"),
            [mine("own", replaces="old"), mine("old")],
            "own",
            id="the last of several",
        ),
    ],
)
def test_the_row_that_it_had_before_the_user_chose_another(wanted, chosen, others, found):
    rows = ModelRows([chosen, *others])
    before = identity.superseded(chosen, wanted, rows, frozenset())
    assert (before and before.id) == found
    assert identity.superseded(chosen, wanted, rows, frozenset({"own", "more", "old"})) is None


# ---------------------------------------------------------------- by hand, and to delete


@pytest.mark.parametrize(
    ("wanted", "there", "look_up", "to_remove"),
    [
        pytest.param(WANTED, [], None, None, id="none"),
        pytest.param(WANTED, [mine("a")], "a", "a", id="its state's"),
        pytest.param(WANTED, [row("b")], "b", "b", id="nobody's"),
        pytest.param(WANTED, [mine("a", "other")], "a", None, id="another's of this model name"),
        pytest.param(WANTED, [of_team("t")], None, None, id="a team's"),
        pytest.param(WANTED, [mine("a"), row("b")], "a", "a", id="its state's, not nobody's"),
        pytest.param(CHOSEN, [row("chosen")], "chosen", "chosen", id="an id"),
        pytest.param(CHOSEN, [mine("a")], None, None, id="an id that is not there"),
        pytest.param(
            WANTED, [mine("new", replaces="old"), mine("old")], "new", "new", id="the last one"
        ),
    ],
)
def test_a_row_is_looked_up_more_freely_than_it_is_deleted(wanted, there, look_up, to_remove):
    rows = ModelRows(there)
    found = identity.look_up(wanted, rows), identity.to_remove(wanted, rows)
    assert [one and one.id for one in found] == [look_up, to_remove]


def test_a_row_of_another_owner_is_not_deleted_by_its_id():
    rows = ModelRows([mine("chosen", "other")])
    assert identity.look_up(CHOSEN, rows).id == "chosen"
    with pytest.raises(Refused, match="belongs to 'other'"):
        identity.to_remove(CHOSEN, rows)


@pytest.mark.parametrize("find", [identity.look_up, identity.to_remove])
@pytest.mark.parametrize("rows", [[row("a"), row("b")], [mine("a"), mine("b")]])
def test_several_rows_are_neither_looked_up_nor_deleted(find, rows):
    with pytest.raises(Ambiguous, match="Several deployments"):
        find(WANTED, ModelRows(rows))


# ---------------------------------------------------------------- rows of one model


@pytest.mark.parametrize(
    ("model_name", "upstream", "used"),
    [
        ("gpt", "openai/gpt-4", True),
        ("openai/gpt-4", "azure/x", True),
        ("gpt", "azure/x", False),
        ("openai/*", "azure/x", True),
        ("gpt", "openai/*", True),
        ("gpt", None, False),
    ],
)
def test_the_rows_that_litellm_may_use_for_a_model(model_name, upstream, used):
    params = {"model": upstream} if upstream else {}
    one = model_row("a", {"litellm_params": params}, model_name=model_name)
    assert bool(identity.of_model("openai/gpt-4", [one])) is used


@pytest.mark.parametrize(
    ("model", "used"), [("public", True), ("model_name_team-1_0b5c", True), ("openai/gpt-4", False)]
)
def test_a_teams_row_may_be_used_by_both_of_its_names(model, used):
    info = {**TEAM, "team_public_model_name": "public"}
    one = model_row("a", {"model_info": info}, model_name="model_name_team-1_0b5c")
    assert one.model_name == "public"
    assert bool(identity.of_model(model, [one])) is used


def test_the_rows_of_others_that_have_its_model_name():
    rows = [mine("a"), mine("b", "other"), mine("c", set_="s"), row("d"), of_team("t")]
    rows.append(row("e", Marker("x"), model_name="x"))
    assert [one.id for one in identity.of_others(WANTED, ModelRows(rows))] == ["b", "c"]
    assert [one.id for one in identity.of_others(IN_SET, ModelRows(rows))] == ["a", "b"]


# ---------------------------------------------------------------- the index

any_row = st.builds(
    lambda row_id, name, team, owner: model_row(
        row_id, {}, model_name=name, team=team, marker=owner
    ),
    st.sampled_from("abc"),
    st.sampled_from(["gpt", "claude"]),
    st.sampled_from([None, "team-1", "team-2"]),
    st.sampled_from([None, marker("gpt"), marker("other")]),
)


@examples
@given(st.lists(any_row | st.sampled_from("abc"), max_size=10))
def test_rows_are_found_as_by_a_search(changes):
    rows, expected = ModelRows(), {}
    for one in changes:
        if isinstance(one, str):
            rows.drop(one)
            expected.pop(one, None)
        else:
            rows.add(one)
            expected.pop(one.id, None)
            expected[one.id] = one
    assert list(rows) == list(expected.values())
    for name in ("gpt", "claude", None):
        for team in (None, "team-1"):
            named = [o for o in expected.values() if (o.model_name, o.team) == (name, team)]
            assert rows.named(name, team) == named
            assert rows.unowned(name, team) == [o for o in named if o.marker is None]
            others = [o for o in expected.values() if o.model_name == name and o.team]
            assert rows.of_other_teams(name, team) == [o for o in others if o.team != team]
