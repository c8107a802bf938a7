"""YAML is read as LiteLLM reads it. What is wrong is said with its line, without the value."""

import pytest
import yaml

from saltext_litellm.errors import Refused
from saltext_litellm.values import yaml_file

SECRET = "hunter2secret"


def said(text):
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(Refused) as err:
        yaml_file.load("salt://x.yaml", data)
    assert "\n" not in str(err.value)
    return str(err.value)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\nb: [1\n", 2, "a bracket is opened there, and not closed"),
        ("a: 1\nb: {c: 1\nd: 2\n", 2, "a bracket is opened there, and not closed"),
        (f"a: 1\nb: '{SECRET}\nc: 2\n", 2, "a quote is opened there, and not closed"),
        (f'a: 1\nb: "{SECRET}\nc: 2\n', 2, "a quote is opened there, and not closed"),
        (f"a:\n\tb: {SECRET}\n", 2, "a tab cannot indent a line: use spaces"),
        (f"a: %{SECRET}\n", 1, "a value that begins with %, @ or ` needs quotes"),
        (f"a: @{SECRET}\n", 1, "a value that begins with %, @ or ` needs quotes"),
        (f"a: *{SECRET}\n", 1, "a value with a * needs quotes"),
        (f"a: !{SECRET} x\n", 1, "a value that begins with ! needs quotes"),
        (f"a: !{SECRET}!x\n", 1, "a value that begins with ! needs quotes"),
        ("a: !include other.yaml\n", 1, "LiteLLM knows no such tag"),
        ("a: !!python/object/apply:os.system [id]\n", 1, "LiteLLM knows no such tag"),
        ("a: &x 1\nb: &x 2\n", 2, "the anchor (&) stands there a second time"),
        (f'a: "\\{SECRET}\\q"\n', 1, "a \\ in double quotes begins nothing that YAML knows"),
        ("a: {{ pillar['key'] }}\n", 1, "a template stands there, and a source is not rendered"),
        ("{% if x %}\na: 1\n{% endif %}\n", 1, "a template stands there"),
        (f"a: b: {SECRET}\n", 1, "a colon or a dash stands where none can"),
        (f"a: 1\nb\n{SECRET}: 1\n", 2, "a key has no colon after it"),
        (f"a:\n  b: 1\n c: {SECRET}\n", 3, "the line does not fit those above it"),
        ("a: 1\n---\nb: 1\n", 2, "a second document begins there"),
        ("<<: 5\na: 1\n", 1, "can be merged"),
        ("a: 1\n? [b]\n: 1\n", 2, "a mapping or a list stands in the place of a key"),
        (f"a: 1\nb: !!int {SECRET}\n", 2, "cannot be read as what it looks like"),
        (f"a: !!bool {SECRET}\n", 1, "cannot be read as what it looks like"),
        (f"a: 1\nb: {'9' * 5000}\n", 2, "cannot be read as what it looks like"),
        ("a: 1\nb: \x07\n", 2, "the character U+0007 cannot stand in YAML"),
        ("a: 1".encode("utf-16-le"), 1, "the character U+0000 cannot stand in YAML"),
    ],
)
def test_the_line_and_the_reason_are_said_and_no_value(text, line, reason):
    told = said(text)
    assert told.startswith(f"salt://x.yaml cannot be read as YAML in line {line}: ")
    assert reason in told
    assert SECRET not in told
    with pytest.raises(Exception):  # noqa: B017, PT011 - LiteLLM could not read it either
        yaml.safe_load(text)


@pytest.mark.parametrize(
    ("data", "line"),
    [("a: 1\nb: ä\n".encode("latin-1"), 2), ("a: 1".encode("utf-16"), 1), (b"\x80", 1)],
)
def test_what_is_not_utf_8_is_refused(data, line):
    assert said(data) == f"salt://x.yaml is not UTF-8 text, see line {line}: save it as UTF-8"


@pytest.mark.parametrize(
    ("text", "key", "lines"),
    [
        ("a: 1\nb: 2\na: 3\n", "a", (3, 1)),
        ("x:\n- m: 1\n  p:\n    k: 1\n    k: 2\n", "k", (5, 4)),
        ("- {rpm: 1, rpm: 2}\n", "rpm", (1, 1)),
        ("'a': 1\n\"a\": 1\n", "a", (2, 1)),
        ("a: &a {m: 1}\nb:\n  <<: *a\n  n: 1\n  n: 2\n", "n", (5, 4)),
        ("a:\n  k: 1\n  k: 2\nb: 1\nb: 2\n", "b", (5, 4)),
        ("5: a\n5: b\n", "5", (2, 1)),
    ],
)
def test_a_key_that_stands_twice_is_refused(text, key, lines):
    assert said(text) == (
        f"salt://x.yaml cannot be read: the key {key} stands twice, "
        f"in line {lines[0]} and in line {lines[1]} before it"
    )


BASE = "base: &base\n  rpm: 1\n  tpm: 2\nother: &other\n  rpm: 3\n  max: 4\n"


@pytest.mark.parametrize(
    "text",
    [
        BASE + "x:\n  <<: *base\n  rpm: 9\n",
        BASE + "x:\n  rpm: 9\n  <<: *base\n",
        BASE + "x:\n  <<: [*base, *other]\n",
        BASE + "x:\n  <<: *base\n  <<: *other\n",
        BASE
        + "mid: &mid\n  <<: *base\n  rpm: 5\nx:\n  <<: *mid\n  rpm: 6\ny:\n  <<: [*mid, *base]\n",
        "x: {a: &m {<<: &b {k: 1}, k: 2}, c: {<<: *m, k: 3}}\n",
        "\ufeffa: 1\n",
        "a: yes\nb: 010\nc: 0x1f\nd: 1:30\ne: ~\nf: .inf\ng: 1_000\n",
        "%YAML 1.1\n---\na: 1\n...\n",
        "a: {b: [1, {c: d}], 5: e}\n",
        "a: |\n  text\n  more\nb: >-\n  folded\n  text\n",
        "a: &r [1]\nb: *r\n",
        "",
        "# nothing\n",
    ],
)
def test_what_litellm_reads_is_read_as_it_reads_it(text):
    assert yaml_file.load("x", text.encode()) == yaml.safe_load(text)


def test_the_two_loaders_are_of_one_mind():
    for text in (BASE, "a: [1, {b: c}]\n", "x: &x {a: 1}\ny: {<<: *x, a: 2}\n"):
        loaded = [
            yaml_file._loaded("x", text, loader)
            for loader in (yaml_file._Loader, yaml_file._FastLoader)
        ]
        assert loaded[0] == loaded[1] == yaml.safe_load(text)


@pytest.mark.parametrize("text", ["2024-10-21", "2024-13-45", "2024-10-21 10:00:00"])
def test_a_date_stays_as_it_is_written(text):
    assert yaml_file.load("x", f"api_version: {text}\n".encode()) == {"api_version": text}


def test_what_is_nested_too_deeply_is_a_sentence():
    assert said("[" * 600) == "salt://x.yaml cannot be read as YAML: it is nested too deeply"


def test_a_long_key_is_cut():
    assert len(said(f"{'k' * 100}: 1\n{'k' * 100}: 2\n")) < 250
