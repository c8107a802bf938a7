"""What is hidden though LiteLLM shows it, and what is not: by examples."""

import time

import pytest

from saltext_litellm.values import secret_patterns as habits
from saltext_litellm.values import secrets

X = habits.REDACTED

SECRET_NAMES = """
    apikey apiKey api_keys x.api.key x-api-key X-Api-Key APIKey accessToken access_tokens
    accesstoken refreshToken passwd pwd password db_pass smtp.pass userPassword passphrase
    x-functions-key clientSecret client_secret clientsecret privateKey private.key
    connection_string connectionString conn_str Ocp-Apim-Subscription-Key subscriptionkey
    PRIVATE-TOKEN bearer bearerToken Authorization proxyAuthorization AWSAccessKeyId
    SharedAccessKey AccountKey accountkey set-cookie sessionToken jwt X-Amz-Signature sig
    dsn creds OTP
"""
PLAIN_NAMES = """
    max_tokens maxTokens max_output_tokens maxtokens input_cost_per_token
    output_cost_per_token inputCostPerToken cost_per_token access_groups tokenizer
    custom_tokenizer monkey turkey keyword keywords keyboard hotkeys model model_name
    base_model tpm rpm api_base api_version use_in_pass_through passthrough compass bypass
    valid_tokens default_api_key_rpm_limit litellm_credential_name region author authors
    design assign code codec signal tenant organization drop_params extra_headers
"""


@pytest.mark.parametrize("name", [*SECRET_NAMES.split(), "api key", "Account Key"])
def test_names_of_secrets(name):
    assert secrets.hides(name)
    assert secrets.redact({name: "x"}) == {name: X}


@pytest.mark.parametrize("name", PLAIN_NAMES.split())
def test_names_that_only_look_like_it(name):
    assert not secrets.hides(name)
    assert secrets.redact({name: "x"}) == {name: "x"}


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # logins in URLs
        ("https://user:pw@host/v1", f"https://{X}@host/v1"),
        ("https://user@host/v1", f"https://{X}@host/v1"),
        ("redis://:pw@host:6379/0", f"redis://{X}@host:6379/0"),
        ("https://u:p@rt@host/v1", f"https://{X}@host/v1"),
        ("https://u:p/rt@host/v1", f"https://{X}@host/v1"),
        ("https://u:1/rt@host", f"https://{X}@host"),
        ("https://u:p:rt@host", f"https://{X}@host"),
        ("https://u:p#rt@host", f"https://{X}@host"),
        ("https://u:p?rt@host", f"https://{X}@host"),
        ("https://u:p?k=v&x#y/z@host", f"https://{X}@host"),
        ("https://u:p\\rt@host", f"https://{X}@host"),
        ("https://u:p://rt@host", f"https://{X}@host"),
        ("https://u:my pass@host", f"https://{X}@host"),
        ('https://u:p"rt@host', f"https://{X}@host"),
        ("http://a.example.com,http://u:p@b", f"http://a.example.com,http://{X}@b"),
        ("first http://u:p@b then http://c", f"first http://{X}@b then http://c"),
        ("user:pw@host.example.com/v1", f"{X}@host.example.com/v1"),
        # parameters
        ("https://h/x?key=a&v=1", f"https://h/x?key={X}&v=1"),
        ("https://h/x?v=1&sig=a%2Fb%3D", f"https://h/x?v=1&sig={X}"),
        ("https://h/x?token=a;b#c", f"https://h/x?token={X}"),
        ("https://h/x?code=a==&y=z", f"https://h/x?code={X}&y=z"),
        ("https://h/x?api_key=a", f"https://h/x?api_key={X}"),
        ("https://h/x?access_token=a", f"https://h/x?access_token={X}"),
        ("https://h/x?password=a", f"https://h/x?password={X}"),
        ("https://h/x?X-Amz-Signature=a&b=c", f"https://h/x?X-Amz-Signature={X}&b=c"),
        ("https://h/x?subscription%2Dkey=a", f"https://h/x?subscription%2Dkey={X}"),
        ("https://h/#access_token=a&x=1", f"https://h/#access_token={X}&x=1"),
        ("/relative?key=a", f"/relative?key={X}"),
        # settings and headers
        ("Server=x;Password=p w;Db=d", f"Server=x;Password={X};Db=d"),
        ("Server=x;User Password=p w", f"Server=x;User Password={X}"),
        ("sb://x/;SharedAccessKey=a=", f"sb://x/;SharedAccessKey={X}"),
        ("run --api-key=a -v", f"run --api-key={X} -v"),
        ("X-Api-Key: a b", f"X-Api-Key: {X}"),
        ("Authorization: Bearer a", f"Authorization: {X}"),
        ("one: 1\npassword: a\ntwo: 2", f"one: 1\npassword: {X}\ntwo: 2"),
        ("Bearer a", f"Bearer {X}"),
        ("send bearer a1 along", f"send bearer {X} along"),
        ("Basic dXNlcjpwYXNz", f"Basic {X}"),
        ("Basic bG9naW46eA", f"Basic {X}"),
        ('{"api_key": "a\\"b", "n": 1}', f'{{"api_key": {X}, "n": 1}}'),
        ("{'password': 'a', 'n': 1}", f"{{'password': {X}, 'n': 1}}"),
        ('"{\\"token\\": \\"a\\"}"', f'"{{\\"token\\": {X}}}"'),
        ('{"credentials": {"a": "b"}}', f'{{"credentials": {X}'),
        # well-known shapes
        ("sk-0123456789abcdef", X),
        ("use sk-proj-0123_4567-89 here", f"use {X} here"),
        ("sk_live_0123456789", X),
        ("ghp_0123456789abcdefghij", X),
        ("github_pat_0123456789abcdefghij", X),
        ("glpat-0123456789abcdefghij", X),
        ("xoxb-0123456789-abc", X),
        ("AKIA0123456789ABCDEF", X),
        ("AIzaSyA0123456789abcdefghijklmnopqrstu", X),
        ("hf_0123456789abcdefghij", X),
        ("gsk_0123456789abcdefghij", X),
        ("https://hooks.slack.com/services/T0/B0/x", f"https://hooks.slack.com/services/{X}"),
        (JWT, X),
        (f"a {JWT} b", f"a {X} b"),
        (PEM, X),
        (f"a\n{PEM}\nb", f"a\n{X}\nb"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", X),
    ],
)
def test_looks_of_secrets(text, shown):
    assert secrets.redact(text) == shown
    assert list(habits.secrets_in(text))
    assert secrets.redact(shown) == shown
    assert not secrets.is_shown("", [text])


@pytest.mark.parametrize(
    "text",
    [
        "https://host/a@b",
        "https://host.example.com/u/me@example.com",
        "http://localhost:8000/a@b",
        "https://api.example.com:8443/u/a@b",
        "https://api.example.com/v1?user=me@example.com",
        "http://[::1]:8000/a@b",
        "see https://a.example.com and write to me@example.com",
        "mailto:me@example.com",
        "me@example.com",
        "https://h/x?api-version=2024-10-21&model=a&max_tokens=5",
        "max_tokens=5, input_cost_per_token=0.1",
        "bedrock/us.anthropic.claude-3-5-sonnet-20241022-v2:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/x",
        "vertex_ai/claude-3-5-sonnet@20240620",
        "private-gpt:8b",
        "perplexity/pplx-embed-context-v1-4b",
        "task-force-sk-x",
        "Basic authentication",
        "a basic plan.",
        "the bearer token of it",
        "note: nothing",
        '{"max_tokens": 5, "api_key": null}',
        "os.environ/HOME",
        "8ef3b055-53ef-5700-ac48-ae2612ce89d6",
        "",
    ],
)
def test_looks_that_are_of_no_secret(text):
    assert secrets.redact(text) == text
    assert list(habits.secrets_in(text)) == []
    assert secrets.is_shown("", {"x": text})


def test_a_sentence_keeps_its_words_before_a_colon():
    said = "litellm_params.api_key: field required"
    assert secrets.scrub(said, ()) == said


@pytest.mark.parametrize(
    "piece",
    ["a", "a=", ",a", "//", "//a:b ", '"a":', "Bearer ", "key=", "a;", "key=a;", "eyJaaaaa.aaaaa"]
    + ["-----BEGIN RSA PRIVATE KEY-----", "'a':'", '\\"a\\":\\"', " ", "\n", "key:", "\\" * 10]
    + ["$", "[", "-eyJaaaaa", "eyJaaaaa_"],
)
def test_a_long_value_takes_no_long_time(piece):
    started = time.monotonic()
    habits.cover(piece * 20_000 + "@", whole=True)
    secrets.redact({piece * 20_000: 1})
    assert time.monotonic() - started < 30  # what is quadratic takes minutes


@pytest.mark.parametrize("size", [501, 1_000_000])
def test_what_is_under_a_very_long_name_is_hidden(size):
    assert secrets.redact({"a" * size: "x"}) == {"a" * size: X}


def test_a_very_long_value_is_not_shown():
    shown = secrets.redact({"a": "a " * 10_000, "b": ["a " * 10_001]})
    assert shown == {"a": "a " * 10_000, "b": ["(a string of 20002 characters)"]}


@pytest.mark.parametrize("before", ["", "a_", "token-", "a.b ", "x=", "-", "/"])
def test_a_token_is_hidden_in_a_longer_word(before):
    assert JWT not in secrets.redact(f"{before}{JWT} after")
    assert secrets.redact(f"{before}{JWT} after").endswith(f"{X} after")
