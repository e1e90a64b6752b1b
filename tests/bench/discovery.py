"""make bench: what discovery of many sites costs, beside fedcloud on the same endpoints.

Alone, without a sandbox: python -m tests.bench.discovery
"""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from orchestrator.auth.given import GivenToken
from orchestrator.auth.sharing import SharedTokens
from orchestrator.discovery.searching import Wanted, search
from orchestrator.model import Share, Site
from orchestrator.settings import EGI_ISSUER
from orchestrator.store import Store
from orchestrator.surveying import Answer, Place, survey
from tests import simulated_sites
from tests.simulated_sites import PROJECT, VO, Simulated

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "orchestrator.cli.main", "catalogue"]
FEDCLOUD = Path(sys.executable).parent.parent / "fedcloudclient" / "bin" / "fedcloud"
SHARE = Share(vo=VO, project_id=PROJECT)
LATENCY = 0.01  # of every answer; a slow site takes a second for each
PATIENCE = 6.0
ROUNDS = 3


def measure() -> dict[str, float]:
    """Return seconds by what was done, and the two figures for which there is a bar."""
    return {**many(), **beside_fedcloud(), **from_the_store()}


def many() -> dict[str, float]:
    """Seconds for 1, 5, 25 and 100 sites in this process; of the many, 3 are slow and 2 dead."""
    found: dict[str, float] = {}
    for count in (1, 5, 25, 100):
        bad = {"slow": 3, "silent": 1, "closed": 1} if count >= 25 else {}
        with simulated_sites.running(count, latency=LATENCY, **bad) as sites:
            quick = [one for one in sites if one.kind == "quick"]
            alone = until_the_last(asked(quick), quick)
            found[f"{count} sites" if not bad else f"{len(quick)} quick sites alone"] = alone
            if bad:
                answers = asked(sites)
                among = until_the_last(answers, quick)
                found[f"the same among {count}, 3 slow and 2 dead"] = among
                found[f"all {count}, with patience of {PATIENCE:g} s"] = until_the_last(
                    answers, sites
                )
    return found


def beside_fedcloud() -> dict[str, float]:
    """Seconds for everything of 13 sites, and for the networks of the same by fedcloud."""
    with simulated_sites.running(13, latency=LATENCY) as sites:
        ours = statistics.median(until_the_last(asked(sites), sites) for _ in range(ROUNDS))
        with tempfile.TemporaryDirectory(prefix="orc-bench-") as folder:
            home = Path(folder)
            command = as_a_command(home, sites)
            found = {
                "13 sites, everything": ours,
                "13 sites, everything, as a command": command,
            }
            if FEDCLOUD.exists():
                theirs = fedcloud(home, sites)
                found |= {
                    "13 sites, networks, fedcloud openstack -a": theirs,
                    "times faster in this process (bar: 30)": theirs / ours,
                    "times faster as a command": theirs / command,
                }
    return found


def from_the_store() -> dict[str, float]:
    """Seconds to look at what was collected of 100 sites, in this process and as a command."""
    with tempfile.TemporaryDirectory(prefix="orc-bench-") as folder:
        home = Path(folder)
        store = Store.in_folder(home / "data")
        with simulated_sites.running(100) as sites:
            for _, answer in asked(sites):
                assert answer.offer is not None, answer.error
                store.offers.record(VO, answer.offer)
        wanted = Wanted(vcpus=8, ram_mb=16384)
        one = seconds(lambda: store.offers.latest(site="SIM-007", vo=VO))
        every = seconds(lambda: search(store.offers.latest(vo=VO), wanted))
        store.close()
        words = ("show", "SIM-007"), ("search", "--vcpus", "8", "--ram", "16G")
        shown, searched = (
            statistics.median(run([*COMMAND, *some], home) for _ in range(5)) for some in words
        )
        return {
            "from the store: one site": one,
            "from the store: a search in 100 sites": every,
            "orchestrator catalogue show (bar: 0.3)": shown,
            "orchestrator catalogue search in 100 sites": searched,
        }


# --- the parts


def asked(sites: Sequence[Simulated]) -> list[tuple[float, Answer]]:
    """Ask all sites at once; return each answer with the moment at which it came."""
    token = jwt()
    tokens = SharedTokens(lambda _: GivenToken(raw=token))
    started = time.monotonic()
    found = survey(
        [Place(site=site(one), vo=VO, share=SHARE) for one in sites],
        tokens=tokens,
        stop=threading.Event(),
        patience=PATIENCE,
    )
    return [(time.monotonic() - started, answer) for answer in found]


def until_the_last(answers: Sequence[tuple[float, Answer]], sites: Sequence[Simulated]) -> float:
    """Return when the last of these sites had answered; a quick one must have an offer."""
    names = {one.name: one.kind for one in sites}
    ours = [(at, one) for at, one in answers if one.place.site.name in names]
    for _, answer in ours:
        assert names[answer.place.site.name] != "quick" or answer.offer, answer.error
    assert len(ours) == len(sites)
    return max(at for at, _ in ours)


def site(one: Simulated) -> Site:
    return Site(name=one.name, endpoint=one.endpoint, shares=(SHARE,), origin="the bench")


def as_a_command(home: Path, sites: Sequence[Simulated]) -> float:
    """Seconds of `orchestrator catalogue collect`, from its start to its end."""
    folder = home / "config" / "sites"
    folder.mkdir(parents=True)
    for one in sites:
        (folder / f"{one.name}.yaml").write_text(one.file)
    words = [word for one in sites for word in ("--site", one.name)]
    return statistics.median(run([*COMMAND, "collect", *words], home) for _ in range(ROUNDS))


def fedcloud(home: Path, sites: Sequence[Simulated]) -> float:
    """Seconds of one `fedcloud openstack network list` of all sites."""
    folder = home / ".config" / "fedcloud" / "site-config"
    folder.mkdir(parents=True)
    for one in sites:
        (folder / f"{one.name}.yaml").write_text(one.file)
    words = ["openstack", "-a", "--vo", VO, "network", "list", "--json-output"]
    env = {
        "HOME": str(home),
        "PATH": f"{FEDCLOUD.parent}:/usr/bin:/bin",
        "FEDCLOUD_OIDC_ACCESS_TOKEN": jwt(),
    }
    started = time.monotonic()
    done = subprocess.run(
        [FEDCLOUD, *words], env=env, capture_output=True, text=True, timeout=300, check=True
    )
    spent = time.monotonic() - started
    good = [one for one in json.loads(done.stdout) if one["Error code"] == 0 and one["Result"]]
    assert len(good) == len(sites), done.stdout
    return spent


def run(argv: Sequence[str], home: Path) -> float:
    """Seconds of a command that must end well."""
    env = {**os.environ, "ORCHESTRATOR_HOME": str(home), "OIDC_ACCESS_TOKEN": jwt()}
    started = time.monotonic()
    subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, timeout=120, check=True)
    return time.monotonic() - started


def seconds(call: object) -> float:
    """Median seconds of a call."""
    assert callable(call)

    def once() -> float:
        started = time.monotonic()
        call()
        return time.monotonic() - started

    return statistics.median(once() for _ in range(5))


def jwt() -> str:
    """A token as Check-in makes them, signed by nobody."""
    claims = {"iss": EGI_ISSUER, "sub": "bench@egi.eu", "exp": time.time() + 3600}
    header, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none"}, claims)
    )
    return f"{header}.{body}.c"


if __name__ == "__main__":
    for what, value in measure().items():
        print(f"{what:<50} {value:>9.3f}")
