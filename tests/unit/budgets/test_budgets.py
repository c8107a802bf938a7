"""What is declared of a budget, its plan, its steps and its export."""

import pytest

from saltext_litellm.budgets import kind, steps
from saltext_litellm.budgets.export import export
from saltext_litellm.errors import InvalidInput, Refused
from saltext_litellm.objects.plan import CREATE, NONE
from saltext_litellm.objects.row import Rows
from saltext_litellm.report import exported

MEMBERS = "team-search-budget-1fde763b68674b9f85497a0c0e296515"
ROW = kind.parse({"budget_id": "trial", "max_budget": 5.0, "budget_duration": "30d"})


def declared(**arguments):
    return kind.declared({"name": "trial", **arguments}, lambda value: value)


def next_step(wanted, *rows):
    return steps.next_step(wanted, steps.make_plan(wanted, Rows(rows)))


@pytest.mark.parametrize(
    ("argument", "value", "sent"),
    [
        ("max_budget", "5", 5.0),
        ("soft_budget", 0, 0.0),
        ("budget_duration", "1h", "1h"),
        ("tpm_limit", "7", 7),
        ("rpm_limit", 7, 7),
        ("max_parallel_requests", 7, 7),
        ("model_max_budget", {"gpt-4": {"max_budget": 1}}, {"gpt-4": {"max_budget": 1}}),
    ],
)
def test_each_argument_has_its_place(argument, value, sent):
    assert declared(**{argument: value}).values == {(argument,): sent}


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        ({}, "at least one limit is needed"),
        ({"max_budget": -1}, "max_budget must not be negative"),
        ({"budget_duration": "monthly"}, "such as 30d, not 'monthly'"),
        ({"model_max_budget": {"gpt-4": 5}}, "model_max_budget:gpt-4 must be a mapping, not 5"),
    ],
)
def test_what_makes_no_budget_is_refused(arguments, mistake):
    with pytest.raises(InvalidInput, match=mistake) as caught:
        declared(**arguments)
    assert len(caught.value.mistakes) == 1


@pytest.mark.parametrize("budget_id", [MEMBERS, f"team-budget-{'0' * 32}"])
def test_the_budget_of_the_members_of_a_team_is_refused(budget_id):
    with pytest.raises(Refused, match="set team_member_budget of the team"):
        declared(budget_id=budget_id, max_budget=1)


def test_a_name_like_it_is_not():
    assert declared(budget_id="team-budget-2026", max_budget=1).id == "team-budget-2026"


def test_a_new_budget():
    plan = steps.make_plan(declared(max_budget=5), Rows())
    assert (plan.action, plan.id, plan.marker) == (CREATE, "trial", None)
    assert next_step(declared(max_budget=5)).body == {"max_budget": 5.0, "budget_id": "trial"}


def test_only_what_differs_is_sent():
    step = next_step(declared(max_budget=6, budget_duration="30d"), ROW)
    assert step.body == {"max_budget": 6.0}
    assert kind.changed(ROW, step.body, None).data["max_budget"] == 6


def test_what_is_not_declared_stays():
    assert steps.make_plan(declared(max_budget=5), Rows([ROW])).action == NONE
    assert next_step(declared(max_budget=5), ROW) is None


def test_models_are_one_value():
    row = kind.parse({"budget_id": "trial", "model_max_budget": {"a": {"max_budget": 1}}})
    assert next_step(declared(model_max_budget={}), row).body == {"model_max_budget": {}}


def test_an_export_declares_the_same():
    others = [MEMBERS, "2f55b91b-0ced-4d74-8878-8cd0e8c3a6fe", "empty"]
    rows = [ROW, *(kind.parse({"budget_id": one, "max_budget": None}) for one in others)]
    found = export(rows)
    assert found.states == {"trial": {"max_budget": 5.0, "budget_duration": "30d"}}
    assert set(found.left_out) == set(others)
    assert next_step(declared(**found.states["trial"]), ROW) is None
    text = exported.text(found, "", "https://example.com")
    assert "There are no secrets to fill in." in text
    assert "Each budget is as declared." in text
    assert "owner" not in text
