"""One gateway during one run: its kinds of objects, which share a session and a key."""

from __future__ import annotations

from .budgets.budgets import Budgets
from .budgets.endpoints import BudgetEndpoints
from .credentials.credentials import Credentials
from .credentials.endpoints import CredentialEndpoints
from .http.session import Session
from .keys.endpoints import KeyEndpoints
from .keys.keys import Keys
from .keys.kind import BUDGET, TEAM
from .models.deployments import Deployments
from .models.endpoints import ModelEndpoints
from .routing.endpoints import FallbackEndpoints, RouterEndpoints
from .routing.fallbacks import Fallbacks
from .routing.router import Router
from .teams.endpoints import TeamEndpoints
from .teams.teams import Teams
from .values.fingerprints import Fingerprinter


class Gateway:
    """A gateway, with what is known of it.

    :param warnings: The warnings of its profile, for each result.
    :param names: The name that it must have, and its former names. Empty for any name.
    """

    def __init__(
        self,
        session: Session,
        fingerprint: Fingerprinter,
        warnings: tuple[str, ...] = (),
        names: tuple[str, ...] = (),
    ) -> None:
        self.url, self.warnings = session.url, warnings
        self.deployments = Deployments(
            ModelEndpoints(session),
            fingerprint,
            names,
            lambda name, test: self.credentials.is_there(name, test=test),
            lambda model, test: self.fallbacks.naming(model, test=test),
        )
        self.credentials = Credentials(
            CredentialEndpoints(session), self.deployments, fingerprint, names
        )
        self.fallbacks = Fallbacks(FallbackEndpoints(session), self.deployments)
        self.router = Router(RouterEndpoints(session))
        budgets, keys = BudgetEndpoints(session), KeyEndpoints(session)
        self.teams = Teams(
            TeamEndpoints(session),
            budgets,
            self.deployments,
            lambda team: self.keys.foreseen(TEAM, team),
            fingerprint,
            names,
        )
        self.budgets = Budgets(budgets, keys, lambda budget: self.keys.foreseen(BUDGET, budget))
        self.keys = Keys(
            keys,
            lambda name, test: self.teams.find(name, test=test, label="team"),
            lambda name, test: name in self.budgets.store.rows(forecast=test),
            fingerprint,
            names,
        )
        self._kinds = (
            self.deployments,
            self.credentials,
            self.fallbacks,
            self.router,
            self.teams,
            self.budgets,
            self.keys,
        )

    def begin(self, state: str | None, *, anew: bool) -> None:
        """Begin a state of a run.

        :param state: The state. It forgets what it has predicted, as it is about to say it again.
        :param anew: Whether others may have changed the gateway since it was read.
        """
        for kind in self._kinds:
            if anew:
                kind.forget()
            kind.store.state = state
            kind.store.forget_predictions(state)
