"""What HTTP may come to: each exchange ends in time, and in one sentence without a secret."""

import json
import time
from email.utils import formatdate

import pytest

from saltext_litellm.utils.litellm.errors import GatewayError, NotSeen, OutcomeUnknown
from saltext_litellm.utils.litellm.profile import Profile
from saltext_litellm.utils.litellm.session import Session
from tests.support import certificates
from tests.support.raw import RawServer, answer, trickle

KEY = "sk-ADMIN-0123456789"
GENEROUS = 15  # seconds, for what takes 0.2 s on a machine that is not busy
ENDLESS = 4000  # bytes, of which each takes 0.05 s


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("tls"), "localhost", hosts=("127.0.0.1",))


def session(url, **more):
    settings = {"timeout": 5.0, "retries": 0, **more}
    return Session(Profile("given profile", url, KEY, **settings))


def failure(url, method="GET", body=None, **more):
    """The one sentence that a call ends in."""
    with pytest.raises(GatewayError) as err:
        session(url, **more).call(method, "/x", body)
    said = str(err.value)
    assert "\n" not in said
    assert len(said) < 700
    assert KEY not in said
    return err.value


# -------------------- a deadline for the whole

HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n" + b"X-A: b\r\n" * 500
BODY = answer(b"[" + b" " * ENDLESS + b"]")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n" * 200


def after_head(body):
    head, _, rest = body.partition(b"\r\n\r\n")

    def pieces(request):
        yield head + b"\r\n\r\n"
        yield from trickle(rest)(request)

    return pieces


@pytest.mark.parametrize(
    "slow",
    [trickle(HEADERS), after_head(BODY), trickle(CONTINUE), [b""]],
    ids=["headers", "body", "100 Continue", "nothing"],
)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_whole_answer_has_a_deadline(own, slow, tls):
    started = time.monotonic()
    with RawServer(slow, tls=own.server() if tls else None) as server:
        err = failure(server.url, "POST", {}, timeout=0.2, retries=3, verify=str(own.file))
    assert str(err) == f"{server.url} did not answer POST /x within 0.2 s"
    assert isinstance(err, OutcomeUnknown)
    assert len(server.requests) == 1
    assert time.monotonic() - started < GENEROUS


@pytest.mark.parametrize(
    ("slow", "seconds"), [([b""], 0.2), (answer(b"", status="504 Gateway Timeout"), 5)]
)
@pytest.mark.parametrize(("body", "open_"), [({"id": "x"}, True), ({}, False), (None, False)])
def test_what_was_not_waited_for_may_still_be_done(slow, seconds, body, open_):
    """By us, or by what is before LiteLLM; but without a body there is nothing to be done."""
    with RawServer(slow) as server:
        err = failure(server.url, "PATCH", body, timeout=seconds)
    assert isinstance(err, NotSeen) is open_


def test_a_server_that_does_not_shake_hands(own):
    with RawServer([b""]) as server:
        url = server.url.replace("http:", "https:")
        err = failure(url, "POST", {}, timeout=0.2, verify=str(own.file))
    assert str(err) == f"Cannot reach {url}: no connection within 0.2 s"
    assert not isinstance(err, OutcomeUnknown)


@pytest.mark.parametrize("slow", [trickle(HEADERS), [b""]], ids=["trickles", "is silent"])
def test_a_proxy_that_is_slow_to_connect(monkeypatch, own, slow):
    with RawServer(slow) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        err = failure("https://gw.example.com", "POST", {}, timeout=0.2, verify=str(own.file))
    assert "no connection within 0.2 s" in str(err)
    assert not isinstance(err, OutcomeUnknown)
    assert proxy.requests[0].startswith(b"CONNECT gw.example.com:443 ")


def test_a_proxy_that_is_slow_to_forward(monkeypatch):
    with RawServer(after_head(BODY)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        err = failure("http://gw.example.com", timeout=0.2)
    assert "did not answer GET /x within 0.2 s" in str(err)


def test_tls_that_is_broken_off(own):
    """As some servers do that miss a client certificate."""
    with RawServer(b"", tls=own.server(clients=own)) as server:
        err = failure(server.url, verify=str(own.file))
    assert "_ssl.c" not in str(err)
    if "Connection reset" not in str(err):  # which is what the client sees if it is slow
        assert "it may want a client certificate; set `cert:`" in str(err)


def test_a_body_that_is_not_taken():
    """The gateway reads nothing, until the kernel takes no more."""

    class Deaf(RawServer):
        def _serve(self, _):
            time.sleep(30)

    with Deaf(b"") as server:
        err = failure(server.url, "POST", {"x": "y" * 20_000_000}, timeout=1.0)
    assert "did not answer POST /x within 1 s" in str(err)


def test_the_clock_starts_anew_with_each_request():
    """A connection that is kept has no less time for its second request."""

    def slow(_):
        time.sleep(0.4)
        yield answer(b"[]")

    with RawServer(slow) as server:
        one = session(server.url, timeout=0.8)
        assert [one.call("GET", "/x") for _ in range(3)] == [[], [], []]


def test_a_long_answer_is_whole():
    rows = [{"id": number, "text": "ü" * 100} for number in range(20_000)]
    with RawServer(answer(json.dumps(rows).encode())) as server:
        one = session(server.url)
        assert one.call("GET", "/x") == rows
        assert one.call("GET", "/x") == rows


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
