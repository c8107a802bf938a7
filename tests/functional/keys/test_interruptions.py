"""Every fault and a kill at each request of what is done to a key.

At any moment the old key works or the new one does, and what works is in the vault or is the old
key. The next run does the rest, and what is said is true.
"""

import signal
import threading

import pytest

from tests.support.faults import FAULTS, SECONDS
from tests.support.forked import Forked
from tests.support.recorder import Recorder

from ..conftest import MARKER, States
from .conftest import hashed

QUICK = {"reset before it arrives", "reset after it arrived", "500", "500 after it was done"}
BEFORE, AFTER = "before it is forwarded", "before its answer"


class Operation:
    """Something that is done to the key of a test."""

    def __init__(self, kind, api, loaders, vault, name):
        self.kind, self.api, self.loaders, self.vault, self.name = kind, api, loaders, vault, name
        self.place = {"key": f"sdb://vault/{name}", "generate": True, "rotate": True}
        self.before = {"max_budget": 3, "metadata": {"ours": 1}}
        self.after = {"change": {"max_budget": 4}, "removal": {}}.get(kind, self.before)
        self.old, self.new = f"sk-old-of-{name}", f"sk-new-of-{name}"

    def prepare(self):
        for row in self.api.having(self.name).values():
            self.api("POST", "/key/delete", json={"keys": [row["token"]]})
        self.vault.put(self.name, self.old if self.kind in ("change", "removal") else None)
        if self.kind == "create":
            return
        self.vault.put(self.name, self.old)
        result = self.run(self.api.gateway.url, declared=self.before)
        assert result["result"] is True, result
        row = self.api.one(self.name)
        metadata = {**row["metadata"], "theirs": {"kept": 1}}
        self.api.update(self.name, metadata=metadata, user_id="ada")
        if self.kind == "adoption":
            del metadata[MARKER]
            self.api.update(self.name, metadata=metadata)
        if self.kind == "rotation":
            self.vault.put(self.name, self.new)
        if self.kind == "rotation of a lost key":
            self.vault.put(self.name, None)

    def run(self, url, declared=None, test=False, timeout=30, retries=0):
        profile = {"url": url, "api_key": self.api.gateway.key, "timeout": timeout}
        states = States(self.loaders, {**profile, "retries": retries})
        if self.kind == "delete" and declared is None:
            return states.run(("litellm_key.absent", {"name": self.name}), test=test)
        arguments = {"name": self.name, **self.place, **(declared or self.after)}
        return states.run(("litellm_key.present", arguments), test=test)

    def is_found(self):
        """No key is without somebody who has it, and one works as long as one is to work."""
        rows = self.api.having(self.name)
        held = {hashed(self.old), hashed(self.vault.get(self.name) or "")}
        assert {row["token"] for row in rows.values()} <= held
        assert set(rows) <= {self.name, f"{self.name}.new"}
        if self.kind not in ("create", "delete"):
            assert rows

    def is_done(self):
        rows = self.api.having(self.name)
        if self.kind == "delete":
            assert rows == {}
            return
        assert list(rows) == [self.name]
        row = rows[self.name]
        assert row["token"] == hashed(self.vault.get(self.name))
        assert row["max_budget"] == self.after.get("max_budget")
        assert row["metadata"].get("ours") == (self.after.get("metadata") or {}).get("ours")
        assert "replaces" not in row["metadata"][MARKER]
        if self.kind != "create":
            assert (row["metadata"]["theirs"], row["user_id"]) == ({"kept": 1}, "ada")

    def is_mended(self, recorder):
        result = self.run(recorder.url)
        assert result["result"] is True, result
        self.is_done()
        recorder.clear()
        again = self.run(recorder.url)
        assert (again["result"], again["changes"]) == (True, {})
        assert len(recorder.requests) == 1

    def keeps_secrets(self, result):
        for key in (self.old, self.new, self.vault.get(self.name)):
            assert not key or key not in str(result)
            assert not key or hashed(key) not in str(result)


def kinds(*always):
    """All kinds of operations. All but some are left to `make survive`."""
    every = ["change", "removal", "rotation", "rotation of a lost key", "adoption", "delete"]
    marks = {kind: [pytest.mark.survive] for kind in every if kind not in always}
    params = [pytest.param(kind, marks=marks.get(kind, ())) for kind in ["create", *every]]
    return pytest.mark.parametrize("operation", params, indirect=True)


@pytest.fixture
def operation(request, api, loaders, vault, name):
    return Operation(request.param, api, loaders, vault, name)


@pytest.fixture
def requests_of(operation, recorder):
    operation.prepare()
    recorder.clear()
    assert operation.run(recorder.url)["result"] is True
    return list(recorder.requests)


def under(fault, number, operation, recorder):
    """A fault at one request, and all that is promised about it."""
    operation.prepare()
    recorder.clear()
    fault.arm(recorder, number, lambda row: operation.name in str(row.get("key_alias")))
    try:
        timeout = SECONDS if fault.slow else 30
        result = operation.run(recorder.url, timeout=timeout, retries=int(not fault.lasts))
    finally:
        recorder.mend()
    operation.keeps_secrets(result)
    if "later" in fault.name:
        threading.Event().wait(SECONDS)
    operation.is_found()
    # Only the list tells which key has an alias. If it lacks the key, there is nothing to delete.
    if result["result"] is True and not (operation.kind == "delete" and fault.lists):
        operation.is_done()
    recorder.clear()
    operation.is_mended(recorder)


def tried(faults, operation, recorder, requests):
    for fault in faults:
        for number, record in enumerate(requests, 1):
            if fault.befalls(record):
                try:
                    under(fault, number, operation, recorder)
                except AssertionError as err:
                    raise AssertionError(f"{fault} at {number}: {record.path}: {err}") from err


@kinds("change")
def test_a_fault_at_each_request(operation, requests_of, recorder):
    faults = [fault for fault in FAULTS if fault.name in QUICK and not fault.lasts]
    tried(faults, operation, recorder, requests_of)


@pytest.mark.survive
@kinds()
def test_every_fault_at_each_request(operation, requests_of, recorder):
    tried(FAULTS, operation, recorder, requests_of)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@kinds("rotation")
def test_a_client_is_killed_at_each_request(operation, requests_of, when):
    with Recorder(operation.api.gateway.url) as recorder:
        for number in range(1, len(requests_of) + 1):
            operation.prepare()
            killed(operation, recorder, number, when)
            operation.is_found()
            operation.is_mended(recorder)


MOMENTS = ["get", "got", "set", "done"]


@pytest.mark.parametrize("kind", ["create", "rotation of a lost key"])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("how", ["kill", "fail"])
def test_trouble_at_the_vault(api, loaders, vault, name, recorder, kind, moment, how):
    """A client that is killed, or a driver that fails, before and after it does something."""
    operation = Operation(kind, api, loaders, vault, name)
    operation.prepare()
    before = api.having(name)
    vault.trouble(moment, how)
    recorder.clear()
    if how == "kill":
        assert Forked(lambda: operation.run(recorder.url)).ended() == -signal.SIGKILL
    else:
        result = operation.run(recorder.url)
        assert (result["result"], result["changes"]) == (False, {})
        assert "OSError" in result["comment"]
        assert "Traceback" not in result["comment"]
        operation.keeps_secrets(result)
    operation.is_found()
    assert api.having(name) == before  # the vault comes first
    assert [one.path for one in recorder.requests if one.method != "GET"] == []
    kept = vault.get(name)
    assert (kept is not None) == (moment == "done")
    operation.is_mended(recorder)
    assert kept in (None, vault[name])  # the next run uses the key that is there


def killed(operation, recorder, number, when):
    """Kill a client at a request of this number."""
    seen, dead = iter(range(1, 1000)), threading.Event()

    def kill(answer=None):
        client.kill()
        dead.wait()
        return answer

    def is_due(_):
        due = next(seen) == number
        if due and when is BEFORE:
            kill()
        return due

    recorder.clear()
    recorder.fault(when=is_due, **({"drop": True} if when is BEFORE else {"rewrite": kill}))
    client = Forked(lambda: operation.run(recorder.url))
    ended = client.ended()
    dead.set()
    recorder.mend()
    assert ended == -signal.SIGKILL
