"""The plan of a deployment, and the one request that comes next, by what LiteLLM can do."""

import uuid
from dataclasses import replace

import pytest

from saltext_litellm.errors import Refused
from saltext_litellm.models import steps
from saltext_litellm.models.fields import FIELDS
from saltext_litellm.models.identity import ModelRows, derived_ids, next_id, second_id
from saltext_litellm.models.kind import DEPLOYMENT
from saltext_litellm.models.row import changed, created
from saltext_litellm.models.steps import Learn, make_plan, needs_router, next_step
from saltext_litellm.models.versions import NEWEST, OLD, RECENT
from saltext_litellm.objects import plan as plans
from saltext_litellm.objects.marker import KEY, Marker, form
from saltext_litellm.objects.plan import CREATE, NONE, UPDATE
from saltext_litellm.objects.steps import Create, Delete, Update
from tests.support.build import (
    FINGERPRINTER,
    deployment,
    marker,
    marker_for,
    model_row,
    paths,
    written_model,
)

MODEL = {"litellm_params": {"model": "openai/gpt-4"}}
FIRST = next(derived_ids(deployment()))
SECRET = "sk-0123456789"


def tree(params=None, info=None, **more):
    return {"litellm_params": {"model": "openai/gpt-4", **(params or {})}, "model_info": info or {}}


def before(params=None, info=None, row_id="row", **more):
    """A row that was written with these values."""
    wanted = deployment("gpt", tree(params, info), **more)
    hidden = {"api_key": None} if "api_key" in (params or {}) else {}
    return written_model(wanted, row_id, **hidden)


def stored(row):
    """A row of which a write has shown what is stored, as from 1.106 on."""
    return replace(row, stored={"blocked": False, **row.data})


def plan(wanted, *rows, **more):
    return make_plan(wanted, ModelRows(rows), FINGERPRINTER, **more)


def step(wanted, planned, can=NEWEST):
    return next_step(wanted, planned, can, FINGERPRINTER)


# ---------------------------------------------------------------- plans


def test_a_deployment_that_is_nowhere_is_created_under_the_id_of_its_name():
    found = plan(deployment("gpt", MODEL))
    assert (found.action, found.id) == (CREATE, FIRST)
    assert list(found.changes) == ["model_name", "model_id", "litellm_params:model"]
    body = step(deployment("gpt", MODEL), found).body
    assert body["model_info"][KEY] == found.marker.dump()


def test_changes_name_the_provider_and_not_what_follows_from_it():
    values = {
        "litellm_params": {"custom_llm_provider": "openai", "model": "openai/gpt-4"},
        "model_info": {"base_model": "gpt-4"},
    }
    found = plan(deployment("gpt", values))
    assert list(found.changes) == ["model_name", "model_id", "custom_llm_provider", "base_model"]


def test_another_public_name_is_a_change():
    found = plan(deployment("gpt", tree(), model_name="new"), before(model_name="gpt"))
    assert found.changes == {"model_name": {"old": "gpt", "new": "new"}}
    assert step(deployment("gpt", tree(), model_name="new"), found).body["model_name"] == "new"


def test_a_secret_in_a_public_name_is_not_told():
    found = plan(deployment("gpt", tree(), model_name="sk-live-0123456789"), before())
    assert "0123456789" not in str(found.changes)


@pytest.mark.parametrize(
    ("name", "there", "refused"),
    [
        pytest.param("gpt", True, None, id="the row of the name"),
        pytest.param("other", True, "There is no deployment 'other' to update", id="no such row"),
    ],
)
def test_a_partial_update_needs_a_row(name, there, refused):
    wanted = deployment(name, {"litellm_params": {"rpm": 5}}, model_name=None)
    rows = [model_row("row", MODEL)]
    if refused:
        with pytest.raises(Refused, match=refused):
            plan(wanted, *rows, partial=True)
        return
    found = plan(wanted, *rows, partial=True)
    assert (found.changes, found.marker) == ({"rpm": {"old": None, "new": 5}}, None)
    body = step(wanted, found).body
    assert body == {"litellm_params": {"rpm": 5}}


def test_a_row_that_was_made_blindly_is_tentative():
    assert plan(deployment("gpt", MODEL), blind=True).marker.tentative is True
    assert plan(deployment("gpt", MODEL)).marker.tentative is False


def test_a_row_that_this_run_made_blindly_gives_way_to_an_older_one():
    """It is deleted in the same run, so nothing is told of it."""
    wanted = deployment("gpt", tree({"rpm": 5}))
    old = model_row("old", tree({"rpm": 4}))
    made = before({"rpm": 5}, row_id="made")
    found = plan(wanted, old, made, tentative={"made"})
    assert (found.action, found.id, found.leftovers, found.fresh) == (UPDATE, "old", (made,), True)
    assert found.changes == {
        "owner": {"old": None, "new": "gpt"},
        "rpm": {"old": 4, "new": 5},
    }
    assert step(wanted, found) == Delete(made)
    assert plan(wanted, made, tentative={"made"}).action == NONE


def test_a_second_row_that_only_shows_the_first_is_deleted():
    first = before()
    second = before(row_id=second_id("row"))
    found = plan(deployment("gpt", MODEL), first, second, tentative={second.id})
    assert (found.id, found.leftovers, found.fresh) == ("row", (second,), True)
    assert step(deployment("gpt", MODEL), found) == Delete(second)
    both = plan(deployment("gpt", MODEL), first, second, tentative={first.id, second.id})
    assert (both.id, both.leftovers, both.fresh) == ("row", (second,), True)


# ---------------------------------------------------------------- steps

TEMPERATURE = "litellm_params/temperature"
CLEARED, KEPT = {"input_cost_per_token": 1e-06}, {"temperature": 1}
NOTE = {"note": "x"}
# What was written before, and what is declared now; and the step of each LiteLLM.
STEPS = [
    pytest.param((None, None), (None, None), [None] * 3, id="as declared"),
    pytest.param(({"rpm": 4}, None), ({"rpm": 5}, None), [Update] * 3, id="another value"),
    pytest.param((KEPT, None), (None, None), [Create, Create, Update], id="a parameter goes"),
    pytest.param((CLEARED, None), (None, None), [Create, Update, Update], id="a price goes"),
    pytest.param(
        ({"api_key": SECRET}, None), (None, None), [Create, Create, Update], id="a secret goes"
    ),
    pytest.param(
        ({"tiered_pricing": {"a": 1}}, None),
        (None, None),
        [Create, Update, Update],
        id="a price that is a mapping goes",
    ),
    pytest.param((None, NOTE), (None, None), [Create] * 3, id="a key of model_info goes"),
    pytest.param(
        ({**CLEARED, "rpm": 4}, NOTE),
        ({"rpm": 5}, None),
        [Create] * 3,
        id="one of several cannot be cleared",
    ),
    pytest.param(
        ({"extra_headers": {"a": "1", "b": "2"}}, None),
        ({"extra_headers": {"a": "1"}}, None),
        [Update] * 3,
        id="a key inside of a mapping goes",
    ),
    pytest.param(
        (None, {"team": {"a": "1", "b": "2"}}),
        (None, {"team": {"a": "1"}}),
        [Update] * 3,
        id="also inside of model_info",
    ),
    pytest.param(
        (None, {"team": {"a": "1"}}), (None, None), [Create] * 3, id="nothing is left of a mapping"
    ),
]


@pytest.mark.parametrize("number", range(3), ids=["old", "recent", "newest"])
@pytest.mark.parametrize(("was", "now", "kinds"), STEPS)
def test_a_row_is_changed_in_place_where_litellm_can(was, now, kinds, number):
    can, kind = (OLD, RECENT, NEWEST)[number], kinds[number]
    wanted, row = deployment("gpt", tree(*now)), before(*was)
    learns = step(wanted, plan(wanted, row), can)
    known = step(wanted, plan(wanted, stored(row)), can)
    if kind is None:
        assert learns is known is None
    elif kind is Update:
        assert isinstance(learns, Update)
        assert known.body == learns.body
    else:
        # What is stored must be known before it can be copied.
        assert learns == Learn(row, plan(wanted, row).removed)
        assert isinstance(known, Create)
        assert known.instead.id == "row"


def test_an_update_has_a_new_marker_only_if_it_differs():
    row = before({"rpm": 4})
    wanted = deployment("gpt", tree({"rpm": 5}))
    assert "model_info" not in step(wanted, plan(wanted, row)).body
    more = deployment("gpt", tree({"rpm": 4, "tpm": 5}))
    info = step(more, plan(more, row)).body["model_info"]
    assert info[KEY]["keys"] == [
        "litellm_params/model",
        "litellm_params/rpm",
        "litellm_params/tpm",
    ]
    assert (info["id"], info["db_model"]) == ("row", True)


@pytest.mark.parametrize(
    ("was", "kept", "lasting"),
    [
        pytest.param(
            KEPT, "litellm_params/temperature", "litellm_params/temperature", id="a value"
        ),
        pytest.param(
            {"extra_body": {"a": 1}},
            "litellm_params/extra_body",
            "litellm_params/extra_body/a",
            id="a mapping",
        ),
    ],
)
def test_what_litellm_has_kept_once_it_would_keep_again(was, kept, lasting):
    """It was to be cleared in place, and the answer of the write has shown that it was not."""
    wanted = deployment("gpt", tree())
    row = stored(before(was))
    assert isinstance(step(wanted, plan(wanted, row), NEWEST), Update)
    found = step(wanted, plan(wanted, replace(row, kept=paths(kept))), NEWEST)
    assert isinstance(found, Create)
    assert found.lasting == paths(lasting)


# ---------------------------------------------------------------- replacement


def replacing(wanted, row, can=OLD):
    return step(wanted, plan(wanted, stored(row)), can)


def test_a_replacement_has_a_new_id_and_names_the_row_that_it_replaces():
    wanted, row = deployment("gpt", tree({"rpm": 5})), before({"rpm": 4, "temperature": 1}, NOTE)
    found = replacing(wanted, row)
    assert found.instead == stored(row)
    assert found.lasting == paths("litellm_params/temperature", "model_info/note")
    info = found.body["model_info"]
    assert info["id"] == next_id(row)
    assert info[KEY] == marker_for(FIELDS, wanted, next_id(row), replaces="row")
    assert found.body["litellm_params"] == {"model": "openai/gpt-4", "rpm": 5}
    assert set(info) == {"id", "db_model", KEY}


def test_a_replacement_keeps_what_is_known_of_other_forms():
    """LiteLLM stores the value in the same form again, and its answer may be lost."""
    times = {("model_info", "times"): form("09:00", "09:00:00")}
    row = before({"temperature": 1}, {"times": "09:00:00"})
    row = replace(row, marker=replace(row.marker, forms=times))
    found = replacing(deployment("gpt", tree(info={"times": "09:00"})), row)
    assert found.body["model_info"][KEY]["forms"] == {"model_info/times": form("09:00", "09:00:00")}


def test_the_id_of_a_replacement_is_the_same_after_a_crash():
    row = before({"temperature": 1})
    assert next_id(row) == next_id(row) != next_id(before({"temperature": 1}, row_id="other"))
    assert uuid.UUID(next_id(row)).version == 5


def test_the_replacement_is_made_before_the_row_goes_and_the_record_after_it():
    wanted, row = deployment("gpt", tree()), stored(before({"temperature": 1}))
    rows = ModelRows([row])
    made = step(wanted, make_plan(wanted, rows, FINGERPRINTER), OLD)
    new = created(made.body)
    rows.add(new)
    between = make_plan(wanted, rows, FINGERPRINTER)
    assert (between.id, between.leftovers) == (new.id, (row,))
    assert step(wanted, between, OLD) == Delete(row, replaced_by=new)
    rows.drop("row")
    assert make_plan(wanted, rows, FINGERPRINTER).action == NONE


def test_a_row_that_takes_the_place_of_another_records_that_before_it_is_replaced_itself():
    """Its id was given to another model of the set. Else its own row would be forgotten."""
    wanted = deployment("gpt", tree(), id="chosen", set="s")
    own = before(row_id="own", set="s")
    keys = ("litellm_params/model", "litellm_params/temperature", "litellm_params/api_key")
    mark = {("litellm_params", "api_key"): "5b1f"}
    owner = marker("other", *keys, set="s", secrets=mark, key_id="a7")
    chosen = stored(model_row("chosen", tree({"temperature": 1}), marker=owner))
    first = step(wanted, plan(wanted, own, chosen), OLD)
    assert isinstance(first, Update)
    assert set(first.body) == {"model_info"}
    written = first.body["model_info"][KEY]
    assert (written["name"], written["replaces"]) == ("gpt", "own")
    # What is still to be removed, and how a secret of it is known.
    assert sorted(written["keys"]) == sorted(keys)
    assert (written["secrets"], written["key_id"]) == ({"litellm_params/api_key": "5b1f"}, "a7")
    assert isinstance(step(wanted, plan(wanted, own, chosen), NEWEST), Update)


def test_a_secret_of_somebody_else_is_not_lost_by_a_replacement():
    wanted, row = deployment("gpt", tree()), before({"temperature": 1})
    row = replace(
        row, stored={**row.data, "litellm_params": {"api_key": "encrypted", "temperature": 1}}
    )
    with pytest.raises(Refused, match="litellm_params:api_key, which is not declared"):
        step(wanted, plan(wanted, row), OLD)


@pytest.mark.parametrize("can", [OLD, RECENT, NEWEST], ids=["old", "recent", "newest"])
def test_an_id_that_the_user_chooses_needs_a_new_row(can):
    wanted, row = deployment("gpt", tree(), id="mine"), before()
    assert step(wanted, plan(wanted, row), can) == Learn(row, frozenset())
    found = step(wanted, plan(wanted, stored(row)), can)
    assert isinstance(found, Create)
    assert (found.lasting, found.body["model_info"]["id"]) == (frozenset(), "mine")
    assert found.body["model_info"][KEY]["replaces"] == "row"


def test_a_row_that_the_user_chooses_takes_the_place_of_its_own():
    """The state had a row, and its ``model_id`` names another one now, which nobody owns."""
    own, chosen = before(row_id="own"), model_row("chosen", MODEL)
    wanted = deployment("gpt", tree({"rpm": 5}), id="chosen")
    for taken in ((), ("chosen",)):  # that it asks for the id itself makes no difference
        found = plan(wanted, own, chosen, taken=frozenset(taken))
        assert found.changes["model_id"] == {"old": "own", "new": "chosen"}
        assert found.marker.replaces == "own"
        body = step(wanted, found).body
        assert body["litellm_params"] == {"rpm": 5}
        assert body["model_info"][KEY]["replaces"] == "own"


def test_with_a_chosen_id_a_replacement_takes_two_steps():
    """So there is always a row with all values of others."""
    wanted = deployment("gpt", tree(), id="row")
    found = replacing(wanted, before({"temperature": 1}))
    assert found.body["model_info"]["id"] not in ("row", FIRST)


# ---------------------------------------------------------------- what LiteLLM cannot change


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param(
            before({"rpm": 4}, row_id="a/b"),
            "a/b would have to change (rpm), but LiteLLM cannot change a row whose id has a slash; "
            "delete it, and it is created anew",
            id="ours",
        ),
        pytest.param(
            model_row("a/b", MODEL),
            "a/b cannot be adopted: LiteLLM cannot change a row whose id has a slash; "
            "delete it, and it is created anew",
            id="nobody's",
        ),
    ],
)
def test_a_row_whose_id_has_a_slash_stays_as_it_is(row, told):
    wanted = deployment("gpt", tree({"rpm": 5}), id="a/b")
    with pytest.raises(Refused) as err:
        step(wanted, plan(wanted, row))
    assert str(err.value) == told


def test_a_row_whose_id_has_a_slash_can_be_created_and_left_alone():
    wanted = deployment("gpt", tree({"rpm": 5}), id="a/b")
    assert isinstance(step(wanted, plan(wanted)), Create)
    assert step(wanted, plan(wanted, before({"rpm": 5}, row_id="a/b"))) is None


# ---------------------------------------------------------------- leftovers


@pytest.mark.parametrize(
    ("replaces", "replaced_by"),
    [pytest.param("old", True, id="which it replaces"), pytest.param(None, False, id="tentative")],
)
def test_a_leftover_goes_first(replaces, replaced_by):
    old, row = before(row_id="old"), before()
    row = replace(row, marker=replace(row.marker, replaces=replaces))
    if replaces is None:
        old = replace(old, marker=replace(old.marker, tentative=True))
    found = plan(deployment("gpt", tree({"rpm": 5})), old, row)
    assert found.leftovers == (old,)
    assert found.fresh is False
    expected = Delete(old, replaced_by=row if replaced_by else None)
    assert step(deployment("gpt", tree({"rpm": 5})), found) == expected


def test_a_leftover_that_others_use_is_left_alone_but_not_for_its_own_id():
    old, row = before(row_id="old"), before()
    row = replace(row, marker=replace(row.marker, replaces="old"))
    assert plan(deployment("gpt", tree()), old, row, taken={"old"}).leftovers == ()
    chosen = deployment("gpt", tree(), id="old")
    assert plan(chosen, old, row, taken={"old"}).leftovers == (old,)


def test_a_plan_to_delete_deletes_the_leftovers_first():
    row, old = before(), before(row_id="old")
    assert step(deployment(), plans.delete(DEPLOYMENT, row, [old])) == Delete(old)
    assert step(deployment(), plans.delete(DEPLOYMENT, row)) == Delete(row)


# ---------------------------------------------------------------- whatever was done


@pytest.mark.parametrize("chosen", [None, "row", "mine"], ids=["no id", "its id", "another id"])
@pytest.mark.parametrize("can", [OLD, RECENT, NEWEST], ids=["old", "recent", "newest"])
@pytest.mark.parametrize(("was", "now", "kinds"), STEPS)
def test_each_plan_comes_to_rest(was, now, kinds, can, chosen):
    """The steps are done to rows in memory, and LiteLLM says that it has done them."""
    wanted, rows = deployment("gpt", tree(*now), id=chosen), ModelRows([before(*was)])
    for _ in range(9):
        found = make_plan(wanted, rows, FINGERPRINTER)
        following = step(wanted, found, can)
        if following is None:
            break
        assert len(rows) in (1, 2)
        do(following, rows)
    assert (found.action, found.changes) == (NONE, {})
    (row,) = rows
    assert row.data["litellm_params"] == {"model": "openai/gpt-4", **(now[0] or {})}
    assert chosen in (None, row.id)


def do(following, rows):
    """Do a step to the rows. A row is learnt as it is, and a record of what it replaces goes."""
    if isinstance(following, Learn):
        rows.add(stored(following.row))
    elif isinstance(following, Create):
        rows.add(created(following.body, following.body))
    elif isinstance(following, Update):
        gone = changed(following.row, following.body, {})
        rows.add(replace(gone, stored=None if following.row.stored is None else dict(gone.data)))
    else:
        rows.drop(following.row.id)
        after = rows.get(following.replaced_by.id) if following.replaced_by else None
        if after is not None:
            rows.add(replace(after, marker=replace(after.marker, replaces=None)))


# ---------------------------------------------------------------- whether the router matters


@pytest.mark.parametrize(
    ("wanted", "row", "needed"),
    [
        pytest.param(deployment("gpt", MODEL), None, True, id="a new row"),
        pytest.param(deployment("gpt", MODEL), before(), False, id="nothing to do"),
        pytest.param(deployment("gpt", tree({"rpm": 5})), before(), False, id="a change in place"),
        pytest.param(deployment("gpt", MODEL), model_row("row", MODEL), True, id="an adoption"),
        pytest.param(
            deployment("gpt", MODEL),
            model_row("row", MODEL, marker=Marker("gpt", unserved=True)),
            True,
            id="a row that was not served",
        ),
        pytest.param(deployment("gpt", MODEL, id="mine"), before(), True, id="another id"),
    ],
)
def test_what_is_made_adopted_or_deleted_depends_on_both_views(wanted, row, needed):
    assert needs_router(plan(wanted, *([row] if row else []))) is needed


def test_a_leftover_depends_on_both_views():
    old = model_row("old", MODEL, marker=marker("gpt"))
    row = model_row("row", MODEL, marker=marker("gpt", replaces="old"))
    assert needs_router(plan(deployment("gpt", MODEL), old, row))


def test_an_update_of_a_known_row_has_no_word_of_another():
    wanted = deployment("gpt", tree({"rpm": 5}))
    found = steps.update(wanted, before({"rpm": 4}), FINGERPRINTER)
    assert found.changes == {"rpm": {"old": 4, "new": 5}}
    assert found.notes == ()
