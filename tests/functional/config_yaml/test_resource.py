"""A document for a gateway that is a resource of a minion, which finds it in the pillar."""

import pytest

from .conftest import KEY

fleet = pytest.importorskip("tests.functional.test_fleet")


def test_a_document_of_a_resource(whole, recorded, gateway, tmp_path, document):
    profile = {"url": recorded.url, "api_key": gateway.key, "retries": 0}
    manager = fleet.Manager(tmp_path, {fleet.GATEWAY: profile}, {"gateway": document()})
    manager.states("all", "production: {litellm_gateway.managed: [{pillar: gateway}]}")
    (predicted,) = manager("state.apply", "all", test=True).values()
    assert predicted["result"] is None, predicted["comment"]
    assert (whole.models(), whole.credentials()) == ([], {})
    (made,) = manager("state.apply", "all").values()
    assert (made["result"], made["changes"]) == (True, predicted["changes"])
    assert {row["model_name"] for row in whole.models()} == {"chat", "large", "small"}
    assert whole.rules()["general"] == {"chat": ["large", "small"]}
    (rested,) = manager("state.apply", "all").values()
    assert (rested["result"], rested["changes"]) == (True, {})
    found = manager("litellm_gateway.diff", "production", pillar="gateway")
    assert {one["object"] for one in found} <= {f"router setting {key}" for key in whole.stored()}
    assert manager("litellm_fallback.get", "chat")["fallback_models"] == ["large", "small"]
    assert KEY not in str([predicted, made, rested, found])
