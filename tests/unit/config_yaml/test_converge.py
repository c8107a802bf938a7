"""The order of the kinds, what is tried if one fails, and what is deleted: on kinds of nothing."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from saltext_litellm.config_yaml.converge import Convergence
from saltext_litellm.errors import GatewayError, Refused
from saltext_litellm.models.options import ModelOptions
from saltext_litellm.objects.declared import Declared
from saltext_litellm.objects.outcome import Outcome
from saltext_litellm.objects.plan import CREATE, DELETE, NONE

CHANGE = {"key": {"old": None, "new": 1}}


@dataclass
class Kind:
    """A kind whose objects are all due until they were made.

    :param calls: What was asked of all kinds, in order: its name, and whether only to test.
    """

    name: str
    calls: list[tuple[str, ...]]
    orphans: tuple[str, ...] = ()
    due: bool = True
    error: Exception | None = None
    mistakes: tuple[str, ...] = ()
    failing: str | None = None
    store: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(state="a state", rows=lambda: ())
    )

    def apply(self, declared, options):
        how = [*(["test"] if options.test else []), *(["prune"] if options.prune else [])]
        self.calls.append((self.name, *how))
        if self.mistakes:
            raise Refused(*self.mistakes)
        if self.error and not options.test:
            raise self.error
        made = [self.outcome(one.name, options) for one in declared]
        self.due = self.due and (options.test or not declared)
        return [*made, *(self.orphan(one, options) for one in self.orphans)]

    def outcome(self, name, options):
        if name == self.failing and not options.test:
            return Outcome(name, NONE, failure="refused")
        return Outcome(name, CREATE if self.due else NONE, changes=CHANGE if self.due else {})

    def orphan(self, name, options):
        if options.prune:
            return Outcome(name, DELETE, changes=CHANGE, declared=False)
        return Outcome(name, NONE, tried=False, declared=False, kept=True)


class Gateway:
    def __init__(self):
        self.calls = []
        self.credentials, self.deployments, self.fallbacks, self.router = (
            Kind(name, self.calls) for name in ("credentials", "models", "fallbacks", "router")
        )
        self.budgets, self.teams, self.keys = (
            Kind(name, self.calls) for name in ("budgets", "teams", "keys")
        )

    def begin(self, state, *, anew):
        assert (state, anew) == ("a state", True)
        self.calls.append(("anew",))


ALL = {
    kind: [Declared(f"a {kind}", {})]
    for kind in ("credentials", "models", "fallbacks", "router_settings")
}
PLANNED = [(kind, "test") for kind in ("credentials", "models", "fallbacks", "router")]
DONE = [(kind,) for kind in ("credentials", "models", "fallbacks", "router")]


ACCESS = {kind: [Declared(f"a {kind}", {})] for kind in ("budgets", "teams", "keys")}


@pytest.fixture
def gateway():
    return Gateway()


def run(gateway, declared=ALL, allow_empty=False, **options):
    options = ModelOptions(set="production", **options)
    return Convergence(gateway, declared, options).run(allow_empty=allow_empty)


def statuses(parts):
    return {kind: [one.status for one in part.outcomes] for kind, part in parts.items()}


def test_all_is_planned_before_the_first_write(gateway):
    parts = run(gateway)
    assert gateway.calls == [*PLANNED, ("anew",), *DONE]
    assert set(map(tuple, statuses(parts).values())) == {("created",)}


def test_a_test_only_plans(gateway):
    run(gateway, test=True)
    assert gateway.calls == PLANNED


def test_at_rest_nothing_is_asked_twice(gateway):
    for kind in vars(gateway).values():
        if isinstance(kind, Kind):
            kind.due = False
    run(gateway)
    assert gateway.calls == PLANNED
    run(gateway, verify_secrets=True)
    assert gateway.calls == [*PLANNED, *PLANNED, ("anew",), *DONE]


def test_kinds_that_are_not_declared_are_not_looked_at(gateway):
    run(gateway, {"fallbacks": ALL["fallbacks"]}, test=True)
    assert gateway.calls == [("fallbacks", "test")]


def test_prune_looks_at_what_it_may_delete(gateway):
    run(gateway, {"fallbacks": ALL["fallbacks"]}, test=True, prune=True)
    assert gateway.calls == [("credentials", "test"), ("models", "test"), ("fallbacks", "test")]


def test_deletions_come_last_and_in_the_reverse_order(gateway):
    gateway.credentials.orphans = gateway.deployments.orphans = ("old",)
    parts = run(gateway, prune=True)
    pruned = [("models", "prune"), ("credentials", "prune")]
    planned = [*PLANNED, *((kind, "test", "prune") for kind, _ in pruned)]
    assert gateway.calls == [*planned, ("anew",), *DONE, ("anew",), *pruned]
    assert statuses(parts)["models"] == ["created", "deleted"]
    assert statuses(parts)["credentials"] == ["created", "deleted"]


def test_teams_and_budgets_come_before_what_belongs_to_them_and_keys_last(gateway):
    gateway.teams.orphans = gateway.keys.orphans = gateway.deployments.orphans = ("old",)
    run(gateway, ALL | ACCESS, prune=True)
    _, made, deleted = "|".join(" ".join(call) for call in gateway.calls).split("|anew|")
    order = ["credentials", "budgets", "teams", "models", "fallbacks", "router", "keys"]
    assert made.split("|") == order
    assert deleted.split("|") == ["keys prune", "models prune", "teams prune"]


@pytest.mark.parametrize("kind", ["teams", "keys"])
def test_teams_and_keys_are_pruned_only_if_the_document_has_their_section(gateway, kind):
    getattr(gateway, kind).orphans = ("old",)
    assert kind not in run(gateway, prune=True)
    with pytest.raises(Refused, match=f"{kind}: production declares no {kind}, and prune would"):
        run(gateway, {**ALL, kind: []}, prune=True)
    parts = run(gateway, {**ALL, kind: []}, prune=True, allow_empty=True)
    assert statuses(parts)[kind] == ["deleted"]


def test_without_prune_nothing_is_deleted(gateway):
    gateway.deployments.orphans = ("old",)
    assert statuses(run(gateway))["models"] == ["created", "undeclared"]


@pytest.mark.parametrize("declared", [{"models": []}, {}])
@pytest.mark.parametrize("test", [True, False])
def test_a_kind_is_not_deleted_as_a_whole_on_a_guess(gateway, declared, test):
    declared = {"credentials": ALL["credentials"], **declared}
    gateway.deployments.orphans = ("old",)
    with pytest.raises(Refused, match="models: production declares no models, and prune would"):
        run(gateway, declared, prune=True, test=test)
    assert {call[1] for call in gateway.calls} == {"test"}
    parts = run(gateway, declared, prune=True, test=test, allow_empty=True)
    assert statuses(parts)["models"] == ["deleted"]


def test_the_mistakes_of_all_kinds_are_told_at_once(gateway):
    gateway.credentials.mistakes, gateway.router.mistakes = ("a: x", "b: y"), ("c: z",)
    with pytest.raises(Refused) as err:
        run(gateway)
    expected = ("credentials: a: x", "credentials: b: y", "router_settings: c: z")
    assert err.value.mistakes == expected
    assert gateway.calls == PLANNED


def test_if_an_object_fails_its_kind_is_not_pruned_and_others_go_on(gateway):
    gateway.credentials.orphans = gateway.deployments.orphans = ("old",)
    gateway.deployments.failing = "a models"
    found = statuses(run(gateway, prune=True))
    assert found == {
        "credentials": ["created", "deleted"],
        "models": ["failed", "not_deleted"],
        "fallbacks": ["created"],
        "router_settings": ["created"],
    }


@pytest.mark.parametrize("test", [True, False])
def test_a_failure_does_not_let_a_kind_be_deleted_on_a_guess(gateway, test):
    gateway.deployments.orphans = ("old",)
    outcome = gateway.credentials.outcome
    gateway.credentials.outcome = lambda name, options: replace(outcome(name, options), failure="x")
    with pytest.raises(Refused, match="models: production declares no models"):
        run(gateway, {"credentials": ALL["credentials"]}, prune=True, test=test)


def test_with_test_what_lacks_a_failed_object_is_not_tried(gateway):
    outcome = gateway.deployments.outcome
    gateway.deployments.outcome = lambda name, options: replace(outcome(name, options), failure="x")
    gateway.fallbacks.mistakes = ("a fallbacks: the gateway has no model",)
    parts = run(gateway, test=True)
    assert parts["fallbacks"].reason == "a fallbacks: the gateway has no model"
    with pytest.raises(Refused, match="fallbacks: a fallbacks: the gateway has no model"):
        run(gateway)


def test_each_object_of_a_refused_kind_is_planned_by_itself(gateway):
    apply = gateway.deployments.apply

    def refusing(declared, options):
        if any(one.name == "bad" for one in declared):
            raise Refused("bad: it is bad")
        return apply(declared, options)

    gateway.deployments.apply = refusing
    models = [Declared(name, {}) for name in ("good", "bad", "better")]
    options = ModelOptions(set="production", test=True)
    parts, refused = Convergence(gateway, {**ALL, "models": models}, options).each()
    assert refused == {"models": {"bad": "it is bad"}}
    assert [one.name for one in parts["models"].outcomes] == ["good", "better"]
    assert [one.name for one in parts["fallbacks"].outcomes] == ["a fallbacks"]


def test_what_is_refused_later_is_told_and_others_go_on(gateway):
    gateway.deployments.error = Refused("a models: there is no credential")
    parts = run(gateway)
    assert statuses(parts)["models"] == ["not_tried"]
    assert parts["models"].reason == "a models: there is no credential"
    assert statuses(parts)["router_settings"] == ["created"]


def test_if_the_gateway_is_out_of_reach_nothing_more_is_tried(gateway):
    gateway.credentials.orphans = ("old",)
    gateway.deployments.error = GatewayError("no route to host")
    parts = run(gateway, prune=True)
    planned = [*PLANNED, ("credentials", "test", "prune")]
    assert gateway.calls == [*planned, ("anew",), *DONE[:2], ("anew",)]
    assert statuses(parts) == {
        "credentials": ["created", "not_deleted"],
        "models": ["not_tried"],
        "fallbacks": ["not_tried"],
        "router_settings": ["not_tried"],
    }
    assert (parts["models"].reason, parts["fallbacks"].reason) == ("no route to host", None)


def test_what_cannot_be_pruned_says_why(gateway):
    gateway.deployments.orphans = ("old",)
    apply = gateway.deployments.apply

    def failing(declared, options):
        if options.prune and not options.test:
            raise GatewayError("overload", 503)
        return apply(declared, options)

    gateway.deployments.apply = failing
    parts = run(gateway, prune=True)
    assert statuses(parts)["models"] == ["created", "not_deleted"]
    assert parts["models"].outcomes[1].failure == "overload"
