"""The document that is made of a gateway."""

import pytest

from saltext_litellm.config_yaml import export as documents
from saltext_litellm.models import export as models
from saltext_litellm.models.row import parse_all
from saltext_litellm.objects.export import Export
from saltext_litellm.report import exported as written
from saltext_litellm.routing.settings import Settings

NO_CREDENTIALS = Export("litellm_credential", "credential", "gateway", {})
NO_SETTINGS = Settings("router_settings", None, {})


def row(model_name, model_id, **params):
    params = {"model": "openai/gpt-4", **params}
    info = {"id": model_id, "db_model": True}
    return {"model_name": model_name, "litellm_params": params, "model_info": info}


def exported(*rows):
    found = models.export(parse_all(list(rows)), lambda _: {}, {}, "gateway")
    return documents.export(NO_CREDENTIALS, found, [], NO_SETTINGS)


@pytest.mark.parametrize("name", ["gpt ", " gpt", "gpt\u200b"])
def test_a_model_that_an_entry_cannot_name_is_left_out(name):
    """A document trims the name in an entry, and would make another model beside this one."""
    found = exported(row(name, "one"), row("plain", "two"))
    assert [one["model_name"] for one in found.states["model_list"]] == ["plain"]
    assert found.left_out == {name: models.SPACED}


def test_the_head_has_no_endless_lines():
    head = written.text(exported(row("plain", "two")), "", "https://gateway.example.com")
    assert max(map(len, head.splitlines())) < 100
