"""What HTTP may come to: each call ends in an answer, or in one sentence without a secret."""

import json
import time
from email.utils import formatdate

import pytest

from saltext_litellm.errors import OutcomeUnknown
from tests.support.raw import RawServer, answer

from .conftest import KEY, failure, session

pytestmark = pytest.mark.usefixtures("no_environment")


# -------------------- answers of any kind

DEEP = b"[" * 100_000
NONSENSE = "answers, but not as a LiteLLM gateway does"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (answer(DEEP + b"]" * 100_000), NONSENSE),
        (answer(b'{"a": "\xff\xfe"}'), NONSENSE),
        (answer(b"1" * 5000), NONSENSE),
        (answer(b""), NONSENSE),
        (answer(b"[]", "Content-Encoding: gzip"), NONSENSE),
        (answer(b"[1, 2, 3]", "Content-Length: 4"), NONSENSE),
        (answer(b"[1, 2", "Content-Length: 4000"), "broke off|answers, but"),
        (answer(b"[]", "Content-Length: 4", "Content-Length: 2"), "/x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", "cut short"),
        (b"HTTP/1.1 2\xb2 OK\r\n\r\n", "not HTTP"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 70_000 + b"\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", NONSENSE),
    ],
)
def test_an_answer_that_makes_no_sense(told, words):
    with RawServer(told, close=True) as server:
        for method in ("GET", "POST"):
            err = failure(server.url, method, {})
            assert any(each in str(err) for each in words.split("|"))
            assert isinstance(err, OutcomeUnknown)


def test_what_is_left_of_an_answer_is_not_taken_for_the_next_one():
    with RawServer(answer(b"[1, 2, 3]", "Content-Length: 4"), answer(b"[4]")) as server:
        one = session(server.url)
        with pytest.raises(OutcomeUnknown):
            one.call("GET", "/x")
        assert one.call("GET", "/x") == [4]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": [{"loc": None, "msg": "bad"}]}, "(422): body: bad"),
        ({"detail": [{"loc": ["body", "a", 1], "msg": "bad"}]}, "(422): a.1: bad"),
        ({"detail": [{"loc": "body"}, 5, None, ["x"]]}, "(422): body: invalid; 5; None; ['x']"),
        ({"detail": None}, "(422): null"),
        ({"error": 5}, "(422): 5"),
        ({"error": {"message": {"a": 1}}}, '(422): {"a": 1}'),
        ({"error": {"message": ""}}, "(422): no reason given"),
        ({"error": {"message": "{'a', []}"}}, "(422): {'a', []}"),
        ({"error": {"message": "{'" + "[" * 5000}}, "(422): {'[["),
        ("just text", "(422): just text"),
    ],
)
def test_a_refusal_in_any_form(body, words):
    told = answer(json.dumps(body).encode(), status="422 Unprocessable")
    with RawServer(told) as server:
        assert words in str(failure(server.url))


@pytest.mark.parametrize(
    "body", [DEEP, b'{"error": ' + DEEP + b"1" + b"]" * 100_000 + b"}", b"\xff"]
)
def test_a_refusal_that_cannot_be_read(body):
    with RawServer(answer(body, status="400 Not so")) as server:
        assert str(failure(server.url)) == f"{server.url} refused (400): Not so"


@pytest.mark.parametrize(
    ("end", "status", "told"),
    [
        ("/v1", "404 Not Found", "; the profile needs the url without /v1"),
        ("/proxy/ui", "404 Not Found", "; the profile needs the url without /ui"),
        ("/v1", "400 No", ""),
        ("/v2", "404 Not Found", ""),
        ("", "404 Not Found", ""),
    ],
)
def test_an_url_that_is_not_the_base_is_told(end, status, told):
    with RawServer(answer(b'{"detail": "Why"}', status=status)) as server:
        assert str(failure(f"{server.url}{end}")).endswith(f"refused ({status[:3]}): Why{told}")


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://u:pw@sso.example.com/x?token=1#frag", "redirects to https://sso.example.com/x;"),
        ("//u:pw@sso.example.com/x;jsessionid=1", "redirects to //sso.example.com/x;"),
        ("/login", "redirects to /login;"),
        ("\xff\xfe\x80", "redirects to \ufffd"),
        ("http://[::1", "redirects to http://[::1;"),
        ("http://h:99999/", "redirects to http://h:99999/;"),
        (f"https://h/{KEY}/x", "redirects to https://h/**********/x;"),
        ("?token=1", "redirects; the profile"),
    ],
)
def test_a_redirect_anywhere(location, words):
    told = answer(b"", f"Location: {location}", status="302 Found")
    with RawServer(told) as server:
        err = failure(server.url)
        assert words in str(err)
        assert not [secret for secret in ("pw", "token", "jsession") if secret in str(err)]
        assert len(server.requests) == 1


def in_seconds(seconds):
    return formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("asked", "tries"),
    [
        ("0", 2),
        ("-5", 2),
        ("soon", 2),
        ("\xb2", 2),
        pytest.param(in_seconds(-3600), 2, id="an hour ago"),
        ("Mon, 99 Foo 0000 99:99:99 GMT", 2),
        ("Fri, 31 Dec 999999999 23:59:59 GMT", 2),
        ("9" * 400, 1),
        ("31", 1),
        pytest.param(in_seconds(3600), 1, id="in an hour"),
    ],
)
def test_retry_after_in_any_form(monkeypatch, asked, tries):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    busy = answer(b"{}", f"Retry-After: {asked}", status="503 Busy")
    with RawServer(busy) as server:
        assert "failed (503)" in str(failure(server.url, retries=1))
        assert len(server.requests) == tries


def test_the_pauses_between_many_tries_are_bounded(monkeypatch):
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    failure("http://127.0.0.1:1", retries=1100)
    assert len(pauses) == 1100
    assert pauses[:7] == [0.5, 1, 2, 4, 8, 16, 30]
    assert set(pauses[7:]) == {30}


# -------------------- secrets

HASH = "71cc5175dc7681abf47d1069c430e8a4f82190e11b9cd880da88e3eb117d036f"
SECRETS = {
    "CF-Access-Client-Secret": "HEADER-one-0123456789",
    "X-Forwarded-Authorization": "Bearer HEADER-two-0123456789",
    "Proxy-Authorization": "Basic SEVBREVSLXRocmVl",
}
SHOWN = (KEY, "HEADER-one", "HEADER-two", "SEVBREVSLXRocmVl", "FINGERPRINT-0123456789")


SHAPES = (
    lambda text: {"error": {"message": f"cannot use {text}"}},
    lambda text: {"detail": [{"loc": ["header", text], "msg": text}]},
    lambda text: {"headers": {"a": text, "b": text.partition(" ")[2] or text}},
    lambda text: {"error": {"message": str({"error": f"bad {text}"})}},
)


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "403 No", "422 No", "500 Bad", "503 No"])
def test_an_echo_of_what_the_profile_holds(status):
    more = {"headers": tuple(SECRETS.items()), "fingerprint_key": SHOWN[-1]}
    echoes = [shape(text) for text in (KEY, *SECRETS.values(), SHOWN[-1]) for shape in SHAPES]
    told = [answer(json.dumps(each).encode(), status=status) for each in echoes]
    with RawServer(*told) as server:
        for _ in told:
            said = str(failure(server.url, **more))
            assert not [part for part in SHOWN if part in said]
        assert len(server.requests) == len(told) == 20


def test_an_echo_in_a_status_line_and_in_a_location():
    more = {"headers": tuple(SECRETS.items())}
    told = [
        answer(b"<html>", status="400 not HEADER-one-0123456789"),
        answer(b"", "Location: /HEADER-one-0123456789", status="302 Found"),
        b"HEADER-one-0123456789 is no HTTP\r\n",
    ]
    for each in told:
        with RawServer(each, close=True) as server:
            assert "HEADER-one" not in str(failure(server.url, **more))


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "403 No", "429 Busy", "500 Bad"])
@pytest.mark.parametrize(
    "said",
    [
        f"Received API Key = sk-...6789, Key Hash (Token) ={HASH}. Unable to find token",
        f"hash={HASH.upper()}",
        "LiteLLM Virtual Key expected. Received=sk-A****6789, expected to start with 'sk-'.",
    ],
)
def test_the_hash_of_the_key_is_left_out(status, said):
    """LiteLLM 1.106.2 tells the unsalted SHA-256 of a wrong key, and its end."""
    told = answer(json.dumps({"error": {"message": said}}).encode(), status=status)
    with RawServer(told) as server:
        err = str(failure(server.url))
        assert HASH not in err.lower()
        assert "sk-...6789" not in err
        if status.startswith("401"):
            assert err == f"{server.url} refuses the api_key of the given profile (401)"


def test_why_a_key_may_not_is_told():
    said = "Only proxy admin can be used to do this. Your role=proxy_admin_viewer"
    told = answer(json.dumps({"error": {"message": said}}).encode(), status="401 No")
    with RawServer(told) as server:
        assert str(failure(server.url)).endswith(f"of the given profile (401): {said}")


# -------------------- what is not sent


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1", "Cannot reach http://127.0.0.1:1: Connection refused"),
        ("http://gw.invalid", "Cannot reach http://gw.invalid: "),
        ("http://a..b", "no valid address"),
        (f"http://{'a' * 70}.example.com", "no valid address"),
        ("http://[fe80::1%25nowhere]:4000", "fe80::1"),
    ],
)
def test_a_gateway_that_is_not_there(url, words):
    err = failure(url, "POST", {})
    assert words in str(err)
    assert not isinstance(err, OutcomeUnknown)


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://user:PW@127.0.0.1:1", "through the proxy: Connection refused"),
        ("http://", "no valid address"),
        ("socks5://user:PW@127.0.0.1:1", "a proxy of this kind is not supported"),
        ("nonsense://user:PW@127.0.0.1:1", "a proxy of this kind is not supported"),
        ("http://[::1", "that of a proxy in the environment, is no valid address"),
    ],
)
def test_a_proxy_that_is_of_no_use(monkeypatch, proxy, words):
    monkeypatch.setenv("http_proxy", proxy)
    err = failure("http://gw.example.com")
    assert words in str(err)
    assert "PW" not in str(err)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_of_the_environment_that_is_not_there(monkeypatch, own, tmp_path, name):
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for file in (tmp_path / "none.pem", empty):
        monkeypatch.setenv(name, str(file))
        with RawServer(b"", tls=own.server()) as server:
            err = failure(server.url)
        assert "REQUESTS_CA_BUNDLE" in str(err)
