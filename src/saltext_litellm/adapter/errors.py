"""Turns our errors into Salt's, which Salt prints as one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from salt.exceptions import CommandExecutionError, SaltInvocationError

from ..errors import GatewayError, InvalidInput, LiteLLMError, Refused
from ..values.quote import line


class Unavailable(CommandExecutionError):  # type: ignore[misc]  # Salt has no types
    """The gateway cannot be reached, or it refuses or fails what it is asked."""


@contextlib.contextmanager
def salt_errors() -> Iterator[None]:
    """Turn our errors into Salt's errors, which Salt prints as one sentence."""
    try:
        yield
    except GatewayError as err:
        raise Unavailable(line(str(err))) from None
    except LiteLLMError as err:
        # After a SaltInvocationError, salt-call also prints the usage of the function.
        is_argument = isinstance(err, InvalidInput) and not isinstance(err, Refused)
        kind = SaltInvocationError if is_argument else CommandExecutionError
        example = err.example if isinstance(err, InvalidInput) else ()
        raise kind("\n".join(map(line, (str(err), *example)))) from None
    except RecursionError:
        raise CommandExecutionError(
            "What is declared, or what the gateway has, is nested too deeply"
        ) from None
