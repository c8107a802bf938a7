"""Operations that faults interrupt: how each begins, and when it is done."""

import copy
from dataclasses import dataclass, field

import salt.loader

from tests.support.recorder import Recorder

from ..conftest import MARKER

KEYS = ("sk-CANARY-first-0123456701", "sk-CANARY-second-0123456702")
FULL = {
    "custom_llm_provider": "openai",
    "base_model": "gpt-4",
    "rpm": 5,
    "model_api_key": KEYS[0],
    "model_info": {"note": "ours"},
}
CHANGED, ROTATED = {**FULL, "rpm": 6}, {**FULL, "model_api_key": KEYS[1]}
LESS = {key: value for key, value in FULL.items() if key != "model_info"}
# What somebody else has put on a row of ours.
THEIRS = {"litellm_params": {"temperature": 0.5}, "model_info": {"theirs": "kept"}}
WORDS = {"rpm": "rpm", "note": "model_info:note"}  # by the facts that they are about


def mask(secret):
    """How LiteLLM shows a secret."""
    return f"{secret[:2]}****{secret[-2:]}"


@dataclass(frozen=True)
class Facts:
    """What matters of a row."""

    model_id: str
    owner: str | None
    rpm: int | None
    note: str | None
    secret: str | None
    theirs: tuple
    replaces: str | None = field(compare=False)

    @classmethod
    def of(cls, row, api):
        params, info = row["litellm_params"], row["model_info"]
        response = api.gateway.request("GET", f"/credentials/by_model/{info['id']}")
        masks = response.json()["credential_values"] if response.ok else {}
        return cls(
            info["id"],
            (info.get(MARKER) or {}).get("name"),
            params.get("rpm"),
            info.get("note"),
            masks.get("api_key"),
            (params.get("temperature"), info.get("theirs")),
            (info.get(MARKER) or {}).get("replaces"),
        )


@dataclass(frozen=True)
class Model:
    """One deployment of an operation.

    :param before: The arguments that its row was made with, ``None`` if there is none.
    :param after: Those that it is to have, ``None`` if it is to be gone.
    :param unmarked: The row that there is was made by somebody else.
    """

    name: str
    before: dict | None
    after: dict | None
    unmarked: bool = False

    def is_done(self, facts):
        """Whether what there is, is what is declared: one row, with all that others have set."""
        if self.after is None:
            return facts == []
        (one, *more) = facts or [None]
        declared = Facts(
            self.after.get("model_id", one and one.model_id),
            self.name,
            self.after.get("rpm"),
            (self.after.get("model_info") or {}).get("note"),
            mask(self.after["model_api_key"]),
            (None, None) if self.before is None else (0.5, "kept"),
            None,
        )
        return one == declared and not more


class Operation:
    """An operation on a gateway on which others have rows as well.

    :param set: The name of the set whose models these are.
    """

    def __init__(self, api, loaders, name, models, set_=None):
        self.api, self.name, self.set = api, name, set_
        self.models = models
        self._states = {
            test: salt.loader.states({**loaders.opts, "test": test}, loaders.modules, {}, {})
            for test in (True, False)
        }
        self._bodies = []
        self.others = [api.create(f"{name}-unrelated", {"api_key": KEYS[0], "rpm": 1})]
        if any(model.after is not None for model in models):
            self.others += [self._of_another_owner(model) for model in models]

    def _of_another_owner(self, model):
        """A row of the same model name that belongs to another state."""
        arguments = {**FULL, "model_name": model.name}
        self._call("present", f"{model.name}-other", self.api.gateway.url, **arguments)
        return next(
            row["model_info"]["id"]
            for row in self.api.in_database(model.name)
            if row["model_info"][MARKER]["name"] == f"{model.name}-other"
        )

    # ---------------------------------------------------------------- rows

    def database(self):
        query = {"search": "%", "size": 100000}
        found = self.api("GET", "/v2/model/info", params=query)["data"]
        return [row for row in found if self.name in row["model_name"]]

    def is_ours(self, row):
        named = any(row["model_name"] == model.name for model in self.models)
        return named and row["model_info"]["id"] not in self.others

    def facts(self):
        """What there is of each model, and the rows of others."""
        rows = self.database()
        ours = {model.name: [] for model in self.models}
        for row in filter(self.is_ours, rows):
            ours[row["model_name"]].append(Facts.of(row, self.api))
        others = [row for row in rows if not self.is_ours(row)]
        return ours, sorted(others, key=lambda row: row["model_info"]["id"])

    def clean(self):
        """Delete every row, also those of others."""
        for row in self.database():
            self.api.delete(row["model_info"]["id"])

    def prepare(self):
        """Make the rows as they are to be before: always the same ones, to the letter."""
        self._delete_ours()
        self._bodies = self._bodies or list(self._learnt())
        for body in self._bodies:
            self.api("POST", "/model/new", json=body)

    def _delete_ours(self):
        for row in filter(self.is_ours, self.database()):
            self.api.delete(row["model_info"]["id"])

    def _learnt(self):
        """The bodies of the creates that make them, with what others have set."""
        with Recorder(self.api.gateway.url) as recorder:
            before = [model for model in self.models if model.before is not None]
            if before:
                self.run(recorder.url, {model.name: model.before for model in before})
            bodies = [r.json for r in recorder.requests if r.path == "/model/new"]
        self._delete_ours()
        unmarked = {model.name for model in self.models if model.unmarked}
        for body in map(copy.deepcopy, bodies):
            for section, values in THEIRS.items():
                body[section].update(values)
            if body["model_name"] in unmarked:
                del body["model_info"][MARKER]
                body["model_info"]["id"] += "-made-by-hand"
            yield body

    # ---------------------------------------------------------------- running

    def apply(self, url, test=False, **profile):
        """Run the state that is to be done."""
        return self.run(url, {m.name: m.after for m in self.models}, test=test, **profile)

    def run(self, url, declared, test=False, **profile):
        where = {"url": url, "test": test, **profile}
        if self.set is not None:
            models = {name: args for name, args in declared.items() if args is not None}
            return self._call("managed", self.set, **where, models=models, prune=True)
        ((name, arguments),) = declared.items()
        return self._call("present" if arguments else "absent", name, **where, **arguments or {})

    def _call(self, function, name, url, test=False, timeout=60, retries=0, **arguments):
        """A state function, in a run of its own. Salt's compiler would take most of the time."""
        profile = {"url": url, "api_key": self.api.gateway.key, "timeout": timeout}
        profile |= {"retries": retries, "headers": {"X-Auth": "CANARY-header"}}
        state = self._states[test][f"litellm_model.{function}"]
        return state(name=name, profile=profile, **arguments)

    # ---------------------------------------------------------------- words

    def told(self, result):
        """By model: its changes, and the sentence that its words begin with."""
        if self.set is None:
            (model,) = self.models
            words = result["comment"].removeprefix(f"{model.name} ")
            return {model.name: (result["changes"], words)}
        lines = result["comment"].splitlines()
        return {
            model.name: (result["changes"].get(model.name, {}), self._line(lines, model.name))
            for model in self.models
        }

    def _line(self, lines, name):
        for line in lines:
            if line.startswith("Not ") and name in line.partition(": ")[2].split(", "):
                return "was not changed"
            if line.startswith((f"{name} was ", f"{name} may ")):
                return line.removeprefix(f"{name} ")
        return ""


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
        for model in self.operation.models:
            assert model.is_done(after[model.name]), (result, after)
        rests = self.run()
        absent = all(model.after is None for model in self.operation.models)
        assert (rests["result"], rests["changes"]) == (True, {})
        assert len(self.recorder.requests) == (2 if absent else 1)


def operations(api, loaders, name):
    """Every operation, by its name, made when it is asked for."""

    def one(before, after, **more):
        return lambda: Operation(api, loaders, name, [Model(name, before, after, **more)])

    def several():
        models = [
            Model(f"{name}-new", None, FULL),
            Model(f"{name}-newer", None, FULL),
            Model(f"{name}-changed", FULL, CHANGED),
            Model(f"{name}-replaced", FULL, LESS),
            Model(f"{name}-pruned", FULL, None),
        ]
        return Operation(api, loaders, name, models, f"set-{name}")

    pinned = {"model_id": f"{name}-id"}
    return {
        "create": one(None, FULL),
        "change": one(FULL, CHANGED),
        "rotation": one(FULL, ROTATED),
        "removal": one(FULL, LESS),
        "pinned removal": one({**FULL, **pinned}, {**LESS, **pinned}),
        "delete": one(FULL, None),
        "adoption": one(FULL, CHANGED, unmarked=True),
        "set": several,
    }
