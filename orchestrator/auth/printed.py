"""An access token that a command prints, as ``oidc-token egi`` does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.auth.given import SHORTEST
from orchestrator.auth.token import AccessToken
from orchestrator.drivers import command
from orchestrator.drivers.command import CommandTimeoutError
from orchestrator.errors import LoginError


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedToken:
    """A command that prints a token on its standard output and nothing else."""

    argv: tuple[str, ...]
    origin: str  # the file that names the command
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 30.0

    @property
    def name(self) -> str:
        """The command's program."""
        return f"the command {self.argv[0]}"

    @property
    def renews(self) -> bool:
        """True: it gives a new token each time."""
        return True

    def access_token(self) -> AccessToken:
        """Run the command and read what it prints."""
        try:
            answer = command.run(self.argv, env=self.env, timeout=self.timeout)
        except CommandTimeoutError as error:
            raise self._failed(f"no answer within {self.timeout:g} s") from error
        if answer.code != 0:
            raise self._failed(answer.last_words)
        token = AccessToken.read(answer.stdout, origin=f"what {self.argv[0]} printed")
        token.require_seconds(SHORTEST, origin=f"the token of {self.argv[0]}")
        return token

    def _failed(self, why: str) -> LoginError:
        return LoginError(
            f"{self.name} gave no token: {why}.",
            facts={"named in": self.origin},
            way_out=["run the command yourself, or correct it where it is named"],
        )
