"""The pages with files and commands: the files are written and the commands run, in their order.

What a page holds, and what a test makes of it:

- ```` ```{code-block} sls ```` with ``:caption: /srv/salt/models.sls`` is a file. It is written,
  with the folder of the test in the place of ``/``. ``:caption: added to /srv/pillar/litellm.sls``
  adds to a file that is there.
- ```` ```{literalinclude} ../../examples/… ```` with such a caption is a file of examples/.
- ```` ```console ```` holds commands, each behind ``$``, and what they print. It must be printed
  so. A line of ``…`` stands for any lines, and ``…`` at the end of a line for the rest of it.
  Times may differ.
- A command must succeed. After each ``state.apply`` the gateway is asked by plain requests whether
  it has all that the SLS declares, as Salt renders it. Then the SLS is applied once more: there
  must be nothing to do.
- ``% Another gateway.`` deletes all models, credentials and fallbacks, as if what follows were
  about another gateway.
- ```` ```hcl ```` is shown for comparison, and is not run.
- Vault, in keys.md, is a driver that keeps its values in a file, and a command that deletes it.

Each page begins with the files of howto/index.md, but the tutorial, which writes its own. All share
one gateway, which stands for every ``https://litellm….example.com``. What needs a master is left to
tests/integration: drift.md, orchestrate.md, resources.md, rollout.md, and each ``salt`` and
``salt-run``.
"""

import hashlib
import logging
import re
import shlex
from urllib.parse import quote

import pytest
import salt.client
import salt.config
import salt.utils.sdb
import salt.utils.yaml

from tests.conftest import REPO_ROOT
from tests.support.fixtures import PROVIDER_KEYS
from tests.support.forked import Forked
from tests.support.pages import File, Fresh, Machine, blocks, is_shown

from .conftest import Api

DOCS = REPO_ROOT / "docs"
INDEX, TUTORIAL = DOCS / "howto/index.md", DOCS / "tutorial.md"
WITH_A_MASTER = ("drift", "orchestrate", "resources", "rollout")
HOWTOS = sorted(path for path in DOCS.glob("howto/*.md") if path.stem not in WITH_A_MASTER)
PAGES = [DOCS / "installation.md", TUTORIAL, *HOWTOS]
ELSEWHERE = ("salt ", "salt-run ")
SHOWN_VERSION = "1.106.2"  # which the pages show
ADMIN = ("LITELLM_ADMIN_KEY", "LITELLM_DEV_KEY", "LITELLM_PROD_KEY")
# What LiteLLM calls an argument that it has under another name.
PARAMS = {"model_api_key": "api_key", "model_api_base": "api_base"}
PRICES = {
    "input_cost_per_million_tokens": "input_cost_per_token",
    "output_cost_per_million_tokens": "output_cost_per_token",
}
INFO = {"base_model", "tier", "mode"}
NOT_IN_THE_ROW = {"name", "model_name", "model_id", "profile"}
MASKED = {"api_key", "aws_access_key_id", "aws_secret_access_key", "vertex_credentials"}
UNREADABLE = {"client_secret"}  # LiteLLM shows nothing of it
VAULT = """
import json
from pathlib import Path

FILE = Path("/etc/salt/vault.json")


def get(key, profile=None):
    return json.loads(FILE.read_text()).get(key) if FILE.exists() else None


def set(key, value, profile=None):
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    FILE.write_text(json.dumps({**kept, key: value}))
    return True
"""


class WholeApi(Api):
    """The API for all kinds."""

    def credentials(self):
        """The credentials by name."""
        found = self("GET", "/credentials")["credentials"]
        return {one["credential_name"]: one for one in found}

    def router_settings(self):
        """The router settings, with the fallbacks."""
        return self("GET", "/router/settings")["current_values"]

    def fallbacks(self):
        """The general fallbacks by model."""
        rules = self.router_settings()["fallbacks"] or []
        return {model: models for rule in rules for model, models in rule.items()}

    def teams(self):
        """The teams by alias."""
        return {one["team_alias"]: one for one in self("GET", "/team/list")}

    def budgets(self):
        """The budgets by id."""
        return {one["budget_id"]: one for one in self("GET", "/budget/list")}

    def keys(self):
        """The keys by alias."""
        query = {"return_full_object": "true", "size": 100}
        return {one["key_alias"]: one for one in self("GET", "/key/list", params=query)["keys"]}

    def empty(self):
        """Delete every model, and then every credential, fallback, key, team and budget."""
        super().empty()
        for model in self.fallbacks():
            self("DELETE", f"/fallback/{quote(model, safe='')}")
        for name in self.credentials():
            self("DELETE", f"/credentials/{quote(name, safe='')}")
        for key in self.keys().values():
            self("POST", "/key/delete", json={"keys": [key["token"]]})
        for team in self.teams().values():
            self("POST", "/team/delete", json={"team_ids": [team["team_id"]]})
        for budget_id in self.budgets():
            self("POST", "/budget/delete", json={"id": budget_id})


@pytest.fixture
def api(second_gateway):
    """The API of the gateway of all pages; deletes every row."""
    api = WholeApi(second_gateway)
    yield api
    api.empty()


@pytest.fixture(autouse=True)
def quiet():
    """Without Salt's debug messages, which take longer to be kept than what they are about."""
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def machine(api, tmp_path, monkeypatch):
    for name, key in {**PROVIDER_KEYS, **dict.fromkeys(ADMIN, api.gateway.key)}.items():
        monkeypatch.setenv(name, key)
    return Machine(tmp_path, api.gateway.url)


def give_vault(machine):
    """What stands for Vault on a page."""
    machine.write(File("/srv/salt/_sdb/vault.py", VAULT, added=False))
    command = machine.root / "programs/vault"
    command.write_text(machine.here("#!/bin/sh\nrm /etc/salt/vault.json\n"))
    command.chmod(0o755)
    assert machine.run("salt-call saltutil.sync_sdb")[0] == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page(machine, api, page):
    if "\n  driver: vault" in page.read_text():
        give_vault(machine)
    for block in blocks(INDEX) if page is not TUTORIAL else ():
        if isinstance(block, File):
            machine.write(block)
    version = api("GET", "/public/model_hub/info")["litellm_version"]
    written, applied = set(), set()
    for block in blocks(page):
        if isinstance(block, Fresh):
            api.empty()
        elif isinstance(block, File):
            machine.write(block)
            written.add(block.path)
        elif not block.line.startswith(ELSEWHERE):
            code, printed = machine.run(block.line)
            assert code == 0, f"$ {block.line}\n{printed}"
            shown = block.shown.replace(SHOWN_VERSION, version)
            assert is_shown(shown, printed), f"$ {block.line}\n{printed}"
            applied |= check(machine, api, block.line)
    assert {path for path in written if path.endswith(".sls") and "/salt/" in path} <= applied


def test_one_run_reaches_each_of_many_gateways(api, configured_gateway, tmp_path, monkeypatch):
    """fleet.md once more, with a gateway for each of its profiles."""
    prod = Api(configured_gateway)
    keys = {"LITELLM_DEV_KEY": api.gateway.key, "LITELLM_PROD_KEY": prod.gateway.key}
    for name, key in {**PROVIDER_KEYS, **keys}.items():
        monkeypatch.setenv(name, key)
    others = {"https://litellm-prod.example.com": prod.gateway.url}
    machine = Machine(tmp_path, api.gateway.url, others)
    for block in (*blocks(INDEX), *blocks(DOCS / "howto/fleet.md")):
        if isinstance(block, File):
            machine.write(block)
    for created in (True, False):
        code, printed = machine.run("salt-call state.apply everywhere")
        assert (code, printed.count("was created")) == (0, 2 * created), printed
        limits = [one.one("gpt-4o")["litellm_params"]["rpm"] for one in (api, prod)]
        assert limits == [100, 5000]
    prod.delete(prod.one("gpt-4o")["model_info"]["id"])


def check(machine, api, line):
    """Check what a command has applied. Returns the paths of the SLS files that it was about."""
    match = re.search(r"salt-call (?P<options>.*?)state\.apply (?P<sls>\w+)(?P<more>.*)", line)
    if not match:
        return set()
    if not match["more"]:  # no test=True, and no shell, which is for what is refused
        # A minion in this process would replace the options of Salt's modules for other tests.
        Forked(lambda: check_states(machine, api, match["sls"], match["options"])).result()
    return {f"/srv/salt/{match['sls']}.sls"}


def check_states(machine, api, sls, options):
    """Check the rows of each state of a file, and that it changes nothing once more."""
    caller = salted(machine, options)
    for state in caller.cmd("state.show_low_sls", sls):
        if state["state"] in ROUTING:
            ROUTING[state["state"]](api, state)
            continue
        kind = state["state"]
        if kind == "litellm_gateway":
            check_document(machine, api, caller.opts, state)
            continue
        if state["fun"] == "absent":
            name = state["name"]
            found = {
                "litellm_credential": api.credentials,
                "litellm_key": api.keys,
                "litellm_team": api.teams,
            }.get(kind)
            assert not (found().get(name) if found else api.in_database(name))
            continue
        for declared in objects(caller.sminion.opts["pillar"], state):
            CHECKS.get(kind, check_row)(api, caller.opts, declared)
    again = caller.cmd("state.apply", sls)
    assert {(one["result"], bool(one["changes"])) for one in again.values()} == {(True, False)}


def salted(machine, options):
    """What calls Salt on a machine, with the id that a command gives."""
    opts = salt.config.minion_config(str(machine.config / "minion"))
    opts["__cli"] = "salt-call"  # so that a state run has the pillar that is loaded already
    for option in shlex.split(options):
        if option.startswith("--id="):
            opts["id"] = option.removeprefix("--id=")
    return salt.client.Caller(mopts=opts)


def objects(pillar, state):
    """The arguments of each deployment or credential that a rendered state declares."""
    if state["fun"] == "present":
        return [{key: value for key, value in state.items() if not is_salts(key)}]
    found = state.get("models", state.get("credentials", state.get("teams", state.get("keys"))))
    defaults = state.get("defaults", {})
    if "pillar" in state:
        found = pillar[state["pillar"]]
    return [{**defaults, **arguments, "name": name} for name, arguments in found.items()]


def document(machine, state):
    """The document that a state has as its source."""
    path = machine.root / "srv/salt" / state["source"].removeprefix("salt://")
    return salt.utils.yaml.safe_load(path.read_text())


def check_document(machine, api, opts, state):
    """Whether the gateway has all that a document declares."""
    found = document(machine, state)
    for entry in found.get("credential_list", ()):
        check_credential(api, opts, {**entry, "name": entry["credential_name"]})
    for entry in found["model_list"]:
        check_row(api, opts, entry)
    for rule in found["litellm_settings"]["fallbacks"]:
        assert rule.items() <= api.fallbacks().items()
    retries = found.get("router_settings", {}).get("num_retries")
    if retries is not None:
        assert api.router_settings()["num_retries"] == retries


def is_salts(key):
    return key in ("state", "fun", "order", "require") or key.startswith("__")


def check_fallback(api, state):
    """Whether a rule has the models that are declared."""
    assert api.fallbacks()[state.get("model", state["name"])] == state["fallback_models"]


def check_settings(api, state):
    """Whether the live router has what is declared."""
    live = api("GET", "/get/config/callbacks")["router_settings"]
    for name, value in state["settings"].items():
        known = live[name] if not isinstance(value, dict) else {k: live[name][k] for k in value}
        assert known == value


ROUTING = {"litellm_fallback": check_fallback, "litellm_router": check_settings}


def check_credential(api, opts, declared):
    """Whether a credential has all that is declared."""
    row = api.credentials()[declared["name"]]
    assert row["credential_info"]["saltext_litellm"]["name"] == declared["name"]
    expected = {
        key: masked(resolved(value, opts)) if key in MASKED else value
        for key, value in declared["credential_values"].items()
    }
    assert {key: row["credential_values"].get(key) for key in expected} == expected
    info = declared.get("credential_info", {})
    assert {key: row["credential_info"].get(key) for key in info} == info


def check_team(api, _, declared):
    """Whether a team has all that is declared."""
    row = api.teams()[declared["name"]]
    members = {one["user_email"] for one in row["members_with_roles"]} - {None}
    assert members == declared.get("members", {}).keys()
    assert row["metadata"]["saltext_litellm"]["name"] == declared["name"]
    metadata = declared.get("metadata", {})
    assert {key: row["metadata"][key] for key in metadata} == metadata
    budget = api.budgets().get(row["metadata"].get("team_member_budget_id"))
    assert (budget or {}).get("max_budget") == declared.get("team_member_budget")
    columns = {"models", "max_budget", "budget_duration", "rpm_limit"} & declared.keys()
    assert {key: row[key] for key in columns} == {key: declared[key] for key in columns}


def check_key(api, opts, declared):
    """Whether a key has all that is declared, and is the one that is in the vault."""
    row = api.keys()[declared["name"]]
    assert row["token"] == hashlib.sha256(resolved(declared["key"], opts).encode()).hexdigest()
    assert row["metadata"]["saltext_litellm"]["name"] == declared["name"]
    columns = {"models", "max_budget", "budget_duration", "rpm_limit"} & declared.keys()
    assert {key: row[key] for key in columns} == {key: declared[key] for key in columns}
    if "team" in declared:
        assert row["team_id"] == api.teams()[declared["team"]]["team_id"]


CHECKS = {
    "litellm_credential": check_credential,
    "litellm_team": check_team,
    "litellm_key": check_key,
}


def check_row(api, opts, declared):
    """Whether just one row has all that is declared."""
    rows = api.in_database(declared.get("model_name") or declared["name"])
    holding = [row for row in rows if not differing(api, opts, declared, row)]
    assert len(holding) == 1, (declared, [differing(api, opts, declared, row) for row in rows])


def differing(api, opts, declared, row):
    """What a row lacks of what is declared; a list entry has no name of its own."""
    owner = row["model_info"]["saltext_litellm"]["name"]
    found = {"name": owner} if owner != declared.get("name", owner) else {}
    masks = api.secrets(row["model_info"]["id"])
    for section, key, value in values(declared):
        expected = [resolved(value, opts)]
        shown = row[section].get(key)
        if key in MASKED:  # versions differ in whether a reference is resolved before
            expected, shown = [masked(one) for one in (*expected, value)], masks.get(key)
        if key not in UNREADABLE and shown not in expected:
            found[key] = shown
    return found


def masked(secret):
    return f"{secret[:2]}****{secret[-2:]}"


def resolved(value, opts):
    """A value with what it refers to, Salt's way or LiteLLM's, in its place."""
    if isinstance(value, str) and value.startswith("os.environ/"):
        return PROVIDER_KEYS[value.removeprefix("os.environ/")]
    is_ours = isinstance(value, str) and value.startswith("sdb://")
    return salt.utils.sdb.sdb_get(value, opts, strict=True) if is_ours else value


def values(declared):
    """What is declared, each with the place where LiteLLM has it."""
    for key, value in declared.items():
        if key in ("litellm_params", "model_info"):
            yield from ((key, inner, item) for inner, item in value.items())
        elif key in PRICES:
            yield "litellm_params", PRICES[key], value / 1_000_000
        elif key not in NOT_IN_THE_ROW and value is not None:
            section = "model_info" if key in INFO else "litellm_params"
            yield section, PARAMS.get(key, key), value
