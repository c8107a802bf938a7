"""The deadline of a whole exchange: each ends in time, however slow or silent the server is."""

import json
import time

import pytest

from saltext_litellm.errors import NotSeen, OutcomeUnknown
from tests.support.raw import RawServer, answer, trickle

from .conftest import failure, session

GENEROUS = 15  # seconds, for what takes 0.2 s on a machine that is not busy
ENDLESS = 4000  # bytes, of which each takes 0.05 s

pytestmark = pytest.mark.usefixtures("no_environment")

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
@pytest.mark.parametrize(
    ("method", "body", "open_"),
    [
        ("PATCH", {"id": "x"}, True),
        ("PATCH", {}, False),
        ("GET", None, False),
        ("DELETE", None, True),
    ],
)
def test_what_was_not_waited_for_may_still_be_done(slow, seconds, method, body, open_):
    """By us, or by what is before LiteLLM; but an empty body changes nothing."""
    with RawServer(slow) as server:
        err = failure(server.url, method, body, timeout=seconds)
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
