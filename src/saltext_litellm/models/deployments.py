"""The models of one gateway. All reads and writes of models begin here."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from typing import Any

from ..errors import GatewayError, NotSeen, Refused
from ..objects import plan as plans
from ..objects.outcome import Outcome
from ..objects.plan import DELETE, NONE, UPDATE, Plan
from ..objects.run import Run
from ..objects.store import Store
from ..values.fingerprints import Fingerprinter
from ..values.paths import nested
from . import bodies, fields, identity, notes
from .desired import Deployment
from .endpoints import ModelEndpoints
from .execute import ModelExecutor
from .kind import DEPLOYMENT
from .operations import ModelOperations
from .options import ModelOptions
from .row import ModelRow, is_fixed
from .versions import Versions
from .views import Views


class Deployments:
    """The models of a gateway, with what is known of them.

    :param names: The name that the gateway must have, and its former names. Empty for any name.
    :param has_credential: Whether the gateway has a credential of a name, or would have it with
        ``test``. By default any.
    :param naming: What is known to name a model name, in words; with ``test``, or would name it.
    """

    def __init__(
        self,
        models: ModelEndpoints,
        fingerprint: Fingerprinter,
        names: tuple[str, ...] = (),
        has_credential: Callable[[str, bool], bool] = lambda *_: True,
        naming: Callable[[str, bool], Sequence[str]] = lambda *_: (),
    ) -> None:
        self.models = models
        self._has_credential, self._naming = has_credential, naming
        self.views = Views(models, fingerprint.prepare, names)
        self.versions = Versions(models, self.views.rows)
        self._name = names[0] if names else None
        self._fingerprint = fingerprint

    @property
    def store(self) -> Store[ModelRow]:
        """The rows of the database."""
        return self.views.store

    def forget(self) -> None:
        """Read everything anew when it is next needed, because others may have changed it."""
        self.views.forget()

    def apply(
        self, wanted: Sequence[Deployment], options: ModelOptions | None = None
    ) -> list[Outcome]:
        """Make deployments as declared, or say what would be done.

        :returns: The outcome of each, and of each row that was pruned.
        :raises Refused: With every mistake that is found before the first write.
        """
        options = options or ModelOptions()
        self.views.may_write = not options.test
        operations = ModelOperations(
            self.models,
            self.views,
            self.versions,
            self._fingerprint,
            options,
            self._has_credential,
        )
        run = Run(operations.as_value(), options)
        outcomes = run.converge([replace(one, gateway=self._name) for one in wanted])
        return [self._with_dangling(one, options.test) for one in outcomes]

    def remove(self, wanted: Deployment, *, test: bool = False, any_owner: bool = True) -> Outcome:
        """Delete the row of a deployment.

        :param any_owner: Also one that another state owns, if the model name is unambiguous.
        :returns: ``failure`` says what of this name is left that could not be deleted.
        """
        self._read_views(wanted, test)
        row = self._to_remove(wanted, test, any_owner)
        rows = self.views.rows(forecast=test)
        if row is None:
            self.views.refuse_config(wanted.id)
        replaced = identity.leftovers(row, wanted, rows) if row is not None else []
        plan = Plan[ModelRow](NONE) if row is None else plans.delete(DEPLOYMENT, row, replaced)
        left = None if wanted.id else notes.left_of_others(wanted, row, rows, self.views, any_owner)
        gone = [] if row is None else [*replaced, row]
        if test:
            self.store.predict(None, [one.id for one in gone])
        error = None if test else self._delete_rows(gone)
        outcome = Outcome(
            wanted.name,
            plan.action,
            plan.id,
            plan.changes,
            (
                *notes.left_alone(wanted, row, rows),
                *((notes.NO_MODEL_SHOWN,) if self.views.blind else ()),
            ),
            left,
        )
        if error is None:
            return self._with_dangling(outcome, test)
        deleted = [one.id for one in gone if one.id not in self.views.rows()]
        if not deleted and not isinstance(error, NotSeen):
            raise error
        changes = {"model_id": {"old": ", ".join(deleted), "new": None}} if deleted else {}
        return replace(
            outcome,
            action=UPDATE if deleted else NONE,
            changes=changes,
            failure=str(error),
            unknown=isinstance(error, NotSeen),
        )

    def _delete_rows(self, rows: Sequence[ModelRow]) -> GatewayError | None:
        """Delete rows, one after the other. Returns the error, if there was one."""
        executor = ModelExecutor(self.models, self.views, self.versions)
        for row in rows:
            try:
                executor.delete(row)
            except GatewayError as err:
                return err
        return None

    def reload_worker(self) -> bool:
        """Let this worker read all of its database, by a PATCH of a row that changes nothing.

        :returns: ``False`` if there is no row, or if LiteLLM would serve less meanwhile.
        """
        row = next((row for row in self.views.rows() if not is_fixed(row.id)), None)
        patches = row is not None and self.versions.can().serves_while_patching
        return row is not None and patches and self.views.confirm_exists(row.id)

    def model_names(self, wanted: Set[str] = frozenset(), *, test: bool) -> set[str]:
        """The names of the gateway's models, those of its config file too.

        What this run has written counts, or has predicted with ``test``. It takes one read if that
        shows all that are wanted, and none if they are known.
        """
        known: set[str] = set()
        if self.store.last_read is None and not test:
            known = {row.model_name for row in self.views.router()}
        if not wanted or not wanted <= known:
            known |= {row.model_name for row in self.views.rows(forecast=test)}
        if not wanted or not wanted <= known:
            known |= {row.model_name for row in self.views.config()}
        return known

    def _with_dangling(self, outcome: Outcome, test: bool) -> Outcome:
        """The outcome of a deletion, with what names the model name if no other row has that."""
        model = outcome.changes.get("model_name", {}).get("old")
        if outcome.action != DELETE or model is None:
            return outcome
        naming = self._naming(model, test)
        if not naming or model in self.model_names(test=test):
            return outcome
        return replace(outcome, notes=(*outcome.notes, notes.dangling(model, naming, test)))

    def naming(self, credential: str, *, test: bool) -> list[ModelRow]:
        """The rows that name a credential, by their model names.

        :param test: Whether predicted changes count as made.
        """
        self._compare_views(may_write=not test)
        rows = [*self.views.rows(forecast=test), *self.views.config()]
        using = [row for row in rows if row.get(fields.CREDENTIAL) == credential]
        return sorted(using, key=lambda row: (row.model_name, row.id))

    def look_up(self, wanted: Deployment) -> ModelRow | None:
        """The row that a person means. It may be one of the config file.

        :raises Refused: Several rows have the name.
        """
        row = identity.look_up(wanted, self.views.rows())
        if row is None:
            self._compare_views(may_write=False)
            row = identity.look_up(wanted, self.views.rows())
        return row or identity.look_up(wanted, self.views.config())

    def all_rows(self) -> list[ModelRow]:
        """Every row, those of the config file last."""
        self._compare_views(may_write=False)
        return [*self.views.rows(), *self.views.config()]

    def unowned(self) -> list[str]:
        """The rows that neither Salt nor a team owns, in words. Predicted changes count as made."""
        return [
            f"{row.model_name} ({row.id})"
            for row in self.views.rows(forecast=True)
            if row.marker is None and row.team is None
        ]

    def try_out(self, wanted: Deployment) -> dict[str, Any]:
        """Make one call with the parameters of a deployment only, without creating it.

        :returns: ``status``, ``result``, and ``notes`` if another row may have changed the result.
        """
        rows = identity.of_model(wanted.values[fields.MODEL], self.all_rows())
        answer = self.models.test_connection(bodies.probe_body(nested(wanted.values), rows))
        checks = (
            f"LiteLLM may have followed {fields.INFO}:{key} of {row.id}"
            for row in rows
            for key in row.data.get(fields.INFO) or {}
            if key.startswith(fields.HEALTH_CHECK)
        )
        notes = tuple(checks)
        return {**answer, **({"notes": notes} if notes else {})}

    def block(self, wanted: Deployment, blocked: bool) -> None:
        """Pause a deployment, or resume it."""
        row = identity.look_up(wanted, self.views.rows())
        if row is None:
            self.views.refuse_in_config(wanted)
            raise Refused(f"There is no deployment {wanted.name!r}")
        self.versions.require_blocking()
        self.models.block(row.id, blocked)

    def _read_views(self, wanted: Deployment, test: bool) -> None:
        """Read both views, and read them again if they are empty, before a row counts as absent."""
        self._compare_views(may_write=not test)
        if self.views.blind:
            self.views.look_again()
        first = wanted.id or next(identity.derived_ids(wanted))
        if self.views.blind and not test:
            self.views.see_if_exists(first)

    def _compare_views(self, *, may_write: bool) -> None:
        self.views.may_write = may_write
        self.views.compare_views()

    def _to_remove(self, wanted: Deployment, test: bool, any_owner: bool) -> ModelRow | None:
        find = identity.look_up if any_owner else identity.to_remove
        return find(wanted, self.views.rows(forecast=test))
