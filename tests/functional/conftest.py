"""Salt's loaders in this process, the real gateway behind a recorder, and LiteLLM's API itself."""

import copy
import json
import time
import uuid
from functools import cache
from unittest.mock import Mock

import pytest
import salt.config
import salt.loader
from salt.utils import ctx
from saltfactories.utils.functional import Loaders

from tests.support.recorder import Recorder

MARKER = "saltext_litellm"
MODEL = {"custom_llm_provider": "openai", "base_model": "gpt-4"}
# LiteLLM saves a model of no provider and does not serve it. With a public base URL it is not
# refused before, because LiteLLM may know the provider of that.
PUBLIC = {"api_base": "https://provider.example.com/v1"}
UNSERVABLE = {"model": "no-such-provider/gpt-4", **PUBLIC}


@cache
def grains():
    """The grains of this machine, which stay the same while the tests run."""
    return salt.loader.grains(salt.config.minion_config(None))


class QuickLoaders(Loaders):
    """Salt's loaders, without what takes a second for each minion and finds nothing new.

    That are its grains, and a sync of modules from its file server, which has none.
    """

    made = False

    def __init__(self, opts):
        super().__init__(opts)
        self.made = True
        # Else this minion's modules would be those of an earlier one, with other options in them.
        self.utils.clean_modules()
        self.modules.clean_modules()

    @property
    def grains(self):
        return {**copy.deepcopy(grains()), "id": self.opts["id"]}

    @property
    def modules(self):
        return super().modules if self.made else Mock()  # it is asked to sync


def make_loaders(root, pillar=None, **more):
    """Salt's loaders for a minion of its own, with a pillar, as in a process of ``salt-call``.

    There, a state run has the pillar that is loaded already. Elsewhere it makes it anew, if it is
    empty as well, and that is more work than the rest of a run.
    """
    opts = salt.config.minion_config(None)
    for key in ("cachedir", "pki_dir", "sock_dir", "conf_file"):
        opts[key] = str(root / key)
    opts.update(root_dir=str(root), id="minion", file_client="local", test=False)
    opts["__cli"] = "salt-call"
    opts.update(file_roots={"base": [str(root)]}, pillar_roots={"base": [str(root / "pillar")]})
    opts.update(more)
    (root / "pillar").mkdir()
    (root / "pillar/top.sls").write_text("base: {'*': [data]}")
    (root / "pillar/data.sls").write_text("#!json\n" + json.dumps(pillar or {"of": "the tests"}))
    return QuickLoaders(opts)


@pytest.fixture(scope="session")
def loaders(tmp_path_factory):
    return make_loaders(tmp_path_factory.mktemp("salt"))


@pytest.fixture
def loaders_with(tmp_path):
    """Loaders with a pillar, or with settings in the minion's configuration."""
    return lambda pillar=None, **more: make_loaders(tmp_path, pillar, **more)


@pytest.fixture
def name():
    return f"model-{uuid.uuid4().hex[:8]}"


class Api:
    """LiteLLM's API, asked with plain requests: what results are checked against."""

    def __init__(self, gateway):
        self.gateway = gateway

    def __call__(self, method, path, **kwargs):
        response = self.gateway.request(method, path, **kwargs)
        response.raise_for_status()
        return response.json()

    def rows(self):
        return self("GET", "/v2/model/info", params={"size": 100000})["data"]

    def all_rows(self):
        """The rows of the database, served or not."""
        params = {"search": "%%", "size": 100000}
        return self("GET", "/v2/model/info", params=params)["data"]

    def in_database(self, model_name):
        """The rows of a name in the database, served or not."""
        return [row for row in self.all_rows() if row["model_name"] == model_name]

    def named(self, model_name):
        return [row for row in self.rows() if row["model_name"] == model_name]

    def one(self, model_name):
        (row,) = self.named(model_name)
        return row

    def create(self, model_name, params=None, info=None, **more):
        params = {"model": "openai/gpt-4", **(params or {})}
        body = {"model_name": model_name, "litellm_params": params, "model_info": info or {}}
        return self("POST", "/model/new", json={**body, **more})["model_id"]

    def patch(self, model_id, **body):
        return self("PATCH", f"/model/{model_id}/update", json=body)

    def stored(self, model_id):
        """The raw row: an empty PATCH changes nothing and returns it."""
        return self.patch(model_id)

    def secrets(self, model_id):
        return self("GET", f"/credentials/by_model/{model_id}")["credential_values"]

    def delete(self, model_id):
        self("POST", "/model/delete", json={"id": model_id})

    def empty(self):
        """Delete every row.

        LiteLLM 1.83.14 may list one again that its poll was just reading, and keeps it for as long
        as its database has no row at all. So there is one until nothing else is listed.
        """
        last = self.create("last")
        for row in self.rows():
            if row["model_info"]["id"] != last:
                self.delete(row["model_info"]["id"])
        deadline = time.monotonic() + 60
        while len(self.rows()) > 1:
            assert time.monotonic() < deadline, self.rows()
            self.patch(last)  # makes LiteLLM read its database again
        self.delete(last)
        assert self.rows() == []


@pytest.fixture
def api(gateway, name):
    """The API; deletes what the test has made, which bears its name somewhere."""
    api = Api(gateway)
    yield api
    # The first shows what is not served as well, but nothing while LiteLLM serves nothing.
    for row in api.all_rows() or api.rows():
        info = row["model_info"]
        owner = str(info.get("saltext_litellm") or {})
        if info.get("db_model") and name in f"{row['model_name']} {info['id']} {owner}":
            gateway.request("POST", "/model/delete", json={"id": info["id"]})


@pytest.fixture
def second_api(second_gateway):
    """The API of another gateway; deletes every row."""
    api = Api(second_gateway)
    yield api
    api.empty()


@pytest.fixture
def profile(api, recorder):
    return {"url": recorder.url, "api_key": api.gateway.key, "retries": 0}


class States:
    """State functions, called the way a state run does: in a run of their own."""

    def __init__(self, loaders, profile):
        self.loaders, self.profile = loaders, profile

    def run(self, *states, test=False):
        """Apply (function, arguments) pairs in one state run; returns their results in order.

        A function is one of `litellm_model`, or has the name of another module before a dot.
        """
        high = {}
        for number, (named, args) in enumerate(states):
            module, _, function = named.rpartition(".")
            given = [{key: value} for key, value in {"profile": self.profile, **args}.items()]
            declared = [function, *given, {"order": number + 1}]  # else by the names of modules
            high[f"{number:04}"] = {module or "litellm_model": declared}
        returned = self.loaders.modules.state.high(high, test=test)
        assert isinstance(returned.raw, dict), returned
        results = sorted(returned.raw.values(), key=lambda result: result["__run_num__"])
        return results if len(results) > 1 else results[0]

    def present(self, name, test=False, **args):
        defaults = {"custom_llm_provider": "openai", "base_model": "gpt-4"}
        if "model" in (args.get("litellm_params") or {}):
            defaults = {}
        return self.run(("present", {"name": name, **defaults, **args}), test=test)

    def absent(self, name, test=False, **args):
        return self.run(("absent", {"name": name, **args}), test=test)


@pytest.fixture
def states(loaders, profile):
    return States(loaders, profile)


def with_profile(loaders, profile):
    """The execution functions, with the profile filled in."""

    def call(function, *args, **kwargs):
        return loaders.modules[f"litellm_model.{function}"](*args, **{"profile": profile, **kwargs})

    return call


@pytest.fixture
def modules(loaders, profile):
    return with_profile(loaders, profile)


@pytest.fixture
def unasked():
    """A profile for what is refused before anything is sent, so that it needs no gateway."""
    with Recorder("http://127.0.0.1:9") as recorder:
        yield {"url": recorder.url, "api_key": "sk-of-nobody-0123456789", "retries": 0}
        assert recorder.requests == []


@pytest.fixture
def states_unasked(loaders, unasked):
    """The states, none of which may send anything."""
    return States(loaders, unasked)


@pytest.fixture
def modules_unasked(loaders, unasked):
    """The execution functions, none of which may send anything."""
    return with_profile(loaders, unasked)


def as_job(function):
    """For ``with``: what is called is part of a job of a minion, which is for this function."""
    data = {"data": {"fun": function}}
    if hasattr(ctx, "request_context"):
        return ctx.request_context(data)
    return ctx.RequestContext(data)  # Salt 3006


def sent(recorder):
    """The requests of a run, for counting."""
    return [(record.method, record.path) for record in recorder.requests]


def id_of(row):
    return row["model_info"]["id"]


def bodies(recorder):
    """What was written, but for the reload."""
    return [record.json for record in recorder.requests if record.method != "GET" and record.json]


def one_body(recorder):
    (body,) = bodies(recorder)
    return body


def without_booleans(params):
    return {key: value for key, value in params.items() if not isinstance(value, bool)}


def managed_set(name, models, **more):
    """The `managed` state of a set that is named after the test, for `States.run`."""
    return ("managed", {"name": f"set-{name}", "models": models, **more})


@pytest.fixture
def managed(states, name):
    """The state, its set named after the test."""

    def managed(test=False, **args):
        return states.run(("managed", {"name": f"set-{name}", **args}), test=test)

    return managed


@pytest.fixture
def no_mask_is_ever_written(recorder):
    yield
    assert not [record.body for record in recorder.requests if b"****" in record.body]


LIST = ("GET", "/v2/model/info")
DATABASE, ROUTER = LIST, LIST  # the two views of the rows: with `search`, and without


def served_check(reports_unserved_rows):
    """An older LiteLLM does not say whether it serves what it saved, so it is looked up."""
    return [] if reports_unserved_rows else ["GET"]


@pytest.fixture
def gateway_can_block(gateway):
    """Blocked deployments came in mid-2026."""
    return gateway.request("POST", "/model/block", json={}).status_code == 422
