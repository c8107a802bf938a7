"""Operations that faults interrupt: how each begins, and when it is done."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import salt.loader

from tests.support.recorder import Recorder

from ..conftest import MARKER
from ..keys.conftest import hashed

KEYS = ("sk-CANARY-first-0123456701", "sk-CANARY-second-0123456702")
OTHER_VALUES = {"api_key": "sk-unrelated-0123456789"}
STORED = """SELECT json_object_agg(credential_name, credential_info)
            FROM "LiteLLM_CredentialsTable" """
PATIENT = 60  # seconds in which a gateway lists what its database has


def mask(secret):
    """How LiteLLM shows a secret; a kind may have none."""
    return None if secret is None else f"{secret[:2]}****{secret[-2:]}"


@dataclass(frozen=True)
class Facts:
    """What matters of a row: its id, its owner, a value and a note of ours, and what is not ours.

    :param value: What :attr:`Kind.value` declares.
    :param replaces: The id of the row that it replaces.
    """

    id: str
    owner: str | None
    value: Any
    note: str | None
    secret: str | None
    theirs: tuple
    replaces: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Kind:
    """A kind of objects, as these tests declare them.

    :param module: Salt's module.
    :param objects: The argument of ``managed`` that has the objects.
    :param create: The path that creates a row.
    :param name: LiteLLM's key of its name.
    :param id: What the changes of a state call its id.
    :param info: LiteLLM's key of the mapping with the marker.
    :param full: The arguments of an object.
    :param less: The same without the note.
    :param changed: The same with another value.
    :param rotated: The same with another secret, ``None`` for a kind that has none.
    :param theirs: What somebody else has put on a row of ours.
    :param value: The value and the note of arguments.
    :param words: How the changes of a state call the value and the note.
    """

    module: str
    objects: str
    create: str
    name: str
    id: str
    info: str
    full: dict
    less: dict
    changed: dict
    rotated: dict | None
    theirs: dict
    value: Callable[[dict], tuple]
    secret: Callable[[dict], str]
    words: dict[str, str]


_MODEL = {
    "custom_llm_provider": "openai",
    "base_model": "gpt-4",
    "rpm": 5,
    "model_api_key": KEYS[0],
    "model_info": {"note": "ours"},
}
MODELS = Kind(
    module="litellm_model",
    objects="models",
    create="/model/new",
    name="model_name",
    id="model_id",
    info="model_info",
    full=_MODEL,
    less={key: value for key, value in _MODEL.items() if key != "model_info"},
    changed={**_MODEL, "rpm": 6},
    rotated={**_MODEL, "model_api_key": KEYS[1]},
    theirs={"litellm_params": {"temperature": 0.5}, "model_info": {"theirs": "kept"}},
    value=lambda args: (args.get("rpm"), (args.get("model_info") or {}).get("note")),
    secret=lambda args: args["model_api_key"],
    words={"value": "rpm", "note": "model_info:note"},
)
_VALUES = {"api_key": KEYS[0], "api_base": "https://one.example.com/v1"}
_CREDENTIAL = {"credential_values": _VALUES, "credential_info": {"note": "ours"}}
_ELSEWHERE = {**_VALUES, "api_base": "https://two.example.com/v1"}
CREDENTIALS = Kind(
    module="litellm_credential",
    objects="credentials",
    create="/credentials",
    name="credential_name",
    id="credential_name",
    info="credential_info",
    full=_CREDENTIAL,
    less={"credential_values": {"api_key": KEYS[0]}},
    changed={**_CREDENTIAL, "credential_values": _ELSEWHERE},
    rotated={**_CREDENTIAL, "credential_values": {**_VALUES, "api_key": KEYS[1]}},
    theirs={"credential_values": {"theirs": "kept"}, "credential_info": {"theirs": "kept"}},
    value=lambda args: (
        args["credential_values"].get("api_base"),
        args.get("credential_info", {}).get("note"),
    ),
    secret=lambda args: args["credential_values"]["api_key"],
    words={"value": "credential_values:api_base", "note": "credential_info:note"},
)
_TEAM = {"max_budget": 5, "metadata": {"note": "ours"}}
TEAMS = Kind(
    module="litellm_team",
    objects="teams",
    create="/team/new",
    name="team_alias",
    id="team_id",
    info="metadata",
    full=_TEAM,
    less={"max_budget": 5},
    changed={**_TEAM, "max_budget": 6},
    rotated=None,
    theirs={"metadata": {"theirs": "kept"}},
    value=lambda args: (args["max_budget"], args.get("metadata", {}).get("note")),
    secret=lambda _: None,
    words={"value": "max_budget", "note": "metadata:note"},
)
_KEY = {"key": KEYS[0], "max_budget": 5, "metadata": {"note": "ours"}, "rotate": True}
VIRTUAL_KEYS = replace(
    TEAMS,
    module="litellm_key",
    objects="keys",
    create="/key/generate",
    name="key_alias",
    id="key_alias",
    full=_KEY,
    less={key: value for key, value in _KEY.items() if key != "metadata"},
    changed={**_KEY, "max_budget": 6},
    rotated={**_KEY, "key": KEYS[1]},
    secret=lambda args: args["key"],
)


RESERVES = ("reserve-one", "reserve-two")  # the models of fallbacks, made when they are needed
RULES = Kind(
    module="litellm_fallback",
    objects="",
    create="/fallback",
    name="model",
    id="rule",
    info="info",
    full={"fallback_models": list(RESERVES)},
    less={},
    changed={"fallback_models": [RESERVES[1]]},
    rotated={},
    theirs={},
    value=lambda args: (args["fallback_models"], None),
    secret=lambda _: "",
    words={"value": "fallback_models"},
)
SETTINGS = replace(
    RULES,
    module="litellm_router",
    create="/config/update",
    name="setting",
    id="section",
    full={"value": 2},
    changed={"value": 5},
    value=lambda args: (args["value"], None),
    words={"value": "num_retries"},
)


@dataclass(frozen=True)
class Target:
    """One object of an operation.

    :param before: The arguments that its row was made with, ``None`` if there is none.
    :param after: Those that it is to have, ``None`` if it is to be gone.
    :param unmarked: The row that there is was made by somebody else.
    """

    name: str
    before: dict | None
    after: dict | None
    unmarked: bool = False


class Operation:
    """An operation on a gateway on which others have rows as well.

    :param set: The name of the set whose objects these are.
    """

    kind: Kind
    theirs: tuple  # what others have set on a row of ours, as facts show it
    nothing: tuple = (None, None)

    def __init__(self, api, loaders, name, targets, set_=None):
        self.api, self.name, self.set = api, name, set_
        self.targets = targets
        self._states = {
            test: salt.loader.states({**loaders.opts, "test": test}, loaders.modules, {}, {})
            for test in (True, False)
        }
        self._bodies = []
        self.others = []
        self._make_others()

    @property
    def at_rest(self):
        """How many requests a run takes that finds nothing to do."""
        return 2 if all(target.after is None for target in self.targets) else 1

    # ---------------------------------------------------------------- rows

    def _make_others(self):
        """Make rows of others, and note in ``others`` what they are called."""
        raise NotImplementedError

    def database(self):
        """The rows of the database that these tests have made."""
        raise NotImplementedError

    def served(self):
        """The names of what the gateway serves."""
        raise NotImplementedError

    def is_ours(self, row):
        """Whether a row is one of the operation's, and not of others."""
        raise NotImplementedError

    def facts_of(self, row):
        raise NotImplementedError

    def delete(self, row):
        raise NotImplementedError

    def facts(self):
        """What there is of each object, and the rows of others."""
        rows = self.database()
        ours = {target.name: [] for target in self.targets}
        for row in filter(self.is_ours, rows):
            ours[row[self.kind.name]].append(self.facts_of(row))
        others = [row for row in rows if not self.is_ours(row)]
        return ours, sorted(others, key=str)

    def is_done(self, target, facts):
        """Whether what there is, is what is declared: one row, with all that others have set."""
        if target.after is None:
            return facts == []
        (one, *more) = facts or [None]
        declared = Facts(
            target.after.get("model_id", one and one.id),
            target.name,
            *self.kind.value(target.after),
            mask(self.kind.secret(target.after)),
            self.nothing if target.before is None else self.theirs,
        )
        return one == declared and not more

    def lasting(self):
        """The names of the objects that are to be served all the while."""
        return {target.name for target in self.targets if target.after is not None}

    def clean(self):
        """Delete every row, also those of others."""
        for row in self.database():
            self.delete(row)

    def prepare(self):
        """Make the rows as they are to be before: always the same ones, to the letter."""
        self._delete_ours()
        self._bodies = self._bodies or list(self._learnt())
        for body in self._bodies:
            self.api("POST", self.kind.create, json=body)

    def _delete_ours(self):
        for row in filter(self.is_ours, self.database()):
            self.delete(row)

    def _learnt(self):
        """The bodies of the creates that make them, with what others have set."""
        kind = self.kind
        with Recorder(self.api.gateway.url) as recorder:
            before = {one.name: one.before for one in self.targets if one.before is not None}
            if before:
                self.run(recorder.url, before)
            writes = [r for r in recorder.requests if r.method == "POST"]
            bodies = [r.json for r in writes if r.path == kind.create]
        self._delete_ours()
        unmarked = {target.name for target in self.targets if target.unmarked}
        for body in map(copy.deepcopy, bodies):
            for section, values in kind.theirs.items():
                body[section].update(values)
            if body[kind.name] in unmarked:
                del body[kind.info][MARKER]
                for ids in (body, body[kind.info]):
                    if (key := {"team_id", "id"} & ids.keys()) and isinstance(ids, dict):
                        ids[min(key)] += "-made-by-hand"
            yield body

    # ---------------------------------------------------------------- running

    def apply(self, url, test=False, **profile):
        """Run the state that is to be done."""
        return self.run(url, {one.name: one.after for one in self.targets}, test=test, **profile)

    def run(self, url, declared, test=False, **profile):
        where = {"url": url, "test": test, **profile}
        if self.set is not None:
            objects = {name: args for name, args in declared.items() if args is not None}
            return self.call(
                "managed", self.set, **where, prune=True, **{self.kind.objects: objects}
            )
        ((name, arguments),) = declared.items()
        return self.call("present" if arguments else "absent", name, **where, **arguments or {})

    def call(self, function, name, url, test=False, timeout=60, retries=0, **arguments):
        """A state function, in a run of its own. Salt's compiler would take most of the time."""
        profile = {"url": url, "api_key": self.api.gateway.key, "timeout": timeout}
        profile |= {"retries": retries, "headers": {"X-Auth": "CANARY-header"}}
        state = self._states[test][f"{self.kind.module}.{function}"]
        return state(name=name, profile=profile, **arguments)

    # ---------------------------------------------------------------- words

    def told(self, result):
        """By object: its changes, and the sentence that its words begin with."""
        if self.set is None:
            (target,) = self.targets
            words = result["comment"].removeprefix(f"{target.name} ")
            return {target.name: (result["changes"], words)}
        lines = result["comment"].splitlines()
        return {
            target.name: (result["changes"].get(target.name, {}), self._line(lines, target.name))
            for target in self.targets
        }

    def _line(self, lines, name):
        for line in lines:
            if line.startswith("Not ") and name in line.partition(": ")[2].split(", "):
                return "was not changed"
            if line.startswith((f"{name} was ", f"{name} may ")):
                return line.removeprefix(f"{name} ")
        return ""


class ModelOperation(Operation):
    """An operation on models, whose rows have ids of their own and may have namesakes."""

    kind = MODELS
    theirs = (0.5, "kept")

    def _make_others(self):
        self.others = [self.api.create(f"{self.name}-unrelated", {"api_key": KEYS[0], "rpm": 1})]
        if any(target.after is not None for target in self.targets):
            self.others += [self._of_another_owner(target) for target in self.targets]

    def _of_another_owner(self, target):
        """A row of the same model name that belongs to another state."""
        arguments = {**self.kind.full, "model_name": target.name}
        self.call("present", f"{target.name}-other", self.api.gateway.url, **arguments)
        return next(
            row["model_info"]["id"]
            for row in self.api.in_database(target.name)
            if row["model_info"][MARKER]["name"] == f"{target.name}-other"
        )

    def database(self):
        query = {"search": "%", "size": 100000}
        found = self.api("GET", "/v2/model/info", params=query)["data"]
        return [row for row in found if self.name in row["model_name"]]

    def served(self):
        return {row["model_name"] for row in self.api.rows() if self.is_ours(row)}

    def is_ours(self, row):
        named = any(row["model_name"] == target.name for target in self.targets)
        return named and row["model_info"]["id"] not in self.others

    def facts_of(self, row):
        params, info = row["litellm_params"], row["model_info"]
        response = self.api.gateway.request("GET", f"/credentials/by_model/{info['id']}")
        masks = response.json()["credential_values"] if response.ok else {}
        return Facts(
            info["id"],
            (info.get(MARKER) or {}).get("name"),
            params.get("rpm"),
            info.get("note"),
            masks.get("api_key"),
            (params.get("temperature"), info.get("theirs")),
            (info.get(MARKER) or {}).get("replaces"),
        )

    def delete(self, row):
        self.api.delete(row["model_info"]["id"])


class CredentialOperation(Operation):
    """An operation on credentials. The gateway has a model, with which a worker is refreshed."""

    kind = CREDENTIALS
    theirs = ("kept", "kept")

    def _make_others(self):
        version = self.api("GET", "/public/model_hub/info")["litellm_version"]
        self._refreshes = [int(part) for part in version.split(".")] >= [1, 106]
        self._model = self.api.create(f"{self.name}-unrelated")
        by_hand = {"credential_name": f"{self.name}-unrelated", "credential_values": OTHER_VALUES}
        self.api("POST", "/credentials", json={**by_hand, "credential_info": {"of": "others"}})
        for target in self.targets:
            self.call("present", f"{target.name}-other", self.api.gateway.url, **self.kind.full)
        self.others = [f"{self.name}-unrelated", *(f"{one.name}-other" for one in self.targets)]

    def clean(self):
        super().clean()
        self.api.delete(self._model)

    def is_done(self, target, facts):
        """As for models. 1.83 makes a credential anew to remove a value of it.

        What others had set is lost there if that is interrupted.
        """
        if super().is_done(target, facts):
            return True
        return self._is_made_anew(target) and super().is_done(replace(target, before=None), facts)

    def _is_made_anew(self, target):
        return target.after == self.kind.less and not self._refreshes

    def lasting(self):
        """As for models, but what is made anew is away for a moment."""
        anew = {target.name for target in self.targets if self._is_made_anew(target)}
        return super().lasting() - anew

    def database(self):
        """What the worker lists, after it has read its database. 1.83 cannot be told to read."""
        known = bool(self.api.gateway.psql)  # of a gateway that was running before, it is not
        stored = json.loads((known and self.api.gateway.sql(STORED, "-At")) or "{}")
        deadline = time.monotonic() + PATIENT
        while True:
            if self._refreshes:
                self.api("POST", "/config/update", json={})
            listed = {row["credential_name"]: row for row in self._listed()}
            if listed.keys() >= stored.keys():
                break
            assert time.monotonic() < deadline
        return [
            {**row, "credential_info": stored.get(name, row["credential_info"])}
            for name, row in listed.items()
            if self.name in name and (name in stored or not known)
        ]

    def _listed(self):
        return self.api("GET", "/credentials")["credentials"]

    def served(self):
        return {row["credential_name"] for row in self._listed() if self.is_ours(row)}

    def is_ours(self, row):
        return any(row.get("credential_name") == target.name for target in self.targets)

    def facts_of(self, row):
        values, info = row["credential_values"], row["credential_info"]
        owner = (info.get(MARKER) or {}).get("name")
        theirs = (values.get("theirs"), info.get("theirs"))
        ours = (values.get("api_base"), info.get("note"), values.get("api_key"))
        return Facts(row["credential_name"], owner, *ours, theirs)

    def delete(self, row):
        self.api("DELETE", f"/credentials/{row['credential_name']}")


class TeamOperation(Operation):
    """An operation on teams. A namesake belongs to another state."""

    kind = TEAMS
    theirs = ("kept",)
    nothing = (None,)
    at_rest = 1

    def _make_others(self):
        unrelated = {"team_alias": f"{self.name}-unrelated", "metadata": {"of": "others"}}
        self.others = [self.api("POST", "/team/new", json=unrelated)["team_id"]]
        for target in self.targets if any(one.after for one in self.targets) else ():
            other = {**self.kind.full, "team_alias": target.name}
            made = self.call("present", f"{target.name}-other", self.api.gateway.url, **other)
            self.others.append(made["changes"]["team_id"]["new"])

    def database(self):
        rows = self.api("GET", "/team/list")
        return [
            {key: row[key] for key in ("team_id", "team_alias", "max_budget", "metadata")}
            for row in rows
            if self.name in (row["team_alias"] or "")
        ]

    def served(self):
        return {row["team_alias"] for row in self.database() if self.is_ours(row)}

    def is_ours(self, row):
        named = any(row["team_alias"] == target.name for target in self.targets)
        return named and row["team_id"] not in self.others

    def facts_of(self, row):
        info = row["metadata"] or {}
        owner = (info.get(MARKER) or {}).get("name")
        ours = (row["max_budget"], info.get("note"), None)
        return Facts(row["team_id"], owner, *ours, (info.get("theirs"),))

    def delete(self, row):
        self.api("POST", "/team/delete", json={"team_ids": [row["team_id"]]})


class KeyOperation(Operation):
    """An operation on virtual keys. Each object has keys of its own.

    While one key takes the place of another, it is called ``NAME.new``.
    """

    kind = VIRTUAL_KEYS
    theirs = ("kept",)
    nothing = (None,)
    at_rest = 1

    def call(self, function, name, url, **arguments):
        if "key" in arguments:
            arguments["key"] = f"{arguments['key']}-{name}"
        if "keys" in arguments:
            arguments["keys"] = {
                one: {**args, "key": f"{args['key']}-{one}"}
                for one, args in arguments["keys"].items()
            }
        return super().call(function, name, url, **arguments)

    def _make_others(self):
        self.others = [f"{self.name}-unrelated", *(f"{one.name}-other" for one in self.targets)]
        self.api("POST", "/key/generate", json={"key_alias": self.others[0]})
        for other in self.others[1:]:
            self.call("present", other, self.api.gateway.url, **self.kind.full)

    def database(self):
        query = {"return_full_object": "true", "size": 100}
        query |= {"key_alias": self.name, "substring_matching": "true"}
        rows = self.api("GET", "/key/list", params=query)["keys"]
        shown = ("key_alias", "token", "max_budget", "metadata")
        return [
            {**{key: row[key] for key in shown}, "key_alias": _first_alias(row), "own": row}
            for row in rows
            if self.name in row["key_alias"]
        ]

    def served(self):
        return {row["key_alias"] for row in self.database() if self.is_ours(row)}

    def is_ours(self, row):
        return any(row.get("key_alias") and _first_alias(row) == one.name for one in self.targets)

    def facts_of(self, row):
        info = row["metadata"] or {}
        marker = info.get(MARKER) or {}
        of_token = {hashed(f"{key}-{row['key_alias']}"): mask(key) for key in KEYS}
        ours = (row["max_budget"], info.get("note"), of_token.get(row["token"]))
        alias, replaces = row["own"]["key_alias"], marker.get("replaces")
        return Facts(alias, marker.get("name"), *ours, (info.get("theirs"),), replaces)

    def is_done(self, target, facts):
        named = target.after is None or [one.id for one in facts] == [target.name]
        return named and super().is_done(target, facts)

    def delete(self, row):
        self.api("POST", "/key/delete", json={"keys": [row["token"]]})


def _first_alias(row):
    return row["key_alias"].removesuffix(".new")


class RuleOperation(Operation):
    """An operation on a fallback. It has no owner, and others have one beside it."""

    kind = RULES

    def _make_others(self):
        names = {row["model_name"] for row in self.api.rows()}
        self._models = [self.api.create(one) for one in RESERVES if one not in names]
        self.others = [f"{self.name}-unrelated"]
        self._models += [self.api.create(one) for one in (self.name, *self.others)]
        body = {"model": self.others[0], "fallback_models": [RESERVES[0]]}
        self.api("POST", "/fallback", json=body)

    def clean(self):
        super().clean()
        for model in self._models:
            self.api.delete(model)

    def database(self):
        values = self.api("GET", "/router/settings")["current_values"]
        return [
            {"model": model, "models": models, "info": {}}
            for rule in values["fallbacks"] or ()
            for model, models in rule.items()
            if self.name in model
        ]

    def served(self):
        return {row[self.kind.name] for row in self.database() if self.is_ours(row)}

    def is_ours(self, row):
        return any(row.get(self.kind.name) == target.name for target in self.targets)

    def facts_of(self, row):
        return Facts(f"general/{row['model']}", None, row["models"], None, None, ())

    def is_done(self, target, facts):
        if target.after is None:
            return facts == []
        return [one.value for one in facts] == [self.kind.value(target.after)[0]]

    def delete(self, row):
        self.api("DELETE", f"/fallback/{row['model']}")

    def told(self, result):
        (target,) = self.targets
        words = result["comment"].removeprefix("The rule ").removeprefix("general/")
        return {target.name: (result["changes"], words.removeprefix(f"{target.name} "))}


class SettingOperation(RuleOperation):
    """An operation on a router setting, which is always there (from LiteLLM 1.106 on)."""

    kind = SETTINGS
    at_rest = 2

    def _make_others(self):
        self._models = []

    def prepare(self):
        self._write(self.targets[0].before["value"])

    def _write(self, value):
        settings = {"router_settings": {"num_retries": value, "allowed_fails": 4}}
        self.api("POST", "/config/update", json=settings)

    def clean(self):
        self.api("POST", "/config/update", json={"router_settings": {"allowed_fails": 3}})

    def database(self):
        values = self.api("GET", "/router/settings")["current_values"]
        named = ("num_retries", "allowed_fails")
        return [{"setting": one, "value": values[one], "info": {}} for one in named]

    def facts_of(self, row):
        return Facts("router_settings", None, row["value"], None, None, ())


class Interruption:
    """An operation that is interrupted at one request, and what the next run must do."""

    def __init__(self, operation, recorder):
        self.operation, self.recorder = operation, recorder

    def requests(self):
        """The requests of a run, undisturbed."""
        self.operation.prepare()
        self.run()
        return list(self.recorder.requests)

    def run(self):
        self.recorder.clear()
        return self.operation.apply(self.recorder.url)

    def others_are_as(self, others):
        assert self.operation.facts()[1] == others

    def is_mended_by_the_next_run(self, others):
        """One run does the rest, and one more finds nothing to do."""
        result = self.run()
        assert result["result"] is True, result
        after, untouched = self.operation.facts()
        assert untouched == others
        for target in self.operation.targets:
            assert self.operation.is_done(target, after[target.name]), (result, after)
        rests = self.run()
        assert (rests["result"], rests["changes"]) == (True, {})
        assert len(self.recorder.requests) == self.operation.at_rest


TEAM = "team: "  # what the names of operations on teams begin with
KEY = "key: "  # what the names of operations on virtual keys begin with
CREDENTIAL = "credential: "  # what the names of operations on credentials begin with
ROUTING = ("fallback: create", "fallback: change", "fallback: delete", "setting: change")


def operations(api, loaders, name):
    """Every operation, by its name, made when it is asked for."""
    return {
        **_operations(ModelOperation, api, loaders, name),
        **{
            CREDENTIAL + one: make
            for one, make in _operations(CredentialOperation, api, loaders, name).items()
        },
        **{
            TEAM + one: make for one, make in _operations(TeamOperation, api, loaders, name).items()
        },
        **{KEY + one: make for one, make in _operations(KeyOperation, api, loaders, name).items()},
        **_routing(api, loaders, name),
    }


def _routing(api, loaders, name):
    def one(operation, *given):
        return lambda: operation(api, loaders, name, [Target(*given)])

    rules, changed = RULES.full, RULES.changed
    setting = ("num_retries", SETTINGS.full, SETTINGS.changed)
    made = [
        one(RuleOperation, name, None, rules),
        one(RuleOperation, name, rules, changed),
        one(RuleOperation, name, rules, None),
        one(SettingOperation, *setting),
    ]
    return dict(zip(ROUTING, made, strict=True))


def _operations(operation, api, loaders, name):
    kind = operation.kind
    full, less = kind.full, kind.less

    def one(before, after, **more):
        return lambda: operation(api, loaders, name, [Target(name, before, after, **more)])

    def several():
        targets = [
            Target(f"{name}-new", None, full),
            Target(f"{name}-newer", None, full),
            Target(f"{name}-changed", full, kind.changed),
            Target(f"{name}-replaced", full, less),
            Target(f"{name}-pruned", full, None),
        ]
        return operation(api, loaders, name, targets, f"set-{name}")

    found = {
        "create": one(None, full),
        "change": one(full, kind.changed),
        "rotation": one(full, kind.rotated),
        "removal": one(full, less),
        "delete": one(full, None),
        "adoption": one(full, kind.changed, unmarked=True),
        "set": several,
    }
    if kind.rotated is None:
        del found["rotation"]
    if kind is MODELS:
        pinned = {"model_id": f"{name}-id"}
        found["pinned removal"] = one({**full, **pinned}, {**less, **pinned})
    return found
