"""Several clients at once make, change and delete the credentials of three workers.

Each worker lists credentials by its own memory, which may be half a minute old. So each state reads
the database anew, by ``verify_secrets``; what a client calls done is done, whoever was faster.
"""

import json

import pytest
import requests

from ..conftest import MARKER
from .operations import STORED
from .test_clients import TABLE, clients, three  # noqa: F401 - fixtures

NUMBER = 3  # credentials
ROUNDS = 3
KEYS = ("sk-first-0123456701", "sk-second-0123456702")
FIRST = {"api_key": KEYS[0], "api_base": "https://one.example.com/v1", "region": "here"}


def present(names, values, **info):
    """States that declare credentials, and what the gateway has when they are done."""
    declared = {"credential_values": values, "credential_info": info, "verify_secrets": True}
    states = [("litellm_credential.present", {"name": one, **declared}) for one in names]
    key = values["api_key"]
    shown = {**values, "api_key": f"{key[:2]}****{key[-2:]}"}
    return states, {one: (shown, info, one) for one in names}


def absent(names):
    return [("litellm_credential.absent", {"name": one}) for one in names], {}


def stored(gateway, part):
    """What the database has: values, info and the owner, by name. One worker reads it anew."""
    names = json.loads(gateway.sql(STORED, "-At").strip() or "{}")
    with requests.Session() as session:  # one connection, and so one worker
        session.headers["Authorization"] = f"Bearer {gateway.key}"
        session.post(f"{gateway.url}/config/update", json={}, timeout=60).raise_for_status()
        listed = session.get(f"{gateway.url}/credentials", timeout=60).json()["credentials"]
    found = {}
    for row in listed:
        info = dict(names.get(row["credential_name"]) or {})
        owner = (info.pop(MARKER, None) or {}).get("name")
        if part in row["credential_name"]:
            known = {key: value for key, value in info.items() if value is not None}
            found[row["credential_name"]] = row["credential_values"], known, owner
    assert found.keys() == {one for one in names if part in one}
    return found


@pytest.fixture(autouse=True)
def recent(three):  # noqa: F811
    version = three.request("GET", "/public/model_hub/info").json()["litellm_version"]
    if [int(part) for part in version.split(".")] < [1, 106]:
        pytest.skip("Nothing makes LiteLLM 1.83 read its database")


@pytest.mark.survive
@pytest.mark.parametrize("number", [2, 4])
def test_one_sls_from_no_credential_to_its_end(clients, three, name, survived, number):  # noqa: F811
    clients.let_see()  # without a model, nothing lets a worker read its database
    names = [f"{name}-{each}" for each in range(NUMBER)]
    changed = {**FIRST, "api_base": "https://two.example.com/v1"}
    less = {"api_key": KEYS[1], "api_base": "https://two.example.com/v1"}
    steps = {
        "created": present(names, FIRST, note="ours"),
        "changed": present(names, changed, note="ours"),
        "rotated": present(names, {**changed, "api_key": KEYS[1]}, note="ours"),
        "a value and a note removed": present(names, less),
        "deleted": absent(names),
        "created again": present(names, FIRST),
        "deleted again": absent(names),
    }
    for _ in range(ROUNDS):
        for step, (states, expected) in steps.items():
            results = clients.at_once(*[states] * number)
            there = stored(three, name)
            for result in (one for client in results for one in client):
                own = result["name"]
                assert result["result"] in (True, False), result
                assert "Traceback" not in result["comment"], result
                if result["result"]:
                    assert there.get(own) == expected.get(own), (step, result)
            case = f"{number} clients, credentials of one SLS: {step}"
            taken = clients.settled(states)
            assert stored(three, name) == expected
            failed = sum(not result["result"] for client in results for result in client)
            survived(TABLE, case)
            survived("Runs of one client alone until all rests", f"{taken} ({case})")
            survived("Failures told by clients", case, failed)
