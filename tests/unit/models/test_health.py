"""`verify` says what LiteLLM's check has found, and what helps; it takes nothing back."""

import pytest

from saltext_litellm.errors import GatewayError
from saltext_litellm.models import desired as deployments
from saltext_litellm.models import notes
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from tests.support.cluster import Client, Cluster
from tests.support.properties import FINGERPRINTER

UNHEALTHY = {"healthy_endpoints": [], "unhealthy_endpoints": [{"error": "No.\nstack trace: x"}]}
NO_RESULT = {"healthy_endpoints": [], "unhealthy_endpoints": []}
HEALTHY = {"healthy_endpoints": [{}], "unhealthy_endpoints": []}


class Checked(Client):
    """A client whose health check has a certain result."""

    answer = UNHEALTHY
    hidden = False  # as LiteLLM treats a deployment of another environment

    def another(self):
        client = type(self)(self._cluster, self._worker)
        client.answer, client.hidden = self.answer, self.hidden
        return client

    def router(self):
        return [] if self.hidden else super().router()

    def health(self, _):
        self._cluster.checked = self._cluster.requests
        if isinstance(self.answer, GatewayError):
            raise self.answer
        return self.answer


def wanted(**more):
    arguments = {"name": "name", "litellm_params": {"model": "openai/gpt-4"}, **more}
    return deployments.desired(arguments, lambda value: value)


@pytest.fixture(params=["1.83.14", "1.106.2", "1.110.2"])
def client(request):
    return Checked(Cluster(request.param), 0)


def apply(client, **more):
    gateway = Deployments(client, FINGERPRINTER)
    (outcome,) = gateway.apply([wanted(**more)], ModelOptions(verify=True))
    return outcome


@pytest.mark.parametrize(
    ("answer", "failure", "note"),
    [
        (UNHEALTHY, "It was written, but LiteLLM's health check has failed: No", None),
        (
            GatewayError("gone"),
            "It was written, but its health could not be checked: gone",
            None,
        ),
        (NO_RESULT, None, "Its health was not checked: LiteLLM has no result for it"),
        (HEALTHY, None, None),
    ],
)
def test_what_a_check_finds_is_told_and_changes_nothing(client, answer, failure, note):
    client.answer = answer
    cluster = client._cluster
    for rpm, action in ((1, "create"), (2, "update")):
        outcome = apply(client, litellm_params={"model": f"openai/gpt-{rpm}", "rpm": rpm})
        assert (outcome.action, bool(outcome.changes)) == (action, True)
        assert (outcome.failure or "").startswith(failure or "")
        assert (bool(outcome.failure), outcome.written) == (bool(failure), bool(failure))
        assert outcome.status == ("written" if failure else f"{action}d")
        assert (note in outcome.notes) is (note is not None)
        assert cluster.requests == cluster.checked  # nothing is written after the check
        (row,) = cluster.table.values()
        assert row["litellm_params"]["rpm"] == rpm
    assert apply(client, litellm_params={"model": "openai/gpt-2", "rpm": 2}).status == "as_declared"


def test_a_deployment_that_no_worker_shows_is_not_checked():
    """LiteLLM loads no deployment of another environment."""
    client = Checked(Cluster("1.106.2"), 0)
    client.hidden = True
    outcome = apply(client)
    said = "Its health was not checked, because no worker shows it as it is now"
    assert (outcome.failure, said in outcome.notes) == (None, True)
    assert not hasattr(client._cluster, "checked")


@pytest.mark.parametrize(
    ("declared", "model", "trial", "follows", "said"),
    [
        ({}, "gpt-4", False, True, "`mode` or TOKENS or SECONDS"),
        ({"mode": "chat"}, "gpt-4", False, True, "TOKENS or SECONDS"),
        ({"mode": "responses"}, "gpt-4", False, True, "TOKENS or SECONDS"),
        ({"mode": "embedding"}, "ada", False, True, "SECONDS"),
        ({"mode": "image_generation"}, "dall-e", False, True, "SECONDS"),
        ({"mode": "chat"}, "*", False, True, "TOKENS or MODEL or SECONDS"),
        ({}, "gpt-4", True, True, "`mode` or TOKENS or no `preflight`"),
        ({}, "gpt-4", True, False, "`mode` or no `preflight`"),
        ({"mode": "chat"}, "*", True, True, "TOKENS or MODEL or no `preflight`"),
        ({"mode": "embedding"}, "ada", True, True, "no `preflight`"),
    ],
)
def test_the_hint_names_what_helps(declared, model, trial, follows, said):
    for short, key in (("TOKENS", "max_tokens"), ("SECONDS", "timeout"), ("MODEL", "model")):
        said = said.replace(short, f"`model_info:health_check_{key}`")
    one = wanted(litellm_params={"model": f"openai/{model}"}, **declared)
    hint = notes.check_hint(one, None, trial=trial, follows=follows)
    assert hint == f"If it answers its users, declare {said}"
