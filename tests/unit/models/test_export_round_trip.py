"""What Salt manages is exported so that it is as declared, on the model of LiteLLM."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saltext_litellm.errors import InvalidInput
from saltext_litellm.models import desired as deployments
from saltext_litellm.models import export, fields, model_list
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.desired import Deployment
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.objects.outcome import Outcome
from saltext_litellm.report import exported as sls
from tests.support.cluster import Cluster
from tests.support.histories import INFO, PARAMS, lists, numbers
from tests.support.properties import FINGERPRINTER, VERSIONS, relaxed

few = settings(relaxed, max_examples=relaxed.max_examples // 6)
# LiteLLM's cost map says the same of these models, or something else.
COST_MAP = {
    "gpt-4": {
        "litellm_provider": "openai",
        "mode": "embedding",
        "note": "one",
        "max_things": 2,
        "per_region": {"eu": 1},
        "search_cost": 1,
        "list": [],
    }
}
SAME_AS_LITELLM = {
    "mode": st.sampled_from(["embedding", "chat"]),
    "note": st.just("one"),
    "max_things": st.just(2),
    "per_region": st.sampled_from([{"eu": 1}, {}]),
    "search_cost": st.sampled_from([1, 2]),
    "litellm_provider": st.sampled_from(["openai", "mine"]),
    "member_auto_router": st.booleans(),
    "list": st.one_of(st.just([]), lists),
}
HIDDEN = {
    "api_base": st.sampled_from(["https://x.test", "https://me:pw@x.test", "os.environ/UNSET"]),
    "timeout": st.sampled_from([600, "os.environ/UNSET", "os.environ/SET"]),
    "api_key": st.sampled_from(["sk-0123456789", "os.environ/UNSET", "os.environ/SET"]),
    "vertex_credentials": st.just({"private_key": "0123456789"}),
    "extra_headers": st.sampled_from([{}, {"X-Auth-Token": "sk-0123456789"}, {"deep": {}}]),
    "list": st.just([{"api_key": "sk-0123456789"}]),
    "use_litellm_proxy": st.booleans(),
    "output_cost_per_token": numbers,
}
PARTS = st.sampled_from(
    [
        {"litellm_params": {"model": "openai/gpt-4"}},
        {"litellm_params": {"model": "gpt-4"}, "custom_llm_provider": "openai"},
        {"custom_llm_provider": "openai", "base_model": "gpt-4"},
    ]
)
MORE = st.fixed_dictionaries(
    {
        "litellm_params": st.fixed_dictionaries({}, optional={**PARAMS, **HIDDEN}),
        "model_info": st.fixed_dictionaries({}, optional={**INFO, **SAME_AS_LITELLM}),
    },
    optional={
        "tier": st.sampled_from(["free", "paid"]),
        "blocked": st.booleans(),
        "rpm": st.sampled_from([0, 5]),
        "input_cost_per_million_tokens": numbers,
    },
)


@st.composite
def declarations(draw: st.DrawFn) -> dict[str, Any]:
    parts, more = draw(PARTS), draw(MORE)
    params = {**more["litellm_params"], **parts.get("litellm_params", {})}
    for argument, key in (
        ("rpm", "rpm"),
        ("input_cost_per_million_tokens", "input_cost_per_token"),
    ):
        if argument in more:
            params.pop(key, None)
    return {**more, **parts, "litellm_params": params}


def gateway_of(cluster: Cluster) -> Deployments:
    return Deployments(cluster.client(), FINGERPRINTER)


def declared(arguments: dict[str, Any], set_: str | None) -> list[Deployment]:
    if set_ is None:
        return [deployments.desired({"tier": "free", **arguments, "name": "it"}, lambda v: v)]
    return model_list.read(set_, {"it": arguments}, None, lambda value: value)


def apply(cluster: Cluster, wanted: list[Deployment], *, test: bool = False) -> Outcome:
    set_ = wanted[0].set
    (outcome,) = gateway_of(cluster).apply(wanted, ModelOptions(set=set_, test=test))
    assert outcome.failure is None
    return outcome


def exported(cluster: Cluster, set_: str | None) -> export.Export:
    gateway = gateway_of(cluster)
    masks = lambda row: gateway.models.masked_secrets(row.id)  # noqa: E731
    found = export.export(gateway.all_rows(), masks, gateway.models.cost_map(), set_)
    assert found.left_out == {}
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("set_", [None, "production"])
@few
@given(history=st.lists(declarations(), min_size=1, max_size=2))
def test_an_export_of_what_salt_has_made_is_as_declared(version, set_, history):
    cluster = Cluster(version)
    cluster.cost_map, cluster.environ = COST_MAP, {"SET": "30"}
    for arguments in history:
        if version == "1.83.14":
            arguments.pop("blocked", None)  # it is too old for that
        wanted = declared(arguments, set_)
        apply(cluster, wanted)
    secrets = {fields.label(path): value for path, value in wanted[0].values.items()}
    found = exported(cluster, set_)
    (arguments,) = found.states.values()
    filled_in = export.replaced(arguments, lambda secret: secrets[secret.key])
    again = declared({"tier": None, **filled_in}, set_)
    assert apply(cluster, again, test=True).changes == {}


@few
@given(arguments=declarations())
def test_no_secret_of_salt_is_lost_where_an_export_is_applied_as_it_is(arguments):
    """Nothing is removed because a model of a set was exported without its secrets."""
    cluster = Cluster()
    cluster.cost_map, cluster.environ = COST_MAP, {"SET": "30"}
    apply(cluster, declared(arguments, None))  # a state that moves into the set
    found = exported(cluster, "production")
    data = dict(sls.data(found, "models")["it"])
    lacking = any(export.secrets(found.states))
    if lacking:
        with pytest.raises(
            InvalidInput, match=r"is a mask or a placeholder|has a mask for a login"
        ):
            declared(data, "production")
    else:
        again = declared(data, "production")
        assert apply(cluster, again, test=True).changes.keys() == {"owner"}
    head = sls.text(found, "models", "https://x.test").partition("\n\n")[0]
    assert ("it refuses the set until they are filled in" in head) == lacking
