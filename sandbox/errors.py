"""The one error a person meets: it names the thing, the cause and the way out."""


class SandboxError(Exception):
    """The sandbox cannot go on and the message says what to do about it."""
