"""A client killed at each write of a document, and a gateway that is killed in the middle of one.

What stood before and is to stay is served all the while, what is said is so, and the next run does
the rest, once and for all.
"""

import signal
import threading
import time

import pytest

from tests.support.forked import Forked
from tests.support.gateway import running_gateway
from tests.support.recorder import Recorder

from ..config_yaml.conftest import KEY, Whole, model
from ..conftest import States

TABLE = "Kills"
BEFORE, AFTER = "before it is forwarded", "before its answer"
NEXT = "sk-second-0123456789"
THEIRS = "of-somebody"
PATIENT = 60  # seconds in which LiteLLM finds its database again
OLD = {
    "credential_list": [
        {"credential_name": "openai-prod", "credential_values": {"api_key": KEY}},
        {"credential_name": "spare", "credential_values": {"api_key": KEY}},
    ],
    "model_list": [model("chat"), model("large", rpm=5), model("retired", "spare")],
    "router_settings": {"fallbacks": [{"chat": ["large"]}], "num_retries": 4},
}
NEW = {
    "credential_list": [
        {
            "credential_name": "openai-prod",
            "credential_values": {"api_key": NEXT, "api_base": "https://new.example.com"},
        },
        {"credential_name": "another", "credential_values": {"api_key": NEXT}},
    ],
    "model_list": [model("chat", rpm=1), model("large"), model("small", "another")],
    "router_settings": {
        "fallbacks": [{"chat": ["small", "large"]}],
        "context_window_fallbacks": [{"small": ["large"]}],
        "num_retries": 6,
    },
}
LASTING = {"chat", "large", THEIRS}  # they are there before and afterwards


class Trial:
    """A gateway that is as the old document says, and what others have; then the new document."""

    def __init__(self, gateway, loaders, recorder):
        self.whole, self.recorder = Whole(gateway), recorder
        self._states = States(loaders, {"url": recorder.url, "api_key": gateway.key, "retries": 0})
        self._has_settings = self.whole.has_settings()

    def apply(self, document):
        if not self._has_settings:
            router = {key: one for key, one in document["router_settings"].items() if "f" in key}
            document = {**document, "router_settings": router}
        given = {"name": "production", "document": document, "prune": True}
        return self._states.run(("litellm_gateway.managed", given))

    def prepare(self):
        """The gateway as it is to be before."""
        self.recorder.mend()
        for kind, found in self.whole.rules().items():
            for name in found:
                self.whole("DELETE", f"/fallback/{name}", params={"fallback_type": kind})
        if THEIRS not in self.served():
            body = {"model_name": THEIRS, "litellm_params": {"model": "openai/gpt-4o"}}
            self.whole("POST", "/model/new", json=body).raise_for_status()
        result = self.apply(OLD)
        assert result["result"] is True, result
        assert self.served() >= LASTING

    def writes(self):
        """The numbers and paths of the writes of a run, undisturbed. An empty body changes none."""
        self.prepare()
        self.recorder.clear()
        assert self.apply(NEW)["result"] is True
        return [
            (number, one.path)
            for number, one in enumerate(self.recorder.requests, 1)
            if one.method == "DELETE" or (one.method != "GET" and one.json)
        ]

    def served(self):
        listed = self.whole("GET", "/v1/models").json()["data"]
        return {one["id"] for one in listed}

    def names(self):
        return sorted(row["model_name"] for row in self.whole.models())

    def is_mended_by_the_next_run(self):
        result = self.apply(NEW)
        assert result["result"] is True, result
        assert self.names() == ["chat", "large", THEIRS, "small"]
        self._has_credentials(["another", "openai-prod"], result)
        rules = self.whole.rules()
        assert rules["general"] == {"chat": ["small", "large"]}
        assert rules["context_window"] == {"small": ["large"]}
        rows = {row["model_name"]: row["litellm_params"] for row in self.whole.models()}
        assert (rows["chat"]["rpm"], rows["large"].get("rpm")) == (1, None)
        if self._has_settings:
            assert self.whole.settings("num_retries") == {"num_retries": 6}
        rests = self.apply(NEW)
        assert (rests["result"], rests["changes"]) == (True, {})

    def _has_credentials(self, names, result):
        """LiteLLM 1.106 may show a credential again that its poll was just reading."""
        deadline = time.monotonic() + PATIENT
        while sorted(self.whole.credentials()) != names:
            assert time.monotonic() < deadline, result
            time.sleep(1)

    # ---------------------------------------------------------------- a client

    def kill_at(self, number, when):
        self.prepare()
        over, gaps = threading.Event(), []

        def look():
            while not over.wait(0.01):
                if missing := LASTING - self.served():
                    gaps.append(missing)

        looking = threading.Thread(target=look)
        looking.start()
        try:
            self._killed(number, when)
            self.is_mended_by_the_next_run()
        finally:
            over.set()
            looking.join()
        assert gaps == []

    def _killed(self, number, when):
        numbers, dead = iter(range(1, 1000)), threading.Event()

        def kill(answer=None):
            client.kill()
            dead.wait()
            return answer

        def is_due(_):
            due = next(numbers) == number
            if due and when is BEFORE:
                kill()
            return due

        self.recorder.fault(
            when=is_due, **({"drop": True} if when is BEFORE else {"rewrite": kill})
        )
        client = Forked(lambda: self.apply(NEW))
        ended = client.ended()
        dead.set()
        self.recorder.mend()
        assert ended == -signal.SIGKILL

    # ---------------------------------------------------------------- a gateway

    def lose(self, service, number, forwarded):
        """Kill a part of the gateway at a request of a run, and start it again afterwards."""
        self.prepare()
        numbers = iter(range(1, 1000))

        def kill(answer=None):
            service.kill()
            return answer

        def is_due(_):
            due = next(numbers) == number
            if due and not forwarded:
                kill()
            return due

        self.recorder.fault(when=is_due, **({"rewrite": kill} if forwarded else {}))
        result = self.apply(NEW)
        self.recorder.mend()
        service.start()
        assert (result["result"], "Traceback" in result["comment"]) == (False, False)
        deadline = time.monotonic() + PATIENT
        while not self.served() >= LASTING or THEIRS not in self.names():
            assert time.monotonic() < deadline
            time.sleep(0.5)
        self.is_mended_by_the_next_run()


@pytest.fixture
def trial(gateway, loaders):
    with Recorder(gateway.url) as recorder:
        made = Trial(gateway, loaders, recorder)
        yield made
    made.whole.empty()


@pytest.fixture(scope="module")
def killable():
    with running_gateway() as gateway:
        yield gateway


@pytest.fixture
def outage(killable, loaders):
    with Recorder(killable.url) as recorder:
        made = Trial(killable, loaders, recorder)
        yield made
    made.whole.empty()


@pytest.mark.survive
@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_a_client_is_killed_at_each_write_of_a_document(trial, survived, when):
    writes = trial.writes()
    assert len(writes) > 8
    for number, _ in writes:
        trial.kill_at(number, when)
        survived(TABLE, "client killed: document")


@pytest.mark.survive
@pytest.mark.parametrize("part", ["database", "proxy"])
def test_a_part_of_the_gateway_is_killed_in_the_middle_of_a_document(
    outage, killable, survived, part
):
    """At the first write to each endpoint: before it is forwarded, and before its answer."""
    first = {}
    for number, path in outage.writes():
        first.setdefault(path.split("/")[1], number)
    name = "database" if part == "database" else "gateway"
    for number in first.values():
        for forwarded in (False, True):
            outage.lose(getattr(killable, part), number, forwarded)
            survived(TABLE, f"{name} killed: document")
