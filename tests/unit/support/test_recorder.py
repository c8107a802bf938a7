"""The recorder is what many tests trust: it must change nothing but what it is told to."""

import gzip
import json
import math
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests

from tests.support import certificates
from tests.support.recorder import Recorder


class Upstream(ThreadingHTTPServer):
    """Stands for a gateway: tells each connection by a number and remembers what it was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.connections = 0
        self.asked = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.connections += 1
        self.number = self.server.connections
        if self.server.connections == 1:
            self.connection.settimeout(0.3)  # as a gateway ends a connection that is idle

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, body))
        content = json.dumps({"connection": self.number, "got": body.decode()}).encode()
        self.send_response(404 if "missing" in self.path else 200)
        if "long" in self.path:
            content = gzip.compress(content)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("X-Upstream", "yes")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_HEAD = answer  # noqa: N815

    def log_message(self, format, *args):
        pass


@pytest.fixture
def upstream():
    server = Upstream()
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def recorder(upstream):
    with Recorder(upstream.url) as started:
        yield started


@pytest.fixture
def session():
    with requests.Session() as opened:
        yield opened


def test_a_request_and_its_answer_are_recorded(upstream, recorder, session):
    answer = session.post(
        recorder.url + "/model/new?a=1&a=2", json={"name": "é"}, headers={"X-Mine": "yes"}
    )
    (record,) = recorder.requests
    assert answer.json() == record.response_json
    assert answer.headers["X-Upstream"] == "yes"
    assert (record.method, record.path, record.query) == ("POST", "/model/new", {"a": ["1", "2"]})
    assert record.headers["x-mine"] == "yes"
    assert record.json == {"name": "é"}
    assert (record.status, record.response_size) == (200, len(answer.content))
    assert upstream.asked == [("POST", "/model/new?a=1&a=2", answer.request.body)]


def test_tls_and_a_base_path(upstream, session, tmp_path):
    own = certificates.make(tmp_path, "localhost", hosts=("127.0.0.1",))
    with Recorder(upstream.url, tls=own.server(), base="/litellm") as recorder:
        assert recorder.url.startswith("https://")
        for _ in range(2):
            answer = session.get(recorder.url + "/v2/model/info", verify=str(own.file))
            assert answer.status_code == 200
        assert upstream.asked[-1][:2] == ("GET", "/v2/model/info")
        assert [record.path for record in recorder.requests] == ["/v2/model/info"] * 2
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(recorder.url, timeout=10)


def test_errors_pass_through(recorder, session):
    assert session.get(recorder.url + "/missing").status_code == 404
    assert recorder.requests[0].status == 404


def test_a_compressed_answer_is_passed_on_and_read(recorder, session):
    answer = session.get(recorder.url + "/long")
    assert answer.json() == recorder.requests[0].response_json


def test_an_answer_without_a_body(recorder, session):
    assert session.head(recorder.url + "/x").status_code == 200
    assert session.get(recorder.url + "/x").json()["connection"] == 1


def test_a_session_keeps_its_upstream_connection_and_others_get_their_own(recorder, session):
    first = [session.get(recorder.url).json()["connection"] for _ in range(3)]
    other = requests.get(recorder.url, timeout=5).json()["connection"]
    assert [*first, other, session.get(recorder.url).json()["connection"]] == [1, 1, 1, 2, 1]


def test_a_connection_the_gateway_ends_is_ended_for_the_client(recorder, session):
    assert session.get(recorder.url).json()["connection"] == 1
    time.sleep(0.6)
    assert session.get(recorder.url).json()["connection"] == 2


def test_spread_gives_every_request_of_a_session_an_upstream_connection(upstream, session):
    with Recorder(upstream.url, spread=True) as recorder:
        answers = [session.get(recorder.url).json()["connection"] for _ in range(2)]
        time.sleep(0.6)  # there is no upstream connection that could end meanwhile
        answers.append(session.post(recorder.url, json={"a": 1}).json()["connection"])
        (pool,) = session.adapters["http://"].poolmanager.pools._container.values()
    assert answers == [1, 2, 3]
    assert pool.num_connections == 1


def test_a_made_up_answer_is_not_forwarded(upstream, recorder, session):
    recorder.fault(status=503, headers={"Retry-After": "0"}, json={"error": "busy"}, times=1)
    answer = session.get(recorder.url + "/x")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "0")
    assert answer.json() == {"error": "busy"}
    assert upstream.asked == []
    assert session.get(recorder.url + "/x").status_code == 200
    assert [(each.status, each.forwarded) for each in recorder.requests] == [
        (503, False),
        (200, True),
    ]


def test_a_made_up_body_may_be_anything(recorder, session):
    recorder.fault(status=502, body="<html>")
    assert session.get(recorder.url).text == "<html>"


def test_a_lost_response_reached_the_gateway(upstream, recorder, session):
    recorder.fault(method="POST", path="/model/new", lose_response=True, times=1)
    with pytest.raises(requests.ConnectionError):
        session.post(recorder.url + "/model/new", json={})
    assert len(upstream.asked) == 1
    assert recorder.requests[0].status == 200
    assert session.post(recorder.url + "/model/new", json={}).ok


def test_a_dropped_request_did_not_reach_the_gateway(upstream, recorder, session):
    recorder.fault(drop=True, times=1)
    with pytest.raises(requests.ConnectionError):
        session.get(recorder.url)
    assert upstream.asked == []
    assert recorder.requests[0].status is None


def test_a_delay_only_delays(recorder, session):
    recorder.fault(delay=0.2, times=1)
    begin = time.monotonic()
    assert session.get(recorder.url).ok
    assert time.monotonic() - begin >= 0.2


def test_a_client_that_gives_up_waiting_disturbs_nobody(recorder, session, capfd):
    recorder.fault(delay=0.3, times=1)
    with pytest.raises(requests.ReadTimeout):
        session.get(recorder.url, timeout=0.1)
    time.sleep(0.4)
    assert session.get(recorder.url).ok
    assert capfd.readouterr().err == ""


def test_the_first_fault_that_matches_is_applied(recorder, session):
    recorder.fault(method="POST", status=500)
    recorder.fault(path="/model/*/update", status=501)
    recorder.fault(when=lambda record: record.json == {"id": 7}, status=502)
    recorder.fault(path="/model/*", status=504, times=2)
    recorder.fault(path="/model/*", status=505)
    asked = [
        session.post(recorder.url + "/x"),
        session.patch(recorder.url + "/model/a/update"),
        session.patch(recorder.url + "/x", json={"id": 7}),
        *(session.get(recorder.url + "/model/x") for _ in range(3)),
        session.patch(recorder.url + "/x", json={"id": 8}),
    ]
    assert [each.status_code for each in asked] == [500, 501, 502, 504, 504, 505, 200]


def test_clear_forgets_requests_and_keeps_faults(recorder, session):
    recorder.fault(status=500)
    session.get(recorder.url)
    recorder.clear()
    assert recorder.requests == []
    assert session.get(recorder.url).status_code == 500


def test_a_gateway_that_is_not_there_hangs_up():
    with Recorder("http://127.0.0.1:9") as recorder:
        with pytest.raises(requests.ConnectionError):
            requests.get(recorder.url, timeout=10)
        assert recorder.requests[0].status is None


@pytest.mark.parametrize("fault", [{"drop": True}, {"lose_response": True}])
def test_hanging_up_by_a_reset(upstream, recorder, session, fault):
    recorder.fault(reset=True, times=1, **fault)
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        session.get(recorder.url)
    assert len(upstream.asked) == ("lose_response" in fault)
    assert session.get(recorder.url).ok


def test_a_cut_answer_promises_more_than_comes(upstream, recorder, session):
    recorder.fault(cut=True, times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="more expected"):
        session.get(recorder.url)
    assert len(upstream.asked) == 1


def test_a_trickling_answer_comes_byte_by_byte(recorder, session):
    recorder.fault(trickle=0.01, times=1)
    began = time.monotonic()
    answer = session.get(recorder.url)
    assert answer.json()["got"] == ""
    assert time.monotonic() - began >= 0.01 * (len(answer.content) - 1)


def test_an_answer_is_made_another(upstream, recorder, session):
    recorder.fault(rewrite=lambda answer: replace(answer, status=500, body=b"[]"), times=1)
    answer = session.get(recorder.url)
    assert (answer.status_code, answer.json(), answer.headers["X-Upstream"]) == (500, [], "yes")
    assert len(upstream.asked) == 1


def test_a_gateway_that_leaves_refuses_connections_until_it_is_back(recorder, session):
    recorder.fault(leave=math.inf, times=1)
    assert session.get(recorder.url).ok
    with pytest.raises(requests.ConnectionError, match="refused"):
        session.get(recorder.url)
    recorder.mend()
    assert session.get(recorder.url).ok
    session.close()
    recorder.leave(0.1)
    with pytest.raises(requests.ConnectionError, match="refused"):
        session.get(recorder.url)
    time.sleep(0.5)
    assert session.get(recorder.url).ok
    assert len(recorder.requests) == 3


def test_mending_forgets_the_faults(recorder, session):
    recorder.fault(status=500)
    recorder.mend()
    assert session.get(recorder.url).ok
