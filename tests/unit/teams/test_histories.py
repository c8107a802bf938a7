"""Random histories of a team, with lost answers and with several clients, on a model of LiteLLM.

What is declared is there, what others have set stays, and nobody leaves the team but who was ours
and is not declared any more.
"""

import copy

from hypothesis import given
from hypothesis import strategies as st

from saltext_litellm.errors import GatewayError, LiteLLMError
from saltext_litellm.gateway import Gateway
from saltext_litellm.objects.outcome import Options
from saltext_litellm.teams import kind
from tests.support.interleave import run_interleaved, schedules
from tests.support.key_cluster import AFTER, BEFORE, Killed, lost
from tests.support.properties import FINGERPRINTER, few
from tests.support.team_cluster import CREATOR, MEMBER_BUDGET, POINTER, TeamCluster

TABLE = "Teams: histories, on the model of LiteLLM"
NAME, MARKER = "search", "saltext_litellm"
EMAILS = {"ada": "Ada@example.com", "bob": "bob@example.com", "eve": "eve@example.com"}
SIMPLE = ("max_budget", "budget_duration", "tpm_limit", "rpm_limit", "soft_budget")
UNSET = {"models": [], "blocked": False}


def user_of(member):
    """The user that a member is, however he is declared."""
    return member.partition("@")[0].lower()


words = st.sampled_from(["one", "two", "ünï", ""])
limits = st.sampled_from([0, 100, 1000])
# A user is declared by an email, in any case, or by an id.
people = st.sampled_from(
    ["Ada@example.com", "ada@EXAMPLE.com", "ada", "bob@example.com", "bob", "zoe"]
)
members = st.dictionaries(people, st.just("user"), max_size=3).filter(
    lambda members: len(set(map(user_of, members))) == len(members)
)
declarations = st.fixed_dictionaries(
    {"members": members},
    optional={
        "max_budget": limits,
        "budget_duration": st.sampled_from(["30d", "1mo"]),
        "tpm_limit": limits,
        "rpm_limit": limits,
        "models": st.sampled_from([["a"], ["b", "a"]]),
        "team_member_budget": limits,
        "model_aliases": st.dictionaries(st.sampled_from(["x", "y"]), st.just("a"), min_size=1),
        "metadata": st.dictionaries(st.sampled_from(["note", "cost"]), words, min_size=1),
        "settings": st.fixed_dictionaries({}, optional={"model_rpm_limit": st.just({"a": 5})}),
        "blocked": st.booleans(),
    },
)
interventions = st.sampled_from(["gone", "unmarked"]) | st.fixed_dictionaries(
    {},
    optional={
        "max_budget": limits,
        "models": st.just(["z"]),
        "joins": st.sampled_from([*EMAILS, "zoe"]),
        "leaves": st.sampled_from([*EMAILS, "zoe"]),
        "soft": st.just({"metadata": {"theirs": [1]}, "aliases": {"theirs": "z"}}),
    },
)
histories = st.lists(
    st.tuples(st.just("declare"), declarations) | st.tuples(st.just("intervene"), interventions),
    min_size=1,
    max_size=6,
)
faults = st.tuples(
    st.integers(1, 10), st.sampled_from([Killed, lost]), st.sampled_from([BEFORE, AFTER])
)


class Teams(TeamCluster):
    """A gateway that knows the users, and notes who is taken out, as that deletes his keys.

    :ivar left: The users that were taken out.
    """

    def __init__(self):
        super().__init__()
        self.users |= {**EMAILS, "zoe": None}
        self.left = set()

    def _member_delete(self, body):
        found = self._member(self._of(body), body)
        answer = super()._member_delete(body)
        self.left.add(found["user_id"])
        return answer


def apply(cluster, what, test=False):
    declared = kind.declared({**what, "name": NAME}, lambda value: value)
    (outcome,) = Gateway(cluster, FINGERPRINTER).teams.apply([declared], Options(test=test))
    return outcome


def intervene(cluster, what):
    for team_id, row in list(cluster.teams.items()):
        if what == "gone":
            del cluster.teams[team_id]
        elif what == "unmarked":
            row["metadata"].pop(MARKER, None)
        else:
            changed = copy.deepcopy(what)
            soft = changed.pop("soft", {})
            row["metadata"] |= soft.get("metadata", {})
            if soft:
                row["model_id"] = row["model_id"] or len(cluster.aliases) + 1
                cluster.aliases.setdefault(row["model_id"], {}).update(soft["aliases"])
            joins, leaves = changed.pop("joins", None), changed.pop("leaves", None)
            members = [one for one in row["members_with_roles"] if one["user_id"] != leaves]
            if joins and joins not in [one["user_id"] for one in members]:
                members.append({"user_id": joins, "user_email": EMAILS.get(joins), "role": "user"})
            row.update(changed, members_with_roles=members)


def the_team(cluster):
    """The only team, in one mapping; empty if there is none."""
    assert len(cluster.teams) <= 1
    for row in cluster.teams.values():
        budget = cluster.budgets.get(row["metadata"].get(POINTER), {})
        found = {key: budget.get(column) for key, column in MEMBER_BUDGET.items()}
        aliases = cluster.aliases.get(row["model_id"], {})
        users = {one["user_id"] for one in row["members_with_roles"]}
        return copy.deepcopy({**row, **found, "model_aliases": aliases, "users": users})
    return {}


def managed(before):
    """What the marker says is ours, as pointers."""
    return set(before.get("metadata", {}).get(MARKER, {}).get("keys", ()))


def check(cluster, what, before):
    """The team is as declared, with what others have set."""
    row, ours = the_team(cluster), managed(before)
    for key in (*SIMPLE, "models", "blocked", "team_member_budget"):
        unset = UNSET.get(key)
        kept = unset if key in ours else before.get(key, unset)
        assert row[key] == what.get(key, kept), key
    for section in ("model_aliases", "metadata"):
        theirs = {
            key: value
            for key, value in before.get(section, {}).items()
            if f"{section}/{key}" not in ours and key not in (MARKER, POINTER, "model_rpm_limit")
        }
        found = {
            key: value
            for key, value in row[section].items()
            if key not in (MARKER, POINTER, "model_rpm_limit")
        }
        assert found == {**theirs, **what.get(section, {})}, section
    declared = {user_of(key) for key in what.get("members", {})}
    went = {user_of(key.partition("/")[2]) for key in ours if key.startswith("members/")}
    there = before.get("users", {CREATOR["user_id"]})
    assert row["users"] == (there - went) | declared
    assert cluster.left <= went - declared
    assert row["team_alias"] == NAME
    assert row["metadata"][MARKER]["name"] == NAME


def check_rest(cluster, what):
    """A second run has nothing to do, and only reads."""
    before = cluster.stored()
    for test in (True, False):
        writes = cluster.writes
        done = apply(cluster, what, test=test)
        assert (done.action, done.changes, done.failure) == ("none", {}, None)
        assert cluster.writes == writes
    assert cluster.stored() == before


def converge(cluster, what):
    """One run that is not disturbed."""
    cluster.left.clear()
    before, stored = the_team(cluster), cluster.stored()
    predicted = apply(cluster, what, test=True)
    assert cluster.stored() == stored
    done = apply(cluster, what)
    assert done.failure is None, done.failure
    assert done.changes == predicted.changes
    check(cluster, what, before)
    check_rest(cluster, what)


@few
@given(history=histories)
def test_every_history_converges(history, survived):
    survived(TABLE, "one client")
    cluster = Teams()
    for step, what in history:
        if step == "intervene":
            intervene(cluster, what)
        else:
            converge(cluster, what)


@few
@given(first=declarations, change=interventions, second=declarations, fault=faults)
def test_what_is_told_of_an_interrupted_run_is_true(first, change, second, fault, survived):
    survived(TABLE, "interrupted")
    cluster = Teams()
    converge(cluster, first)
    intervene(cluster, change)
    before = the_team(cluster)
    cluster.left.clear()
    number, error, when = fault
    cluster.at(number, error, when)
    try:
        done = apply(cluster, second)
    except (Killed, GatewayError):
        done = None
    cluster.faults.clear()
    if done is not None and done.failure is None:
        check(cluster, second, before)
    theirs = {user for user in before.get("users", ()) if user not in _declared_by(before)}
    assert theirs <= the_team(cluster).get("users", theirs)
    done = apply(cluster, second)
    assert done.failure is None, done.failure
    check_rest(cluster, second)
    assert {user_of(key) for key in second.get("members", {})} | theirs <= the_team(cluster)[
        "users"
    ]


def _declared_by(before):
    """The users whom the marker names."""
    return {user_of(key.partition("/")[2]) for key in managed(before) if key.startswith("members/")}


@few
@given(first=declarations, second=declarations, number=st.integers(2, 3), schedule=schedules)
def test_clients_at_once(first, second, number, schedule, survived):
    """All apply the same at the same time; then one run finds what is left to do."""
    survived(TABLE, "clients of one state")
    cluster = Teams()
    converge(cluster, first)
    before = the_team(cluster)
    cluster.left.clear()

    def client(wrap):
        return apply(wrap(cluster), second)

    for result in run_interleaved(schedule, *[client] * number):
        assert isinstance(result, LiteLLMError) or not isinstance(result, BaseException), result
    assert apply(cluster, second).failure is None
    check(cluster, second, before)
    check_rest(cluster, second)
