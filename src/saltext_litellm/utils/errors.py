"""What can go wrong, in three words: the input, the gateway, or an answer that never came."""


class LiteLLMError(Exception):
    """Base of the errors of this package; each is one sentence a person can act on."""


class InvalidInput(LiteLLMError):
    """What the user declared cannot be sent. Nothing was sent."""


class GatewayError(LiteLLMError):
    """The gateway refused, failed or could not be reached.

    ``status`` is the HTTP status, ``None`` when there was no answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class OutcomeUnknown(GatewayError):
    """A write may or may not have happened: its answer was lost, or was a server error."""


class RowLost(GatewayError):
    """A row was deleted to be created anew, and neither that nor putting it back has worked."""
