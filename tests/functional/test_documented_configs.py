"""`source` pointed at the config files that LiteLLM itself ships as examples."""

import re

import pytest
import salt.utils.yaml

from saltext_litellm.values.compare import same
from tests.support.install import installed

from .conftest import Api, States

pytestmark = pytest.mark.long


def examples():
    with installed() as installation:
        (folder,) = installation.root.glob(
            "lib/python*/site-packages/litellm/proxy/example_config_yaml"
        )
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        entries = (salt.utils.yaml.safe_load(path.read_text()) or {}).get("model_list")
        if entries and all(map(is_servable, entries)):
            found[path] = entries
    return found


def is_servable(entry):
    """Some are stale: one has no litellm_params, another a provider that LiteLLM does not have."""
    model = (entry.get("litellm_params") or {}).get("model", "")
    return bool(model) and not model.startswith("mistralai/")


def test_every_example_converges_unchanged(gateway_factory, loaders):
    files = examples()
    assert len(files) > 5
    references = set(re.findall(r"os\.environ/(\w+)", str(files)))
    gateway = gateway_factory(environment={name: f"https://{name}.test" for name in references})
    api = Api(gateway)
    states = States(loaders, {"url": gateway.url, "api_key": gateway.key})
    for path, entries in files.items():
        args = {"name": "proxy", "source": str(path), "prune": True}
        result = states.run(("managed", args))
        assert result["result"] is True, (path.name, result["comment"])
        again = states.run(("managed", args))
        assert (again["result"], again["changes"]) == (True, {}), path.name
        rows = api.rows()
        assert len(rows) == len(entries), path.name
        for entry in entries:
            assert any(holds(row, entry) for row in rows), (path.name, entry)


def holds(row, entry):
    """Whether a row shows all that an entry declares, as far as a read shows it."""
    return row["model_name"] == entry["model_name"] and all(
        value is None
        or "os.environ/" in str(value)
        or key in ("api_key", "aws_access_key_id", "aws_secret_access_key")
        or same(value, row[section].get(key), masked=True)
        for section in ("litellm_params", "model_info")
        for key, value in (entry.get(section) or {}).items()
    )
