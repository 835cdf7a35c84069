"""The few kinds of error. Each says what was wrong, where, and what to do."""

from __future__ import annotations


class TouchloopError(Exception):
    """Base of the errors that people may see."""


class Invalid(TouchloopError):
    """Input that cannot be accepted as it is; `field` names where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class NotAllowed(TouchloopError):
    """The actor may not do this, or the customer's choices do not permit it."""


class NotFound(TouchloopError):
    """Nothing stands under this name or id."""


class Unavailable(TouchloopError):
    """A part that is needed is away for now; `retry_after` is in whole seconds."""

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class WrongSetting(TouchloopError):
    """A setting that cannot be used; the message names it."""
