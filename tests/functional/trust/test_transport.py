"""The ways to a real gateway: TLS, proxies, paths, forks, and odd names and rows from it."""

import json
import os
import warnings
from unittest import mock

import pytest
from salt.exceptions import CommandExecutionError

from saltext_litellm.http.profile import Profile
from saltext_litellm.http.session import Session
from saltext_litellm.models.endpoints import ModelEndpoints
from tests.support import certificates
from tests.support.proxy import Proxy
from tests.support.recorder import Recorder

from ..conftest import MODEL, States
from ..credentials.conftest import CredentialApi

TABLE = "Transport and roles"

pytestmark = pytest.mark.usefixtures("no_environment")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("other"), "other-authority")


@pytest.fixture
def certificate(tmp_path, authority):
    return certificates.make(tmp_path, "gateway", signed_by=authority, hosts=("127.0.0.1",))


class Way:
    """One way to the gateway, tried out by a state.

    :ivar environment: What is set while the state runs.
    """

    def __init__(self, loaders, api, name, survived):
        self._loaders, self._api, self._name, self._survived = loaders, api, name, survived
        self.environment = {}

    def profile(self, url, **more):
        return {"url": url, "api_key": self._api.gateway.key, "retries": 0, "timeout": 30, **more}

    def present(self, url, test=False, **more):
        states = States(self._loaders, self.profile(url, **more))
        with mock.patch.dict(os.environ, self.environment):
            return states.present(self._name, test=test, rpm=5)

    def leads(self, row, url, **more):
        """It leads to the gateway, and its second run finds nothing to do."""
        result = self.present(url, **more)
        assert result["result"] is True, result
        assert self._api.one(self._name)["litellm_params"]["rpm"] == 5
        assert self.present(url, **more)["changes"] == {}
        self._survived(TABLE, row)
        return result

    def fails(self, row, url, *words, **more):
        """It does not, and one sentence says why."""
        result = self.present(url, **more)
        assert (result["result"], result["changes"]) == (False, {})
        assert [word for word in words if word not in result["comment"]] == []
        assert "\n" not in result["comment"]
        assert "Traceback" not in result["comment"]
        assert self._api.gateway.key not in result["comment"]
        assert self._api.in_database(self._name) == []
        self._survived(TABLE, row)
        return result


@pytest.fixture
def way(loaders, api, name, survived):
    return Way(loaders, api, name, survived)


# -------------------- TLS


def test_a_private_authority(way, gateway, certificate, authority, other_authority):
    with Recorder(gateway.url, tls=certificate.server()) as server:
        untrusted = f"No trusted connection to {server.url}: ", "set `verify:` to the CA file"
        way.fails("a private CA that is not given", server.url, *untrusted)
        verify = str(other_authority.file)
        way.fails("a private CA, another one given", server.url, *untrusted, verify=verify)
        way.leads("a private CA", server.url, verify=str(authority.file))


@pytest.mark.survive
def test_a_self_signed_certificate(way, gateway, tmp_path):
    own = certificates.make(tmp_path, "own", hosts=("127.0.0.1",))
    with Recorder(gateway.url, tls=own.server()) as server:
        way.fails("a self-signed certificate", server.url, "set `verify:` to the CA file")
        way.leads("a self-signed certificate that is given", server.url, verify=str(own.file))


@pytest.mark.survive
@pytest.mark.parametrize(
    ("row", "made", "words"),
    [
        (
            "a certificate of another name",
            {"hosts": ("gw.example.com",)},
            "the url must name the host as the certificate does",
        ),
        (
            "a certificate that has expired",
            {"hosts": ("127.0.0.1",), "days": -1},
            "certificate has expired",
        ),
    ],
)
def test_a_certificate_that_is_not_valid(way, gateway, tmp_path, authority, row, made, words):
    wrong = certificates.make(tmp_path, "gateway", signed_by=authority, **made)
    with Recorder(gateway.url, tls=wrong.server()) as server:
        way.fails(row, server.url, words, verify=str(authority.file))
        way.leads(f"{row}, and `verify: false`", server.url, verify=False)


def test_a_certificate_that_is_not_checked_is_a_warning(way, loaders, gateway, certificate, name):
    """Once in each result, and nowhere else."""
    with (
        Recorder(gateway.url, tls=certificate.server()) as server,
        warnings.catch_warnings(record=True) as raised,
    ):
        warnings.simplefilter("always")
        states = States(loaders, way.profile(server.url, verify=False))
        results = [
            way.leads("`verify: false`", server.url, verify=False),
            way.present(server.url, test=True, verify=False),
            states.run(("managed", {"name": f"{name}-set", "models": {f"{name}-2": MODEL}})),
            states.absent(name),
        ]
    for result in results:
        (warning,) = result["warnings"]
        assert f"The certificate of {server.url} is not checked" in warning
    assert [each for each in raised if "certificate" in str(each.message)] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("verify", "/no/such/ca.pem"),
        ("cert", "/no/such/cert.pem"),
        ("cert", ["/dev/null", "/no/such/key.pem"]),
        ("cert", "/"),
    ],
)
def test_a_file_that_cannot_be_read(way, gateway, certificate, key, value):
    with Recorder(gateway.url, tls=certificate.server()) as server:
        words = f"{key} of the given profile: cannot read "
        way.fails(f"`{key}` that cannot be read", server.url, words, **{key: value})
        assert server.requests == []


def test_a_client_certificate(way, gateway, tmp_path, certificate, authority):
    client = certificates.make(tmp_path, "client", signed_by=authority)
    pair = [str(client.file), str(client.key_file)]
    with Recorder(gateway.url, tls=certificate.server(clients=authority)) as server:
        way.fails("mTLS without a certificate", server.url, verify=str(authority.file))
        way.leads("mTLS", server.url, verify=str(authority.file), cert=pair)


def test_the_wrong_scheme(way, gateway, recorder, certificate):
    plain = recorder.url.replace("http:", "https:")
    words = "for plain HTTP write http:// in the url"
    way.fails("https:// where plain HTTP is spoken", plain, words)
    with Recorder(gateway.url, tls=certificate.server()) as server:
        url = server.url.replace("https:", "http:")
        way.fails("http:// where TLS is spoken", url, f"{url} broke off GET")


@pytest.mark.survive
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_bundle_of_the_environment(
    way, gateway, certificate, authority, other_authority, variable
):
    with Recorder(gateway.url, tls=certificate.server()) as server:
        way.environment = {variable: str(other_authority.file)}
        way.fails(f"{variable}, without the CA", server.url, "No trusted connection")
        way.leads(f"`verify` against {variable}", server.url, verify=str(authority.file))
        way.leads(f"`verify: false` against {variable}", server.url, verify=False)
        way.environment = {variable: str(authority.file)}
        way.leads(variable, server.url)


# -------------------- addresses and proxies


@pytest.mark.parametrize("tls", [True, pytest.param(False, marks=pytest.mark.survive)])
def test_a_proxy(way, gateway, certificate, authority, tls):
    variable = "HTTPS_PROXY" if tls else "http_proxy"
    verify = str(authority.file)
    with Recorder(gateway.url, tls=certificate.server() if tls else None) as server:
        with Proxy(refuse=403) as proxy:
            way.environment = {variable: proxy.url}
            way.fails(f"{variable} that refuses", server.url, "403", verify=verify)
            assert len(proxy.asked) == 1
            way.environment["no_proxy"] = "127.0.0.1"
            way.leads(f"no_proxy against {variable}", server.url, verify=verify)
            assert len(proxy.asked) == 1
        way.environment = {variable: proxy.url}
        words = "through the proxy: Connection refused"
        assert words in way.present(server.url, verify=verify)["comment"]
        with Proxy() as proxy:
            way.environment = {variable: proxy.url}
            way.leads(variable, server.url, verify=verify)
            assert proxy.asked[0].startswith("CONNECT " if tls else "GET http://")


@pytest.mark.parametrize("slash", ["", pytest.param("/", marks=pytest.mark.survive)])
def test_a_base_path(way, gateway, certificate, authority, slash):
    with Recorder(gateway.url, tls=certificate.server(), base="/litellm") as server:
        row = "a path in the url" + (", with a slash at its end" if slash else "")
        way.leads(row, server.url + slash, verify=str(authority.file))
        assert {record.path for record in server.requests} >= {"/v2/model/info", "/model/new"}


@pytest.mark.survive
def test_a_trailing_slash(way, recorder):
    way.leads("a slash at the end of the url", recorder.url + "/")


@pytest.mark.survive
def test_ipv6(way, gateway):
    with Recorder(gateway.url, host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        way.leads("IPv6", server.url)


def test_a_netrc_does_not_replace_the_login(way, gateway, recorder, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login u password p\ndefault login u password p\n")
    netrc.chmod(0o600)
    way.environment = {"NETRC": str(netrc)}
    way.leads("a ~/.netrc", recorder.url)
    logins = {record.headers["Authorization"] for record in recorder.requests}
    assert logins == {f"Bearer {gateway.key}"}


# -------------------- names from the gateway


def test_no_control_character_reaches_a_person(api, states, modules, name):
    """Ids and model names are anybody's, and a terminal obeys what they hold."""
    for number in range(2):
        api.create(name, info={"id": f"{name}-\x1b[31m\r\n\u202e{number}"})
    with pytest.raises(CommandExecutionError) as err:
        modules("get", name)
    told = [str(err.value)]
    told += [states.present(name, test=test)["comment"] for test in (True, False)]
    told.append(states.absent(name)["comment"])
    told.append(states.run(("managed", {"name": "set", "models": {name: MODEL}}))["comment"])
    for each in told:
        assert f"{name}-\\x1b[31m\\r\\n\\u202e1" in each
        assert each.isprintable()


NO_SENSE = [
    {"model_name": "odd", "litellm_params": None, "model_info": {"id": "odd-1"}},
    {"model_name": None, "litellm_params": {"model": None}, "model_info": {"id": "odd-2"}},
    {"model_name": 5, "litellm_params": "text", "model_info": {"id": "odd-3", "db_model": True}},
    {"model_name": "odd", "litellm_params": {}, "model_info": None},
    {"model_name": "odd", "litellm_params": {}, "model_info": {"id": 5}},
    {"model_name": ["odd"], "litellm_params": [], "model_info": {"id": "odd-4", "team_id": 3}},
    {"model_info": {"id": "odd-5", "db_model": True, "saltext_litellm": {"name": "o", "id": 5}}},
    None,
    "odd",
]


def test_rows_of_no_sense_hide_no_other(states, modules, recorder, api, name):
    states.present(name, rpm=5)
    listed = api("GET", "/v2/model/info", params={"search": "%", "size": 100000})
    listed["data"] = [*NO_SENSE, *listed["data"], *NO_SENSE]
    recorder.fault(method="GET", path="/v2/model/info", status=200, json=listed)
    assert states.present(name, rpm=5)["changes"] == {}
    assert states.present(name, test=True, rpm=6)["changes"] == {"rpm": {"old": 5, "new": 6}}
    assert states.absent(f"{name}-none", test=True)["result"] is True
    assert name in [each["model_name"] for each in modules("list")]
    assert modules("get", name)["litellm_params"]["rpm"] == 5
    for number in range(1, 6):
        assert modules("get", model_id=f"odd-{number}")["model_id"] == f"odd-{number}"
        done = states.present(f"{name}-2", test=True, model_id=f"odd-{number}")
        assert done["result"] in (None, False)
        assert "Traceback" not in done["comment"]


CREDENTIALS_OF_NO_SENSE = [
    {"credential_name": "odd-1", "credential_values": None, "credential_info": None},
    {"credential_name": "odd-2", "credential_values": "text", "credential_info": ["list"]},
    {"credential_name": "odd-3", "credential_info": {"saltext_litellm": {"name": "o", "keys": 5}}},
    {"credential_name": "odd-4", "credential_values": {"a": {"b": [None]}}, "display_name": 5},
    {"credential_name": ["odd"], "credential_values": {"api_key": 5}, "credential_info": {}},
    {"credential_name": None},
    {},
    None,
    "odd",
]


def test_credentials_of_no_sense_hide_no_other(states, loaders, profile, recorder, gateway, name):
    api, values = CredentialApi(gateway), {"api_base": "one"}

    def present(one, test=False, **given):
        given = {"name": one, "credential_values": {"api_base": "one", **given}}
        return states.run(("litellm_credential.present", given), test=test)

    def call(function, *args):
        return loaders.modules[f"litellm_credential.{function}"](*args, profile=profile)

    api.create(name, values)
    present(name)
    rows = [*CREDENTIALS_OF_NO_SENSE, *api.rows(), *CREDENTIALS_OF_NO_SENSE]
    recorder.fault(method="GET", path="/credentials", status=200, json={"credentials": rows})
    assert present(name)["changes"] == {}
    assert present(name, test=True, x="1")["changes"] == {
        "credential_values:x": {"old": None, "new": "1"}
    }
    assert {name, "odd-1", "odd-4"} <= {one["credential_name"] for one in call("list")}
    assert call("get", name)["credential_values"] == values
    for number in range(1, 5):
        assert call("get", f"odd-{number}")["credential_name"] == f"odd-{number}"
        assert "Traceback" not in present(f"odd-{number}", test=True)["comment"]
    assert "Traceback" not in str(call("export"))
    api.clean(name)


# -------------------- forks


def test_a_forked_process_has_a_connection_of_its_own(gateway, recorder, api, name, survived):
    """Parent and child send many requests at once, and each gets the answers to its own."""
    models = ModelEndpoints(Session(Profile("given profile", recorder.url, gateway.key)))
    ids = [api.create(name, params={"api_key": f"sk-{side * 20}"}) for side in "pc"]
    assert models.alive()  # the connection is open before there are two
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            told = _ask(models, ids[1])
        except BaseException as err:  # noqa: BLE001 - nothing may get out of the child
            told = [repr(err)]
        os.write(writer, json.dumps(sorted(set(told))).encode())
        os._exit(0)
    os.close(writer)
    own = _ask(models, ids[0])
    with os.fdopen(reader) as theirs:
        told = json.loads(theirs.read())
    os.waitpid(child, 0)
    assert (set(own), told) == ({"sk****pp"}, ["sk****cc"])
    own = _ask(models, ids[0])  # nor has the child's end closed it
    assert set(own) == {"sk****pp"}
    survived(TABLE, "a fork that shares a session")


def _ask(models, model_id):
    return [models.masked_secrets(model_id)["api_key"] for _ in range(60)]
