"""LiteLLM turns values of the fields that it declares into its own types.

Which fields those are differs by version, so it is learnt from the answers of writes.
"""

from typing import Any

import pytest

from saltext_litellm.models import desired as deployments
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from tests.support.cluster import YES_AND_NO, Client, Cluster
from tests.support.properties import FINGERPRINTER

PARAMS, INFO = "litellm_params", "model_info"


def switch(value):
    return YES_AND_NO[str(value).lower()]


def seconds_by_tier(value):
    return {tier: float(seconds) for tier, seconds in value.items()}


def windows(value):
    return [{key: f"{time}:00" for key, time in one.items()} for one in value]


def moment(value):
    """As LiteLLM stores a date. It shows the same with +00:00 instead of Z."""
    return value if value.endswith("Z") else f"{value}T00:00:00Z"


class Utc(Client):
    def database(self, *pattern):
        return [_with_offset(row) for row in super().database(*pattern)]

    def router(self):
        return [_with_offset(row) for row in super().router()]


def _with_offset(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_offset(item) for key, item in value.items()}
    return f"{value[:-1]}+00:00" if isinstance(value, str) and value.endswith("0Z") else value


# A field that no list of ours has, its type, and values that LiteLLM stores in another form.
FIELDS = [
    (PARAMS, "brand_new", switch, ["true", "off", 1]),
    (PARAMS, "brand_new", float, ["5", "1e-6", True, 2**60 + 1]),
    (PARAMS, "brand_new", seconds_by_tier, [{"flex": "30"}, {"flex": "30", "priority": "5"}]),
    (INFO, "brand_new", switch, ["yes", "0"]),
    (INFO, "brand_new", int, ["7", " 7"]),
    (INFO, "brand_new", moment, ["2026-01-01", "2026-01-01T00:00:00Z"]),
    (INFO, "brand_new", windows, [[{"start": "09:00", "end": "17:00"}]]),
    (INFO, "brand_new", lambda value: value.lower(), ["Upper"]),
    (INFO, "brand_new", lambda value: value + [0], [[1, None]]),
]
CASES = [
    pytest.param(section, key, kind, value, id=f"{section}-{value}")
    for section, key, kind, values in FIELDS
    for value in values
]


@pytest.fixture(params=["1.83.14", "1.106.2"])
def cluster(request):
    return Cluster(request.param)


def wanted(section=None, key=None, value=None, **more):
    arguments = {"name": "name", PARAMS: {"model": "openai/gpt-4"}, INFO: {}, **more}
    if section:
        arguments[section] = {**arguments[section], key: value}
    return deployments.desired(arguments, lambda value: value)


def apply(cluster, *args, test=False, **more):
    client = Utc(cluster, 0)
    (outcome,) = Deployments(client, FINGERPRINTER).apply(
        [wanted(*args, **more)], ModelOptions(test=test)
    )
    return outcome


def assert_at_rest(cluster, *args, **more):
    """A later run says "as declared", and writes nothing."""
    before = cluster.requests
    outcome = apply(cluster, *args, **more)
    assert (outcome.action, outcome.changes, outcome.failure) == ("none", {}, None)
    assert cluster.requests == before


@pytest.mark.parametrize(("section", "key", "kind", "value"), CASES)
def test_a_value_in_another_form_converges_in_one_run(cluster, section, key, kind, value):
    cluster.types[key] = kind
    outcome = apply(cluster, section, key, value)
    assert (outcome.action, outcome.failure) == ("create", None)
    assert_at_rest(cluster, section, key, value)


@pytest.mark.parametrize(("section", "key", "kind", "value"), CASES)
def test_a_change_to_such_a_value_converges_in_one_run(cluster, section, key, kind, value):
    cluster.types[key] = kind
    apply(cluster)
    outcome = apply(cluster, section, key, value)
    assert (outcome.action, outcome.failure) == ("update", None)
    assert next(iter(outcome.changes)).startswith(f"{section}:{key}")
    assert_at_rest(cluster, section, key, value)


def test_another_value_of_somebody_else_is_found(cluster):
    cluster.types["brand_new"] = float
    apply(cluster, PARAMS, "brand_new", "5")
    (model_id,) = cluster.table
    cluster.update(0, model_id, {PARAMS: {"brand_new": 6}})
    outcome = apply(cluster, PARAMS, "brand_new", "5")
    assert outcome.changes == {"litellm_params:brand_new": {"old": 6.0, "new": "5"}}
    assert_at_rest(cluster, PARAMS, "brand_new", "5")


@pytest.mark.parametrize("section", [PARAMS, INFO])
@pytest.mark.parametrize(("text", "other"), [("5", 5), ("true", True), ("09:00", "09:00:00")])
def test_another_type_is_a_change_where_litellm_keeps_the_type(cluster, section, text, other):
    for value in (other, text):
        assert apply(cluster, section, "extra", value).changes
        assert_at_rest(cluster, section, "extra", value)
    (model_id,) = cluster.table
    cluster.update(0, model_id, {section: {"extra": other, "id": model_id}})
    outcome = apply(cluster, section, "extra", text)
    assert outcome.changes == {f"{section}:extra": {"old": other, "new": text}}
    assert cluster.table[model_id][section]["extra"] == text


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("k", [1, 2])
def test_it_converges_though_an_answer_is_lost(cluster, k, done):
    """The first write sends the value, and the second records what the first has shown."""
    cluster.types["brand_new"] = float
    cluster.lose(k, done=done)
    apply(cluster, PARAMS, "brand_new", "5")
    outcome = apply(cluster, PARAMS, "brand_new", "5")
    assert outcome.failure is None
    assert_at_rest(cluster, PARAMS, "brand_new", "5")


def test_it_converges_after_litellm_has_learnt_a_field(cluster):
    """What an older LiteLLM has stored as a string, a newer one shows as a boolean."""
    apply(cluster, PARAMS, "brand_new", "true")
    assert_at_rest(cluster, PARAMS, "brand_new", "true")
    cluster.types["brand_new"] = switch
    assert apply(cluster, PARAMS, "brand_new", "true").failure is None
    assert_at_rest(cluster, PARAMS, "brand_new", "true")


def test_a_new_row_that_replaces_one_keeps_what_was_learnt(cluster):
    cluster.types["brand_new"] = float
    apply(cluster, PARAMS, "brand_new", "5")
    outcome = apply(cluster, PARAMS, "brand_new", "5", model_id="another")
    assert (list(cluster.table), outcome.failure) == (["another"], None)
    assert_at_rest(cluster, PARAMS, "brand_new", "5", model_id="another")


def test_only_what_is_stored_in_another_form_costs_a_second_write(cluster):
    cluster.types["brand_new"] = float
    apply(cluster, PARAMS, "brand_new", 5)
    assert cluster.requests == 1
    (row,) = cluster.table.values()
    assert "forms" not in row[INFO]["saltext_litellm"]


def test_the_prediction_is_what_happens(cluster):
    cluster.types["brand_new"] = float
    predicted = apply(cluster, PARAMS, "brand_new", "5", test=True)
    assert predicted.changes == apply(cluster, PARAMS, "brand_new", "5").changes
