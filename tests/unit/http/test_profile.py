"""Profiles: complete, resolved, and never another one than was asked for."""

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from saltext_litellm.errors import InvalidInput
from saltext_litellm.http import profile as profiles
from tests.support import certificates

COMPLETE = {"url": "https://gw.example.com", "api_key": "sk-admin"}


def load(profile, config=None, resolve=lambda value: value):
    return profiles.load(profile, (config or {}).get, resolve)


def test_a_mapping_is_a_profile():
    loaded = load(COMPLETE)
    assert (loaded.url, loaded.api_key, loaded.verify) == (
        "https://gw.example.com",
        "sk-admin",
        True,
    )


def test_a_config_key_is_looked_up():
    assert load("litellm:prod", {"litellm:prod": COMPLETE}).url == "https://gw.example.com"


def test_url_and_key_are_trimmed():
    loaded = load({"url": " https://gw.example.com/litellm/ ", "api_key": "sk-admin\n"})
    assert (loaded.url, loaded.api_key) == ("https://gw.example.com/litellm", "sk-admin")


def test_references_are_resolved_in_every_setting():
    store = {"sdb://s/url": "http://h:4000", "sdb://s/key": "sk-1", "sdb://s/h": "x"}
    loaded = load(
        {"url": "sdb://s/url", "api_key": "sdb://s/key", "headers": {"X-A": "sdb://s/h"}},
        resolve=lambda value: store.get(str(value), value),
    )
    assert (loaded.url, loaded.api_key, loaded.headers) == (
        "http://h:4000",
        "sk-1",
        (("X-A", "x"),),
    )


@pytest.mark.parametrize("word", ["Bearer", "Basic", "Token"])
def test_a_reference_in_a_header_may_follow_a_word(word):
    loaded = load(
        {**COMPLETE, "headers": {"X-A": f"{word} sdb://s/h\n"}},
        resolve=lambda value: {"sdb://s/h": "hdr-0123\n"}.get(str(value), value),
    )
    assert loaded.headers == (("X-A", f"{word} hdr-0123"),)
    assert "hdr-0123" in loaded.secrets


def test_an_admin_key_may_be_in_another_header():
    headers = {"X-Litellm-Api-Key": "Bearer sk-1", "Proxy-Authorization": "Basic eDp5"}
    assert dict(load({**COMPLETE, "headers": headers}).headers) == headers


@pytest.mark.parametrize("key", ["url", "api_key", "fingerprint_key", "gateway_name"])
def test_each_setting_is_trimmed(key):
    given = {**COMPLETE, "fingerprint_key": "fp", "gateway_name": "prod"}
    untrimmed = {**given, key: f"\ufeff {given[key]}\r\n"}
    assert load(untrimmed) == load(given)


MEGABYTE = "aB1:/$" * 170_000


@pytest.mark.parametrize(
    "profile",
    [
        MEGABYTE,
        "a:" * 500_000,
        {**COMPLETE, MEGABYTE: 1},
        {**COMPLETE, **{f"key {number}": 1 for number in range(20_000)}},
        {"api_key": "sk-admin", MEGABYTE: {}},
        {**COMPLETE, "url": MEGABYTE},
        {**COMPLETE, "url": f"https://{'a' * 1_000_000}"},
        {**COMPLETE, "api_key": f"ä{MEGABYTE}"},
        {**COMPLETE, "verify": MEGABYTE},
        {**COMPLETE, "cert": [MEGABYTE, MEGABYTE]},
        {**COMPLETE, "timeout": MEGABYTE},
        {**COMPLETE, "headers": {MEGABYTE: "a"}},
        {**COMPLETE, "headers": {"X-A": f"ä{MEGABYTE}"}},
        {**COMPLETE, "gateway_name": MEGABYTE},
    ],
    ids=range(14),
)
def test_no_message_grows_with_what_is_given(profile):
    with pytest.raises(InvalidInput) as err:
        load(profile)
    assert len("\n".join((str(err.value), *err.value.example))) < 3000


def test_secrets_are_not_in_the_repr():
    shown = repr(load({**COMPLETE, "fingerprint_key": "fp-key", "headers": {"X-Key": "hdr"}}))
    assert not [secret for secret in ("sk-admin", "fp-key", "hdr") if secret in shown]


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("litellm:prod", "profile 'litellm:prod' is neither in the pillar nor"),
        (None, "must be a mapping"),
        ("", "must be a mapping"),
        (["litellm"], "must be a mapping"),
        ({"api_key": "sk-1"}, "has no url"),
        ({"url": "", "api_key": "sk-1"}, "has no url"),
        ({"url": "https://h"}, "has no api_key"),
        ({"url": "https://h", "api_key": " "}, "has no api_key"),
        (
            {"url": "https://h", "api_key": 5},
            "The api_key of the given profile must be a string, not a number: put it in quotes",
        ),
        ({"url": 5, "api_key": "sk-1"}, "must be a string, not a number: put it in quotes"),
        ({"url": ["https://h"], "api_key": "sk-1"}, "must be a string, not a list"),
        ({"url": "gw.example.com", "api_key": "sk-1"}, "http or https in front"),
        ({"url": "gw.example.com:4000", "api_key": "sk-1"}, "http or https in front"),
        ({"url": "ftp://h", "api_key": "sk-1"}, "http or https in front"),
        ({"url": "https://", "api_key": "sk-1"}, "http or https in front"),
        ({"url": "https://h:port", "api_key": "sk-1"}, "http or https in front"),
        ({"url": "https://h h", "api_key": "sk-1"}, "http or https in front"),
        ({"url": "https://h\x1b[0m", "api_key": "sk-1"}, "http or https in front"),
        ({"url": "http://[::1", "api_key": "sk-1"}, "http or https in front"),
        ({"url": "http://h:99999", "api_key": "sk-1"}, "http or https in front"),
        ({"url": "http://h:0", "api_key": "sk-1"}, "http or https in front"),
        ({"url": "https://u:pw@h", "api_key": "sk-1"}, "must not carry a login"),
        ({"url": "https://h?x=1", "api_key": "sk-1"}, "must not have a ? or # part"),
        ({**COMPLETE, "api_base": "x"}, "unknown settings: api_base"),
        ({**COMPLETE, "verify": 3}, "verify of the given profile"),
        ({**COMPLETE, "cert": ["one"]}, "cert of the given profile"),
        ({**COMPLETE, "timeout": 0}, "timeout of the given profile"),
        ({**COMPLETE, "timeout": "long"}, "timeout of the given profile"),
        ({**COMPLETE, "timeout": float("inf")}, "timeout of the given profile"),
        ({**COMPLETE, "retries": -1}, "retries of the given profile"),
        ({**COMPLETE, "retries": 1.5}, "retries of the given profile must be a whole number"),
        ({**COMPLETE, "timeout": "sk-1" * 20}, "not a string of 80 characters"),
        ({**COMPLETE, "headers": ["X"]}, "headers of the given profile"),
        ({**COMPLETE, "headers": {"X A": "b"}}, "header 'X A'"),
        ({**COMPLETE, "headers": {"": "b"}}, "header ''"),
        ({**COMPLETE, "headers": {"X-A": None}}, "header 'X-A' of the given profile must be"),
        ({**COMPLETE, "headers": {"X-A": "a\nb"}}, "header 'X-A'"),
        ({**COMPLETE, "headers": {"Authorization": "Bearer x"}}, "replaced by the api_key"),
        ({**COMPLETE, "headers": {"authorization": "x"}}, "replaced by the api_key"),
        ({**COMPLETE, "headers": {"X-A": "a", "x-a": "b"}}, "header 'x-a' of the given profile is"),
        ({**COMPLETE, "headers": {"X-A": "a=sdb://s/h"}}, "has an sdb:// reference where none"),
        ({**COMPLETE, "api_key": "sk-1\nsk-2"}, "no HTTP header can carry"),
        ({**COMPLETE, "api_key": "sk-\u00e4"}, "no HTTP header can carry"),
        ({"prod": COMPLETE, "dev": COMPLETE}, "holds the profiles dev, prod"),
    ],
)
def test_a_wrong_profile_is_one_sentence(profile, words):
    with pytest.raises(InvalidInput) as err:
        load(profile)
    assert words in str(err.value)
    assert "sk-1" not in str(err.value)
    assert "pw" not in str(err.value)
    assert "\n" not in str(err.value)


def test_profiles_may_stand_beside_the_default_one():
    assert load({**COMPLETE, "prod": COMPLETE}).url == "https://gw.example.com"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"verify": "/no/such.pem"}, "verify of the given profile: cannot read '/no/such.pem': No"),
        ({"verify": "BAD"}, "bad.pem' holds no certificate in PEM form"),
        ({"verify": "a\0b"}, "verify of the given profile: cannot read 'a\\x00b': not a path"),
        ({"cert": "/no/such.pem"}, "cert of the given profile: cannot read '/no/such.pem'"),
        ({"cert": ["CERT", "/no/such.key"]}, "cannot read '/no/such.key'"),
        ({"cert": ["CERT", "DIR"]}, "Is a directory"),
        ({"cert": "BAD"}, "must hold a certificate and its key in PEM form"),
        ({"cert": "CERT"}, "must hold a certificate and its key in PEM form"),
        ({"cert": ["CERT", "OTHER"]}, "must hold a certificate and its key in PEM form"),
        ({"cert": ["CERT", "LOCKED"]}, "without a passphrase"),
        ({"cert": "-----BEGIN PRIVATE KEY-----\nSECRET"}, "cannot read what is given"),
    ],
)
def test_files_that_cannot_be_used_are_named(tmp_path, settings, words):
    own, other = (certificates.make(tmp_path, name) for name in ("own", "other"))
    (tmp_path / "bad.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
    locked = own.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"SECRET")
    )
    (tmp_path / "locked.key").write_bytes(locked)
    files = {"BAD": tmp_path / "bad.pem", "CERT": own.file, "OTHER": other.key_file}
    files |= {"LOCKED": tmp_path / "locked.key", "DIR": tmp_path}
    told = {key: _put(files, value) for key, value in settings.items()}
    with pytest.raises(InvalidInput) as err:
        load({**COMPLETE, **told})
    assert words in str(err.value)
    assert "SECRET" not in str(err.value)


def _put(files, value):
    if isinstance(value, list):
        return [_put(files, item) for item in value]
    return str(files.get(value, value))


def test_files_that_can_be_used(tmp_path):
    own = certificates.make(tmp_path, "own")
    both = tmp_path / "both.pem"
    both.write_bytes(own.file.read_bytes() + own.key_file.read_bytes())
    pair = [str(own.file), str(own.key_file)]
    assert load({**COMPLETE, "verify": str(own.file), "cert": pair}).cert == tuple(pair)
    assert load({**COMPLETE, "verify": str(tmp_path), "cert": str(both)}).cert == str(both)


def test_every_value_of_a_profile_is_a_secret():
    headers = {"X-Login": "Basic aGVhZGVy", "X-Key": "header-key"}
    secrets = load({**COMPLETE, "fingerprint_key": "fp-key", "headers": headers}).secrets
    assert {"sk-admin", "fp-key", "Basic aGVhZGVy", "aGVhZGVy", "header-key"} <= set(secrets)


def test_a_certificate_that_is_not_checked_is_a_warning():
    (warning,) = load({**COMPLETE, "verify": False}).warnings
    assert "https://gw.example.com is not checked" in warning
    assert load(COMPLETE).warnings == ()
    assert load({**COMPLETE, "url": "http://h", "verify": False}).warnings == ()


@pytest.mark.parametrize(
    ("given", "names"),
    [(None, ()), ("prod", ("prod",)), (["prod-eu", "prod"], ("prod-eu", "prod"))],
)
def test_a_gateway_may_have_a_name_and_former_ones(given, names):
    assert load({**COMPLETE, "gateway_name": given}).gateway_names == names


@pytest.mark.parametrize(
    "given", ["", " ", 5, [], ["prod", ""], {"a": 1}, "a\nb", [["prod"]], True]
)
def test_what_is_no_name_is_refused(given):
    with pytest.raises(InvalidInput, match="gateway_name of the given profile must be a string"):
        load({**COMPLETE, "gateway_name": given})
