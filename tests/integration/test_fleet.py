"""Gateways as resources of one minion: a real master, a real minion, two real gateways."""

import socket

import pytest

pytest.importorskip("salt.utils.resources", reason="Salt has resources from 3008 on")

from tests.support.fleet import running_fleet

pytestmark = pytest.mark.long

NUMBER = 6
NAMES = {f"fleet-{number}" for number in range(NUMBER)}
# Without those that fail. Salt's master (3008.4) finds nothing for `T@litellm and not …`.
EACH = " or ".join(f"T@litellm:{name}" for name in sorted(NAMES))


@pytest.fixture(scope="module")
def hanging():
    """The url of what takes connections, and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture(scope="module")
def fleet(salt_factories, gateway, second_gateway, hanging):
    more = {
        "wrong-key": {"url": gateway.url, "api_key": "sk-wrong-0123456789"},
        "hangs": {"url": hanging, "api_key": gateway.key},
    }
    with running_fleet(salt_factories, [gateway, second_gateway], NUMBER, more) as fleet:
        yield fleet


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (["-C", EACH], NAMES),
        (["-C", "T@litellm:fleet-1"], {"fleet-1"}),
        (["fleet-3"], {"fleet-3"}),
        (["-L", "fleet-4,fleet-5"], {"fleet-4", "fleet-5"}),
    ],
    ids=["several", "one", "name", "list"],
)
def test_gateways_are_targeted(fleet, target, expected):
    assert fleet(*target, "test.ping") == dict.fromkeys(expected, True)


def test_they_are_targeted_by_their_grains(fleet, second_gateway):
    odd = {"fleet-1", "fleet-3", "fleet-5"}
    found = fleet("-G", f"litellm_url:{second_gateway.url}", "grains.items")
    assert set(found) == odd
    version = second_gateway.request("GET", "/public/model_hub/info").json()["litellm_version"]
    for name, grains in found.items():
        assert (grains["id"], grains["litellm_url"]) == (name, second_gateway.url)
        assert (grains["litellm_version"], grains["litellm_database"]) == (version, True)
    assert odd < set(fleet("-G", f"litellm_version:{version}", "litellm_model.version"))


def test_a_run_is_predicted_done_and_done_once(fleet):
    before = fleet.all_limits()
    predicted = fleet.apply("test=True", target=EACH)
    assert set(predicted) == NAMES
    assert {one["result"] for one in predicted.values()} == {None}
    assert fleet.all_limits() == before
    done = fleet.apply(target=EACH)
    for name, result in done.items():
        assert (result["result"], result["name"]) == (True, f"{name}-model")
        assert result["changes"]["rpm"] == {"old": None, "new": fleet.limits[name]}
    assert set(done) == NAMES
    assert fleet.all_limits() == fleet.expected()
    again = fleet.apply(target=EACH)
    assert {name: (one["result"], one["changes"]) for name, one in again.items()} == dict.fromkeys(
        NAMES, (True, {})
    )


def test_functions_reach_the_gateway_that_is_named(fleet):
    fleet.apply(target=EACH)
    for name, listed in fleet("-C", EACH, "litellm_model.list", "fleet-*").items():
        ours = fleet.limits_on(fleet.gateways[name])
        assert [row["model_name"] for row in listed] == sorted(ours)
    (row,) = fleet("fleet-1", "litellm_model.get", "fleet-1-model").values()
    assert row["litellm_params"]["rpm"] == fleet.limits["fleet-1"]


def test_no_function_leads_elsewhere(fleet):
    (refused,) = fleet("fleet-1", "litellm_model.list", "profile=litellm:prod").values()
    assert "are not valid: profile=litellm:prod" in refused
    (unsupported,) = fleet("fleet-1", "cmd.run", "id").values()
    assert "'cmd.run' is not supported" in unsupported
    (own,) = fleet(fleet.minion.id, "litellm_model.list").values()
    assert own.startswith("ERROR: This minion manages gateways as resources and has none")


def test_a_ping_tells_that_the_key_is_refused(fleet):
    (refused,) = fleet("wrong-key", "test.ping").values()
    assert "refuses the api_key of the gateway wrong-key (401)" in refused


def test_a_gateway_that_hangs_and_a_wrong_key_each_have_their_return(fleet, hanging):
    found = fleet("-C", "T@litellm", "state.apply", "models", "pillar={rpm: 5}")
    assert set(found) == NAMES | {"wrong-key", "hangs"}
    # The gateways take turns: what comes after the one that hangs is done all the same.
    expected = {url: dict.fromkeys(limits, 5) for url, limits in fleet.expected().items()}
    assert fleet.all_limits() == expected
    (refused,) = found["wrong-key"]
    assert "refuses the api_key of the gateway wrong-key (401)" in refused
    assert "sk-wrong" not in str(found)
    assert found["hangs"] == [f"{hanging} did not answer GET /v2/model/info within 10 s"]
    fleet.apply(target=EACH)
    assert fleet.all_limits() == fleet.expected()


def test_the_documentation_is_the_gateways(fleet):
    (text,) = fleet("fleet-1", "sys.doc", "litellm_model.get").values()
    assert "salt prod-eu litellm_model.get gpt-4-proxy" in text


def test_what_salt_sends_to_the_minion_as_well_reaches_no_gateway(fleet):
    """Salt 3008.4 lets the minion apply states too if its gateways are targeted by a list."""
    fleet.apply(target=EACH)
    before = fleet.all_limits()
    found = fleet("-L", "fleet-0,fleet-1", "state.apply", "models")
    assert set(found) == {"fleet-0", "fleet-1"}
    assert fleet.all_limits() == before
