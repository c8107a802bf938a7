"""LiteLLM's API for credentials, asked with plain requests: what results are checked against."""

import uuid
from urllib.parse import quote

import pytest
import requests

from saltext_litellm.credentials.endpoints import CredentialEndpoints
from saltext_litellm.http import profile as profiles
from saltext_litellm.http.session import Session

FILED = {
    "credential_name": "of-the-file",
    "credential_values": {"api_key": "sk-of-the-file-0123"},
    "credential_info": {"description": "of the config file"},
}
VALUES = {"api_key": "sk-0123456789", "api_base": "https://provider.example.com/v1"}


@pytest.fixture
def name():
    return f"credential-{uuid.uuid4().hex[:8]}"


class CredentialApi:
    """One connection to a gateway, so it stays with one worker."""

    def __init__(self, gateway):
        self.gateway = gateway
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {gateway.key}"

    def __call__(self, method, path, **options):
        return self._session.request(method, self.gateway.url + path, timeout=60, **options)

    def since(self, version):
        """Whether the gateway's LiteLLM is of this version, or of a newer one."""
        own = self("GET", "/public/model_hub/info").json()["litellm_version"]
        return [int(part) for part in own.split(".")] >= [int(part) for part in version.split(".")]

    def rows(self):
        return self("GET", "/credentials").json()["credentials"]

    def one(self, name):
        """The credential of a name, as this worker has it in its memory; ``None`` if it has not."""
        found = [row for row in self.rows() if row["credential_name"] == name]
        assert len(found) < 2
        return found[0] if found else None

    def create(self, name, values=None, info=None):
        body = {"credential_values": values or VALUES, "credential_info": info or {}}
        answer = self("POST", "/credentials", json={"credential_name": name, **body})
        assert answer.json()["success"] is True

    def patch(self, name, values=None, info=None, **more):
        body = {"credential_values": values or {}, "credential_info": info or {}, **more}
        path = f"/credentials/{quote(name, safe='')}"
        answer = self("PATCH", path, json={"credential_name": name, **body})
        assert answer.json()["success"] is True

    def delete(self, name):
        return self("DELETE", f"/credentials/{quote(name, safe='')}")

    def clean(self, part):
        """Delete every credential whose name has a part."""
        for row in self.rows():
            if part in row["credential_name"]:
                self.delete(row["credential_name"])


@pytest.fixture
def api(gateway, name):
    """The API; deletes what the test has made, whose name has that of the test."""
    api = CredentialApi(gateway)
    yield api
    api.clean(name)


class Connected(CredentialEndpoints):
    """Our endpoints, and a request that makes their worker read its database."""

    def refresh(self):
        """What a PATCH of a model does as well. LiteLLM 1.83.14 would save all its settings."""
        version = self._session.call("GET", "/public/model_hub/info")["litellm_version"]
        if [int(part) for part in version.split(".")] < [1, 106]:
            return False
        self._session.call("POST", "/config/update", {})
        return True


def connect(url, key, retries=0):
    """Our endpoints for a gateway."""
    login = {"url": url, "api_key": key, "retries": retries}
    return Connected(Session(profiles.load(login, {}.get, lambda value: value)))


@pytest.fixture
def credentials(gateway, recorder):
    return connect(recorder.url, gateway.key)


@pytest.fixture(scope="session")
def processes(gateway_factory):
    """Two processes over one database, as two workers are. Their config file has a credential.

    From 1.106 on, they do not read the database by themselves.
    """
    environment = {
        "LITELLM_SALT_KEY": "sk-of-both-processes-0123",
        "PROXY_CONFIG_RELOAD_INTERVAL_SECONDS": "3600",
    }
    first = gateway_factory(credential_list=[FILED], environment=environment)
    second = gateway_factory(
        credential_list=[FILED],
        environment={**environment, "DATABASE_URL": first.psql[-1]},
        general_settings={"master_key": first.key},
    )
    return first, second
