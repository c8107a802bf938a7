"""Quoting what others wrote: a person knows it again, and no secret is told."""

import pytest

from saltext_litellm.utils.litellm.quote import clean, line, quoted


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("fast", "'fast'"),
        (True, "True"),
        (None, "None"),
        (1.5, "1.5"),
        ({"api_key": "sk-1"}, "a mapping"),
        (["sk-1"], "a list"),
        (object(), "that"),
        ("a long word " * 100, "'a long word a long word a long word a lo…'"),
        ("sk-1", "a string of 4 characters"),
        ("0123456789abcdef", "a string of 16 characters"),
        ("Bearer x", "a string of 8 characters"),
        ("https://me:pw@host", "a string of 18 characters"),
        (10**100, f"1{'0' * 39}…"),
        ("\x1b[31m\ud800", "'\\x1b[31m\\ud800'"),
    ],
)
def test_a_value_is_quoted(value, told):
    assert quoted(value) == told


def test_text_is_cleaned_of_what_a_terminal_obeys_and_a_job_cache_cannot_hold():
    assert clean("a\x1b[31mb\x00\ud800ü\n") == "a\\x1b[31mb\\x00\\ud800ü\n"


def test_a_number_that_python_refuses_to_print_is_named():
    assert quoted(10**5000) == "a number of thousands of digits"


def test_what_a_person_reads_stays_in_its_line():
    assert line("a\x1b[31m\ud800\u202e\r\nb é 日本") == "a\\x1b[31m\\ud800\\u202e\\r\\nb é 日本"
