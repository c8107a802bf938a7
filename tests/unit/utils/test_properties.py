"""Random histories against the model of LiteLLM's merge rules."""

import pytest
from hypothesis import HealthCheck, given, settings

from saltext_litellm.utils.gateway import Gateway
from saltext_litellm.utils.secrets import Fingerprinter
from tests.support import properties
from tests.support.histories import histories
from tests.support.merge_rules import MergeRules


@pytest.mark.parametrize("clears", [True, False], ids=["like-1.106", "like-1.83"])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories)
def test_every_history_converges(clears, history):
    rules = MergeRules(clears)
    fingerprinter = Fingerprinter("admin key")

    def intervene(model_id, body):
        info = {**body["model_info"], "id": model_id, "db_model": True}
        rules.update(model_id, {**body, "model_info": info})

    properties.run(
        history,
        "name",
        open_gateway=lambda: Gateway(rules, fingerprinter),
        raw=lambda model_id: rules.table[model_id],
        intervene=intervene,
    )
    assert len(rules.table) <= 1


@settings(max_examples=100, deadline=None)
@given(history=histories)
def test_planning_writes_nothing(history):
    rules = MergeRules()
    for step, what in history:
        if step == "declare":
            wanted = properties.desired("name", what, "name")
            Gateway(rules, Fingerprinter("key")).plan(wanted)
    assert rules.writes == 0
