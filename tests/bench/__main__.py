"""make bench: what the orchestrator costs beside bare terraform and ansible-playbook."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator import paths
from orchestrator.auth import keystone
from orchestrator.auth.token import AccessToken
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.drivers import provider
from orchestrator.paths import SANDBOX, Folders
from tests.bench import discovery, many, recovering, roles, selecting

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
COMMAND = str(BIN / "orchestrator")
FEDCLOUD = BIN.parent / "fedcloudclient" / "bin" / "fedcloud"
VO = "vo.access.egi.eu"
NAME = "bench"
DEPLOY = [COMMAND, "deploy", "docker", "--site", "SANDBOX", "--name", NAME]
ROUNDS = int(os.environ.get("ROUNDS", "2"))


def main() -> None:
    """Measure, print JSON and a table, and leave bench.json."""
    with tempfile.TemporaryDirectory(prefix="orc-bench-") as folder:
        home = Path(folder)
        (home / "cache").symlink_to(Folders.default().cache)
        results = {
            "start": starts(home),
            "discover": discovery.measure(),
            "deploy": deployments(home),
            "roles": roles.measure(home),
        }
    results["recover"] = recovering.measure()
    results["many"] = many.measure()
    results["choose"] = selecting.main()
    text = json.dumps(results, indent=2)
    (ROOT / "bench.json").write_text(text + "\n")
    print(text)
    for group, rows in results.items():
        for what, value in rows.items():
            print(f"{group:<8} {what:<50} {value:>9.2f}")


def starts(home: Path) -> dict[str, float]:
    """Seconds of commands that do next to nothing, medians of nine, in turns."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "orchestrator --version": [COMMAND, "--version"],
        "orchestrator list": [COMMAND, "list"],
    }
    if FEDCLOUD.exists():
        commands["fedcloud --version"] = [str(FEDCLOUD), "--version"]
    env = environment(home)
    rounds = [{what: seconds(argv, env=env) for what, argv in commands.items()} for _ in range(9)]
    medians = {what: statistics.median(one[what] for one in rounds) for what in commands}
    base = medians["python -c pass"]
    ratios = {f"{what} / python -c pass": spent / base for what, spent in medians.items()}
    return medians | ratios


def deployments(home: Path) -> dict[str, float]:
    """Seconds of whole deployments, ours and the bare tools' on the same files, in turns."""
    env = environment(home)
    ours, again, bare, peaks = [], [], [], []
    for _ in range(ROUNDS):
        spent, peak = measured(DEPLOY, env=env)
        ours.append(spent)
        peaks.append(peak)
        again.append(seconds(DEPLOY, env=env))
        copy = copied_work(home)
        seconds([COMMAND, "destroy", NAME], env=env)
        bare.append(bare_deployment(copy))
        shutil.rmtree(copy)
    return {
        "orchestrator deploy": statistics.mean(ours),
        "bare terraform + ansible-playbook": statistics.mean(bare),
        "overhead in percent": 100 * (statistics.mean(ours) / statistics.mean(bare) - 1),
        "orchestrator deploy, nothing to do": statistics.mean(again),
        "peak memory of the orchestrator in MB": max(peaks),
    }


def environment(home: Path) -> dict[str, str]:
    """Our environment, with a home of the bench's own."""
    return {**os.environ, "ORCHESTRATOR_HOME": str(home)}


def seconds(argv: Sequence[str], *, env: Mapping[str, str]) -> float:
    """Run a command to its good end and return how long it took."""
    return measured(argv, env=env)[0]


def measured(argv: Sequence[str], *, env: Mapping[str, str]) -> tuple[float, float]:
    """Run a command; return its seconds and its own peak memory in MB, without its children's."""
    start = time.monotonic()
    peak = 0.0
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            argv, env=dict(env), stdout=out, stderr=out, stdin=subprocess.DEVNULL
        )
        while process.poll() is None:
            peak = max(peak, peak_mb(process.pid))
            time.sleep(0.01)
        spent = time.monotonic() - start
        out.seek(0)
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(argv)} failed:\n{out.read().decode()}")
    return spent, peak


def peak_mb(pid: int) -> float:
    """Return the peak memory of a process so far; zero when it has just ended."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def copied_work(home: Path) -> Path:
    """Copy what was rendered, without what was made of it."""
    work = next((home / "data" / "deployments").iterdir())
    copy = Path(tempfile.mkdtemp(prefix="orc-bare-"))
    ignored = shutil.ignore_patterns(
        "*.tfstate*", ".terraform", "runs", "states", "ansible", "known_hosts"
    )
    shutil.copytree(work, copy, ignore=ignored, dirs_exist_ok=True)
    return copy


def bare_deployment(work: Path) -> float:
    """Deploy with the bare tools; return the seconds, and remove it again."""
    mirror = provider.provider_of(Folders.default().cache)
    env = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "OS_TOKEN": keystone_token(),
        "OS_ALLOW_REAUTH": "false",
        "TF_CLI_CONFIG_FILE": str(mirror.cli_config),
    }
    playbook = paths.TEMPLATES / "usecases" / "docker" / "playbook.yml"
    script = Path(__file__).with_name("bare.sh")
    try:
        return seconds(
            ["bash", str(script), str(work), str(paths.ANSIBLE_ROLES), str(playbook)], env=env
        )
    finally:
        destroy = ["terraform", f"-chdir={work}", "destroy", "-input=false", "-auto-approve"]
        subprocess.run(destroy, env=env, check=True, stdout=subprocess.DEVNULL)


def keystone_token() -> str:
    """Log in as the sandbox's operator, as the script's user would have done before."""
    command = [str(SANDBOX / "bin" / "token")]
    raw = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    site = Catalogue.usual(Path("/nonexistent")).find("SANDBOX")
    share = site.share_of(VO)
    login = keystone.login(
        site, AccessToken.read(raw), project_id=share and share.project_id, vo=VO
    )
    return login.token


if __name__ == "__main__":
    main()
