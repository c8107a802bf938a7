"""A kind of object of the tests' own, in memory: lamps. The engine serves it as it serves models.

A lamp has settings. The gateway does not show its ``token``, and shows the mask of other secrets.
Its id is the name of its state.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from typing import Any

from saltext_litellm.errors import AlreadyThere, NotInDatabase, OutcomeUnknown
from saltext_litellm.objects import marker as markers
from saltext_litellm.objects import plan as plans
from saltext_litellm.objects.declared import Declared
from saltext_litellm.objects.execute import Executor
from saltext_litellm.objects.fields import Fields, Meaning
from saltext_litellm.objects.identity import is_free, is_owned, refuse_others
from saltext_litellm.objects.kind import Body, Kind
from saltext_litellm.objects.operations import Operations, plain
from saltext_litellm.objects.outcome import Options, Outcome
from saltext_litellm.objects.plan import CREATE, NONE, Plan
from saltext_litellm.objects.reading import Resolve, bounded, check_texts, read, text_warnings
from saltext_litellm.objects.row import Row, Rows
from saltext_litellm.objects.run import Run
from saltext_litellm.objects.sets import Reader
from saltext_litellm.objects.steps import Create, Update
from saltext_litellm.objects.store import Store
from saltext_litellm.values import checks, placeholders
from saltext_litellm.values.paths import Path, drop, put
from saltext_litellm.values.secrets import hides, is_secret

from .build import FINGERPRINTER, values

SETTINGS = "settings"
TOKEN: Path = (SETTINGS, "token")
CENTS: Path = (SETTINGS, "cents")

FIELDS = Fields(
    sections=(SETTINGS,),
    arguments={
        "watts": ((SETTINGS, "watts"), checks.limit),
        "euros": (CENTS, lambda name, value: checks.limit(name, value) * 100),
        "token": (TOKEN, checks.text),
        "shape": ((SETTINGS, "shape"), checks.text),
    },
    names={"lamp_id": checks.identifier},
    defaults={"shape": "round"},
    is_secret=lambda path: any(map(is_secret, path[1:])),
    takes_sdb=lambda path: any(map(is_secret, path[1:])),
    is_hidden=lambda path: any(map(hides, path[1:])),
    is_readable=lambda path: path != TOKEN,
    is_reference=lambda value: isinstance(value, str) and value.startswith("env/"),
    is_one_line=lambda path: path[-1] in ("colour", "token"),
    text_at=lambda path: placeholders.SECRET if hides(path[-1]) else placeholders.NAME,
    json_strings=frozenset({(SETTINGS, "login_token")}),
    meaning=lambda path: Meaning(
        ordered=path[-1] != "tags", masked=path[-1] == "maker", coerced=path[-1] == "watts"
    ),
    in_user_unit=lambda path, value: value / 100 if path == CENTS else value,
)


def declared(name: str = "a", settings: Mapping[str, Any] | None = None, **more: Any) -> Declared:
    """A lamp as it is declared. Nothing is checked."""
    return Declared(name, values({SETTINGS: settings or {}}), **more)


def lamp(name: str = "a", settings: Mapping[str, Any] | None = None, owner: Any = None) -> Row:
    """A lamp as the gateway shows it.

    :param owner: Its marker.
    """
    stored = owner.dump() if isinstance(owner, markers.Marker) else owner
    return created({"id": name, SETTINGS: settings or {}, "marker": stored}, None)


def read_arguments(arguments: Mapping[str, Any], resolve: Resolve) -> Declared:
    """Check and normalise arguments."""
    mistakes = checks.Mistakes()
    found, trimmed = read(FIELDS, arguments, resolve, mistakes, _check_value)
    mistakes.refuse()
    warnings = bounded(text_warnings(FIELDS, found, trimmed, {"name": arguments["name"]}))
    return Declared(arguments["name"], found, id=arguments.get("lamp_id"), warnings=warnings)


def mistakes_in(arguments: Mapping[str, Any], resolve: Resolve) -> tuple[str, ...]:
    """The mistakes in arguments."""
    mistakes = checks.Mistakes()
    read(FIELDS, arguments, resolve, mistakes, _check_value)
    return tuple(mistakes.found)


def _check_value(path: Path, value: Any) -> None:
    check_texts(FIELDS, path, value)


READER = Reader("lamp", "lamp_id", FIELDS, read_arguments, mistakes_in)

# ---------------------------------------------------------------- rows


def created(body: Body, _: Body | None) -> Row:
    """The row that a create makes."""
    marker, copied = markers.of_row(body.get("marker"), body["id"])
    return Row(body["id"], marker, {SETTINGS: dict(body[SETTINGS])}, copied=copied)


def changed(row: Row, body: Body, _: Body | None) -> Row:
    """The row that an update makes of a row."""
    settings = {**row.data[SETTINGS], **body[SETTINGS]}
    for key in body["gone"]:
        settings.pop(key, None)
    return created({"id": row.id, SETTINGS: settings, "marker": body["marker"]}, None)


LAMP: Kind[Row] = Kind("lamp", "lamp_id", FIELDS, created, changed)

# ---------------------------------------------------------------- plans and steps


def make_plan(wanted: Declared, rows: Rows[Row]) -> Plan[Row]:
    """The plan for a lamp.

    :raises Refused: It belongs to somebody else.
    """
    row = rows.get(wanted.id or wanted.name)
    if row is None:
        return plans.create(LAMP, wanted, FINGERPRINTER, wanted.id or wanted.name)
    if not is_free(row, wanted) and not is_owned(row, wanted):
        raise refuse_others(row)
    return plans.update(LAMP, wanted, row, FINGERPRINTER)


def next_step(wanted: Declared, plan: Plan[Row], *, clears: bool) -> Create[Row] | Update[Row]:
    """The one step of a plan: a create, a change, or what makes a lamp anew.

    :param clears: Whether the gateway removes settings.
    """
    assert plan.marker is not None
    settings = copy.deepcopy(dict(plan.row.data[SETTINGS])) if plan.row else {}
    tree: dict[str, Any] = {SETTINGS: settings}
    sent = sorted({path[1] for path in plan.touched | plan.removed})
    for path in plan.removed:
        drop(tree, path)
    for path, value in wanted.values.items():
        if path[1] in sent:
            put(tree, path, value)
    after = tree.get(SETTINGS, {})
    whole = {"id": plan.id, SETTINGS: after, "marker": plan.marker.dump()}
    if plan.action == CREATE or plan.row is None:
        return Create(whole)
    gone = [key for key in sent if key not in after]
    if gone and not clears:
        return Create(whole, plan.row, plan.removed)
    body = {SETTINGS: {key: after[key] for key in sent if key in after}, "gone": gone}
    return Update(plan.row, {**body, "marker": whole["marker"]})


# ---------------------------------------------------------------- the gateway

Write = Callable[[], Any]


class Lamps:
    """A gateway with lamps: its table, and its endpoints.

    :ivar sent: Each write that was sent, in words.
    :ivar instead: What happens in place of a write, by its number from 1 on.
    """

    url, connections = "lamps", 1

    def __init__(self, *rows: Row, clears: bool = True) -> None:
        self.clears = clears
        self.table = {row.id: row for row in rows}
        self.sent: list[str] = []
        self.waited = 0
        self.instead: dict[int, Callable[[Write], Any]] = {}
        self.unreachable: Exception | None = None

    def another(self) -> Lamps:
        return self

    def elsewhere(self, _: float) -> None:
        self.waited += 1

    def read(self, _: Rows[Row] | None = None) -> Rows[Row]:
        """All lamps, as the gateway shows them."""
        if self.unreachable is not None:
            raise self.unreachable
        return Rows(map(_shown, self.table.values()))

    def create(self, body: Body) -> Body | None:
        def write() -> None:
            if body["id"] in self.table:
                raise AlreadyThere(f"{body['id']} is there")
            self.table[body["id"]] = created(body, None)

        self._write(f"create {body['id']}", write)
        return None

    def update(self, row_id: str, body: Body) -> Body | None:
        def write() -> None:
            if row_id not in self.table:
                raise NotInDatabase(f"{row_id} is not there", 404)
            self.table[row_id] = changed(self.table[row_id], body, None)

        self._write(f"update {row_id}", write)
        return None

    def delete(self, row_id: str) -> bool:
        return bool(
            self._write(f"delete {row_id}", lambda: self.table.pop(row_id, None) is not None)
        )

    def _write(self, what: str, write: Write) -> Any:
        self.sent.append(what)
        instead = self.instead.get(len(self.sent))
        return write() if instead is None else instead(write)

    def settings(self) -> dict[str, Any]:
        """The stored settings of each lamp."""
        return {name: row.data[SETTINGS] for name, row in self.table.items()}


def _shown(row: Row) -> Row:
    shown = {
        key: f"{value[:2]}****{value[-2:]}" if is_secret(key) else copy.deepcopy(value)
        for key, value in row.data[SETTINGS].items()
        if key != TOKEN[1]
    }
    return Row(row.id, row.marker, {SETTINGS: shown}, copied=row.copied)


def lost(write: Write) -> Any:
    """The write is done, and its answer is lost."""
    write()
    raise OutcomeUnknown("the answer was lost")


def not_done(_: Write) -> Any:
    """The write is not done, and nobody says so."""
    raise OutcomeUnknown("the answer was lost")


def failing(error: Exception) -> Callable[[Write], Any]:
    """The write is refused."""

    def refuse(_: Write) -> Any:
        raise error

    return refuse


def after(act: Callable[[], object]) -> Callable[[Write], Any]:
    """Somebody else acts just before the write."""

    def write_late(write: Write) -> Any:
        act()
        return write()

    return write_late


# ---------------------------------------------------------------- runs


def store_of(lamps: Lamps) -> Store[Row]:
    """What a run knows of the lamps."""
    return Store(lamps.read, Rows, lambda: None)


def operations(
    lamps: Lamps, options: Options | None = None, store: Store[Row] | None = None, **more: Any
) -> Operations[Any, Row]:
    """What a run asks of lamps.

    :param more: What is to be in place of its own operations, or beside them.
    """
    test = options is not None and options.test
    known = store or store_of(lamps)

    def plan(wanted: Declared, _: Set[str]) -> Plan[Row]:
        return make_plan(wanted, known.rows(forecast=test))

    def step(wanted: Declared, planned: Plan[Row]) -> Create[Row] | Update[Row] | None:
        none = planned.action == NONE
        return None if none else next_step(wanted, planned, clears=lamps.clears)

    executor = Executor(LAMP, lamps, known, lambda _: True)
    return replace(plain(executor, plan=plan, next_step=step), **more)


def converge(
    lamps: Lamps,
    *wanted: Declared,
    store: Store[Row] | None = None,
    more: Mapping[str, Any] | None = None,
    **options: Any,
) -> list[Outcome]:
    """Make lamps as declared.

    :param more: Further operations.
    :param options: Those of a run.
    """
    chosen = Options(**options)
    return Run(operations(lamps, chosen, store, **(more or {})), chosen).converge(wanted)
