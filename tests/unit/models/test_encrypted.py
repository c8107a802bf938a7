"""Rows that LiteLLM cannot decrypt, because the gateway's LITELLM_SALT_KEY has changed."""

import base64
import os

import pytest

from saltext_litellm.models import desired, encrypted, steps
from saltext_litellm.models.fields import FIELDS
from saltext_litellm.models.row import parse
from saltext_litellm.objects import plan as plans
from saltext_litellm.values.ciphertext import is_ciphertext
from saltext_litellm.values.fingerprints import Fingerprinter
from saltext_litellm.values.paths import nested

FINGERPRINT = Fingerprinter("sk-0123456789")
KEY = "sk-abc-0123456789"
WHY = "because LiteLLM cannot decrypt what it has: its LITELLM_SALT_KEY has probably changed"


def cipher(text):
    """A text as LiteLLM encrypts it: 40 bytes more, in base64."""
    return base64.urlsafe_b64encode(os.urandom(40) + text.encode()).decode()


# As LiteLLM 1.106.2 and 1.83.14 have shown them.
SEEN = [
    "MzpHYrOIFILU0U468x0ZFACKSYO19cveCs_MWFnX2MiLQprZswylEyZsLWIga3x8yVzFLQ==",
    "_r742tfmqhNJsiZrctSjqxtbe4eL7mIn22oUSJ0yKMT0LeuvD8VuHsB3TOp8VA==",
    "3V-Jw0sNEPBhZo9dGxOUgIocY-ZAePoxvvrCDIWMmIV0vo75qoY9IrcFUl4YoQEqYgMn1oqqV_F2EyMwTEFr3Os=",
    "v2:gcm:3VJw0sNEPBhZo9dGxOUgIocYZAePoxvvrCDIWMmIV0vo75qoY9Ir",
]
OTHERS = [
    "openai/gpt-4",
    "https://a-long-name-of-a-resource-in-azure-0123456789.openai.azure.com/",
    "anthropic-claude-3-5-sonnet-20241022-v2-long-deployment-name-0001",
    "2024-10-21",
    "sk-a***********6789",
    "A" * 56,
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.Claude-3",
    5,
    None,
    {"a": 1},
]


@pytest.mark.parametrize("value", SEEN)
def test_a_ciphertext_is_recognised(value):
    assert is_ciphertext(value)


@pytest.mark.parametrize("value", OTHERS)
def test_what_people_write_is_no_ciphertext(value):
    assert not is_ciphertext(value)


def declared(**arguments):
    given = {"name": "gpt", "custom_llm_provider": "openai", "base_model": "gpt-4", **arguments}
    return desired.desired(given, lambda value: value)


def written(wanted, **shown):
    """The row of a deployment, as a read shows it after it was created."""
    marker = plans.marker_of(FIELDS, wanted, FINGERPRINT, "id")
    params = nested(wanted.values)["litellm_params"]
    for key in ("api_key", "client_secret"):
        params.pop(key, None)
    info = {"id": "id", "db_model": True, "base_model": "gpt-4", "tier": "free"}
    info["saltext_litellm"] = marker.dump()
    return parse({"model_name": "gpt", "litellm_params": {**params, **shown}, "model_info": info})


SECRETS = {
    "model_api_key": KEY,
    "model_api_base": "https://api.example.com/v1",
    "litellm_params": {"client_secret": "0123456789-secret", "azure_ad_token": "token-0123456789"},
}


def test_all_secrets_are_written_again_if_a_text_shows_ciphertext():
    wanted = declared(**SECRETS)
    shown = {"model": cipher("openai/gpt-4"), "azure_ad_token": "toke********6789"}
    plan = steps.update(wanted, written(wanted, **shown), FINGERPRINT)
    expected = {"model", "api_key", "client_secret", "azure_ad_token"}
    assert {path[1] for path in plan.touched} == expected
    assert plan.changes["model_api_key"] == {"old": "**********", "new": "**********"}
    (note,) = plan.notes
    assert note.key in plan.changes
    assert note.done == f"All declared values of id were written again, {WHY}"
    assert KEY not in str(plan.changes)


def test_a_reference_that_cannot_be_decrypted_is_written_again():
    wanted = declared(model_api_key="os.environ/KEY", model_api_base="os.environ/BASE")
    shown = {"model": cipher("openai/gpt-4"), "api_base": cipher("os.environ/BASE")}
    plan = steps.update(wanted, written(wanted, **shown), FINGERPRINT)
    assert {path[1] for path in plan.touched} == {"model", "api_key", "api_base"}


def test_what_is_not_encrypted_is_not_written_again():
    headers = {"extra_headers": {"X-Token": "token-0123456789"}}
    wanted = declared(model_api_key=KEY, litellm_params=headers)
    shown = {"model": cipher("openai/gpt-4")}
    shown["extra_headers"] = {"X-Token": "toke********6789"}
    plan = steps.update(wanted, written(wanted, **shown), FINGERPRINT)
    assert {path[1] for path in plan.touched} == {"model", "api_key"}


def test_what_is_not_declared_is_named():
    wanted = declared(model_api_key=KEY)
    shown = {"model": cipher("openai/gpt-4"), "organization": cipher("org-1")}
    plan = steps.update(wanted, written(wanted, **shown), FINGERPRINT)
    assert {path[1] for path in plan.touched} == {"model", "api_key"}
    more = "It cannot decrypt litellm_params:organization either, which is not declared"
    assert plan.notes[0].done.endswith(more)


def test_after_that_the_row_is_as_declared():
    wanted = declared(**SECRETS)
    shown = {"azure_ad_token": "toke********6789", "organization": cipher("org-1")}
    assert steps.update(wanted, written(wanted, **shown), FINGERPRINT).action == "none"


def test_a_declared_text_of_that_form_is_no_sign():
    wanted = declared(model_api_key=KEY, litellm_params={"organization": SEEN[0]})
    assert steps.update(wanted, written(wanted), FINGERPRINT).action == "none"


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"model": "openai/gpt-4", "rpm": 5}, False),
        ({"model": "os.environ/NOT_SET"}, True),
        ({"model": "openai/gpt-4", "api_key": "sk-another-one"}, False),
        ({"model": "openai/gpt-4", "api_base": "os.environ/BASE"}, False),
    ],
)
def test_the_length_of_what_is_stored_tells_that_a_worker_serves_something_else(stored, expected):
    wanted = declared(model_api_key=KEY, model_api_base="os.environ/BASE")
    raw = {key: cipher(value) if isinstance(value, str) else value for key, value in stored.items()}
    row = written(wanted, api_base="https://resolved.example.com")
    assert encrypted.differs({"litellm_params": raw}, row) is expected
