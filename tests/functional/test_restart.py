"""What only a restart shows: a gateway that does not start, or that cannot decrypt what it has."""

import pytest
import requests

from tests.support.gateway import DEFAULT_VERSION, running_gateway
from tests.support.upstream import Upstream

from .conftest import Api, States, id_of

pytestmark = pytest.mark.long

KEY, TOKEN = "sk-abc-0123456789", "token-of-a-header-0123456789"
MODEL = {"custom_llm_provider": "openai", "base_model": "gpt-4"}
BACK = "so what was there before is back"
WHY = "because LiteLLM cannot decrypt what it has: its LITELLM_SALT_KEY has probably changed"
UNLOADABLE = "os.environ/FLAG"  # LiteLLM reads it as true, and cannot load a text that is none


@pytest.fixture(scope="module", params=[DEFAULT_VERSION, "1.83.14"])
def version(request):
    return request.param


@pytest.fixture(scope="module")
def upstream():
    with Upstream(KEY, "sk-of-the-gateway-0123") as started:
        yield started


@pytest.fixture(scope="module")
def gateway(version):
    environment = {"FLAG": "true", "KEY": "sk-of-the-gateway-0123"}
    with running_gateway(litellm_version=version, environment=environment) as started:
        yield started


@pytest.fixture
def states(loaders, gateway):
    return States(loaders, {"url": gateway.url, "api_key": gateway.key, "retries": 0})


def ask(gateway, name):
    """One call, as users make it. Returns the status of its answer."""
    body = {"model": name, "messages": [{"role": "user", "content": "hello"}]}
    return gateway.request("POST", "/v1/chat/completions", json=body).status_code


def restart(gateway):
    """Kill the gateway, and start it again; fails if it does not start."""
    gateway.proxy.kill()
    gateway.proxy.start()


# ---------------------------------------------------------------- references


@pytest.mark.parametrize("reference", ["os.environ/NOT_SET_ANYWHERE", UNLOADABLE])
def test_a_model_by_reference_is_refused_before_anything_is_written(api, states, name, reference):
    api.create("always-there")
    states.present(name, model_api_key=KEY, **MODEL)
    before = api.all_rows()
    for arguments in ({"name": name}, {"name": f"{name}-new"}):
        params = {**arguments, "litellm_params": {"model": reference}}
        done = states.present(**params)
        assert done["result"] is False
        assert "model must not be an os.environ/ reference" in done["comment"]
    assert api.all_rows() == before


@pytest.mark.parametrize("key", ["organization", "api_base", "api_key"])
def test_what_cannot_be_loaded_is_undone_and_the_gateway_starts(
    api, gateway, states, upstream, name, key, version
):
    good = {"model_api_key": KEY, "model_api_base": upstream.url, **MODEL}
    assert states.present(name, **good)["result"] is True
    assert states.present(f"{name}-beside", **good)["result"] is True
    arguments = {f"model_{key}" if key != "organization" else key: UNLOADABLE}
    bad = {**good, **arguments}
    if key == "organization":
        bad = {**good, "litellm_params": arguments}
    for each in (name, f"{name}-new"):
        done = states.present(each, **bad)
        if version != "1.83.14":  # that one takes it for a text
            assert done["result"] is False
            assert ("taken back" if each != name else BACK) in done["comment"]
    assert len(api.in_database(name)) == 1
    restart(gateway)
    assert states.present(name, **good)["result"] is True
    assert states.present(name, **good)["changes"] == {}
    assert ask(gateway, name) == 200
    assert upstream.calls[-1] == KEY
    restart(gateway)
    assert ask(gateway, name) == 200


@pytest.mark.parametrize("others", [0, 2])
def test_the_former_state_repairs_what_somebody_else_has_broken(
    api, gateway, states, upstream, name, others
):
    good = {"model_api_key": KEY, "model_api_base": upstream.url, **MODEL}
    for number in range(others):
        assert states.present(f"{name}-{number}", **good)["result"] is True
    states.present(name, **good)
    api.patch(id_of(api.one(name)), litellm_params={"model": "os.environ/NOT_SET_ANYWHERE"})
    done = states.present(name, **good)
    assert (done["result"], bool(done["changes"])) == (True, True), done
    restart(gateway)
    assert states.present(name, **good)["changes"] == {}
    assert ask(gateway, name) == 200


def test_where_litellm_resolves_references(api, gateway, states, upstream, name, version):
    """What `howto/config-yaml.md` says of references in the database."""
    top = {"api_key": "os.environ/KEY", "api_base": upstream.url}
    api.create(name, {**top, "extra_headers": {"X-Token": "os.environ/KEY"}})
    ask(gateway, name)
    old = version == "1.83.14"
    assert upstream.calls[-1] == ("os.environ/KEY" if old else "sk-of-the-gateway-0123")
    headers = {key.lower(): value for key, value in upstream.headers[-1].items()}
    assert headers["x-token"] == "os.environ/KEY"
    arguments = {"model_api_key": "os.environ/KEY", "model_api_base": upstream.url, **MODEL}
    for _ in range(2):  # when it is written, and at rest
        done = states.present(f"{name}-ours", **arguments)
        warned = "LiteLLM resolves os.environ/ references in its database from 1.95 on" in str(
            done.get("warnings")
        )
        assert (done["result"], warned) == (True, old)


# ---------------------------------------------------------------- another LITELLM_SALT_KEY


def changed_key(gateway, version, number, **more):
    """The gateway after its LITELLM_SALT_KEY was changed."""
    gateway.proxy.kill()
    environment = {
        "DATABASE_URL": gateway.psql[-1],
        "LITELLM_SALT_KEY": f"sk-another-{number}-0123456789",
    }
    return running_gateway(
        litellm_version=version,
        environment=environment,
        general_settings={"master_key": gateway.key},
        **more,
    )


@pytest.fixture
def old_gateway(version):
    with running_gateway(litellm_version=version) as started:
        yield started


@pytest.mark.parametrize("configured", [0, 1])
def test_all_secrets_are_written_again(old_gateway, loaders, upstream, version, name, configured):
    profile = {"url": old_gateway.url, "api_key": old_gateway.key, "retries": 0}
    declared = {
        "model_api_key": KEY,
        "model_api_base": upstream.url,
        "litellm_params": {"extra_headers": {"X-Token": TOKEN}, "client_secret": "of-azure-0123"},
        **MODEL,
    }
    names = [name, f"{name}-two"]
    for each in names:
        assert States(loaders, profile).present(each, **declared)["result"] is True
    config = [{"model_name": "of-the-config", "litellm_params": {"model": "openai/gpt-4"}}]
    with changed_key(old_gateway, version, 1, model_list=config * configured) as gateway:
        states = States(loaders, {**profile, "url": gateway.url})
        for each, verify in zip(names, (False, True), strict=True):
            predicted = states.present(each, test=True, verify_secrets=verify, **declared)
            done = states.present(each, verify_secrets=verify, **declared)
            assert (predicted["result"], done["result"]) == (None, True), done
            assert predicted["changes"] == done["changes"] or (not configured and each == name)
            assert {"model_api_key", "litellm_params:client_secret"} <= set(done["changes"])
            assert WHY in done["comment"]
            assert ask(gateway, each) == 200
            assert upstream.calls[-1] == KEY
            assert states.present(each, verify_secrets=True, **declared)["changes"] == {}
        assert sorted(row["model_name"] for row in Api(gateway).all_rows()) == sorted(names)


def test_verify_secrets_sees_what_was_only_half_repaired(
    old_gateway, loaders, upstream, version, name
):
    """Somebody has saved the model in LiteLLM's UI, which sends no secret."""
    profile = {"url": old_gateway.url, "api_key": old_gateway.key, "retries": 0}
    declared = {"model_api_key": KEY, "model_api_base": upstream.url, **MODEL}
    States(loaders, profile).present(name, **declared)
    config = [{"model_name": "of-the-config", "litellm_params": {"model": "openai/gpt-4"}}]
    with changed_key(old_gateway, version, 2, model_list=config) as gateway:
        api, states = Api(gateway), States(loaders, {**profile, "url": gateway.url})
        (row,) = api.in_database(name)
        readable = {"model": "openai/gpt-4", "api_base": upstream.url}
        api.patch(id_of(row), litellm_params={**readable, "custom_llm_provider": "openai"})
        assert api.secrets(id_of(row))["api_key"] != "sk****89"
        done = states.present(name, verify_secrets=True, **declared)
        assert (done["result"], set(done["changes"])) == (True, {"model_api_key"})
        assert ask(gateway, name) == 200
        assert states.present(name, verify_secrets=True, **declared)["changes"] == {}


def test_nothing_untrue_is_said_where_litellm_keeps_no_models(old_gateway, loaders, name):
    """With `store_model_in_db: false` in its database, LiteLLM refuses each create and PATCH."""
    profile = {"url": old_gateway.url, "api_key": old_gateway.key, "retries": 0}
    states = States(loaders, profile)
    field = {"field_name": "store_model_in_db", "field_value": False}
    Api(old_gateway)(
        "POST", "/config/field/update", json={**field, "config_type": "general_settings"}
    )
    restart(old_gateway)
    done = states.present(name, **MODEL)
    assert done["result"] is False
    assert "which it has" not in done["comment"]
    assert "STORE_MODEL_IN_DB" in done["comment"]


@pytest.fixture(autouse=True)
def _no_leftovers(request):
    yield
    if "gateway" in request.fixturenames:
        gateway = request.getfixturevalue("gateway")
        try:
            Api(gateway).empty()
        except requests.RequestException as err:
            pytest.fail(f"the gateway is broken: {err}")
