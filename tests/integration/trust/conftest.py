"""What the suites of trust share that run `salt-call` and daemons."""

import json

import pytest

from tests.functional.conftest import Api


@pytest.fixture
def api(gateway, name):
    api = Api(gateway)
    yield api
    for row in api.rows():
        if name in json.dumps(row):
            api.delete(row["model_info"]["id"])
