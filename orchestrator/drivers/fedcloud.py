"""fedcloudclient in a process of its own: its pins, its log file and its saved tokens stay out of ours."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.drivers import command
from orchestrator.drivers.command import Answer, CommandTimeoutError
from orchestrator.errors import LoginError, SetupError

_AGENT = """
import sys
from fedcloudclient.auth import OIDCToken
sys.stdout.write(OIDCToken().get_token_from_oidc_agent(sys.argv[1]) or "")
"""
# The mytoken comes by the environment: an argument would show in the list of processes.
_MYTOKEN = """
import sys
from fedcloudclient.auth import OIDCToken
from fedcloudclient.conf import CONF
sys.stdout.write(OIDCToken().get_token_from_mytoken(CONF.get("mytoken")) or "")
"""
# What fedcloudclient needs of the caller's environment: everything else stays outside.
_PASSED = ("PATH", "OIDC_SOCK", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class FedcloudClient:
    """The fedcloudclient of one Python environment; it only ever fetches tokens here."""

    python: Path
    passed: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 20.0

    def token_from_agent(self, account: str) -> str:
        """Return the access token that oidc-agent has for an account."""
        if not self.passed.get("OIDC_SOCK"):
            raise LoginError(
                f"no oidc-agent is running here, so account {account} gives no token.",
                way_out=[f"eval $(oidc-agent) && oidc-add {account}", "orchestrator login"],
            )
        return self._token(_AGENT, (account,), {}, what=f"oidc-agent account {account}")

    def token_from_mytoken(self, mytoken: str, *, server: str) -> str:
        """Return the access token that a mytoken server gives for a mytoken."""
        env = {"FEDCLOUD_MYTOKEN": mytoken, "FEDCLOUD_MYTOKEN_SERVER": server}
        return self._token(_MYTOKEN, (), env, what=f"the mytoken at {server}")

    def _token(
        self, program: str, arguments: Sequence[str], env: Mapping[str, str], *, what: str
    ) -> str:
        try:
            answer = self._run(program, arguments, env)
        except CommandTimeoutError as error:
            raise LoginError(
                f"{what} gave no token within {self.timeout:g} s.",
                way_out=["try again; a silent issuer blocks the agent", "orchestrator login"],
            ) from error
        token = answer.stdout.strip()
        if "No module named 'fedcloudclient'" in answer.stderr:
            raise SetupError(
                f"fedcloudclient is not installed for {self.python}, so {what} gives no token.",
                way_out=[
                    "install it in an environment of its own:"
                    " python3 -m venv ~/fedcloud && ~/fedcloud/bin/pip install fedcloudclient==1.4.7",
                    "and name that in config.yaml: fedcloud_python: ~/fedcloud/bin/python",
                ],
            )
        if answer.code != 0 or not token:
            raise LoginError(
                f"{what} gave no token: {_cleaned(answer, env)}", way_out=["orchestrator login"]
            )
        return token

    def _run(self, program: str, arguments: Sequence[str], env: Mapping[str, str]) -> Answer:
        # It writes what it was given to its home folder, in clear: that folder goes at once.
        with tempfile.TemporaryDirectory(prefix="orchestrator-fedcloud-") as home:
            passed = {key: self.passed[key] for key in _PASSED if key in self.passed}
            return command.run(
                [str(self.python), "-c", program, *arguments],
                env={"PATH": "/usr/bin:/bin", **passed, "HOME": home, **env},
                timeout=self.timeout,
                cwd=Path(home),
            )


def _cleaned(answer: Answer, env: Mapping[str, str]) -> str:
    # The class of the exception that ended it says nothing to a person.
    words = re.sub(r"^[\w.]+(?:Error|Exception): ", "", answer.last_words)
    secret = env.get("FEDCLOUD_MYTOKEN")
    return words.replace(secret, "***") if secret else words
