"""Every fault at each request of each operation: what is said is true, and the next run mends it.

What is so is asked of the gateway itself, by plain requests beside the faults.
"""

import json
import time
import uuid
from contextlib import ExitStack

import pytest

from tests.support.faults import FAULTS, SECONDS
from tests.support.recorder import Recorder

from ..conftest import Api
from .operations import CREDENTIAL, KEY, ROUTING, TEAM, operations

TABLES = ("Faults at each request, by fault", "Faults at each request, by operation")
COMMON = ["create", "change", "rotation", "removal", "delete", "adoption", "set"]
OPERATIONS = [*COMMON, "pinned removal", *(CREDENTIAL + one for one in COMMON)]
OPERATIONS += [TEAM + one for one in COMMON if one != "rotation"]
OPERATIONS += [KEY + one for one in COMMON]
OPERATIONS += ROUTING
# What both views leave out in the same way cannot be told from what is not there.
UNSEEN = {(one, "list cut short, lasting") for one in ("delete", "adoption")}
# There is only one view of teams, and an alias says nothing of an id.
UNSEEN |= {
    (f"{TEAM}{one}", f"list empty{lasts}")
    for one in ("delete", "adoption")
    for lasts in ("", ", lasting")
}
# The same of keys; but a declared key is asked for by itself.
UNSEEN |= {(f"{KEY}delete", f"list empty{lasts}") for lasts in ("", ", lasting")}
UNSEEN_WITHOUT_A_WRITE = UNSEEN | {
    ("delete", f"{fault}, lasting") for fault in ("list empty", "200 with an empty list")
}
# There is only one view of credentials.
UNSEEN_WITHOUT_A_WRITE |= {
    (f"{CREDENTIAL}delete", f"{fault}{lasts}")
    for fault in ("list empty", "list cut short")
    for lasts in ("", ", lasting")
}
# Of what was untrue before it was tried here, what does not take long.
MENDED = [
    ("create", "hangs, and does it later"),
    ("change", "hangs, and does it later"),
    ("rotation", "500"),
    ("delete", "200 with null"),
    ("removal", "list cut short"),
    ("credential: change", "reset after it arrived, lasting"),
    ("credential: create", "list empty"),
    ("credential: delete", "list empty"),
    ("team: change", "reset after it arrived"),
    ("team: delete", "list cut short, lasting"),
    ("key: rotation", "reset after it arrived"),
    ("key: rotation", "list empty"),
    ("key: rotation", "500 after it was done"),
    ("key: delete", "200 with null"),
]
MAYBE = "may have been"  # changed or not, deleted or not
PATIENT = 30  # seconds, the timeout where no answer is slow
AT_LEAST = 40  # seconds: the pauses in which a run looks again, and what a busy machine takes


class Trial:
    """One operation, tried under faults, one after the other."""

    def __init__(self, operation, recorder):
        self.operation, self.recorder = operation, recorder
        self.caplog = None
        self.told = []  # the requests under the last fault
        self._requests = {}

    # ---------------------------------------------------------------- runs

    def requests(self, test=False):
        """The requests of a run without a fault."""
        if test not in self._requests:
            self.operation.prepare()
            self._run(test=test)
            self._requests[test] = list(self.recorder.requests)
        return self._requests[test]

    def _run(self, **options):
        self.recorder.clear()
        self.caplog.clear()
        began = time.monotonic()
        result = self.operation.apply(self.recorder.url, **options)
        self._keeps_secrets(result)
        return result, time.monotonic() - began

    def at(self, fault, number):
        """A fault at one request, and all that is promised about it."""
        self.operation.prepare()
        before, others = self.operation.facts()
        result, took = self._faulty(fault, number)
        self._ended_in_time(fault, took)
        if "later" in fault.name:
            time.sleep(SECONDS)  # until it is done
        after, untouched = self.operation.facts()
        assert untouched == others
        self._is_true(result, before, after)
        self._is_mended_by_the_next_run(after, others)

    def _faulty(self, fault, number, test=False):
        timeout = SECONDS if fault.slow else PATIENT
        fault.arm(self.recorder, number, self.operation.is_ours)
        try:
            return self._run(timeout=timeout, retries=int(not fault.lasts), test=test)
        finally:
            self.recorder.mend()
            self.told = [
                f"    {r.method} {r.path} {r.query} {r.status}" for r in self.recorder.requests
            ]

    def predicting(self, fault, number):
        """A fault at one request of a run with ``test=True``."""
        self.operation.prepare()
        before = self.operation.facts()
        result, took = self._faulty(fault, number, test=True)
        self._ended_in_time(fault, took)
        assert [r.method for r in self.recorder.requests if r.method != "GET"] == []
        assert self.operation.facts() == before
        assert result["result"] is not True, result
        # One object of a set may fail, and the others are predicted all the same.
        assert result["result"] is False or result["changes"], result

    # ---------------------------------------------------------------- promises

    def _ended_in_time(self, fault, took):
        timeout = SECONDS if fault.slow else 0
        assert took < AT_LEAST + (timeout + 1) * len(self.recorder.requests)

    def _keeps_secrets(self, result):
        own = [r for r in self.caplog.records if r.name.startswith(("saltext_litellm", "urllib3"))]
        text = json.dumps(result, default=str) + "\n".join(r.getMessage() for r in own)
        assert "CANARY" not in text
        assert self.operation.api.gateway.key not in text

    def _is_mended_by_the_next_run(self, before, others):
        """A run without faults does the rest, and one more finds nothing to do, in a request."""
        result, _ = self._run(retries=0)
        after, untouched = self.operation.facts()
        assert untouched == others
        assert result["result"] is True, result
        self._is_true(result, before, after)
        rests, _ = self._run(retries=0)
        assert (rests["result"], rests["changes"]) == (True, {})
        assert len(self.recorder.requests) == self.operation.at_rest

    def _is_true(self, result, before, after):
        targets, is_done = self.operation.targets, self.operation.is_done
        done = {one.name: is_done(one, after[one.name]) for one in targets}
        assert result["result"] in (True, False)
        assert result["result"] is False or all(done.values()), (result, after)
        for name, (changes, words) in self.operation.told(result).items():
            told = (words, changes, before[name], after[name])
            self._words_are_true(words, done[name], told)
            if MAYBE not in words:
                assert bool(changes) is (before[name] != after[name]), told
            self._changes_are_true(changes, before[name], after[name], told)

    def _words_are_true(self, words, done, told):
        for good in (
            *("is as declared", "is absent", "was created", "was adopted", "was updated"),
            "was deleted",
        ):
            assert not words.startswith(good) or done, told
        for bad in (
            "is not as declared",
            "is still there",
            "was deleted in part",
            "was changed, but",
        ):
            assert not words.startswith(bad) or not done, told
        if words.startswith(("was not changed", "was not deleted")):
            assert told[2] == told[3], told

    def _changes_are_true(self, changes, before, after, told):
        old, new = _served(before), _served(after)
        kind = self.operation.kind
        for fact, word in kind.words.items():
            was, now = getattr(old, fact, None), getattr(new, fact, None)
            if word in changes:
                assert changes[word] == {"old": was, "new": now}, told
            elif changes and old and new:
                assert was == now, told
        was, now = getattr(old, "id", None), getattr(new, "id", None)
        if kind.id in changes:
            # It is not known whether the last write has moved it again.
            # That of a rotation gives the new key its alias.
            maybe = [alias for one in after for alias in (one.id, f"{one.id}.new")]
            open_ = maybe if MAYBE in told[0] else [now]
            assert changes[kind.id]["new"] in open_, told
            # What a run begins with may be the rows of one that was cut off.
            assert changes[kind.id]["old"] in (None, *(one.id for one in before)), told
        elif old and new and changes:
            assert was == now, told


def _served(facts):
    """The row of some that none of the others replaces."""
    replaced = {one.replaces for one in facts}
    return next((one for one in facts if one.id not in replaced), None)


@pytest.fixture(scope="module")
def trials(gateway, loaders):
    """The trial of an operation, made when it is first asked for."""
    made = {}
    with ExitStack() as stack:

        def start(operation):
            if operation not in made:
                api, name = Api(gateway), f"model-{uuid.uuid4().hex[:8]}"
                recorder = stack.enter_context(Recorder(gateway.url))
                made[operation] = Trial(operations(api, loaders, name)[operation](), recorder)
                stack.callback(made[operation].operation.clean)
            return made[operation]

        yield start


@pytest.fixture
def trial(trials, operation, caplog):
    found = trials(operation)
    found.caplog = caplog
    for logger in ("saltext_litellm", "urllib3"):
        caplog.set_level(1, logger)
    return found


def try_all(trial, operation, fault, survived, test=False):
    """A fault at each request that it can befall."""
    failures = []
    for number, record in enumerate(trial.requests(test), start=1):
        if not fault.befalls(record):
            continue
        try:
            (trial.predicting if test else trial.at)(fault, number)
        except AssertionError as err:
            told = f"{fault} at {number} of {operation}, {record.method} {record.path}"
            failures.append("\n".join([told, str(err), *trial.told]))
        survived(TABLES[0], str(fault))
        survived(TABLES[1], f"{operation}{' with test=True' if test else ''}")
    if failures:
        pytest.fail("\n\n".join(failures), pytrace=False)


def pairs(*left_out, reads=False):
    """Operations and faults; of reads alone, if so."""
    return [
        pytest.param(operation, fault, id=f"{operation}-{fault}".replace(" ", "-"))
        for operation in OPERATIONS
        for fault in FAULTS
        if (operation, str(fault)) not in left_out and (fault.reads or not reads)
    ]


@pytest.mark.parametrize(("operation", "fault"), MENDED)
def test_what_was_untrue_before(trial, survived, operation, fault):
    (found,) = (one for one in FAULTS if str(one) == fault)
    try_all(trial, operation, found, survived)


@pytest.mark.survive
@pytest.mark.parametrize(("operation", "fault"), pairs(*UNSEEN, *MENDED))
def test_a_fault_at_each_request(trial, survived, operation, fault):
    try_all(trial, operation, fault, survived)


@pytest.mark.survive
@pytest.mark.parametrize(("operation", "fault"), pairs(*UNSEEN_WITHOUT_A_WRITE, reads=True))
def test_a_fault_at_each_request_of_a_prediction(trial, survived, operation, fault):
    try_all(trial, operation, fault, survived, test=True)
