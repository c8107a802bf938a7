"""Gives functions the arguments that a dataclass lists, so that they are written only once.

Salt and its users see every argument by its name, type and default, and give them by position or by
name. The function itself gets them as one value.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, Concatenate, TypeVar

_Arguments = TypeVar("_Arguments")
_Result = TypeVar("_Result")


def takes(
    arguments: type[_Arguments], **defaults: Any
) -> Callable[[Callable[Concatenate[_Arguments, ...], _Result]], Callable[..., _Result]]:
    """Let a function take the fields of a dataclass as its arguments.

    .. code-block:: python

        @takes(DeploymentArguments, tier=None)
        def update(given: DeploymentArguments, test: bool = False) -> dict[str, Any]:

    Its first parameter gets the fields, as an instance of the dataclass. Its others are arguments
    too, and come after the fields, but before ``profile``, which is always the last.

    :param arguments: The dataclass.
    :param defaults: Fields that have another default in this function.
    """
    fields = dict(inspect.signature(arguments).parameters)
    names = tuple(fields)
    for name, default in defaults.items():
        fields[name] = fields[name].replace(default=default)

    def decorate(
        function: Callable[Concatenate[_Arguments, ...], _Result],
    ) -> Callable[..., _Result]:
        own = inspect.signature(function)
        _, *others = own.parameters.values()
        listed = sorted([*fields.values(), *others], key=lambda one: one.name == "profile")

        def call(args: Any, kwargs: Any) -> _Result:
            # Python recommends Signature.bind instead. But Salt shows the error to people, and only
            # this one words it as a function does.
            given = inspect.getcallargs(taking, *args, **kwargs)
            return function(arguments(**{name: given.pop(name) for name in names}), **given)

        taking = in_place_of(function, call, own.replace(parameters=listed))
        return taking

    return decorate


def in_place_of(
    function: Callable[..., Any],
    call: Callable[[tuple[Any, ...], dict[str, Any]], _Result],
    signature: inspect.Signature,
) -> Callable[..., _Result]:
    """A function that Salt takes for another one, but for its arguments.

    :param call: What it does with the arguments by position and by name.
    """

    def forward(*args: Any, **kwargs: Any) -> _Result:
        return call(args, kwargs)

    # Salt sets `__low__` and more in the globals of a state's function. Those of this module would
    # not reach the function that looks for them.
    taking = FunctionType(forward.__code__, function.__globals__, closure=forward.__closure__)
    functools.update_wrapper(taking, function)
    del vars(taking)["__wrapped__"]  # Salt would take its arguments for those of this one
    vars(taking)["__signature__"] = signature
    return taking
