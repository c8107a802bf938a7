"""LiteLLM's API for teams, asked with plain requests: what results are checked against."""

import uuid

import pytest
import requests

FIRST = {"models": ["gpt-4"], "max_budget": 10, "budget_duration": "30d", "rpm_limit": 5}
PAGE = ("GET", "/v2/team/list")


@pytest.fixture
def name():
    return f"team-{uuid.uuid4().hex[:8]}"


class TeamApi:
    """One connection to a gateway."""

    def __init__(self, gateway):
        self.gateway = gateway
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {gateway.key}"

    def __call__(self, method, path, **options):
        answer = self._session.request(method, self.gateway.url + path, timeout=60, **options)
        assert answer.ok, answer.text
        return answer.json()

    def since(self, version):
        """Whether the gateway's LiteLLM is of this version, or of a newer one."""
        own = self("GET", "/public/model_hub/info")["litellm_version"]
        return [int(part) for part in own.split(".")] >= [int(part) for part in version.split(".")]

    def teams(self, part=""):
        """All teams whose alias has a part."""
        rows = self("GET", "/team/list")
        return [row for row in rows if part in (row["team_alias"] or "")]

    def one(self, alias):
        """The team of an alias, ``None`` if there is none."""
        found = [row for row in self.teams(alias) if row["team_alias"] == alias]
        assert len(found) < 2
        return found[0] if found else None

    def info(self, team_id):
        return self("GET", "/team/info", params={"team_id": team_id})["team_info"]

    def aliases(self, team_id):
        """The ``model_aliases`` of a team, which 1.83 shows in a list only."""
        (row,) = [row for row in self.teams() if row["team_id"] == team_id]
        return (row["litellm_model_table"] or {}).get("model_aliases")

    def create(self, alias, **more):
        return self("POST", "/team/new", json={"team_alias": alias, **more})["team_id"]

    def update(self, team_id, **values):
        return self("POST", "/team/update", json={"team_id": team_id, **values})["data"]

    def roles(self, team_id):
        """The members but the admin key's user, by email or else by id, with their roles."""
        return {
            one["user_email"] or one["user_id"]: one["role"]
            for one in self.info(team_id)["members_with_roles"]
            if one["user_id"] != "default_user_id"
        }

    def clean(self, part):
        """Delete every team whose alias has a part."""
        for row in self.teams(part):
            self("POST", "/team/delete", json={"team_ids": [row["team_id"]]})


@pytest.fixture
def api(gateway, name):
    """The API; deletes what the test has made, whose alias has the name of the test."""
    api = TeamApi(gateway)
    yield api
    api.clean(name)


@pytest.fixture
def run(states, name):
    """A state function, by default for the team of the test."""

    def run(function="present", test=False, **args):
        return states.run((f"litellm_team.{function}", {"name": name, **args}), test=test)

    return run


@pytest.fixture
def call(loaders, profile):
    def call(function, *args, **kwargs):
        function = loaders.modules[f"litellm_team.{function}"]
        return function(*args, **{"profile": profile, **kwargs})

    return call
