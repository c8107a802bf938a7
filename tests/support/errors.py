"""The error of the test gateway."""

from __future__ import annotations


class GatewayError(Exception):
    """The test gateway could not be installed or started; the message says what is missing."""
