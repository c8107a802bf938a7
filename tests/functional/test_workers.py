"""Gateways of several workers, a balancer that spreads requests, and others who PATCH meanwhile.

A worker does not know at once what another has written, so the plain list may be out of date.
Whichever worker a run meets: it changes what differs, once, doubles nothing, and says what is so.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count, islice

import pytest

from tests.support.recorder import Recorder

from .conftest import Api, States, id_of

OTHER = "always-there"
SETTLED = 30  # so many new connections in a row meet every worker, but for a chance of 1:60000
NEW, OLD = "1.106.2", "1.83.14"


class Workers(Api):
    """LiteLLM's API on several workers, or while somebody PATCHes: asked on new connections."""

    def database(self, part=""):
        """The rows with a text in their model name, id or owner, as they are in the database.

        This view is empty while the router of a worker is. A row that is always there tells.
        """
        for _ in range(1000):
            rows = self("GET", "/v2/model/info", params={"search": "%", "size": 100000})["data"]
            if any(row["model_name"] == OTHER for row in rows):
                return [row for row in rows if part in told(row)]
        raise AssertionError(f"{OTHER} is not there")

    def clean(self, part):
        for row in self.database(part):
            self.delete(id_of(row))

    def empty(self):
        """Delete every row, and wait until no worker serves one."""
        self.clean("")
        while any(self.rows() for _ in range(SETTLED)):
            time.sleep(1)

    def make_other(self):
        """Make the row that is always there, unless it is."""
        body = {"model_name": OTHER, "model_info": {"id": OTHER}}
        params = {"litellm_params": {"model": "openai/gpt-4"}}
        self.gateway.request("POST", "/model/new", json={**body, **params})

    def settle(self):
        """Let every worker serve the row that is always there."""
        self.make_other()
        while not all(self.named(OTHER) for _ in range(SETTLED)):
            self.patch(OTHER)  # makes the worker that it meets read the database
        return OTHER


def told(row):
    """Which row it is, and whose."""
    info, marker = row["model_info"], row["model_info"].get("saltext_litellm") or {}
    owner = f"of {marker.get('name')} in {marker.get('set')}" if marker else "of nobody"
    return f"{row['model_name']} {info['id']} {owner}"


def requests_of(recorder):
    """The requests of some runs, a line each, for the one who has to find out what went wrong."""
    for record in recorder.requests:
        answer, shown = record.response_json, ""
        if isinstance(answer, dict):
            rows = answer.get("data", answer)
            shown = [told(row) for row in rows] if isinstance(rows, list) else str(rows)[:300]
        yield f"{record.method} {record.path} {record.query} {record.json} {record.status} {shown}"


@contextmanager
def telling(recorder):
    """What fails in the block also tells the requests that led to it."""
    recorder.clear()
    try:
        yield
    except AssertionError as err:
        raise AssertionError("\n".join([str(err), *requests_of(recorder)])) from err


class Rounds:
    """Rounds of changes, each of which is applied once, whereupon nothing is left to do.

    Every application is a run of its own, with a connection of its own.
    """

    def __init__(self, states, api, recorder, name):
        self.states, self.api, self.recorder, self.name = states, api, recorder, name
        self.random, self.numbers = random.Random(1), count(1)
        self.declared, self.model_id = None, None  # what is there, by the last run
        self.set = set()

    def play(self, number):
        """So many rounds, each kind of them before one comes again."""
        for kind in islice(self._kinds(), number):
            with telling(self.recorder):
                kind()

    def _kinds(self):
        kinds = [self.created, self.changed, self.repaired, self.adopted]
        kinds += [self.replaced, self.deleted, self.pruned]
        while True:
            yield from self.random.sample(kinds, len(kinds))

    # ---------------------------------------------------------------- kinds of rounds

    def created(self):
        if self.declared:
            self.remove()
        changes = self.present(rpm=next(self.numbers))
        assert changes["model_name"] == {"old": None, "new": self.name}

    def changed(self):
        self._make()
        before, model_id, rpm = self.declared["rpm"], self.model_id, next(self.numbers)
        assert self.present(**{**self.declared, "rpm": rpm}) == {"rpm": {"old": before, "new": rpm}}
        assert self.model_id == model_id

    def repaired(self):
        self._make()
        theirs, model_id, rpm = next(self.numbers), self.model_id, self.declared["rpm"]
        self.api.patch(model_id, litellm_params={"rpm": theirs})
        assert self.present(**self.declared) == {"rpm": {"old": theirs, "new": rpm}}
        assert self.model_id == model_id

    def adopted(self):
        if self.declared:
            self.remove()
        theirs, rpm = next(self.numbers), next(self.numbers)
        model_id = self.api.create(self.name, {"rpm": theirs})
        changes = self.present(rpm=rpm, times=4)
        assert changes["owner"] == {"old": None, "new": self.name}
        assert changes["rpm"] == {"old": theirs, "new": rpm}
        assert "model_name" not in changes
        assert self.model_id == model_id

    def replaced(self):
        """A key of `model_info` stays once it is set, so the row is replaced."""
        self._make()
        self.present(**self.declared, model_info={"note": next(self.numbers)})
        old = self.model_id
        changes = self.present(rpm=self.declared["rpm"])
        assert changes.keys() == {"model_info:note", "model_id"}
        assert changes["model_id"] == {"old": old, "new": self.model_id}

    def deleted(self):
        self._make()
        self.remove()
        self.created()

    def pruned(self):
        names = [f"{self.name}-{number}" for number in range(2)]
        made = self._converge(names)
        assert made.keys() == {*names} - self.set
        self.set = {self.random.choice(names)}
        gone = self._converge(self.set)
        assert gone.keys() == {*names} - self.set
        assert all(changes["model_name"]["new"] is None for changes in gone.values())

    # ---------------------------------------------------------------- steps

    def present(self, times=2, **declared):
        """Apply; afterwards all rests. Returns what changed."""
        predicted = self.states.present(self.name, test=True, **declared)
        done = self.states.present(self.name, **declared)
        changes = done["changes"]
        assert (predicted["result"], done["result"]) == (None, True), (predicted, done)
        created = "model_id" in predicted["changes"]
        assert predicted["changes"] == (changes if created else without_move(changes))
        for test in (True, *[False] * times):
            again = self.states.present(self.name, test=test, **declared)
            assert (again["result"], again["changes"]) == (True, {}), again
        rows, note = self._rows(), declared.get("model_info", {}).get("note")
        made = [(row["litellm_params"]["rpm"], row["model_info"].get("note")) for row in rows]
        assert made == [(declared["rpm"], note)]
        self.declared, self.model_id = declared, id_of(rows[0])
        return changes

    def _make(self):
        if not self.declared or "model_info" in self.declared:
            self.created()

    def remove(self):
        predicted = self.states.absent(self.name, test=True)
        done = self.states.absent(self.name)
        assert (predicted["result"], done["result"]) == (None, True), (predicted, done)
        assert done["changes"] == predicted["changes"]
        assert done["changes"]["model_name"] == {"old": self.name, "new": None}
        for test in (True, False, False):
            again = self.states.absent(self.name, test=test)
            assert (again["result"], again["changes"]) == (True, {}), again
        assert self._rows() == []
        self.declared = self.model_id = None

    def _converge(self, names):
        """Make a set of these models, and of no others. Returns what changed."""
        model = {"custom_llm_provider": "openai", "base_model": "gpt-4", "rpm": 1}
        args = {"name": f"set-{self.name}", "models": dict.fromkeys(names, model)}
        managed = ("managed", {**args, "prune": True})
        predicted, done = self.states.run(managed, test=True), self.states.run(managed)
        assert (predicted["result"], done["result"]) == (None, True), (predicted, done)
        assert done["changes"] == predicted["changes"]
        for test in (True, False, False):
            again = self.states.run(managed, test=test)
            assert (again["result"], again["changes"]) == (True, {}), again
        ours = [row["model_name"] for row in self.api.database(f" in set-{self.name}")]
        assert sorted(ours) == sorted(names)
        return done["changes"]

    def _rows(self):
        return [row for row in self.api.database(self.name) if row["model_name"] == self.name]


def without_move(changes):
    """What a prediction can tell: not which row will take another's place."""
    return {key: change for key, change in changes.items() if key != "model_id"}


@pytest.fixture(scope="module")
def three_workers(gateway_factory):
    """A gateway of three workers."""
    return gateway_factory(workers=3, litellm_version=NEW)


@pytest.fixture
def empty(three_workers):
    """The gateway, whose workers serve nothing."""
    api = Workers(three_workers)
    if any(api.rows() for _ in range(SETTLED)):  # not if this is its first test
        api.settle()
        api.empty()
    return three_workers


@pytest.fixture
def settled(three_workers):
    """The gateway, each of whose workers serves a row of the database."""
    Workers(three_workers).settle()
    return three_workers


@pytest.fixture
def rounds_on(loaders, name):
    """Begins rounds on a gateway; afterwards, deletes what they have made."""
    with ExitStack() as stack:

        def begin(gateway, spread=False):
            recorder = stack.enter_context(Recorder(gateway.url, spread=spread))
            profile = {"url": recorder.url, "api_key": gateway.key, "retries": 0}
            api = Workers(gateway)
            stack.callback(api.clean, name)
            return Rounds(States(loaders, profile), api, recorder, name)

        yield begin


@contextmanager
def somebody_patching(api, model_id):
    """Somebody else changes a row a few times a second."""
    over = threading.Event()

    def patch():
        numbers = count(1)
        while not over.wait(0.3):
            api.patch(model_id, litellm_params={"rpm": next(numbers)})

    with ThreadPoolExecutor(1) as pool:
        patching = pool.submit(patch)
        try:
            yield
        finally:
            over.set()
        patching.result()


@pytest.mark.long
@pytest.mark.parametrize(("spread", "times"), [(False, 5), (True, 5)])
def test_a_row_is_adopted_where_routers_are_empty(empty, rounds_on, name, spread, times):
    """LiteLLM's view of the database is empty on each worker that has not served anything yet."""
    rounds = rounds_on(empty, spread)
    api, present = rounds.api, rounds.states.present
    for again in range(times):
        if again:
            api.empty()
        with telling(rounds.recorder):
            model_id = api.create(name, {"rpm": 1})
            results = [present(name, rpm=2) for _ in range(5)]
            api.make_other()  # so that the database can be looked at
            assert [id_of(row) for row in api.database(name)] == [model_id]
            assert [result["result"] for result in results] == [True] * 5
            assert [bool(result["changes"]) for result in results] == [True, *[False] * 4]
            assert "model_name" not in results[0]["changes"]


def test_a_worker_does_not_know_at_once_what_another_has_written(settled, name):
    """Without that, the other tests of this file would prove nothing."""
    api = Workers(settled)
    api.create(name)
    assert {bool(api.named(name)) for _ in range(SETTLED)} == {True, False}
    assert all(api.database(name) for _ in range(SETTLED))
    api.clean(name)


@pytest.mark.parametrize("spread", [pytest.param(False, marks=pytest.mark.long), True])
@pytest.mark.parametrize("number", [5, pytest.param(30, marks=pytest.mark.long)])
def test_every_round_is_applied_once(rounds_on, settled, spread, number):
    rounds_on(settled, spread).play(number)


@pytest.mark.parametrize("spread", [False, True])
def test_absent_finds_what_was_made_a_moment_ago(rounds_on, settled, spread):
    rounds = rounds_on(settled, spread)
    for _ in range(6):
        with telling(rounds.recorder):
            rounds.api.create(rounds.name)
            rounds.remove()


@pytest.mark.long
def test_somebody_else_patches_a_litellm_that_drops_its_rows_meanwhile(rounds_on, gateway_factory):
    gateway = gateway_factory(litellm_version=OLD)
    rounds = rounds_on(gateway)
    with somebody_patching(rounds.api, rounds.api.settle()):
        rounds.play(56)
