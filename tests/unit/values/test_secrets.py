"""What is hidden, how it is shown, and what can be compared without seeing it."""

import json
from html import escape
from urllib.parse import quote_plus

import pytest

from saltext_litellm.values import secrets
from saltext_litellm.values.fingerprints import Fingerprinter
from saltext_litellm.values.secrets import REDACTED


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("api_key", True),
        ("aws_secret_access_key", True),
        ("Authorization", True),
        ("X-Auth-Token", True),
        ("vertex_credentials", True),
        ("azure_ad_token", True),
        ("set-cookie", True),
        ("max_tokens", False),
        ("input_cost_per_token", False),
        ("access_groups", False),
        ("default_api_key_tpm_limit", False),
        ("litellm_credential_name", False),
        ("api_base", False),
        ("monkey", False),
    ],
)
def test_what_litellm_hides_is_secret(key, expected):
    assert secrets.is_secret(key) is expected


def test_redaction_reaches_inside():
    value = {"url": "https://u:pw@h/x", "list": [{"api_key": "s"}], "token": "t", "n": 1}
    assert secrets.redact(value) == {
        "url": f"https://{REDACTED}@h/x",
        "list": [{"api_key": REDACTED}],
        "token": REDACTED,
        "n": 1,
    }


def test_redaction_reaches_what_people_keep_secret_by_habit():
    value = {"apikey": "a", "odd": [{"clientSecret": {"x": 1}}, "Bearer t"], "max_tokens": 5}
    assert secrets.redact(value) == {
        "apikey": REDACTED,
        "odd": [{"clientSecret": REDACTED}, f"Bearer {REDACTED}"],
        "max_tokens": 5,
    }


def test_of_a_credential_only_its_values_are_hidden():
    info = {"description": "of the finance team", "token": "secret-0123"}
    body = {"credential_name": "openai-prod", "credential_info": info}
    body |= {"credential_values": {"x": "secret-4567"}, "credential_values_to_delete": ["api_key"]}
    assert sorted(secrets.secret_strings("", body)) == ["secret-0123", "secret-4567"]
    assert secrets.redact(body) == {
        **body,
        "credential_info": {**info, "token": REDACTED},
        "credential_values": REDACTED,
    }


def test_what_is_shown_can_be_shown_anywhere():
    assert secrets.redact({"a\x1b[31m": ["b\ud800\x00", "two\nlines"]}) == {
        "a\\x1b[31m": ["b\\ud800\\x00", "two\nlines"]
    }


def test_what_litellm_does_not_hide_is_compared_as_it_is():
    assert secrets.hides("apikey")
    assert not secrets.is_secret("apikey")
    assert not secrets.holds_secret("", {"apikey": "a", "url": "https://u:p@h", "x": ["Bearer t"]})


def test_scrubbing_takes_every_spelling():
    secret = 'a"b\\c\n\u00e4'
    text = f"plain {secret} json {json.dumps(secret)} repr {secret!r}"
    assert "b" not in secrets.scrub(text, (secret,)).replace("repr", "")


def test_scrubbing_leaves_words_alone():
    assert secrets.scrub("made to fail", ("ad", "a", "")) == "made to fail"


def test_scrubbing_takes_the_longest_first():
    assert secrets.scrub("sk-12345", ("sk-1", "sk-12345")) == REDACTED


def test_secret_strings_are_found_at_any_depth():
    body = {
        "litellm_params": {"api_key": "a", "extra_headers": {"X-Token": "b", "X-A": "no"}},
        "list": [{"password": "c"}],
        "auth": {"user": "d", "n": 5},
    }
    assert set(secrets.secret_strings("", body)) == {"a", "b", "c", "d", "5"}


def test_secret_strings_are_found_in_strings():
    account = '{"private_key": "of-an-account", "type": "service_account"}'
    body = {"api_base": "https://u:p%40rt@h/x?key=k&v=1", "vertex_credentials": account, "n": "no"}
    found = {"u:p%40rt", "p@rt", "k", account, "of-an-account", "service_account"}
    assert set(secrets.secret_strings("", body)) == found


@pytest.mark.parametrize("spell", [quote_plus, escape, json.dumps, repr, str])
def test_scrubbing_takes_what_is_encoded(spell):
    secret = "a/b c+d&<e>\"'f\\g"
    assert spell(secret).strip("\"'") not in secrets.scrub(f"x {spell(secret)} y", (secret,))
    assert "f" not in secrets.scrub(spell(secret), (secret,))


@pytest.mark.parametrize(
    ("shown", "value", "expected"),
    [
        ("sk-1****7890", "sk-1234567890", True),
        ("sk-1*****7890", "sk-1234567890", True),
        ("sk****90", "sk-1234567890", True),
        ("*****", "abc", True),
        ("********", "12345678", True),
        ("*", 5, True),
        ("sk-2****7890", "sk-1234567890", False),
        ("sk-1****7891", "sk-1234567890", False),
        ("sk-1234567890", "sk-1234567890", False),
        ("abcd*efgh", "abcd", False),
        ("*************", "a-long-secret", False),
        (None, "x", False),
        (5, "x", False),
        ("a*b*c", "a*b*c", True),
        ("a*b*c", "abbbc", False),
    ],
)
def test_masks(shown, value, expected):
    assert secrets.is_mask_of(shown, value) is expected


def test_fingerprints_are_keyed_and_bound_to_their_place():
    path = ("litellm_params", "api_key")
    one = Fingerprinter("admin")("id", path, "s")
    assert one == Fingerprinter("admin")("id", path, "s")
    assert (
        len(
            {
                one,
                Fingerprinter("other")("id", path, "s"),
                Fingerprinter("admin")("id2", path, "s"),
                Fingerprinter("admin")("id", ("litellm_params", "token"), "s"),
                Fingerprinter("admin")("id", path, "t"),
            }
        )
        == 5
    )
    assert len(one) == 16


def test_the_key_id_says_little():
    assert len(Fingerprinter("admin").key_id()) == 2
    assert len({Fingerprinter(f"admin{n}").key_id() for n in range(8)}) > 1
