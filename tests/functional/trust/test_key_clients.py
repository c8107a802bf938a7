"""Several clients at once make, change, rotate and delete the keys of three workers.

What a client calls done is done, whoever was faster; and at rest one key works under each alias.
"""

import pytest

from ..conftest import MARKER
from ..keys.conftest import KeyApi, hashed
from .test_clients import TABLE, clients, three  # noqa: F401 - fixtures

NUMBER = 3  # keys
ROUNDS = 2


def present(names, which, **arguments):
    """States that declare keys, and what the gateway has when they are done."""
    states = []
    for one in names:
        declared = {"name": one, "key": f"sk-{which}-of-{one}", "rotate": True, **arguments}
        states.append(("litellm_key.present", declared))
    note = arguments.get("metadata", {}).get("note")
    seen = arguments.get("max_budget"), note
    return states, {one: (hashed(f"sk-{which}-of-{one}"), *seen, one, None) for one in names}


def absent(names):
    return [("litellm_key.absent", {"name": one}) for one in names], {}


def stored(api, part):
    """What the database has, by alias."""
    return {alias: facts(row) for alias, row in api.having(part).items()}


def facts(row):
    marker = row["metadata"].get(MARKER) or {}
    ours = (row["max_budget"], row["metadata"].get("note"))
    return row["token"], *ours, marker.get("name"), marker.get("replaces")


@pytest.mark.survive
@pytest.mark.parametrize("number", [2, 4])
def test_one_sls_from_no_key_to_its_end(clients, three, name, survived, number):  # noqa: F811
    api, names = KeyApi(three), [f"{name}-{each}" for each in range(NUMBER)]
    steps = {
        "created": present(names, "first", max_budget=5, metadata={"note": "ours"}),
        "changed": present(names, "first", max_budget=6, metadata={"note": "ours"}),
        "rotated": present(names, "second", max_budget=6, metadata={"note": "ours"}),
        "a limit and a note removed": present(names, "second"),
        "rotated and changed": present(names, "first", max_budget=7),
        "deleted": absent(names),
        "created again": present(names, "second", max_budget=5),
        "deleted again": absent(names),
    }
    for _ in range(ROUNDS):
        for step, (states, expected) in steps.items():
            results = clients.at_once(*[states] * number)
            there = stored(api, name)
            for result in (one for client in results for one in client):
                own = result["name"]
                assert result["result"] in (True, False), result
                assert "Traceback" not in result["comment"], result
                if result["result"]:
                    assert there.get(own) == expected.get(own), (step, result)
            case = f"{number} clients, keys of one SLS: {step}"
            taken = clients.settled(states)
            assert stored(api, name) == expected
            failed = sum(not result["result"] for client in results for result in client)
            survived(TABLE, case)
            survived("Runs of one client alone until all rests", f"{taken} ({case})")
            survived("Failures told by clients", case, failed)
