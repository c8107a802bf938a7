"""Several clients at once apply one document, on three workers that know of each other by polls.

Fallbacks are written without a lock, and each worker reads the database every half a minute. So a
client may fail in words. Whatever the order: nothing is doubled or lost for good, and a bounded
number of runs of one client alone is enough until nothing is left to do.
"""

import pytest
import requests

from ..config_yaml.conftest import KEY, RULES, model
from .test_clients import TABLE, clients, three  # noqa: F401 - fixtures
from .test_credential_clients import recent  # noqa: F401 - fixture

ROUNDS = 2
NEXT = "sk-second-0123456789"


def document(names, key, *, rpm=None, retries=4):
    more = {} if rpm is None else {"rpm": rpm}
    return {
        "credential_list": [
            {"credential_name": "openai-prod", "credential_values": {"api_key": key}}
        ],
        "model_list": [model(one, **more) for one in names],
        "router_settings": {
            "fallbacks": [{"chat": [one for one in names if one != "chat"]}],
            "content_policy_fallbacks": [{"large": ["chat"]}],
            "num_retries": retries,
        },
    }


STEPS = {
    "created": document(("chat", "large"), KEY),
    "changed": document(("chat", "large", "small"), KEY, rpm=5, retries=6),
    "rotated, and a model removed": document(("chat", "large"), NEXT, rpm=5),
    "created again": document(("chat", "large", "small"), KEY),
}
EMPTY = {"credential_list": [], "model_list": []}


class Reading:
    """One connection, and so one worker, which has read its database."""

    def __init__(self, gateway):
        self._gateway, self._session = gateway, requests.Session()
        self._session.headers["Authorization"] = f"Bearer {gateway.key}"
        self("POST", "/config/update", json={})

    def __call__(self, method, path, **more):
        response = self._session.request(method, self._gateway.url + path, timeout=60, **more)
        response.raise_for_status()
        return response.json()

    def models(self):
        params = {"search": "%", "size": 100000}
        rows = self("GET", "/v2/model/info", params=params)["data"]
        return sorted((row["model_name"], row["litellm_params"].get("rpm")) for row in rows)

    def everything(self):
        credentials = self("GET", "/credentials")["credentials"]
        values = self("GET", "/router/settings")["current_values"]
        named = {one["credential_name"]: one["credential_values"]["api_key"] for one in credentials}
        rules = {key: values.get(key) or [] for key in RULES.values()}
        return self.models(), named, rules, values["num_retries"]


def expected(step):
    router = dict(step["router_settings"])
    retries = router.pop("num_retries")
    models = [(one["model_name"], one["litellm_params"].get("rpm")) for one in step["model_list"]]
    key = step["credential_list"][0]["credential_values"]["api_key"]
    masked = {"openai-prod": f"{key[:2]}****{key[-2:]}"}
    return models, masked, {key: router.get(key, []) for key in RULES.values()}, retries


@pytest.mark.survive
@pytest.mark.parametrize("number", [2, 4])
def test_one_document_from_an_empty_gateway_to_its_end(clients, three, survived, number):  # noqa: F811
    def run(content):
        given = {"name": "production", "document": content, "prune": True, "allow_empty": True}
        return [("litellm_gateway.managed", given)]

    clients.let_see()
    for _ in range(ROUNDS):
        for step, content in STEPS.items():
            results = clients.at_once(*[run(content)] * number)
            for (result,) in results:
                assert result["result"] in (True, False), result
                assert "Traceback" not in result["comment"], result
            taken = clients.settled(run(content))
            models, *rest = Reading(three).everything()
            assert [one for one in models if one[0] != "always-there"] == expected(content)[0]
            assert rest == list(expected(content)[1:])
            case = f"{number} clients, one document: {step}"
            survived(TABLE, case)
            survived("Runs of one client alone until all rests", f"{taken} ({case})")
            survived("Failures told by clients", case, sum(not one["result"] for (one,) in results))
        clients.at_once(*[run(EMPTY)] * number)
        clients.settled(run(EMPTY))
        models, credentials, rules, _ = Reading(three).everything()
        assert (models, credentials) == ([("always-there", None)], {})
        for key, found in rules.items():  # which prune leaves alone
            kind = next(one for one, name in RULES.items() if name == key)
            for name in [name for entry in found for name in entry]:
                Reading(three)("DELETE", f"/fallback/{name}", params={"fallback_type": kind})
        survived(TABLE, f"{number} clients, one document: deleted")
