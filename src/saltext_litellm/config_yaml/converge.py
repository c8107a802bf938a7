"""Makes a gateway hold what a document declares, one kind of objects after the other.

All kinds are planned before the first write, and each sees what those before it would make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InvalidInput, LiteLLMError, Refused
from ..gateway import Gateway
from ..models.options import ModelOptions
from ..objects.execute import is_hopeless
from ..objects.outcome import Outcome
from ..objects.plan import NONE
from ..values import checks
from ..values.quote import joined

# The kinds in the order in which they are made: what one is called, and LiteLLM's word for its id.
# A model may belong to a team, and a key may have a team, a budget and models.
KINDS = {
    "credentials": ("credential", "credential_name"),
    "budgets": ("budget", "budget_id"),
    "teams": ("team", "team_id"),
    "models": ("model", "model_id"),
    "fallbacks": ("fallback", "rule"),
    "router_settings": ("router setting", "router"),
    "keys": ("key", "key_alias"),
}
# In this order, as a team with keys or models stays, and a credential that a model names.
_PRUNED = ("keys", "models", "teams", "credentials")
# Those that are pruned even if the document does not have their section. A list of keys or of teams
# is a request for each hundred, which a document without them shall not need.
_ALWAYS_PRUNED = ("models", "credentials")


@dataclass(frozen=True)
class Part:
    """What has become of the objects of one kind.

    :param declared: Those that the document declares.
    :param reason: Why none of them was tried, if there is a reason of its own.
    :param hopeless: Whether the gateway takes no more requests.
    """

    declared: Sequence[Any]
    outcomes: Sequence[Outcome]
    reason: str | None = None
    hopeless: bool = False

    @property
    def failed(self) -> set[str]:
        """The names of those that are not as declared."""
        return {
            one.name for one in self.outcomes if one.declared and (one.failure or not one.tried)
        }


Parts = dict[str, Part]


class Convergence:
    """Converges one document.

    :param declared: What it declares, by kind.
    :ivar notes: Sentences on what is left alone, from the plan on.
    """

    def __init__(
        self, gateway: Gateway, declared: Mapping[str, Sequence[Any]], options: ModelOptions
    ) -> None:
        self._gateway, self._declared, self._options = gateway, declared, options
        self.notes: list[str] = []
        self._apply: dict[str, Callable[..., list[Outcome]]] = {
            "credentials": gateway.credentials.apply,
            "budgets": gateway.budgets.apply,
            "teams": gateway.teams.apply,
            "models": gateway.deployments.apply,
            "fallbacks": gateway.fallbacks.apply,
            "router_settings": gateway.router.apply,
            "keys": gateway.keys.apply,
        }

    def run(self, *, allow_empty: bool) -> Parts:
        """Make the gateway as declared, or with ``test`` say what would be done.

        :param allow_empty: Whether a kind of which nothing is declared may be pruned.
        :raises Refused: With the mistakes of all kinds, before the first write.
        """
        options, found = self._options, self._plan(allow_empty)
        due = any(one.changes or one.failure for part in found.values() for one in part.outcomes)
        if options.test or not (due or options.verify_secrets):
            return found
        self._read_anew()
        found = {}
        for kind in self._kinds():
            try:
                found[kind] = self._part(kind, options, found)
            except LiteLLMError as err:
                found[kind] = self._not_tried(kind, str(err), hopeless=is_hopeless(err))
        return self._pruned(found, options)

    def _plan(self, allow_empty: bool) -> Parts:
        """What would be done. Only with ``test``, secrets are verified and models tried."""
        options = self._options
        if not options.test:
            options = replace(options, test=True, verify_secrets=False, preflight=False)
        mistakes = checks.Mistakes()
        found: Parts = {}
        for kind in self._kinds():
            with mistakes.noted(f"{kind}: "):
                found[kind] = part = self._planned_part(kind, options, found)
                if options.prune and part.outcomes and not (part.declared or allow_empty):
                    raise Refused(
                        f"{options.set} declares no {kind}, and prune would delete all of the set: "
                        "if that is meant, add allow_empty: True"
                    )
        mistakes.refuse()
        if options.prune and "fallbacks" in found:
            self.notes += self._undeclared_rules(found["fallbacks"])
        return self._pruned(found, options)

    def _undeclared_rules(self, part: Part) -> Iterator[str]:
        """LiteLLM has no place to note whose a fallback is, so ``prune`` leaves it alone.

        It needs no request: they were read when they were planned.
        """
        ids = {one.id for one in part.declared}
        tried = any(one.tried for one in part.outcomes)
        rows = self._gateway.fallbacks.store.rows() if tried else ()
        if left := sorted(row.id for row in rows if row.from_database and row.id not in ids):
            names = joined(left)
            yield f"Fallbacks that the document does not have, and that are left alone: {names}"

    def each(self) -> tuple[Parts, dict[str, dict[str, str]]]:
        """What would be done for each object, and why some are refused: by kind and by name.

        A kind is planned whole. If that is refused, each of its objects is planned by itself.
        """
        found: Parts = {}
        refused: dict[str, dict[str, str]] = {}
        for kind, declared in self._declared.items():
            try:
                found[kind] = self._part(kind, self._options, found)
            except InvalidInput:
                outcomes: list[Outcome] = []
                for one in declared:
                    try:
                        outcomes += self._apply[kind]([one], self._options)
                    except InvalidInput as err:
                        reason = str(err).removeprefix(f"{one.name}: ")
                        refused.setdefault(kind, {})[one.name] = reason
                found[kind] = Part(declared, outcomes)
        return found, refused

    def _kinds(self) -> Iterator[str]:
        """The kinds to look at, in the order in which they are made."""
        for kind in KINDS:
            if kind in self._declared or (self._options.prune and kind in _ALWAYS_PRUNED):
                yield kind

    def _planned_part(self, kind: str, options: ModelOptions, found: Parts) -> Part:
        """Plan one kind. With ``test``, what it lacks may be what has just failed a trial."""
        try:
            return self._part(kind, options, found)
        except InvalidInput as err:
            if self._options.test and any(part.failed for part in found.values()):
                return self._not_tried(kind, str(err))
            raise

    def _part(self, kind: str, options: ModelOptions, found: Parts) -> Part:
        """Converge one kind, without pruning it.

        :param found: What has become of the kinds before it.
        """
        if any(part.hopeless for part in found.values()):
            return self._not_tried(kind, None, hopeless=True)
        declared = self._declared.get(kind, ())
        outcomes = self._apply[kind](declared, replace(options, prune=False))
        hopeless = any(one.declared and not one.tried for one in outcomes)
        return Part(declared, outcomes, hopeless=hopeless)

    def _not_tried(self, kind: str, reason: str | None, *, hopeless: bool = False) -> Part:
        declared = self._declared.get(kind, ())
        return Part(
            declared,
            [Outcome(one.name, NONE, tried=False) for one in declared],
            reason,
            hopeless,
        )

    def _pruned(self, found: Parts, options: ModelOptions) -> Parts:
        """Delete what the set owns and does not declare, in the reverse order."""
        kept = {kind: [one for one in part.outcomes if one.kept] for kind, part in found.items()}
        if not (options.prune and any(kept.values())):
            return found
        hopeless = any(part.hopeless for part in found.values())
        if not options.test:
            self._read_anew()  # the writes have taken time
        for kind in _PRUNED:
            if kept.get(kind):
                stays = [one for one in found[kind].outcomes if not one.kept]
                tries = not (hopeless or found[kind].failed)
                deleted = self._deleted(kind, found[kind], kept[kind], options if tries else None)
                found[kind] = replace(found[kind], outcomes=[*stays, *deleted])
        return found

    def _deleted(
        self, kind: str, part: Part, kept: Sequence[Outcome], options: ModelOptions | None
    ) -> list[Outcome]:
        """The outcomes of the rows of one kind that the set owns and does not declare.

        :param options: ``None`` if they must stay.
        """
        left = [replace(one, kept=False) for one in kept]
        if options is None:
            return left
        again = replace(options, verify_secrets=False, preflight=False, verify=False)
        try:
            outcomes = self._apply[kind](part.declared, again)
        except LiteLLMError as err:
            return [replace(one, failure=str(err)) for one in left]
        return [one for one in outcomes if not one.declared]

    def _read_anew(self) -> None:
        """Forget what was predicted, and read the gateway when it is next needed."""
        self._gateway.begin(self._gateway.credentials.store.state, anew=True)
