"""A function that takes the fields of a dataclass is to Salt like one that lists them."""

import inspect
from dataclasses import dataclass

import pytest
import salt.loader.lazy
import salt.utils.args
from salt.exceptions import SaltInvocationError

from saltext_litellm.adapter.signatures import takes


@dataclass
class Lamp:
    name: str
    colour: str | None = "red"
    watts: int = 5
    profile: str = "home"


@takes(Lamp, colour=None)
def light(given: Lamp, test: bool = False, times: int = 1) -> tuple:
    """Light a lamp."""
    return given, test, times, globals().get("__low__")


def listing():
    """The same with a list of its arguments."""

    def light(
        name: str,
        colour: str | None = None,
        watts: int = 5,
        test: bool = False,
        times: int = 1,
        profile: str = "home",
    ) -> tuple:
        return Lamp(name, colour, watts, profile), test, times, None

    light.__qualname__ = "light"
    return light


LISTING = listing()
RIGHT = [
    (("desk",), {}),
    ((), {"name": "desk"}),
    (("desk", "blue", 7), {"profile": "office", "times": 3}),
    (("desk", None, 5, True, 2, "office"), {}),
    ((["no", "name"],), {"watts": "many"}),  # values are checked later
]
WRONG = [
    ((), {}),
    ((), {"colour": "blue"}),
    (("desk",), {"shade": "wide"}),
    (("desk",), {"name": "floor"}),
    (("desk", "blue", 7, True, 2, "office", "more"), {}),
    (("desk",), {"given": Lamp("floor")}),
]


def outcome(call, *args, **kwargs):
    """What a call returns, or how it fails."""
    try:
        return call(*args, **kwargs)
    except (TypeError, SaltInvocationError) as err:
        return type(err), str(err)


def test_it_shows_the_fields_and_after_them_its_own_arguments_but_the_profile_last():
    assert list(inspect.signature(light).parameters) == [
        *("name", "colour", "watts", "test", "times", "profile")
    ]


@pytest.mark.parametrize("wrapped", [False, True])
def test_salt_sees_the_same_arguments(wrapped):
    # This is how Salt's loader wraps the function of a state.
    wrap = salt.loader.lazy.global_injector_decorator({}) if wrapped else lambda function: function
    argspec = salt.utils.args.get_function_argspec
    assert argspec(wrap(light)) == argspec(wrap(LISTING))


@pytest.mark.parametrize(("args", "kwargs"), RIGHT)
def test_arguments_are_given_by_position_or_by_name(args, kwargs):
    assert light(*args, **kwargs) == LISTING(*args, **kwargs)


@pytest.mark.parametrize(("args", "kwargs"), WRONG)
def test_an_error_has_pythons_own_words(args, kwargs):
    expected = outcome(LISTING, *args, **kwargs)
    assert expected[0] is TypeError
    assert outcome(light, *args, **kwargs) == expected


@pytest.mark.parametrize(
    "data",
    [
        {"name": "desk", "colour": "blue", "order": 7},
        {"colour": "blue"},
        {"name": "desk", "shade": "wide"},
        {"name": "desk", "shade": "wide", "given": 1},
    ],
)
def test_salt_takes_and_refuses_the_same_arguments_of_a_state(data):
    def formatted(function):
        return outcome(salt.utils.args.format_call, function, data, expected_extra_kws=["order"])

    assert formatted(light) == formatted(LISTING)


def test_it_has_the_globals_that_salt_sets_for_a_state():
    inject = salt.loader.lazy.global_injector_decorator({"__low__": {"fun": "light"}})
    assert inject(light)("desk")[-1] == {"fun": "light"}
    assert light("desk")[-1] is None


def test_it_keeps_its_name_its_module_and_its_text():
    assert inspect.isfunction(light)
    assert (light.__name__, light.__qualname__, light.__module__) == ("light", "light", __name__)
    assert inspect.getdoc(light) == "Light a lamp."


def test_another_default_is_that_of_a_field():
    with pytest.raises(KeyError, match="colur"):
        takes(Lamp, colur=None)
