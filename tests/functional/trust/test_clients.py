"""Several clients at once on three workers, behind a balancer that spreads their requests.

Each client is a process that applies the same states as the others, or a set of its own. Whatever
the order: nothing is doubled for good, what a client calls done is done, and what is another set's
is left alone. How many runs of one client alone it takes until nothing is left to do is counted.
"""

import random
import time
from functools import partial

import pytest

from tests.support.forked import Forked
from tests.support.gateway import running_gateway
from tests.support.recorder import Recorder

from ..conftest import MARKER, MODEL, States
from ..test_workers import OTHER, Workers, requests_of

TABLE = "Workers and clients"
NOTE = {"model_info": {"note": "ours"}}
NUMBER = 4  # models
MOST_RUNS = 3  # of one client alone, until nothing is left to do


class Clients:
    """Clients of one gateway, each a process of its own, which start together."""

    def __init__(self, loaders, gateway, recorder):
        self.recorder = recorder
        self.api = Workers(gateway)
        profile = {"url": recorder.url, "api_key": gateway.key, "retries": 0}
        self._states = States(loaders, profile)
        self._random = random.Random(1)
        self.sees = False

    def empty(self):
        """Delete everything, until no worker serves any model."""
        self.let_see()
        self.api.empty()
        self.sees = False

    def let_see(self):
        """Make a row, if there is none, without which the database cannot be looked at."""
        if not self.sees:
            self.api.create(OTHER)
            self.sees = True

    def at_once(self, *runs):
        """Apply states in as many clients as are given. Returns the results of each."""
        begins = time.monotonic() + 0.3
        pauses = [self._random.random() / 2 for _ in runs]
        clients = [
            Forked(partial(self._begin, run, begins + pause))
            for run, pause in zip(runs, pauses, strict=True)
        ]
        return [client.result() for client in clients]

    def _begin(self, run, when):
        time.sleep(max(0, when - time.monotonic()))
        return self.apply(run)

    def apply(self, states):
        results = self._states.run(*states)
        return results if isinstance(results, list) else [results]

    def settled(self, *runs):
        """Apply states by one client alone until nothing is left to do. Returns after how often."""
        for number in range(MOST_RUNS + 1):
            results = [result for run in runs for result in self.apply(run)]
            if all(one["result"] is True and not one["changes"] for one in results):
                return number
        raise AssertionError("\n".join([str(results), *requests_of(self.recorder)]))


def told(row):
    """What matters of a row: its name, its owner, and what was declared."""
    info = row["model_info"]
    marker = info.get(MARKER) or {}
    owner = (marker.get("set"), marker.get("name"))
    return row["model_name"], owner, row["litellm_params"].get("rpm"), info.get("note")


def declared(function, args):
    """The rows that there are when a state is done."""
    name = args["name"]
    if function == "present":
        note = args.get("model_info", {}).get("note")
        return [(args.get("model_name", name), (None, name), args.get("rpm"), note)]
    return [
        (model, (name, model), values.get("rpm"), values.get("model_info", {}).get("note"))
        for model, values in args.get("models", {}).items()
    ]


def owned(function, args, rows):
    """The rows that a state owns."""
    name = args["name"]
    return [row for row in rows if (row[1][0] if function == "managed" else row[1][1]) == name]


def all_true(runs, results, rows):
    """No client calls a state done that is not, and each failure is told in words."""
    told_by_all = "\n".join(result["comment"] for client in results for result in client)
    for run, client in zip(runs, results, strict=True):
        for (function, args), result in zip(run, client, strict=True):
            assert result["result"] in (True, False), result
            assert "Traceback" not in result["comment"], result
            if result["result"]:
                there = set(owned(function, args, rows))
                assert there == set(declared(function, args)), (told_by_all, rows)


@pytest.fixture(scope="module")
def three():
    with running_gateway(workers=3) as gateway:
        yield gateway


@pytest.fixture
def clients(three, loaders):
    with Recorder(three.url, spread=True) as recorder:
        made = Clients(loaders, three, recorder)
        yield made
        made.empty()


@pytest.fixture
def round_of(clients, survived):
    """A round: all clients at once; then one alone, until nothing is left to do."""

    def play(case, runs):
        clients.recorder.clear()
        results = clients.at_once(*runs)
        clients.let_see()
        all_true(runs, results, list(map(told, clients.api.database())))
        distinct = [run for number, run in enumerate(runs) if run not in runs[:number]]
        taken = clients.settled(*distinct)
        rows = [told(row) for row in clients.api.database()]
        expected = [row for run in distinct for state in run for row in declared(*state)]
        assert sorted(rows, key=str) == sorted(
            [*expected, (OTHER, (None, None), None, None)], key=str
        )
        failed = sum(not result["result"] for client in results for result in client)
        survived(TABLE, case)
        survived("Runs of one client alone until all rests", f"{taken} ({case})")
        survived("Failures told by clients", case, failed)

    return play


@pytest.mark.survive
@pytest.mark.parametrize("number", [2, 4])
def test_one_sls_from_an_empty_gateway_to_its_end(clients, round_of, name, number):
    names = [f"{name}-{each}" for each in range(NUMBER)]

    def present(**args):
        return [("present", {"name": one, **MODEL, **args}) for one in names]

    for _ in range(3):
        clients.empty()
        steps = {
            "created on a cold gateway": present(rpm=1, **NOTE),
            "changed": present(rpm=2, **NOTE),
            "replaced, as a key is removed": present(rpm=2),
            "deleted": [("absent", {"name": one}) for one in names],
            "created again": present(rpm=3),
        }
        for step, states in steps.items():
            round_of(f"{number} clients, one SLS: {step}", [states] * number)


@pytest.mark.survive
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("names", ["names of their own", "the same model names"])
def test_two_sets(round_of, name, number, names):
    """Each of one or two clients; in each round some models come, some change and some go."""
    chance = random.Random(number)

    def managed(letter):
        own = "" if names == "the same model names" else letter
        models = {
            f"{name}-{own}{each}": {
                **MODEL,
                "rpm": chance.choice((1, 2)),
                **chance.choice(({}, NOTE)),
            }
            for each in chance.sample(range(NUMBER + 2), NUMBER)
        }
        return [("managed", {"name": f"{name}-set-{letter}", "models": models, "prune": True})]

    for _ in range(8):
        runs = [managed("a")] * number + [managed("b")] * number
        round_of(f"{2 * number} clients, two sets, {names}", runs)
