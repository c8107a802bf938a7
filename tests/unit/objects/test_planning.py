"""How the plans of a run are made: all mistakes at once, by rows that the kind has made sure of."""

from dataclasses import replace

import pytest

from saltext_litellm.errors import Ambiguous, InvalidInput, Refused
from saltext_litellm.objects.marker import Marker
from saltext_litellm.objects.outcome import Options
from saltext_litellm.objects.plan import CREATE, NONE, UPDATE, Plan
from saltext_litellm.objects.planning import Planner
from tests.support.tiny_kind import Lamps, declared, lamp, operations, store_of


def planner(lamps, options=None, store=None, **more):
    options = options or Options()
    return Planner(operations(lamps, options, store, **more), options)


def owned(name, settings=None, set_="s"):
    return lamp(name, settings or {}, Marker(name, set=set_))


def actions(planned):
    return {one.name: plan.action for one, plan in planned}


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("set_", "said"),
    [
        pytest.param(
            "s",
            "b: b belongs to 'somebody', and is left alone; "
            "c: c belongs to 'somebody', and is left alone",
            id="a set names each object",
        ),
        pytest.param(
            None,
            "b belongs to 'somebody', and is left alone; "
            "c belongs to 'somebody', and is left alone",
            id="a state is its only object",
        ),
    ],
)
def test_every_mistake_is_told_before_the_first_write(set_, said):
    theirs = [lamp(name, {}, Marker("somebody")) for name in "bc"]
    lamps = Lamps(*theirs)
    with pytest.raises(Refused) as err:
        planner(lamps, Options(set=set_)).plan_all([declared(name) for name in "abc"])
    assert (str(err.value), lamps.sent) == (said, [])


def test_a_step_that_would_be_refused_is_a_mistake_too():
    def next_step(one, _):
        if one.name != "a":
            raise Refused(f"{one.name} would be lost")

    with pytest.raises(Refused, match=r"^b would be lost; c would be lost$"):
        planner(Lamps(), next_step=next_step).plan_all([declared(name) for name in "abc"])


def test_what_the_kind_checks_is_told_together():
    def check(one, plan):
        assert plan.action == CREATE
        if one.name != "a":
            raise Refused(f"no {one.name}")

    with pytest.raises(Refused, match=r"^b: no b; c: no c$"):
        planner(Lamps(), Options(set="s"), check=check).plan_all([declared(n) for n in "abc"])


@pytest.mark.parametrize(
    ("there", "said"),
    [
        pytest.param([], None, id="none is there"),
        pytest.param([owned("a", {"watts": 5}, None)], "'a' is there already, as a", id="as it is"),
        pytest.param([owned("a", {"watts": 6}, None)], "'a' is there already, as a", id="other"),
    ],
)
def test_an_object_that_is_only_to_be_created_must_not_be_there(there, said):
    found = planner(Lamps(*there), Options(create_only=True))
    if said is None:
        assert actions(found.plan_all([declared("a", {"watts": 5})])) == {"a": CREATE}
        return
    with pytest.raises(Refused) as err:
        found.plan_all([declared("a", {"watts": 5})])
    assert str(err.value) == said


# ---------------------------------------------------------------- who uses which row


def test_each_plan_gets_the_rows_that_others_use():
    """Those that were asked for by their ids, and those of objects before it in this run."""
    taken = {}

    def plan(one, others):
        taken[one.name] = sorted(others)
        return Plan(UPDATE, f"row-{one.name}", lamp(f"row-{one.name}"))

    found = planner(Lamps(), plan=plan, next_step=lambda *_: None)
    found.plan_all([declared("a"), declared("b", id="chosen"), declared("c")])
    assert taken == {
        "a": ["chosen"],
        "b": ["chosen", "row-a"],
        "c": ["chosen", "row-a", "row-b"],
    }
    found.plan_anew(declared("c"))
    assert taken["c"] == ["chosen"]


def test_a_row_that_is_to_be_created_is_nobodys_yet():
    taken = []
    found = planner(
        Lamps(),
        plan=lambda _, others: taken.append(set(others)) or Plan(CREATE, "row"),
        next_step=lambda *_: None,
    )
    found.plan_all([declared("a"), declared("b")])
    assert taken == [set(), set()]


def test_the_objects_of_a_set_get_the_names_of_their_rows():
    found = planner(
        Lamps(), match=lambda many: [replace(one, name=f"{one.name}-2") for one in many]
    )
    planned = found.plan_all([declared("a")])
    assert actions(planned) == {"a-2": CREATE}
    assert list(found.first) == ["a-2"]


# ---------------------------------------------------------------- several rows fit


class Doubts:
    """Several rows fit, until so many looks have been taken."""

    def __init__(self, looks, temporary=True):
        self.left, self.temporary = looks, temporary

    def plan(self, one, _):
        if self.left and one.name == "a":
            self.left -= 1
            raise Ambiguous("several", temporary=self.temporary)
        return Plan(NONE, one.name)


@pytest.mark.parametrize(
    ("looks", "waited", "told"),
    [(0, 0, None), (1, 1, None), (8, 8, None), (9, 8, "several")],
)
def test_a_row_that_another_client_is_about_to_delete_is_waited_for(looks, waited, told):
    lamps = Lamps()
    store = store_of(lamps)
    found = planner(lamps, None, store, plan=Doubts(looks).plan)
    if told is None:
        assert actions(found.plan_all([declared("a"), declared("b")])) == {"a": NONE, "b": NONE}
    else:
        with pytest.raises(Ambiguous, match=told):
            found.plan_all([declared("a"), declared("b")])
    assert lamps.waited == store.reads == waited


def test_rows_that_stay_are_not_waited_for():
    lamps = Lamps()
    with pytest.raises(Ambiguous):
        planner(lamps, plan=Doubts(1, temporary=False).plan).plan_all([declared("a")])
    assert lamps.waited == 0


def test_a_mistake_that_time_does_not_mend_is_told_after_the_wait():
    lamps = Lamps(lamp("b", {}, Marker("somebody")))
    doubts = Doubts(1)

    def plan(one, taken):
        if one.name == "b":
            raise Refused("b is another's")
        return doubts.plan(one, taken)

    with pytest.raises(InvalidInput, match=r"^b is another's$"):
        planner(lamps, plan=plan).plan_all([declared("a"), declared("b")])
    assert lamps.waited == 1


# ---------------------------------------------------------------- a closer look


@pytest.mark.parametrize(
    ("options", "there", "prunes"),
    [
        pytest.param(Options(), [], False, id="a state"),
        pytest.param(Options(set="s", prune=True), [], False, id="nothing to prune"),
        pytest.param(Options(set="s"), [owned("b")], False, id="a set that does not prune"),
        pytest.param(Options(set="s", prune=True), [owned("b")], True, id="a set that prunes"),
    ],
)
def test_the_kind_looks_closer_with_all_plans(options, there, prunes):
    seen = []
    planner(
        Lamps(*there),
        options,
        look_closer=lambda plans, prunes: seen.append(([plan.action for plan in plans], prunes)),
    ).plan_all([declared("a", set=options.set)])
    assert seen == [([CREATE], prunes)]


def test_what_a_closer_look_has_read_is_planned_again():
    lamps = Lamps()
    store = store_of(lamps)

    def look_closer(plans, _):
        lamps.table["a"] = owned("a", {"watts": 5}, None)
        store.read_again()

    found = planner(lamps, None, store, look_closer=look_closer)
    (_, plan), *_ = found.plan_all([declared("a", {"watts": 6})])
    assert plan.action == UPDATE
    assert found.first["a"] is plan


# ---------------------------------------------------------------- later


def test_a_plan_is_made_anew_only_if_the_gateway_was_read_since():
    lamps = Lamps()
    store = store_of(lamps)
    found = planner(lamps, None, store)
    wanted = declared("a", {"watts": 6})
    ((_, first),) = found.plan_all([wanted])
    assert found.plan_now(wanted) is first
    lamps.table["a"] = owned("a", {"watts": 5}, None)
    store.read_again()
    again = found.plan_now(wanted)
    assert (first.action, again.action) == (CREATE, UPDATE)
    assert found.first["a"] is found.plan_now(wanted) is again


# ---------------------------------------------------------------- what a set leaves


@pytest.mark.parametrize(
    ("set_", "used", "orphans"),
    [
        pytest.param("s", (), ["gone", "row-of-a"], id="of the set, and not declared"),
        pytest.param("s", ("gone",), ["row-of-a"], id="in use"),
        pytest.param("t", (), ["other-set"], id="of another set"),
        pytest.param(None, (), [], id="a state leaves none"),
    ],
)
def test_the_rows_that_a_set_owns_and_does_not_declare(set_, used, orphans):
    """A row of a declared name is none, be it the row that is used or another one."""
    lamps = Lamps(
        owned("gone"),
        owned("a"),
        lamp("second-of-a", {}, Marker("a", set="s")),
        lamp("row-of-a", {}, Marker("before", set="s")),
        owned("other-set", set_="t"),
        owned("a-state", set_=None),
        lamp("nobodys"),
    )
    found = planner(lamps, Options(set=set_))
    planned = [(declared("a", set=set_), Plan(NONE, "a"))]
    assert sorted(row.id for row in found.orphans(planned, set(used))) == orphans


def test_a_row_that_a_plan_uses_is_no_orphan():
    lamps = Lamps(lamp("row", {}, Marker("before", set="s")))
    found = planner(lamps, Options(set="s"))
    assert found.orphans([(declared("a", set="s"), Plan(UPDATE, "row"))]) == []


def test_with_test_what_was_predicted_counts():
    lamps = Lamps(owned("gone"), owned("left"))
    store = store_of(lamps)
    store.predict(None, ["gone"])
    for test, left in ((True, ["left"]), (False, ["gone", "left"])):
        found = planner(lamps, Options(set="s", test=test), store)
        assert [row.id for row in found.orphans([])] == left
