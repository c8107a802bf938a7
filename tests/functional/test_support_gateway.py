"""The test gateway itself: a real proxy on a real database, and nothing left of it afterwards."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.gateway import running_gateway

NASTY = 'quotes " backslash \\ newline \n emoji 😀 accents é $type {"a": 1}'
MOCK = {"model": "openai/gpt-4o", "mock_response": "from the config file"}


@pytest.fixture
def model_id(gateway):
    """A deployment that is there for one test."""
    model = {
        "model_name": "support-gateway",
        "litellm_params": {"model": "openai/gpt-4o", "mock_response": NASTY},
        "model_info": {"id": "support/gateway 1", "note": {"nested": [NASTY, None, 1.5, True]}},
    }
    assert gateway.request("POST", "/model/new", json=model).json()["model_id"]
    yield model["model_info"]["id"]
    gateway.request("POST", "/model/delete", json={"id": model["model_info"]["id"]})


def chat(gateway, model):
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    answer = gateway.request("POST", "/chat/completions", json=body).json()
    return answer["choices"][0]["message"]["content"]


def listed(gateway):
    rows = gateway.request("GET", "/v2/model/info?size=100000").json()["data"]
    return {row["model_info"]["id"]: row for row in rows}


def test_the_key_is_not_shown(gateway):
    assert gateway.key not in repr(gateway)


def test_what_is_stored_comes_back_as_it_was(gateway, model_id):
    info = listed(gateway)[model_id]["model_info"]
    assert info["note"] == {"nested": [NASTY, None, 1.5, True]}
    assert info["db_model"] is True


def test_a_deployment_answers(gateway, model_id):
    assert chat(gateway, "support-gateway") == NASTY


def test_a_duplicate_is_refused_by_the_database(gateway, model_id):
    again = {
        "model_name": "support-gateway",
        "litellm_params": {"model": "openai/gpt-4o"},
        "model_info": {"id": model_id},
    }
    assert gateway.request("POST", "/model/new", json=again).status_code == 500


@pytest.mark.long
def test_two_side_by_side_each_with_its_own_rows():
    """Both are started at the same time, with models in the config file, and end together."""

    def run_one(name):
        models = [{"model_name": name, "litellm_params": MOCK}]
        with running_gateway(model_list=models) as gateway:
            (row,) = listed(gateway).values()
            return (
                gateway.url,
                row["model_name"],
                row["model_info"]["db_model"],
                chat(gateway, name),
            )

    with ThreadPoolExecutor() as pool:
        first, second = pool.map(run_one, ["first", "second"])
    assert first[1:] == ("first", False, "from the config file")
    assert second[1:] == ("second", False, "from the config file")
    assert first[0] != second[0]


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads the process table from /proc")
def test_a_failing_test_leaves_no_process_and_no_file():
    """Whatever belongs to a gateway works in the temporary folder, so that is where to look."""
    program = """
from tests.functional.test_support_gateway import processes_in
from tests.support.gateway import running_gateway
import tempfile
with running_gateway():
    print(len(processes_in(tempfile.gettempdir())), flush=True)
    raise ZeroDivisionError
"""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # run by root, PostgreSQL is another user
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "TMPDIR": folder},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "ZeroDivisionError" in done.stderr
        assert int(done.stdout) >= 6  # two guards, PostgreSQL and its helpers, proxy, engine
        assert processes_in(folder) == []
        assert list(Path(folder).iterdir()) == []


def processes_in(folder):
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.readlink(process / "cwd").startswith(folder):
                found.append(process.name)
    return found
