"""Broken documents through Salt's loader: a sentence each, no secret in it, and nothing sent.

A document that is well as far as itself can tell meets a gateway that is away, which says so.
"""

import copy
import os
from itertools import pairwise

import pytest
import salt.loader
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.support.recorder import Recorder

from ..config_yaml.conftest import model
from .test_fuzz import ODD, check_result, fuzz, keys, mutated, wild

TABLE = "Fuzz"
KEY = "sk-CANARY0123456789"
WHOLE = {
    "credential_list": [
        {
            "credential_name": "openai-prod",
            "credential_values": {"api_key": KEY, "api_base": "https://provider.example.com/v1"},
            "credential_info": {"custom_llm_provider": "openai"},
        }
    ],
    "model_list": [
        model("chat", rpm=5),
        {
            "model_name": "large",
            "litellm_params": {"model": "openai/gpt-4o", "api_key": KEY, "timeout": 30},
            "model_info": {"id": "large-1", "mode": "chat", "input_cost_per_token": 1e-06},
        },
    ],
    "litellm_settings": {"drop_params": True, "fallbacks": [{"chat": ["large"]}]},
    "router_settings": {
        "context_window_fallbacks": [{"large": ["chat"]}],
        "num_retries": 2,
        "model_group_alias": {"gpt": "chat"},
        "redis_host": "redis",
    },
    "general_settings": {"master_key": KEY},
}
# Where only a mapping, or only a list, can stand.
MAPPINGS = [(), ("litellm_settings",), ("router_settings",), ("credential_list", 0)]
MAPPINGS += [("credential_list", 0, "credential_values")]
MAPPINGS += [("credential_list", 0, "credential_info")]
MAPPINGS += [
    ("model_list", 0),
    ("model_list", 0, "litellm_params"),
    ("model_list", 1, "model_info"),
]
MAPPINGS += [("litellm_settings", "fallbacks", 0)]
LISTS = [("credential_list",), ("model_list",), ("litellm_settings", "fallbacks")]
LISTS += [
    ("router_settings", "context_window_fallbacks"),
    ("litellm_settings", "fallbacks", 0, "chat"),
]
NAMES = [("credential_list", 0, "credential_name"), ("model_list", 0, "model_name")]
NAMES += [("model_list", 0, "litellm_params", "model")]
NAMES += [("litellm_settings", "fallbacks", 0, "chat", 0)]
SCALARS = [5, 1.5, True, b"bytes", object(), "text"]
KEYS = [5, None, True, 1.5, (1, 2), "", "two\nlines", "\udfff", "k" * 5000]
WRONG = {
    "mapping": [*SCALARS, ["a"], [{"a": 1}]],
    "list": [*SCALARS, {"a": "b"}, {"a": ["b"]}],
    "name": [5, False, ["a"], {"a": "b"}, "", " ", "two\nlines", "${X}"],
}
PLACES = [("mapping", one) for one in MAPPINGS] + [("list", one) for one in LISTS]
PLACES += [("name", one) for one in NAMES]


class Broken:
    """The state, with a gateway that is away, and what was sent to it."""

    def __init__(self, loaders, recorder):
        opts = {**loaders.opts, "test": False}
        self._state = salt.loader.states(opts, loaders.modules, {}, {})["litellm_gateway.managed"]
        self._profile = {"url": recorder.url, "api_key": "sk-of-nobody-0123456789", "retries": 0}
        self._recorder = recorder

    def result(self, **given):
        """What a run says. Whatever it is, it is words without a secret."""
        self._recorder.clear()
        told = self._state(name="production", profile=self._profile, **given)
        check_result(told)
        assert (told["result"], told["changes"]) in ((False, {}), (True, {})), told
        assert KEY[3:] not in told["comment"]
        return told

    def refused(self, **given):
        """What a document is refused with, before anything is sent."""
        told = self.result(**given)
        assert (told["result"], self._recorder.requests) == (False, []), told
        (line,) = told["comment"].splitlines()
        return line


@pytest.fixture(scope="module")
def broken(loaders):
    with Recorder("http://127.0.0.1:9") as recorder:
        yield Broken(loaders, recorder)


def replaced(path, value):
    if not path:
        return value
    document = copy.deepcopy(WHOLE)
    target = document
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("kind", "path"), PLACES, ids=lambda one: ":".join(map(str, one)) or "root"
)
def test_a_wrong_type_at_each_place(broken, survived, kind, path):
    for value in WRONG[kind]:
        if path[-1:] == (0,) and kind == "mapping" and value == "text":
            continue  # a list of texts is as wrong as one of numbers
        assert broken.refused(document=replaced(path, value)), (path, value)
        survived(TABLE, "documents with a wrong type")


@pytest.mark.parametrize("number", range(len(ODD)))
def test_odd_values_at_each_place(broken, survived, number):
    for _, path in PLACES:
        broken.result(document=replaced(path, ODD[number]()))
        survived(TABLE, "documents with an odd value")


@pytest.mark.parametrize(
    "key", [5, None, True, 1.5, (1, 2), "", "two\nlines", "\udfff", "k" * 5000]
)
@pytest.mark.parametrize("path", MAPPINGS)
def test_odd_keys(broken, survived, path, key):
    target = copy.deepcopy(WHOLE)
    found = target
    for one in path:
        found = found[one]
    found[key] = "value"
    broken.result(document=target)
    survived(TABLE, "documents with an odd key")


@pytest.mark.survive
@fuzz(int(os.environ.get("FUZZ", "1000")))
@given(document=mutated(WHOLE) | st.dictionaries(keys, wild, max_size=5) | wild)
def test_documents_that_are_well_but_for_one_place(broken, survived, document):
    broken.result(document=document)
    survived(TABLE, "litellm_gateway, state managed")


# ---------------------------------------------------------------- files

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in pairwise("abcdefghi")
)
TEXT = yaml.safe_dump(WHOLE, sort_keys=False)
FILES = {
    "empty": "",
    "only a comment": "# nothing\n",
    "null": "~\n",
    "a text": "text\n",
    "a number": "5\n",
    "a list of texts": "- a\n- b\n",
    "tabs": TEXT.replace("  ", "\t"),
    "half a file": TEXT[: len(TEXT) // 2] + "\n  : [",
    "an anchor in itself": "model_list: &a [*a]\n",
    "a mapping in itself": "model_list: &a\n- litellm_params: *a\n",
    "no such anchor": "model_list: *nowhere\n",
    "laughs": f"{LAUGHS}model_list: *i\n",
    "laughs in parameters": f"{LAUGHS}model_list: [{{model_name: a, litellm_params: {{x: *i}}}}]",
    "an object of Python": "model_list: !!python/object/apply:os.system ['true']\n",
    "a set": "model_list: !!set {a, b}\n",
    "a binary": "model_list: !!binary aGVsbG8=\n",
    "a long number": f"router_settings: {{num_retries: {'9' * 5000}}}\n",
    "no number": "router_settings: {timeout: .nan}\n",
    "a date as a key": "2024-10-21: x\nmodel_list: 5\n",
    "a list as a key": "? [a, b]\n: c\n",
    "a key twice": f"{TEXT}model_list: []\n",
    "two documents": f"{TEXT}---\n{TEXT}",
    "brackets without end": "model_list: " + "[" * 5000,
    "mappings without end": "model_list: " + "{a: " * 5000,
    "deep": "model_list: " + "[" * 200 + "]" * 200,
    "a template": f"{TEXT}x: {{{{ pillar['x'] }}}}\n{{% if %}}",
    "includes a text": "include: other.yaml\n",
    "includes a number": "include: [5]\n",
    "includes nothing that is there": "include: [gone.yaml]\n",
    "includes a folder": "include: ['.']\n",
    "includes a URL": "include: ['https://u:hunter22@host.example.com/x.yaml']\n",
    "includes what is broken": "include: [broken.yaml]\n",
    "a zero byte": "model_list: []\0\n",
    "not UTF-8": b"model_list: [{model_name: \xe4}]\n",
    "UTF-16": TEXT.encode("utf-16"),
    "random bytes": bytes(range(256)) * 20,
    "half a megabyte": "model_list:\n" + "- {model_name: 5}\n" * 30_000,
}


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file(broken, tmp_path, survived, name):
    text = FILES[name]
    (tmp_path / "broken.yaml").write_text("a: [1")
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert "hunter22" not in broken.refused(source=str(path))
    survived(TABLE, "documents in broken files")


def test_includes_that_go_round_are_read_once_each(broken, tmp_path):
    """What is wrong in one of them is told once, so that they were read to their end."""
    (tmp_path / "a.yaml").write_text("include: [b.yaml, a.yaml]\nmodel_list: [{model_name: a}]\n")
    (tmp_path / "b.yaml").write_text("include: [./a.yaml, b.yaml]\nmodel_list: [5]\n")
    said = broken.refused(source=f"{tmp_path}/a.yaml")
    assert said.count("an entry must be a mapping with model_name and litellm_params") == 1


@pytest.mark.survive
@fuzz(int(os.environ.get("FUZZ", "1000")))
@given(data=st.data())
def test_a_file_with_something_broken(broken, tmp_path_factory, survived, data):
    """A piece of a file is cut out, or something strange stands in it."""
    start = data.draw(st.integers(0, len(TEXT)))
    end = data.draw(st.integers(start, min(len(TEXT), start + 12)))
    strange = st.sampled_from(
        ["", "\t", ":", "- ", "&a ", "*a", "!!x ", "'", '"', "{", "]", "%", "\r"]
    )
    text = TEXT[:start] + data.draw(strange | st.text(max_size=5)) + TEXT[end:]
    path = tmp_path_factory.getbasetemp() / "strange.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    broken.result(source=str(path))
    survived(TABLE, "litellm_gateway, state managed, strange files")
