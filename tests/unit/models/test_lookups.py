"""Whether the database has a row: what an answer says, and what it does not."""

import pytest

from saltext_litellm import errors
from saltext_litellm.models import desired as deployments
from saltext_litellm.models.deployments import Deployments
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.models.views import Views
from tests.support.cluster import Client, Cluster
from tests.support.properties import FINGERPRINTER

REFUSED = errors.GatewayError("Model updates only supported for DB-stored models", 400)
SAYS = [
    (errors.NotInDatabase("Model not found on proxy", 404), False),
    (errors.NotServed("it was saved, but is not live", 500), True),
    (errors.ServesLess("it was saved, but another one is not live", 500), True),
]
SAYS_NOTHING = [
    REFUSED,
    errors.GatewayError("No connected db", 500),
    errors.OutcomeUnknown("no answer within 5 seconds"),
    errors.GatewayError("the api_key may not do that", 403),
    errors.GatewayError("it refuses the connection"),
]


class Refusing(Client):
    """A gateway that answers each PATCH with an error, and shows nothing."""

    error: errors.GatewayError = REFUSED

    def update(self, *_):
        raise self.error

    def create(self, _):
        raise errors.OutcomeUnknown("it closed the connection")

    def database(self, *_):
        return []

    def router(self):
        return []


def refusing(error):
    client = Refusing(Cluster(), 0)
    client.error = error
    return client


@pytest.mark.parametrize(("error", "there"), SAYS)
def test_an_answer_says_whether_the_database_has_a_row(error, there):
    assert Views(refusing(error), lambda: None).confirm_exists("id") is there


@pytest.mark.parametrize("error", SAYS_NOTHING)
def test_an_error_says_nothing_about_it(error):
    with pytest.raises(errors.GatewayError) as err:
        Views(refusing(error), lambda: None).confirm_exists("id")
    assert err.value is error


@pytest.mark.parametrize("error", SAYS_NOTHING)
@pytest.mark.parametrize("remove", [False, True])
def test_no_sentence_says_more_than_is_known(error, remove):
    wanted = deployments.desired(
        {"name": "name", "litellm_params": {"model": "openai/gpt-4"}}, lambda value: value
    )
    gateway = Deployments(refusing(error), FINGERPRINTER)
    if remove:
        with pytest.raises(errors.GatewayError) as err:
            gateway.remove(wanted, any_owner=False)
        told = str(err.value)
    else:
        (outcome,) = gateway.apply([wanted])
        told = outcome.failure
        assert (outcome.unknown, outcome.changes) == (True, {})
    assert "which it has" not in told
    assert "does not say whether it has it: " in told
    assert str(error) in told


@pytest.mark.parametrize("model_id", [None, "config-0"])
def test_a_deployment_of_the_config_file_is_not_missing(model_id):
    """It cannot be changed or paused, but it is there, as a list shows."""
    row = {"model_name": "gpt", "litellm_params": {"model": "openai/gpt-4"}}
    client = Client(Cluster(config=[row]), 0)
    there = deployments.named(None if model_id else "gpt", model_id)
    absent = deployments.named("another", None)
    for wanted, words in (
        (there, f"{model_id or 'gpt'} belongs to the gateway's config file"),
        (absent, "There is no deployment 'another'"),
    ):
        models = Deployments(client, FINGERPRINTER)
        with pytest.raises(errors.Refused) as paused:
            models.block(wanted, True)
        with pytest.raises(errors.Refused) as changed:
            models.apply([wanted], ModelOptions(partial=True, test=True))
        assert str(paused.value).startswith(words)
        assert words in str(changed.value)
