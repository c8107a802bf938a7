"""Several clients at once make, change and delete the teams of three workers, with their members.

What a client calls done is done, whoever was faster; and at rest there is one team of each alias.
"""

import random

import pytest

from ..conftest import MARKER
from ..teams.conftest import TeamApi
from .test_clients import TABLE, clients, three  # noqa: F401 - fixtures

NUMBER = 3  # teams
ROUNDS = 2
CREATOR = "default_user_id"  # the user of the admin key, whom LiteLLM adds to each team


def wanted(name, owner, arguments):
    """What the gateway has of a team when its arguments are applied."""
    return (
        arguments.get("max_budget"),
        arguments.get("metadata", {}).get("note"),
        arguments.get("models", []),
        arguments.get("model_aliases", {}),
        {key.format(name): role for key, role in arguments.get("members", {}).items()},
        owner,
    )


def filled(name, arguments):
    """Arguments whose members are of one team alone."""
    members = {key.format(name): role for key, role in arguments.get("members", {}).items()}
    return {**arguments, **({"members": members} if members else {})}


def present(names, **arguments):
    """States that declare teams, and what the gateway has when they are done."""
    states = [("litellm_team.present", {"name": one, **filled(one, arguments)}) for one in names]
    return states, {one: wanted(one, (None, one), arguments) for one in names}


def absent(names):
    return [("litellm_team.absent", {"name": one}) for one in names], {}


def stored(api, part):
    """What the database has, by alias."""
    rows = api.teams(part)
    found = {row["team_alias"]: facts(row) for row in rows}
    assert len(found) == len(rows), "two teams have one alias"
    return found


def facts(row):
    marker = (row["metadata"] or {}).get(MARKER) or {}
    return (
        row["max_budget"],
        (row["metadata"] or {}).get("note"),
        sorted(row["models"]),
        (row["litellm_model_table"] or {}).get("model_aliases") or {},
        {
            one["user_email"] or one["user_id"]: one["role"]
            for one in row["members_with_roles"]
            if one["user_id"] != CREATOR
        },
        (marker.get("set"), marker.get("name")),
    )


def check(results, part_of, there, step):
    """No client calls a state done that is not, and each failure is told in words."""
    for result in (one for client in results for one in client):
        assert result["result"] in (True, False), result
        assert "Traceback" not in result["comment"], result
        if result["result"]:
            for alias, expected in part_of(result["name"]).items():
                assert there.get(alias) == expected, (step, result)


@pytest.mark.survive
@pytest.mark.parametrize("number", [2, 4])
def test_one_sls_from_no_team_to_its_end(clients, three, name, survived, number):  # noqa: F811
    api, names = TeamApi(three), [f"{name}-{each}" for each in range(NUMBER)]
    one, two, three_ = "ada-{}@example.com", "bob-{}", "eve-{}@example.com"
    first = {"max_budget": 5, "metadata": {"note": "ours"}, "members": {one: "user", two: "user"}}
    second = {**first, "max_budget": 6, "models": ["gpt-4"], "model_aliases": {"best": "gpt-4"}}
    steps = {
        "created": present(names, **first),
        "changed": present(names, **second),
        "members come and go": present(
            names, **{**second, "members": {two: "user", three_: "user"}}
        ),
        "limits, notes and members removed": present(names, models=["gpt-4"]),
        "members come back": present(names, **second),
        "deleted": absent(names),
        "created again": present(names, **second),
        "deleted again": absent(names),
    }
    for _ in range(ROUNDS):
        for step, (states, expected) in steps.items():
            results, case = clients.at_once(*[states] * number), f"{number} clients, teams: {step}"
            check(
                results,
                lambda own, expected=expected: {own: expected.get(own)},
                stored(api, name),
                step,
            )
            rest(clients, api, name, [states], expected, case, results, survived)


@pytest.mark.survive
@pytest.mark.parametrize("number", [1, 2])
def test_two_sets(clients, three, name, survived, number):  # noqa: F811
    """Each of one or two clients; in each round some teams come, some change and some go."""
    api, chance = TeamApi(three), random.Random(number)

    def managed(letter):
        teams, expected, own = {}, {}, f"{name}-set-{letter}"
        for each in chance.sample(range(NUMBER + 2), NUMBER):
            alias = f"{name}-{letter}{each}"
            members = chance.sample(["ada-{}@example.com", "bob-{}"], chance.randint(0, 2))
            given = {"max_budget": chance.choice((1, 2)), "members": dict.fromkeys(members, "user")}
            teams[alias] = filled(alias, {key: one for key, one in given.items() if one})
            expected[alias] = wanted(alias, (own, alias), given)
        return [("litellm_team.managed", {"name": own, "teams": teams, "prune": True})], expected

    for _ in range(ROUNDS * 2):
        (a, of_a), (b, of_b) = managed("a"), managed("b")
        results = clients.at_once(*[a] * number, *[b] * number)
        expected = {f"{name}-set-a": of_a, f"{name}-set-b": of_b}
        check(results, expected.__getitem__, stored(api, name), "two sets")
        case = f"{2 * number} clients, two sets of teams"
        rest(clients, api, name, [a, b], {**of_a, **of_b}, case, results, survived)
    none = [
        ("litellm_team.managed", {"name": own, "teams": {}, "prune": True, "allow_empty": True})
        for own in expected
    ]
    clients.settled(none)
    assert stored(api, name) == {}


def rest(clients, api, name, runs, expected, case, results, survived):  # noqa: F811
    """One client alone, until nothing is left to do: then all is as declared."""
    taken = clients.settled(*runs)
    assert stored(api, name) == expected
    failed = sum(not result["result"] for client in results for result in client)
    survived(TABLE, case)
    survived("Runs of one client alone until all rests", f"{taken} ({case})")
    survived("Failures told by clients", case, failed)
