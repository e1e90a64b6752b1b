"""Whole lives of deployments, killed and disturbed at any step: nothing is lost, doubled or a stranger's."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orchestrator.deployer import Deployer
from orchestrator.errors import OrchestratorError, RefusedError
from orchestrator.expiring import Expiry
from orchestrator.lifecycle import MAY_HOLD_RESOURCES, Phase
from orchestrator.model import Request
from orchestrator.settings import Settings
from orchestrator.store import Store, leases, schema
from tests.unit.killing import Killed, Process, watch
from tests.unit.simulations import World

ADA = "local:ada"
WHOLE = ["floating_ip", "keypair", "server"]

# Where a process is killed or overtaken: at some step, at one of a kind, or most often where the
# site has made something that the state does not know yet, or all, which the store does not know.
STEP = (
    st.tuples(st.sampled_from((0, 2, 4, 6, 8)), st.just("Terraform._write"))
    | st.tuples(st.integers(0, 1), st.just("Workdir.keep_state"))
    | st.tuples(st.integers(0, 5), st.sampled_from(("_apply", "Cloud.", "opening", "Workdir")))
    | st.tuples(st.integers(0, 75), st.just(""))
)
VERB = st.sampled_from(("deploy", "deploy", "deploy", "recover", "destroy"))


class Lives(RuleBasedStateMachine):
    """Deployments of one person at one site, one after the other, and all that may come between."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.patch = pytest.MonkeyPatch()
        self.world = World(home=self.home)
        self.world.prepare(self.patch)
        self.world.public_key = "ssh-ed25519 AAAA toy"
        self.process = Process()
        watch(self.patch, lambda: self.process)
        self.now = datetime.now(UTC)
        self.store = Store.in_folder(self.home)
        self.store._clock = lambda: self.now
        # Who holds a lease and has ended; who does so on another machine, where nobody can look.
        self.dead, self.away = set[str](), set[str]()
        self.patch.setattr(leases, "_is_dead", lambda holder: holder in self.dead - self.away)
        self.patch.setattr(leases, "_is_here", lambda holder: holder not in self.away)
        usual = leases.Lease.__init__.__kwdefaults__
        self.patch.setitem(usual, "pause", lambda _seconds: None)
        self.strangers: dict[tuple[str, str], str] = {}
        self.states: list[tuple[str, str]] = []  # every state that there was, by deployment
        self.was_overtaken = False  # another process was let in, before or after the lease
        self.has_volume = False
        self.key_is_lost = False

    @initialize(has_volume=st.booleans())
    def choose_the_use_case(self, has_volume: bool) -> None:
        self.has_volume = has_volume
        if has_volume:
            file = self.world.use_case_folder / "usecase.yaml"
            file.write_text(file.read_text().replace("disk_gb: 8,", "disk_gb: 8, volume_gb: 20,"))

    def teardown(self) -> None:
        try:
            self.end_well()
        finally:
            self.store.close()
            self.patch.undo()
            shutil.rmtree(self.home)

    # --- what there is

    @property
    def record(self):
        living = self.store.all(owner=ADA)
        return living[0] if living else None

    @property
    def name(self) -> str:
        """The deployment's, never given again: the simulated site knows things by their names."""
        if self.record:
            return self.record.name
        return f"sky{len(self.store.all(owner=ADA, destroyed=True))}"

    @property
    def state(self) -> Path:
        return self.world.folders.deployments / self.record.id / "terraform.tfstate"

    @property
    def is_ending(self) -> bool:
        return self.record is not None and self.record.phase is Phase.DESTROYING

    @property
    def is_held(self) -> bool:
        """Whether a process that lives has the lease, or one of which nobody knows."""
        with self.store._engine.connect() as connection:
            rows = connection.execute(sa.select(schema.leases)).all()
        return any(
            row.until > self.now if row.holder in self.away else row.holder not in self.dead
            for row in rows
        )

    def holders(self) -> set[str]:
        with self.store._engine.connect() as connection:
            return set(connection.execute(sa.select(schema.leases.c.holder)).scalars())

    def marked(self, mark: str) -> list[str]:
        return sorted(kind for (kind, _), other in self.world.resources.items() if other == mark)

    def machines(self, one) -> list[str]:
        found = self.world.resources.items()
        return [name for (kind, name), mark in found if (kind, mark) == ("server", one.id)]

    # --- the three commands, and what each of them promises when it ends well

    def deployer(self) -> Deployer:
        return Deployer(
            folders=self.world.folders,
            settings=Settings(),
            store=self.store,
            environment=self.world.environment,
            owner=ADA,
            access_token=self.world.token(),
            reach_seconds=5.0,
        )

    def ask(self, verb: str) -> None:
        deployer = self.deployer()
        if verb == "deploy":
            made = deployer.deploy(Request(use_case="toy", site="SIM", name=self.name))
            assert made.deployment.phase is Phase.READY
            whole = sorted(WHOLE + ["volume"] * self.has_volume)
            assert self.marked(made.deployment.id) == whole
            # It is these that are reached, configured and checked.
            assert [node.name for node in made.deployment.nodes] == self.machines(made.deployment)
        elif verb == "recover":
            deployer.recover(self.name)
        else:
            self.require_gone(deployer.destroy(self.name))

    def require_gone(self, one) -> None:
        assert one.phase is Phase.DESTROYED
        assert self.marked(one.id) == ["volume"] * len(one.kept)
        self.key_is_lost = False

    def ask_anything(self, verb: str) -> None:
        """Ask, and take a refusal where there is something to refuse."""
        is_held = self.is_held
        try:
            self.ask(verb)
        except RefusedError:
            assert is_held
        except OrchestratorError as error:
            if not self.may_refuse(verb, error):
                raise
        else:
            assert not is_held

    def may_refuse(self, verb: str, error: OrchestratorError) -> bool:
        if self.was_overtaken and ("just now" in error.message or "is taken" in error.message):
            return True
        if self.record is None:
            return verb != "deploy"
        if verb == "recover" and not self.marked(self.record.id):
            return True
        if verb == "deploy" and self.key_is_lost and "the key of" in error.message:
            return True
        return self.is_ending and verb != "destroy"

    def work(self, process: Process, verb: str) -> None:
        """Have a process of its own do something, to its end or until it is killed."""
        self.process, self.was_overtaken = process, False
        try:
            self.ask_anything(verb)
        except Killed:
            self.dead |= self.holders()
        finally:
            self.process = Process()
            self.remember_state()

    def remember_state(self) -> None:
        if self.record and self.state.exists():
            self.states.append((self.record.id, self.state.read_text()))

    # --- what people do

    @rule(verb=VERB)
    def do(self, verb) -> None:
        self.work(Process(), verb)

    @rule(verb=VERB, step=STEP, unseen=st.booleans())
    def kill(self, verb, step, unseen) -> None:
        before = set(self.dead)
        self.work(Process(*step), verb)
        if unseen:
            # On another machine: only time tells that it has ended.
            self.away |= self.dead - before

    @precondition(lambda self: self.record and not self.is_held)
    @rule(later=st.sampled_from((0, 8)))
    def remove_what_is_due(self, later) -> None:
        self.now += timedelta(days=later)
        is_due = self.record.expires_at <= self.now
        expiry = Expiry(deployer=self.deployer(), store=self.store, owner=ADA, now=lambda: self.now)
        removed = [one for one in expiry.run() if one.what != "warned"]
        assert [one.what for one in removed] == ["removed"] * is_due
        for one in removed:
            self.require_gone(one.deployment)

    @rule(verb=VERB, step=STEP, other=VERB)
    def try_at_once(self, verb, step, other) -> None:
        """Another process of the same person comes while one is at work."""
        self.work(Process(*step, act=lambda: self.meanwhile(other)), verb)

    def meanwhile(self, verb: str) -> None:
        first, self.process = self.process, Process()
        self.ask_anything(verb)
        self.process, self.was_overtaken = first, not self.is_held

    # --- what happens to what there is

    @precondition(lambda self: self.record and self.state.exists())
    @rule(how=st.sampled_from(("gone", "empty", "cut", "older", "folder")), which=st.randoms())
    def lose_the_state(self, how, which) -> None:
        text = self.state.read_text()
        if how == "folder":
            shutil.rmtree(self.state.parent)
            self.key_is_lost = True
        elif how == "gone":
            self.state.unlink()
        elif how == "older":
            mine = [state for one, state in self.states if one == self.record.id]
            self.state.write_text(which.choice([*mine, text]))
        else:
            self.state.write_text(text[: len(text) // 2] if how == "cut" else "")

    @rule(kind=st.sampled_from(("server", "port", "volume", "keypair")), marked=st.booleans())
    def a_stranger_comes(self, kind, marked) -> None:
        key = kind, f"stranger{len(self.strangers)}"
        self.strangers[key] = self.world.resources[key] = "somebodys" if marked else ""

    @precondition(lambda self: self.is_held)
    @rule()
    def a_lease_ends(self) -> None:
        self.now += timedelta(seconds=61)

    # --- what holds at all times

    @invariant()
    def strangers_are_not_touched(self) -> None:
        assert self.strangers.items() <= self.world.resources.items()

    @invariant()
    def what_is_at_the_site_can_be_found_again(self) -> None:
        for place, mark in self.world.resources.items():
            if place in self.strangers:
                continue
            one = self.store.known(mark)
            kept = {("volume", volume.name) for volume in one.kept}
            assert one.phase in MAY_HOLD_RESOURCES or place in kept

    def end_well(self) -> None:
        """Whatever has happened, what the same person does next succeeds."""
        self.now += timedelta(seconds=61)
        if not (self.is_ending or self.key_is_lost):
            self.ask("deploy")
        if self.record:
            self.ask("destroy")


def test_lives():
    examples = settings.default.max_examples // 3
    run_state_machine_as_test(
        Lives, settings=settings(max_examples=examples, stateful_step_count=12)
    )
