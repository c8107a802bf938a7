"""Several clients on three workers, whose routers are old, at the same time.

What a client calls done is done, whatever another client has written between two of its looks.
"""

import random

import pytest

from tests.support.gateway import running_gateway
from tests.support.recorder import Recorder

from .conftest import MARKER, MODEL, id_of
from .test_workers import SETTLED, requests_of
from .trust.test_clients import Clients, told

NUMBER = 6  # clients
ROUNDS = 30


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


def owner_of(row):
    return (row["model_info"].get(MARKER) or {}).get("name")


def serve_everywhere(clients, names):
    """Let every worker serve the rows."""
    while not all(set(names) <= set(map(owner_of, clients.api.rows())) for _ in range(SETTLED)):
        for row in clients.api.database():
            clients.api.patch(id_of(row))


@pytest.mark.long
@pytest.mark.parametrize("others", [True, False])
def test_what_was_deleted_through_another_worker_is_made_again(clients, name, others):
    """By six clients at once, each for a state of its own, as with `parallel: True`."""
    chance, names = random.Random(1), [f"{name}-{number}" for number in range(NUMBER)]
    runs = [[("present", {"name": one, **MODEL})] for one in names]
    for number in range(ROUNDS):
        clients.let_see()
        clients.at_once(*runs)
        if number % 3 == 0:
            serve_everywhere(clients, names)
        gone = chance.sample(names, chance.randint(1, NUMBER)) if others else names
        for row in clients.api.database():
            if owner_of(row) in gone or not others:
                clients.api.delete(id_of(row))
        clients.sees = others
        clients.recorder.clear()
        results = clients.at_once(*runs)
        clients.let_see()
        there = set(map(owner_of, clients.api.database()))
        for one, (result,) in zip(names, results, strict=True):
            told_by_all = "\n".join([one, str(results), *requests_of(clients.recorder)])
            assert result["result"] is True, told_by_all
            assert one in there, told_by_all
            assert one not in gone or "was created" in result["comment"], told_by_all


@pytest.mark.long
def test_clients_that_replace_one_row_at_once_all_end_well(clients, name):
    """Each removes a key that LiteLLM cannot clear in place, so the row is replaced."""
    with_note = [("present", {"name": name, **MODEL, "model_info": {"note": "ours"}})]
    without = [("present", {"name": name, **MODEL})]
    clients.let_see()
    for _ in range(ROUNDS):
        clients.apply(with_note)
        clients.recorder.clear()
        results = clients.at_once(*[without] * 4)
        for (result,) in results:
            told_by_all = "\n".join([str(results), *requests_of(clients.recorder)])
            assert result["result"] is True, told_by_all
        rows = [told(row) for row in clients.api.database(name)]
        assert [(row[1][1], row[3]) for row in rows] == [(name, None)]
        assert clients.settled(without) == 0
