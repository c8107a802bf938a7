"""Salt's side of the way to a gateway: references, profiles and errors."""

import pytest
import salt.utils.sdb
from salt.exceptions import CommandExecutionError, SaltInvocationError

from saltext_litellm import glue
from saltext_litellm.utils.litellm.errors import InvalidInput, Refused

REFERENCE = "sdb://vault/key"


@pytest.fixture
def driver(monkeypatch):
    """What an sdb driver returns or raises, and the references it was asked for."""

    class Driver:
        asked = ()
        answer = None

        def __call__(self, reference, *_, **__):
            self.asked += (reference,)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    driver = Driver()
    monkeypatch.setattr(salt.utils.sdb, "sdb_get", driver)
    return driver


def test_a_reference_is_asked_for_once_and_all_else_not_at_all(driver):
    driver.answer = "sk-found"
    resolve = glue.resolver({})
    given = (REFERENCE, REFERENCE, "sk-plain", 5, None)
    assert [resolve(value) for value in given] == ["sk-found", "sk-found", "sk-plain", 5, None]
    assert driver.asked == (REFERENCE,)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "there is nothing under this name"),
        (CommandExecutionError("it is sealed"), "it is sealed"),
        # What a driver raises that is no error of Salt's may have the secret in its text.
        (KeyError("sk-secret"), "KeyError"),
    ],
)
def test_a_reference_without_a_secret_is_refused_each_time(driver, answer, reason):
    driver.answer = answer
    resolve = glue.resolver({})
    for _ in range(2):
        with pytest.raises(Refused) as err:
            resolve(REFERENCE)
        assert str(err.value) == f"Cannot resolve {REFERENCE}: {reason}"
    assert driver.asked == (REFERENCE,)


@pytest.mark.parametrize(
    ("ours", "salts"),
    [
        (InvalidInput("rpm must be a number"), SaltInvocationError),
        (Refused("rpm must be a number"), CommandExecutionError),
    ],
)
def test_only_a_wrong_argument_makes_salt_explain_the_arguments(ours, salts):
    with pytest.raises(salts, match=r"^rpm must be a number$"), glue.salt_errors():
        raise ours


def test_what_is_nested_too_deeply_is_told_in_a_sentence():
    with pytest.raises(CommandExecutionError, match="is nested too deeply"), glue.salt_errors():
        raise RecursionError


def test_a_number_that_python_refuses_to_print_is_refused_in_a_profile():
    profile = {"url": "https://gateway.example.com", "timeout": 10**5000}
    with pytest.raises(InvalidInput, match="a number of thousands of digits"):
        glue.gateway(profile, {}, lambda _: None, lambda value: value)
