"""What can go wrong for a person: each error names the thing, the cause and the way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class OrchestratorError(Exception):
    """Something a person can act on.

    ``facts`` are label -> text rows shown under the message; ``way_out`` are the
    commands or steps that come next, in the order in which to try them.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        facts: Mapping[str, str] | None = None,
        way_out: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.facts = dict(facts or {})
        self.way_out = tuple(way_out)


class RequestError(OrchestratorError):
    """What was asked for is unknown, malformed or contradicts itself."""


class SetupError(OrchestratorError):
    """A program, a file or room on the disk is missing on this machine."""


class RefusedError(OrchestratorError):
    """Safety or policy forbids it until someone agrees by name."""

    exit_code = 3


class UnsafePlanError(RefusedError):
    """The plan would destroy something and nobody has agreed to it."""


class LoginError(OrchestratorError):
    """No token, a dead token, or a person without the needed role."""

    exit_code = 4


class LoginEndedError(LoginError):
    """A login that was good at first is accepted no longer; another one goes on from there."""


class SiteError(OrchestratorError):
    """The site cannot: it is down, full, or lacks what is needed."""

    exit_code = 5


class BusyError(SiteError):
    """The site will not do it now, and may do it in a moment: still in use, locked, or overloaded."""


class AmbiguousChoiceError(SiteError):
    """Two or more candidates are equal, and nothing tells them apart."""


class DeploymentFailedError(OrchestratorError):
    """The deployment exists in part and can be resumed."""

    exit_code = 6


class InterruptedRunError(OrchestratorError):
    """A person stopped the run at a safe point."""

    exit_code = 130
