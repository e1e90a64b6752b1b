"""Telling people that a deployment ends soon: by a command of theirs, or by mail."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from orchestrator.drivers import command, mail
from orchestrator.drivers.environment import child_environment
from orchestrator.errors import OrchestratorError, SetupError
from orchestrator.model import Deployment
from orchestrator.settings import MailSettings, Settings

# Returns what is to be said of it although it worked, which mostly is nothing.
Warn = Callable[[Deployment], str]

_HOOK_SECONDS = 60.0
_PASSWORD_SECONDS = 30.0


def ways(settings: Settings, *, environment: Mapping[str, str]) -> dict[str, Warn]:
    """Return the ways to warn that the settings name; each raises OrchestratorError when it fails."""
    found: dict[str, Warn] = {}
    if settings.warning_hook:
        hook = settings.warning_hook
        found["hook"] = lambda deployment: call_hook(hook, deployment, environment=environment)
    if settings.warning_mail:
        letter = settings.warning_mail
        found["mail"] = lambda deployment: send_mail(letter, deployment, environment=environment)
    return found


def call_hook(
    hook: Sequence[str], deployment: Deployment, *, environment: Mapping[str, str]
) -> str:
    """Give a command what a warning needs, as JSON on its standard input."""
    told = {
        "name": deployment.name,
        "owner": deployment.owner,
        "use_case": deployment.use_case,
        "site": deployment.site,
        "expires_at": deployment.expires_at.isoformat(),
        "extend": _extend(deployment),
    }
    env = child_environment(environment)
    try:
        answer = command.run(hook, env=env, timeout=_HOOK_SECONDS, stdin=json.dumps(told))
    except (command.CommandTimeoutError, OrchestratorError) as error:
        raise SetupError(f"the warning hook failed: {error}") from error
    if answer.code != 0:
        raise SetupError(f"the warning hook failed: {answer.last_words}")
    return ""


def send_mail(
    settings: MailSettings, deployment: Deployment, *, environment: Mapping[str, str]
) -> str:
    """Send a letter that says what ends when, and how to put it off."""
    server = mail.MailServer(
        host=settings.host,
        port=settings.port or mail.PORTS[settings.security],
        security=settings.security,
        user=settings.user,
        password=_password(settings, environment),
        ca_file=settings.ca_file,
    )
    end = f"{deployment.expires_at:%d %b %Y, %H:%M} UTC"
    refused = mail.send(
        server,
        sender=settings.sender,
        to=settings.to,
        subject=f"{deployment.name} at {deployment.site} ends on {end}",
        text=_LETTER.format(
            name=deployment.name,
            use_case=deployment.use_case,
            site=deployment.site,
            vo=deployment.vo,
            end=end,
            extend=_extend(deployment),
        ),
    )
    return f"{server.host} takes no letters for {', '.join(refused)}" if refused else ""


_LETTER = """\
The deployment {name} ({use_case} at {site}, VO {vo}) ends on {end}.
Its machines power themselves off then, and are removed with all that is on them.

To keep it longer:    {extend}
To fetch its results: orchestrator results {name}
"""


def _extend(deployment: Deployment) -> str:
    return f"orchestrator extend {deployment.name} --days 7"


def _password(settings: MailSettings, environment: Mapping[str, str]) -> str | None:
    """Return the password, read when it is needed and kept nowhere."""
    if settings.password_command:
        argv = settings.password_command
        env = child_environment(environment)
        try:
            answer = command.run(argv, env=env, timeout=_PASSWORD_SECONDS)
        except command.CommandTimeoutError as error:
            raise _no_password(f"{argv[0]} gave no answer") from error
        if answer.code != 0:
            raise _no_password(f"{argv[0]}: {answer.last_words}")
        return answer.stdout.strip()
    if settings.password_file is None:
        return None
    try:
        return settings.password_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise _no_password(f"{settings.password_file}: {error.strerror}") from error


def _no_password(why: str) -> SetupError:
    return SetupError(
        f"the password of the mail server cannot be read: {why}",
        way_out=["correct warning_mail in config.yaml"],
    )
