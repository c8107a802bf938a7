"""LiteLLM's API for keys, asked with plain requests, and a place for keys that Salt reads."""

import hashlib
import json
import uuid

import pytest

from tests.functional.conftest import MARKER, States, make_loaders

# A driver for sdb:// references that keeps values in a file, and notes what it is asked.
# What is in the file `trouble` happens at a moment: the client is killed, or the driver fails.
DRIVER = """
import json
import os
import pathlib


def _moment(profile, what):
    with open(profile["log"], "a") as log:
        log.write(what + "\\n")
    trouble = pathlib.Path(profile["file"]).with_name("trouble")
    moment, how = json.loads(trouble.read_text()) if trouble.exists() else (None, None)
    if what.startswith(f"{moment} "):
        trouble.unlink()
        if how == "kill":
            os.kill(os.getpid(), 9)
        raise OSError("the vault is away")


def get(key, profile=None):
    _moment(profile, f"get {key}")
    path = pathlib.Path(profile["file"])
    found = json.loads(path.read_text()).get(key) if path.exists() else None
    _moment(profile, f"got {key}")
    return found


def set(key, value, profile=None):
    _moment(profile, f"set {key}")
    if profile.get("forgets"):
        return True
    path = pathlib.Path(profile["file"])
    values = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**values, key: value}))
    _moment(profile, f"done {key}")
    return True
"""
READ_ONLY = "def get(key, profile=None):\n    return None\n"


def hashed(key):
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture
def name():
    return f"key-{uuid.uuid4().hex[:8]}"


class Vault:
    """What is behind `sdb://vault/…`."""

    def __init__(self, root):
        self.file, self.log = root / "vault.json", root / "vault.log"
        self.options = {
            "vault": {"driver": "filed", "file": str(self.file), "log": str(self.log)},
            "osenv": {"driver": "env"},
            "forgetful": {
                "driver": "filed",
                "file": str(self.file),
                "log": str(self.log),
                "forgets": True,
            },
            "readonly": {"driver": "unwritable"},
        }
        drivers = root / "extmods/sdb"
        drivers.mkdir(parents=True)
        (drivers / "filed.py").write_text(DRIVER)
        (drivers / "unwritable.py").write_text(READ_ONLY)

    def __getitem__(self, key):
        return json.loads(self.file.read_text())[key] if self.file.exists() else None

    def get(self, key):
        return json.loads(self.file.read_text()).get(key) if self.file.exists() else None

    def put(self, key, value):
        values = json.loads(self.file.read_text()) if self.file.exists() else {}
        values[key] = value
        self.file.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))

    def trouble(self, moment, how):
        """Let something happen when the driver is at a moment: `get`, `got`, `set` or `done`."""
        self.file.with_name("trouble").write_text(json.dumps([moment, how]))

    def asked(self):
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def vault(tmp_path):
    return Vault(tmp_path)


@pytest.fixture
def loaders(tmp_path, vault):
    return make_loaders(tmp_path, extension_modules=str(tmp_path / "extmods"), **vault.options)


class KeyApi:
    def __init__(self, gateway):
        self.gateway = gateway

    def __call__(self, method, path, expect=200, **options):
        answer = self.gateway.request(method, path, **options)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def since(self, version):
        """Whether the gateway's LiteLLM is of this version, or of a newer one."""
        own = self("GET", "/public/model_hub/info")["litellm_version"]
        return [int(part) for part in own.split(".")] >= [int(part) for part in version.split(".")]

    def rows(self):
        found, number = [], 1
        while True:
            query = {"return_full_object": "true", "size": 100, "page": number}
            page = self("GET", "/key/list", params=query)
            found += page["keys"]
            if number >= page["total_pages"]:
                return found
            number += 1

    def having(self, part):
        """The keys whose alias has a part, by alias."""
        return {row["key_alias"]: row for row in self.rows() if part in str(row["key_alias"])}

    def one(self, alias):
        (row,) = [row for row in self.rows() if row["key_alias"] == alias] or [None]
        return row

    def info(self, alias):
        return self("GET", "/key/info", params={"key": self.one(alias)["token"]})["info"]

    def create(self, alias, **more):
        key = more.pop("key", f"sk-{uuid.uuid4().hex}")
        self("POST", "/key/generate", json={"key": key, "key_alias": alias, **more})
        return key

    def update(self, alias, **more):
        return self("POST", "/key/update", json={"key": self.one(alias)["token"], **more})

    def delete(self, alias):
        self("POST", "/key/delete", json={"keys": [self.one(alias)["token"]]})

    def works(self, key):
        """Whether LiteLLM takes a key."""
        answer = self.gateway.request(
            "GET", "/v1/models", headers={"Authorization": f"Bearer {key}"}
        )
        return answer.status_code == 200

    def complete(self, key, model):
        """The status of a completion with a key."""
        answer = self.gateway.request(
            "POST",
            "/v1/chat/completions",
            headers={"Authorization": f"Bearer {key}"},
            json={"model": model, "messages": [{"role": "user", "content": "hi"}]},
        )
        return answer.status_code


@pytest.fixture
def api(gateway, name):
    """The API; deletes what the test has made, whose name has that of the test."""
    api = KeyApi(gateway)
    yield api
    for row in api.rows():
        if name in str(row["key_alias"]):
            api("POST", "/key/delete", json={"keys": [row["token"]]})
    for team in gateway.request("GET", "/v2/team/list", params={"page_size": 100}).json()["teams"]:
        if name in str(team["team_alias"]):
            gateway.request("POST", "/team/delete", json={"team_ids": [team["team_id"]]})


@pytest.fixture
def states(loaders, profile):
    return States(loaders, profile)


@pytest.fixture
def present(states, name):
    """The state, for the key of the test."""

    def present(test=False, name=name, **args):
        return states.run(("litellm_key.present", {"name": name, **args}), test=test)

    return present


@pytest.fixture
def absent(states, name):
    def absent(test=False, name=name, **args):
        return states.run(("litellm_key.absent", {"name": name, **args}), test=test)

    return absent


@pytest.fixture
def modules(loaders, profile):
    def call(function, *args, **kwargs):
        return loaders.modules[f"litellm_key.{function}"](*args, **{"profile": profile, **kwargs})

    return call


def marker(row):
    return row["metadata"][MARKER]


def writes(recorder):
    return [(one.path, one.json) for one in recorder.requests if one.method != "GET"]
