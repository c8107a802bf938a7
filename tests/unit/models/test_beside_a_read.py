"""What is known of a row beside what a read shows: other forms, and texts that are lost."""

import base64

import pytest

from saltext_litellm.models import forms
from saltext_litellm.objects.marker import Marker, form
from saltext_litellm.objects.plan import Learnt
from tests.support.build import deployment, model_row, paths

CIPHER = base64.urlsafe_b64encode(bytes(range(180, 220)) + b"a-name-of-20-letters").decode()
SECRET = "sk-0123456789"
TIMES = ("model_info", "times")
FORM = {TIMES: form("09:00", "09:00:00")}


def of(tree, row, partial=False):
    return forms.of(deployment("gpt", tree), row, partial=partial)


def shows(times, marked=None, told=None):
    """A row that shows some times.

    :param marked: The forms that its marker has.
    :param told: The forms that a write of this run has shown.
    """
    owner = Marker("gpt", forms=marked or {})
    return model_row("row", {"model_info": {"times": times}}, marker=owner, forms=told or {})


def test_an_ordinary_row_tells_nothing_more():
    tree = {"litellm_params": {"model": "openai/gpt-4", "api_key": SECRET}}
    assert of(tree, model_row("row", {"litellm_params": {"model": "openai/gpt-4"}})) == Learnt()


# ---------------------------------------------------------------- other forms

DECLARED = {"model_info": {"times": "09:00"}}


@pytest.mark.parametrize(
    ("row", "forms", "is_new"),
    [
        pytest.param(shows("09:00:00", told=FORM), FORM, True, id="a write has just shown it"),
        pytest.param(shows("09:00:00", FORM), FORM, False, id="the marker says so"),
        pytest.param(shows("09:00:00", FORM, FORM), FORM, False, id="both"),
        pytest.param(shows("09:00:00"), {}, False, id="nobody says so"),
        pytest.param(shows("10:00:00", FORM), {}, False, id="somebody has changed it"),
        pytest.param(shows(None, FORM), {}, False, id="somebody has removed it"),
        pytest.param(
            shows("09:00:00", {TIMES: form("9", "09:00:00")}),
            {},
            False,
            id="of another declared one",
        ),
        pytest.param(
            shows("09:00:00", {("model_info", "other"): "mark"}), {}, False, id="of another place"
        ),
    ],
)
def test_a_value_in_another_form_is_known_by_its_mark(row, forms, is_new):
    assert of(DECLARED, row) == Learnt(forms=forms, is_new=is_new)


def test_a_marker_that_must_stay_is_not_told():
    """A partial update leaves the marker, and no PATCH reaches a row whose id has a slash."""
    row = shows("09:00:00", told=FORM)
    assert of(DECLARED, row, partial=True).is_new is False
    fixed = model_row("a/b", {"model_info": {"times": "09:00:00"}}, forms=FORM)
    assert of(DECLARED, fixed) == Learnt(forms=FORM, is_new=False)


def test_a_secret_is_compared_by_its_fingerprint_and_not_by_a_form():
    path = ("litellm_params", "api_key")
    row = model_row("row", {"litellm_params": {"api_key": "x"}}, forms={path: form(SECRET, "x")})
    assert of({"litellm_params": {"api_key": SECRET}}, row).forms == {}


# ---------------------------------------------------------------- texts that are lost

BECAUSE = "because LiteLLM cannot decrypt what it has: its LITELLM_SALT_KEY has probably changed"
TREE = {
    "litellm_params": {
        "model": "openai/gpt-4",
        "api_key": SECRET,
        "api_base": "os.environ/BASE",
        "organization": "org",
        "rpm": 5,
        "extra_headers": {"X-Token": SECRET},
    }
}


def test_if_a_text_shows_ciphertext_all_that_cannot_be_compared_is_written_again():
    """A read shows that the others differ, and what is not encrypted is not lost."""
    found = of(TREE, model_row("row", {"litellm_params": {"model": CIPHER}}))
    assert found.again == paths("litellm_params/api_key", "litellm_params/api_base")
    (note,) = found.why
    assert note.key == "litellm_params:model"
    assert note.done == f"All declared values of row were written again, {BECAUSE}"
    assert note.pending == f"All declared values of row would be written again, {BECAUSE}"


def test_what_is_lost_and_not_declared_is_named():
    shown = {"model": CIPHER, "theirs": CIPHER, "password": CIPHER, "rpm": 5}
    (note,) = of(TREE, model_row("row", {"litellm_params": shown})).why
    assert note.done.endswith(
        ". It cannot decrypt litellm_params:theirs either, which is not declared"
    )


def test_a_row_that_litellm_cannot_load_is_written_again_as_a_whole():
    found = of(TREE, model_row("row", TREE, unreadable=True))
    assert found.again == deployment("gpt", TREE).values.keys()
    (note,) = found.why
    assert note.done == (
        "All declared values of row were written again, because LiteLLM cannot load what it has, "
        "and shows nothing of its database"
    )
