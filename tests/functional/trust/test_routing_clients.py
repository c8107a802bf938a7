"""Several clients at once write fallbacks and router settings of three workers.

LiteLLM has all of them in one row, which each write reads and replaces, without a lock. What a
client calls done is in that row all the same.
"""

import json

import pytest

from ..test_workers import SETTLED
from .test_clients import TABLE, clients, three  # noqa: F401 - fixtures

ROUNDS = 2
STORED = "SELECT param_value FROM \"LiteLLM_Config\" WHERE param_name = 'router_settings'"
DEFAULTS = {"num_retries": 2, "timeout": 6000, "allowed_fails": 3}
KINDS = {"general": "fallbacks", "context_window": "context_window_fallbacks"}


def present(models, targets, **settings):
    """States that declare two rules of each model, and settings; and what the row has then."""
    states = [
        ("litellm_fallback.present", {"name": one, "fallback_models": targets, **of(kind)})
        for one in models
        for kind in KINDS
    ]
    expected = {(kind, one): targets for one in models for kind in KINDS}
    if settings:
        states.append(("litellm_router.managed", {"name": "settings", "settings": settings}))
    return states, {**expected, **settings}


def absent(models):
    states = [
        ("litellm_fallback.absent", {"name": one, **of(kind)}) for one in models for kind in KINDS
    ]
    return states, {}


def of(kind):
    return {"fallback_type": kind}


def stored(gateway):
    """What the row has: the models of each rule, and the settings."""
    row = json.loads(gateway.sql(STORED, "-At").strip() or "{}")
    rules = {
        (kind, model): targets
        for kind, key in KINDS.items()
        for entry in row.get(key, ())
        for model, targets in entry.items()
    }
    return {**rules, **{key: row.get(key) for key in DEFAULTS}}


def is_done(state, there, expected):
    """Whether the row is as a state declares."""
    function, args = state
    if function == "litellm_router.managed":
        keys = args["settings"]
    else:
        keys = [(args["fallback_type"], args["name"])]
    return all(there.get(key) == expected.get(key) for key in keys)


@pytest.fixture
def recent(three):  # noqa: F811
    version = three.request("GET", "/public/model_hub/info").json()["litellm_version"]
    return [int(part) for part in version.split(".")] >= [1, 106]


@pytest.fixture
def models(clients, name, recent):  # noqa: F811
    """Two models of each of four clients, and two reserves, which every worker serves."""
    made = [clients.api.create(f"{name}-{one}") for one in ("x", "y", *range(8))]
    while not all(clients.api.named(f"{name}-7") for _ in range(SETTLED)):
        clients.api.patch(made[0])  # makes the worker that it meets read the database
    yield [[f"{name}-{2 * one}", f"{name}-{2 * one + 1}"] for one in range(4)]
    for one in made:
        clients.api.delete(one)
    if recent:
        clients.api("POST", "/config/update", json={"router_settings": DEFAULTS})


@pytest.mark.survive
@pytest.mark.parametrize("number", [2, 4])
@pytest.mark.parametrize("whose", ["rules of their own", "the same rules"])
def test_from_no_rule_to_its_end(clients, three, models, recent, name, survived, number, whose):  # noqa: F811
    x, y = f"{name}-x", f"{name}-y"
    settings = {"num_retries": 3, "timeout": 60} if recent else {}
    others = {"num_retries": 4, "timeout": 60} if recent else {}
    own = [models[one if whose == "rules of their own" else 0] for one in range(number)]
    steps = {
        "created": lambda one: present(one, [x, y], **settings),
        "changed": lambda one: present(one, [y], **others),
        "deleted": absent,
    }
    for _ in range(ROUNDS):
        for step, declare in steps.items():
            declared = [declare(one) for one in own]
            runs = [states for states, _ in declared]
            expected = {key: one for _, each in declared for key, one in each.items()}
            results = clients.at_once(*runs)
            there = stored(three)
            for run, client in zip(runs, results, strict=True):
                for state, result in zip(run, client, strict=True):
                    assert result["result"] in (True, False), result
                    assert "Traceback" not in result["comment"], result
                    if result["result"]:
                        assert is_done(state, there, expected), (state, result, there)
            case = f"{number} clients, {whose}: {step}"
            taken = clients.settled(*(runs if whose == "rules of their own" else runs[:1]))
            after = stored(three)
            left = {key: one for key, one in after.items() if name in str(key)}
            assert left == {key: one for key, one in expected.items() if name in str(key)}
            assert {key: after[key] for key in expected} == expected
            failed = sum(not result["result"] for client in results for result in client)
            survived(TABLE, case)
            survived("Runs of one client alone until all rests", f"{taken} ({case})")
            survived("Failures told by clients", case, failed)
