"""What goes wrong in a trial: a value, all of which follows from the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

VERBS = ("deploy", "redeploy", "recover", "destroy")
VICTIMS = ("orchestrator", "terraform", "both", "nobody")
DAMAGES = ("none", "emptied", "truncated", "deleted", "rolled back")
DISKS = ("full", "read-only")
# How many things Terraform begins and ends in a verb, and for how many seconds one lasts or so: a
# moment counted in steps is the same one on a slow machine. A recover makes nothing.
_STEPS = {"deploy": 25, "redeploy": 3, "recover": 0, "destroy": 25}
_LASTING = {"deploy": 2.0, "redeploy": 4.0, "recover": 6.0, "destroy": 2.0}

# The trials of `make test`: each verb, victim, damage and disk, and most of what a site can answer.
USUAL = (
    1, 4, 5, 6, 11, 13, 15, 25, 26, 29, 32, 36, 42, 63, 70, 92, 94, 128, 150, 153, 199, 208, 401, 408, 848,
)  # fmt: skip

ALWAYS = 1_000_000
# What is refused or spoilt once the request has been read.
ANSWERS = (
    "429",
    "429 with Retry-After",
    "500",
    "502",
    "503",
    "HTML page",
    "silence",
    "reset",
    "reply lost",
    "reply cut",
)
# What ends a connection before any request.
CONNECTIONS = ("down", "untrusted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which requests to a site get which fault: from the ``nth`` that fits on, so many ``times``."""

    service: str  # identity, compute, network, image
    method: str  # GET, POST, ...; CONNECT is the connection itself
    path: str  # an expression that is searched for in it
    nth: int
    times: int
    fault: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong in which verb."""

    seed: int
    kind: str  # kill, disk, api
    verb: str
    victim: str = "nobody"  # of a kill
    step: int = 0  # that Terraform has come to, 0 before the first
    moment: float = 0.0  # so many seconds after that
    damage: str = "none"  # to the state, afterwards; in recover: before
    disk: str = "good"
    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(cls, seed: int) -> Fault:
        """Return the fault of a seed."""
        dice = random.Random(seed)
        kind = dice.choice(("kill", "kill", "kill", "kill", "kill", "api", "api", "api", "disk"))
        return {"kill": _kill, "disk": _disk, "api": _api}[kind](seed, dice)

    @property
    def words(self) -> str:
        """What goes wrong, as a line of a table has it."""
        if self.kind == "api":
            told = (f"{rule.fault} ({rule.service} {rule.method})" for rule in self.rules)
            return f"{self.verb}, {', '.join(told)}"
        when = f" {self.moment:.1f} s after step {self.step}"
        if self.kind == "disk":
            return f"{self.verb}, disk {self.disk}{when if self.disk == 'full' else ''}"
        when = "" if self.victim == "nobody" else when
        return f"{self.verb}, {self.victim} killed{when}, state {self.damage}"


def _kill(seed: int, dice: random.Random) -> Fault:
    verb = dice.choice(("deploy", "deploy", "redeploy", "redeploy", "recover", "destroy"))
    victims, damages = list(VICTIMS), list(DAMAGES)
    if verb == "destroy":
        # With nobody killed nothing is left to look at.
        victims.remove("nobody")
    if verb == "recover":
        # There is nothing to recover from a good state, and only one state so far.
        damages = [one for one in damages if one not in ("none", "rolled back")]
    victim = dice.choice(victims)
    if victim == "nobody" and "none" in damages:
        damages.remove("none")
    damage = dice.choice(damages)
    fault = Fault(seed=seed, kind="kill", verb=verb, victim=victim, damage=damage)
    return fault if victim == "nobody" else _timed(fault, dice)


def _disk(seed: int, dice: random.Random) -> Fault:
    verb, disk = dice.choice(("deploy", "deploy", "redeploy", "destroy")), dice.choice(DISKS)
    fault = Fault(seed=seed, kind="disk", verb=verb, disk=disk)
    return _timed(fault, dice) if disk == "full" else fault


def _timed(fault: Fault, dice: random.Random) -> Fault:
    moment = round(dice.uniform(0.0, _LASTING[fault.verb]), 2)
    return replace(fault, step=dice.randint(0, _STEPS[fault.verb]), moment=moment)


# What the verbs ask a site for, and how often.
_READS = (
    ("identity", "POST|GET", r"/auth", 4),
    ("compute", "GET", r"/servers/detail", 2),
    ("network", "GET", r"/ports", 4),
    ("network", "GET", r"/security-groups", 2),
)
_MAKES = (
    ("compute", "POST", r"/os-keypairs$", 1),
    ("compute", "POST", r"/servers$", 2),
    ("compute", "GET", r"/servers/[0-9a-f-]{36}$", 6),
    ("image", "GET", r"/images", 2),
    ("network", "POST", r"/networks$", 1),
    ("network", "POST", r"/subnets$", 1),
    ("network", "POST", r"/routers$", 1),
    ("network", "PUT", r"/add_router_interface$", 1),
    ("network", "POST", r"/security-groups$", 1),
    ("network", "POST", r"/security-group-rules$", 1),
    ("network", "POST", r"/ports$", 2),
    ("network", "POST", r"/floatingips$", 1),
    ("network", "PUT", r"/floatingips/", 1),
    ("network", "GET", r"/(networks|routers|ports|subnets)/[0-9a-f-]{36}$", 8),
)
_REMOVES = (
    ("compute", "DELETE", r"/servers/", 2),
    ("compute", "DELETE", r"/os-keypairs/", 1),
    ("compute", "GET", r"/servers/[0-9a-f-]{36}$", 6),
    ("network", "DELETE", r"/(ports|floatingips|security-groups|routers|subnets|networks)/", 6),
    ("network", "PUT", r"/remove_router_interface$", 1),
    ("network", "GET", r"/(networks|routers|ports|subnets)/[0-9a-f-]{36}$", 8),
)
_ASKED = {
    "deploy": (*_MAKES, *_MAKES, *_READS),
    "redeploy": (*_READS, *_MAKES[1:3], *_MAKES[-2:]),
    "recover": _READS,
    "destroy": (*_REMOVES, *_REMOVES, *_READS),
}


def _api(seed: int, dice: random.Random) -> Fault:
    verb = dice.choice(("deploy", "deploy", "deploy", "redeploy", "recover", "destroy", "destroy"))
    return Fault(
        seed=seed,
        kind="api",
        verb=verb,
        damage=dice.choice(("emptied", "deleted")) if verb == "recover" else "none",
        rules=(_rule(verb, dice),),
    )


def _rule(verb: str, dice: random.Random) -> Rule:
    """Draw a rule: a part of what the verb asks for is answered wrongly, or a whole service is away."""
    if dice.random() < 0.2:
        return Rule(
            service=dice.choice(("identity", "compute", "network")),
            method="CONNECT",
            path="",
            nth=dice.randint(1, 3),
            times=dice.choice((1, 3, ALWAYS)),
            fault=dice.choice(CONNECTIONS),
        )
    service, method, path, often = dice.choice(_ASKED[verb])
    return Rule(
        service=service,
        method=method,
        path=path,
        nth=dice.randint(1, often),
        times=dice.choice((1, 1, 3, ALWAYS)),
        fault=dice.choice(ANSWERS),
    )
