"""One gateway during one run. All reads and writes of models begin here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..errors import GatewayError, NotSeen, Refused
from ..objects import plan as plans
from ..objects.outcome import Options, Outcome
from ..objects.plan import NONE, UPDATE
from ..objects.run import Converge
from ..values.fingerprints import Fingerprinter
from ..values.paths import nested
from ..values.quote import joined
from . import bodies, fields, identity
from .desired import Deployment
from .endpoints import Models
from .execute import Executor
from .known import Known
from .row import Row


class Gateway:
    """A gateway, with what is known of it.

    :param warnings: The warnings of its profile, for each result.
    :param names: The name that it must have, and its former names. Empty for any name.
    """

    def __init__(
        self,
        models: Models,
        fingerprint: Fingerprinter,
        warnings: tuple[str, ...] = (),
        names: tuple[str, ...] = (),
    ) -> None:
        self.models = models
        self.warnings = warnings
        self.known = Known(models, fingerprint.prepare, names)
        self._name = names[0] if names else None
        self._fingerprint = fingerprint

    def apply(self, wanted: Sequence[Deployment], options: Options | None = None) -> list[Outcome]:
        """Make deployments as declared, or say what would be done.

        :returns: The outcome of each, and of each row that was pruned.
        :raises Refused: With every mistake that is found before the first write.
        """
        options = options or Options()
        self.known.may_write = not options.test
        converge = Converge(self.models, self.known, self._fingerprint, options)
        return converge.run([replace(one, gateway=self._name) for one in wanted])

    def remove(self, wanted: Deployment, *, test: bool = False, any_owner: bool = True) -> Outcome:
        """Delete the row of a deployment.

        :param any_owner: Also one that another state owns, if the model name is unambiguous.
        :returns: ``failure`` says what of this name is left that could not be deleted.
        """
        self._read_views(wanted, test)
        row = self._to_remove(wanted, test, any_owner)
        rows = self.known.rows(forecast=test)
        if row is None:
            self.known.refuse_config(wanted.model_id)
        replaced = identity.leftovers(row, wanted, rows) if row is not None else []
        plan = plans.Plan(NONE) if row is None else plans.delete(row, replaced)
        left = None if wanted.model_id else self._left_message(wanted, row, rows, any_owner)
        gone = [] if row is None else [*replaced, row]
        if test:
            self.known.predict(None, [one.model_id for one in gone])
        error = None if test else self._delete_rows(gone)
        outcome = Outcome(
            wanted.name,
            plan.action,
            plan.model_id,
            plan.changes,
            (*self._namesakes_note(wanted, row, rows), *self._unseen_note()),
            left,
        )
        if error is None:
            return outcome
        deleted = [one.model_id for one in gone if one.model_id not in self.known.rows()]
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

    def _delete_rows(self, rows: Sequence[Row]) -> GatewayError | None:
        """Delete rows, one after the other. Returns the error, if there was one."""
        executor = Executor(self.models, self.known)
        for row in rows:
            try:
                executor.delete(row)
            except GatewayError as err:
                return err
        return None

    def look_up(self, wanted: Deployment) -> Row | None:
        """The row that a person means. It may be one of the config file.

        :raises Refused: Several rows have the name.
        """
        row = identity.look_up(wanted, self.known.rows())
        if row is None:
            self._compare_views(may_write=False)
            row = identity.look_up(wanted, self.known.rows())
        return row or identity.look_up(wanted, self.known.config())

    def all_rows(self) -> list[Row]:
        """Every row, those of the config file last."""
        self._compare_views(may_write=False)
        return [*self.known.rows(), *self.known.config()]

    def unowned(self) -> list[Row]:
        """The rows that neither Salt nor a team owns. Predicted changes count as made."""
        rows = self.known.rows(forecast=True)
        return [row for row in rows if row.marker is None and row.team is None]

    def try_out(self, wanted: Deployment) -> dict[str, Any]:
        """Make one call with the parameters of a deployment only, without creating it.

        :returns: ``status``, ``result``, and ``notes`` if another row may have changed the result.
        """
        rows = identity.of_model(wanted.values[fields.MODEL], self.all_rows())
        answer = self.models.test_connection(bodies.probe_body(nested(wanted.values), rows))
        checks = (
            f"LiteLLM may have followed {fields.INFO}:{key} of {row.model_id}"
            for row in rows
            for key in row.data.get(fields.INFO) or {}
            if key.startswith(fields.HEALTH_CHECK)
        )
        notes = tuple(checks)
        return {**answer, **({"notes": notes} if notes else {})}

    def block(self, wanted: Deployment, blocked: bool) -> None:
        """Pause a deployment, or resume it."""
        row = identity.look_up(wanted, self.known.rows())
        if row is None:
            raise Refused(f"There is no deployment {wanted.name!r}")
        self.known.require_blocking()
        self.models.block(row.model_id, blocked)

    def _read_views(self, wanted: Deployment, test: bool) -> None:
        """Read both views, and read them again if they are empty, before a row counts as absent."""
        self._compare_views(may_write=not test)
        if self.known.blind:
            self.known.look_again()
        first = wanted.model_id or next(identity.derived_ids(wanted))
        if self.known.blind and not test:
            Executor(self.models, self.known).is_there(first)

    def _compare_views(self, *, may_write: bool) -> None:
        self.known.may_write = may_write
        self.known.compare_views()

    def _to_remove(self, wanted: Deployment, test: bool, any_owner: bool) -> Row | None:
        find = identity.look_up if any_owner else identity.to_remove
        return find(wanted, self.known.rows(forecast=test))

    def _left_message(
        self, wanted: Deployment, row: Row | None, rows: identity.Rows, any_owner: bool
    ) -> str | None:
        """The sentence about rows of this name that stay, because we may not delete them."""
        ids = [one.model_id for one in self.known.config().named(wanted.model_name)]
        if ids:
            return (
                f"{wanted.model_name} is still served: the gateway's config file defines it "
                f"({joined(ids)}); remove it there"
            )
        others = [] if any_owner else identity.of_others(wanted, rows)
        owners = [
            f"{one.model_id} belongs to {one.marker.owner!r}"
            for one in others
            if one is not row and one.marker
        ]
        if not owners:
            return None
        return (
            f"{wanted.model_name} is still there: {joined(owners)}, "
            "and what is another's is left alone"
        )

    def _unseen_note(self) -> tuple[str, ...]:
        """The note that the gateway shows no row."""
        return ("The gateway shows no model at all",) if self.known.blind else ()

    def _namesakes_note(
        self, wanted: Deployment, row: Row | None, rows: identity.Rows
    ) -> tuple[str, ...]:
        """The notes about rows of the same name that are left alone.

        Rows that nobody owns are named if we deleted one of ours. A team's rows are always named.
        """
        if wanted.model_id is not None:
            return ()
        notes = []
        if row is not None and row.marker is not None:
            ids = [one.model_id for one in rows.unowned(wanted.model_name)]
            if ids:
                notes.append(f"Nobody owns these, which have the same model name: {joined(ids)}")
        if teams := rows.of_other_teams(wanted.model_name):
            ids = [f"{one.model_id} ({one.team})" for one in teams]
            notes.append(f"These have the same model name, but belong to teams: {joined(ids)}")
        return tuple(notes)
