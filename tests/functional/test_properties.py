"""The same histories on the real gateway, so that the model of its rules is itself checked."""

import json
import re
from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings

from saltext_litellm.http import profile as profiles
from saltext_litellm.http.session import Session
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.endpoints import ModelEndpoints
from saltext_litellm.values.fingerprints import Fingerprinter
from tests.support import properties
from tests.support.cluster import LEFT_OUT, Cluster
from tests.support.histories import histories

numbers = count()


def parsed(row):
    sections = {
        section: json.loads(row[section]) if isinstance(row[section], str) else row[section]
        for section in ("litellm_params", "model_info")
    }
    return {"model_name": row["model_name"], "blocked": row.get("blocked", False), **sections}


@pytest.fixture
def real(api):
    """The stored row of an id, its strings as they are read back."""

    def raw(model_id):
        stored = parsed(api.stored(model_id))
        (shown,) = [row for row in api.rows() if row["model_info"]["id"] == model_id]
        params = stored["litellm_params"]
        for key, value in params.items():
            if isinstance(value, str):
                params[key] = shown["litellm_params"].get(key, "encrypted")
                if re.fullmatch(f"{LEFT_OUT}|azure_ad_token", key):
                    params[key] = "encrypted"
        return stored

    return raw


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories)
def test_every_history_converges_on_litellm(api, real, name, gateway_can_block, history):
    if not gateway_can_block:
        history = [
            (step, {k: v for k, v in what.items() if k != "blocked"}) for step, what in history
        ]
    login = {"url": api.gateway.url, "api_key": api.gateway.key}
    profile = profiles.load(login, {}.get, lambda value: value)
    name = f"{name}-{next(numbers)}"

    def open_objects():
        return Deployments(ModelEndpoints(Session(profile)), Fingerprinter(profile.api_key))

    def intervene(model_id, body):
        info = {**body["model_info"], "id": model_id, "db_model": True}
        api.patch(model_id, **{**body, "model_info": info})

    version = api("GET", "/public/model_hub/info")["litellm_version"]
    properties.run(
        history,
        declare=partial(properties.deployment, name),
        open_objects=open_objects,
        raw=real,
        intervene=intervene,
        check_declared=partial(properties.check_deployment, version),
    )
    ours = [row for row in api.rows() if row["model_name"].startswith(f"{name}-")]
    assert len(ours) <= 1
    for row in ours:
        api.delete(row["model_info"]["id"])


BODY = {
    "model_name": "rules",
    "litellm_params": {
        "model": "openai/gpt-4",
        "api_key": "sk-0123456789",
        "azure_ad_token": "token-0123456789",
        "rpm": 1,
        "use_litellm_proxy": True,
        "input_cost_per_token": 1e-06,
        "extra_headers": {"X-Team": "a", "X-Auth-Token": "header-0123456789"},
    },
    "model_info": {"id": "rules", "db_model": True, "note": "a", "owner": {"team": "a"}},
}


@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"model_name": "rules-renamed"},
        {"litellm_params": {"rpm": 2}},
        {"litellm_params": {"rpm": None}},
        {"litellm_params": {"azure_ad_token": None, "use_litellm_proxy": True}},
        {"litellm_params": {"input_cost_per_token": None}},
        {"litellm_params": {"extra_headers": {"X-Other": "b"}}},
        {"model_info": {"id": "rules", "db_model": True, "note": "b", "owner": {"mail": "b"}}},
        {"model_info": {"id": "rules", "db_model": True, "note": None}},
    ],
)
def test_the_model_of_the_rules_is_right(api, name, patch):
    """One write, on the model and on LiteLLM: the same is kept, and the same is shown."""
    patch = json.loads(json.dumps(patch).replace("rules", name))
    body = json.loads(json.dumps(BODY).replace("rules", name))
    version = api("GET", "/public/model_hub/info")["litellm_version"]
    cluster = Cluster(version)
    assert api("POST", "/model/new", json=body)["model_id"] == name
    cluster.client().create(body)
    api.patch(name, **patch)
    cluster.client().update(name, patch)
    real, model = parsed(api.stored(name)), cluster.table[name]
    assert real["model_name"] == model["model_name"]
    assert real["litellm_params"].keys() == model["litellm_params"].keys()
    for key in ("note", "owner"):
        assert real["model_info"].get(key) == model["model_info"].get(key)
    (shown,) = [row for row in api.rows() if row["model_info"]["id"] == name]
    (expected,) = cluster.client().router()
    for key, value in expected["litellm_params"].items():
        assert shown["litellm_params"][key] == value, key
    assert cluster.client().masked_secrets(name)["api_key"] == api.secrets(name)["api_key"]
