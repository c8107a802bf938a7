"""Runs a tool as a command: what goes wrong is one line, and Ctrl-C is none."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.gateway import GatewayError


def run_tool(main: Callable[[], None]) -> None:
    """Run the main function of a tool."""
    try:
        main()
    except GatewayError as err:
        raise SystemExit(str(err)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
