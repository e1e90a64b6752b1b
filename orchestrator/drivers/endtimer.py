"""A timer inside a node that powers it off at the deployment's end, also when nobody can log in any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from orchestrator.drivers import remote
from orchestrator.model import Node
from orchestrator.workdir import Workdir

UNIT = "deployment-end"
FOLDER = "/etc/systemd/system"

# The timer looks at the end itself, and an hour after each boot: a machine that was off at its
# end, or that somebody has started again, is given that time to be told of a later one. An
# unchanged timer is left alone. %% and $$ are what systemd reads as % and $.
PROGRAM = """\
set -eu
unit=$1 moment=$2 seconds=$3 folder=$4
command -v systemctl >/dev/null || { echo "it has no systemd" >&2; exit 69; }
# What systemd has not read yet needs no reload, which costs a small machine seconds.
known=
[ ! -e "$folder/$unit.timer" ] || known=yes
cat >"$folder/$unit.service" <<END
[Unit]
Description=Power off when the end of the deployment has come

[Service]
Type=oneshot
ExecStart=/bin/sh -c '[ "\\$\\$(date +%%s)" -lt $seconds ] || systemctl poweroff'
END
cat >"$folder/$unit.timer" <<END
[Unit]
Description=The end of the deployment

[Timer]
OnCalendar=$moment
OnBootSec=1h
AccuracySec=1s

[Install]
WantedBy=timers.target
END
[ -z "$known" ] || systemctl daemon-reload
systemctl -q --no-reload enable "$unit.timer"
systemctl restart "$unit.timer" || { systemctl daemon-reload; systemctl restart "$unit.timer"; }
"""


def arguments(end: datetime, *, folder: str = FOLDER) -> list[str]:
    """Return what the program is given: the unit's name, the end in systemd's words and in seconds."""
    moment = end.astimezone(UTC)
    return [UNIT, f"{moment:%Y-%m-%d %H:%M:%S} UTC", str(int(moment.timestamp())), folder]


def set_end(node: Node, end: datetime, *, workdir: Workdir, env: Mapping[str, str]) -> str:
    """Let a node power itself off at this moment; return why that could not be set, or nothing."""
    told = remote.run(
        node,
        ["sudo", "-n", "sh", "-s", "--", *arguments(end)],
        workdir=workdir,
        env=env,
        stdin=PROGRAM,
    )
    return "" if told.code == 0 else told.last_words
