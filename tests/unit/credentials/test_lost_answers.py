"""The answer of any request may be lost: what is said is true, and one more run mends it."""

from __future__ import annotations

import copy
from itertools import count, product
from typing import Any

import pytest

from saltext_litellm.credentials import kind
from saltext_litellm.errors import LiteLLMError
from saltext_litellm.objects import sets
from saltext_litellm.objects.outcome import Options, Outcome
from tests.support import properties
from tests.support.credential_cluster import (
    CredentialCluster,
    half_a_minute_passes,
    open_credentials,
)
from tests.support.interleave import balancer
from tests.support.properties import VERSIONS

SET = "set"
FULL = {
    "credential_values": {"api_key": "sk-0123456789", "api_base": "one"},
    "credential_info": {"description": "ours"},
}
CHANGED = {**FULL, "credential_values": {"api_key": "sk-9876543210", "api_base": "one"}}
LESS = {"credential_values": {"api_key": "sk-0123456789"}}
THEIRS = {"credential_values": {"theirs": "kept"}, "credential_info": {"theirs": "kept"}}
# What there is before and after: for each credential what was declared, `None` for nothing.
OPERATIONS: dict[str, list[tuple[Any, Any]]] = {
    "create": [(None, FULL)],
    "change": [(FULL, CHANGED)],
    "removal": [(FULL, LESS)],
    "adoption": [("by hand", FULL)],
    "delete": [(FULL, None)],
    "set": [(FULL, LESS), (None, FULL), (FULL, CHANGED), (FULL, None)],
}
CONNECTIONS = {
    "one worker": [0],
    "another worker": [1],
    "each request another worker": [0, 1, 2],
    "each request one of two workers": [0, 1],
}


class Trial:
    """An operation on a gateway of three workers.

    :param has_models: Whether the gateway has a model, with which a worker can be refreshed.
    """

    def __init__(self, version: str, operation: str, connection: str, has_models: bool) -> None:
        self.cluster = CredentialCluster(version, workers=3)
        self._steps = {f"name-{n}": pair for n, pair in enumerate(OPERATIONS[operation])}
        self._order, self._has_models = CONNECTIONS[connection], has_models
        self.is_spread = len(self._order) > 1
        self._prepare()
        self.before = copy.deepcopy(self.cluster.table)

    def _prepare(self) -> None:
        made = {name: before for name, (before, _) in self._steps.items() if before is not None}
        owned = {name: before for name, before in made.items() if before != "by hand"}
        client = self.cluster.client()
        self._converge(client, owned)
        for name in made:
            if name in owned:
                info = self.cluster.table[name]["credential_info"]
                more = {"credential_info": {**info, **THEIRS["credential_info"]}}
                client.update(name, {**THEIRS, **more})
            else:
                client.create({**FULL, **THEIRS, "credential_name": name})
        half_a_minute_passes(self.cluster)

    def _converge(self, client: Any, declared: dict[str, Any]) -> list[Outcome]:
        wanted = sets.read(kind.READER, SET, declared.items(), None, lambda value: value)
        objects = open_credentials(client, self.cluster.version, self._has_models)
        return objects.apply(wanted, Options(set=SET, prune=True))

    def run(self) -> list[Outcome] | LiteLLMError:
        client = self.cluster.client(balancer(self._order, self.is_spread))
        declared = {name: after for name, (_, after) in self._steps.items() if after is not None}
        try:
            return self._converge(client, declared)
        except LiteLLMError as err:
            return err

    def is_done(self, name: str) -> bool:
        """Whether a credential is as it is to be, with all that others have set."""
        before, row = self.before.get(name, {}), self.cluster.table.get(name)
        declared = self._steps[name][1]
        if declared is None or row is None:
            return declared is row
        try:
            properties.check_credential(properties.credential(name, declared), before, row)
        except AssertionError:
            return False
        return True

    def check_words(self, said: list[Outcome] | LiteLLMError) -> None:
        """What is said is true."""
        if isinstance(said, LiteLLMError):
            assert self.cluster.table == self.before, said
            return
        told = {outcome.name: outcome for outcome in said}
        for name in self._steps:
            outcome, row = told.get(name), self.cluster.table.get(name)
            if outcome is not None and not outcome.tried:
                assert row == self.before.get(name), outcome
            elif outcome is None or outcome.failure is None:
                assert self.is_done(name), outcome
            elif not outcome.unknown:
                assert bool(outcome.changes) is (row != self.before.get(name)), outcome
                assert not self.is_done(name), outcome


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("connection", CONNECTIONS)
def test_a_lost_answer(version, operation, connection, survived):
    """Of any request, or of all from one on, with the request done or not."""
    for has_models, lasting, done in product((True, False), repeat=3):
        for number in count(1):
            trial = Trial(version, operation, connection, has_models)
            if not is_lived_through(trial, number, lasting, done):
                break
            survived(
                "Credentials: lost answers, on the model of LiteLLM", f"{version}: {operation}"
            )


def is_lived_through(trial: Trial, number: int, lasting: bool, done: bool) -> bool:
    """Lose answers. Returns whether there were so many requests."""
    cluster = trial.cluster
    begun = cluster.requests
    for each in range(number, 40 if lasting else number + 1):
        cluster.lose(each, done)
    said = trial.run()
    trial.check_words(said)
    if isinstance(said, list) and not lasting and not trial.is_spread:
        assert not any(one.unknown for one in said)
    if cluster.requests - begun < number:
        return False
    cluster.faults.clear()
    half_a_minute_passes(cluster)
    trial.before = copy.deepcopy(cluster.table)  # 1.83 may have lost what others had set
    said = trial.run()
    assert isinstance(said, list), said
    assert [one.failure for one in said if one.failure] == []
    trial.check_words(said)
    half_a_minute_passes(cluster)
    before, again = cluster.writes, trial.run()
    assert isinstance(again, list)
    assert not any(one.changes or one.failure for one in again)
    assert cluster.writes == before
    return True
