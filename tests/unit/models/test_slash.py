"""LiteLLM creates and deletes a row whose id has a slash, but cannot change it."""

from contextlib import nullcontext

import pytest

from saltext_litellm.errors import InvalidInput, NotDone, NotInDatabase, Refused, Unchangeable
from saltext_litellm.http.profile import Profile
from saltext_litellm.http.session import Session
from saltext_litellm.models import desired as deployments
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.endpoints import ModelEndpoints
from saltext_litellm.models.options import ModelOptions
from tests.support.cluster import Cluster
from tests.support.properties import FINGERPRINTER

ID = "azure/eu/gpt-4o"
THEIRS = {"model_name": "name", "litellm_params": {"model": "openai/gpt-4"}}


@pytest.fixture(params=["1.83.14", "1.106.2"])
def cluster(request):
    return Cluster(request.param)


def wanted(model_id=ID, params=None, **more):
    params = {"model": "openai/gpt-4", **(params or {})}
    arguments = {"name": "name", "model_id": model_id, "litellm_params": params, **more}
    return deployments.desired(arguments, lambda value: value)


def apply(cluster, *args, options=None, **more):
    gateway = Deployments(cluster.client(), FINGERPRINTER)
    (outcome,) = gateway.apply([wanted(*args, **more)], options or ModelOptions())
    return outcome


def refusal(cluster, *args, **more):
    """The one sentence of a refusal, which is the same with and without ``test``."""
    before = dict(cluster.table)
    said = []
    for test in (True, False):
        with pytest.raises(Refused) as err:
            apply(cluster, *args, options=ModelOptions(test=test), **more)
        said.append(str(err.value))
    assert said[0] == said[1]
    assert cluster.table == before
    return said[0]


def test_it_is_created_found_and_deleted(cluster):
    assert apply(cluster).action == "create"
    requests = cluster.requests
    assert (apply(cluster).action, cluster.requests) == ("none", requests)
    outcome = Deployments(cluster.client(), FINGERPRINTER).remove(wanted(), any_owner=False)
    assert (outcome.action, outcome.failure, cluster.table) == ("delete", None, {})
    outcome = Deployments(cluster.client(), FINGERPRINTER).remove(wanted(), any_owner=False)
    assert (outcome.action, outcome.failure) == ("none", None)


def test_a_change_says_that_litellm_cannot_make_it(cluster):
    apply(cluster)
    said = refusal(cluster, rpm=5)
    assert said.startswith(f"{ID} would have to change (rpm), but LiteLLM cannot change a row")
    assert said.endswith("delete it, and it is created anew")


def test_what_is_not_declared_any_more_is_a_change(cluster):
    apply(cluster, rpm=5)
    assert "would have to change (rpm)" in refusal(cluster)


def test_another_id_for_the_row_is_a_change(cluster):
    """Its stored form is not known without a PATCH, so no other row can take its place."""
    apply(cluster)
    assert "would have to change (model_id)" in refusal(cluster, "another")


def test_a_row_of_nobody_cannot_be_adopted(cluster):
    cluster.client().create({**THEIRS, "model_info": {"id": ID}})
    said = refusal(cluster)
    assert said.startswith(f"{ID} cannot be adopted: LiteLLM cannot change a row whose id has a")
    assert "cannot be adopted" in refusal(cluster, model_id=None)


def test_it_takes_the_place_of_a_row_with_another_id(cluster):
    apply(cluster, model_id=None, rpm=5)
    outcome = apply(cluster, rpm=5)
    assert (outcome.failure, list(cluster.table)) == (None, [ID])
    assert apply(cluster, rpm=5).action == "none"


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_is_looked_up(cluster, done):
    cluster.lose(1, done=done)
    outcome = apply(cluster)
    assert bool(outcome.failure) is not done
    assert apply(cluster).failure is None
    assert list(cluster.table) == [ID]


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_deletion_is_looked_up(cluster, done):
    apply(cluster)
    cluster.lose(1, done=done)
    with nullcontext() if done else pytest.raises(NotDone):
        Deployments(cluster.client(), FINGERPRINTER).remove(wanted(), any_owner=False)
    assert (ID in cluster.table) is not done


def test_its_secrets_cannot_be_verified(cluster):
    secret = {"params": {"api_key": "sk-0123456789"}}
    apply(cluster, **secret)
    outcome = apply(cluster, **secret, options=ModelOptions(verify_secrets=True))
    assert (outcome.action, outcome.failure) == ("none", None)
    assert any("whose id has a slash" in note for note in outcome.notes)


def test_a_value_in_another_form_is_no_failure(cluster):
    cluster.types["brand_new"] = float
    outcome = apply(cluster, params={"brand_new": "5"})
    assert (outcome.action, outcome.failure) == ("create", None)


def endpoints(monkeypatch, ids):
    calls = []

    def call(_, method, path, *__, **___):
        calls.append((method, path))
        return {"data": [{"model_info": {"id": one}, "litellm_params": {}} for one in ids]}

    monkeypatch.setattr(Session, "call", call)
    return ModelEndpoints(Session(Profile("given profile", "http://127.0.0.1:1", "sk-1"))), calls


@pytest.mark.parametrize(("ids", "error"), [([ID], Unchangeable), (["b"], NotInDatabase)])
def test_no_patch_is_sent(monkeypatch, ids, error):
    """LiteLLM's 404 would say that there is no such row."""
    models, calls = endpoints(monkeypatch, ids)
    with pytest.raises(error):
        models.update(ID, {})
    assert models.masked_secrets(ID) is None
    assert calls == [("GET", "/v2/model/info")]


@pytest.mark.parametrize(
    "wrong", ["a b", "a?b", "a#b", "a%2Fb", "a\\b", "a\nb", "..", "sk-0123456789 abc", "x" * 999]
)
def test_a_wrong_id_is_shown(wrong):
    """It is no secret."""
    with pytest.raises(InvalidInput) as err:
        wanted(wrong)
    said = str(err.value)
    assert len(said) < 200
    if len(wrong) < 80:
        assert repr(wrong).replace("\\\\", "\\") in said.replace("\\\\", "\\")
