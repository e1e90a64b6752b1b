"""Terraform through python-terraform: saved plans, JSON events, one interrupt and patience."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import python_terraform
from python_terraform import IsFlagged

from orchestrator.drivers import command, process, release
from orchestrator.drivers.diagnostics import as_error, as_event, errors_among
from orchestrator.drivers.environment import child_environment
from orchestrator.drivers.loginclock import LoginClock
from orchestrator.errors import (
    DeploymentFailedError,
    InterruptedRunError,
    LoginEndedError,
    SetupError,
)
from orchestrator.workdir import PLAN_FILE, Workdir

OnEvent = Callable[[Mapping[str, Any]], None]

OLDEST = (1, 9)
_LOCK_TIMEOUT = "60s"
# Options of python-terraform that Terraform itself does not know, or no longer.
_UNKNOWN_OPTIONS = ("force", "raise_on_error", "capture_output", "synchronous")


def _ignore(_event: Mapping[str, Any]) -> None:
    """Watch nothing."""


class RenewalDueError(LoginEndedError):
    """Terraform was stopped while its login still lived, so that a new one can go on."""


class _Either:
    """A stop for one of two reasons."""

    def __init__(self, *reasons: process.Stop) -> None:
        self._reasons = reasons

    def is_set(self) -> bool:
        return any(reason.is_set() for reason in self._reasons)


class Terraform(python_terraform.Terraform):
    """Terraform in one deployment's folder.

    The inherited ``cmd`` passes on all of our environment or none of it, and reads a pipe,
    which would end Terraform together with us. The token is in the environment of each
    process started here and nowhere else. The descriptors of ``keep_open`` are open in each, too.
    """

    def __init__(
        self,
        workdir: Workdir,
        *,
        program: Path,
        cli_config: Path,
        env: Mapping[str, str],
        token: str = "",
        on_event: OnEvent = _ignore,
        stop: threading.Event | None = None,
        keep_open: Sequence[int] = (),
    ) -> None:
        self._workdir = workdir
        own = {
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_CONFIG_FILE": str(cli_config),
            "CHECKPOINT_DISABLE": "1",
            # The provider would else present the same dead token again on a 401.
            "OS_ALLOW_REAUTH": "false",
        }
        self._env = child_environment(env, {**own, "OS_TOKEN": token} if token else own)
        self._token = token
        self._on_event = on_event
        self._stop = stop or threading.Event()
        self._keep_open = tuple(keep_open)
        super().__init__(
            working_dir=str(workdir.path),
            terraform_bin_path=str(program),
            is_env_vars_included=False,
        )

    def __repr__(self) -> str:
        """Return what it is without its environment."""
        return f"Terraform({self._workdir.path})"

    def __getattr__(self, name: str) -> Any:
        # python-terraform makes a command of any attribute, misspelt ones too.
        if not name.endswith("_cmd"):
            raise AttributeError(name)
        return super().__getattr__(name)

    def read_state_file(self, file_path: str | None = None) -> None:
        """Read nothing: state is read with `output -json` and `show -json` only."""
        self.tfstate = None

    def init(self, *_args: Any, **_options: Any) -> None:
        """Prepare the folder; the provider comes from the mirror, as the lock file says."""
        self._checked("init", json=IsFlagged, input=False, lockfile="readonly", timeout=120.0)

    def save_plan(self, *, destroy: bool = False, targets: Sequence[str] = ()) -> bool:
        """Plan into the plan file; tell whether there is anything to do. Changes nothing.

        ``targets`` are the addresses to which the plan is bound, with what they depend on.
        """
        self._workdir.plan_file.unlink(missing_ok=True)
        code = self._checked(
            "plan",
            json=IsFlagged,
            input=False,
            lock_timeout=_LOCK_TIMEOUT,
            destroy=IsFlagged if destroy else None,
            detailed_exitcode=IsFlagged,
            out=PLAN_FILE,
            target=list(targets) or None,
            fine=(0, 2),
            timeout=900.0,
        )
        self._workdir.plan_file.chmod(0o600)
        return code == 2

    def show_plan(self) -> Mapping[str, Any]:
        """Return the saved plan as `terraform show -json` tells it."""
        return self._read("show", PLAN_FILE)

    def apply_saved_plan(self, *, timeout: float = 3600.0, login_seconds: float = math.inf) -> None:
        """Apply the saved plan and nothing else; the plan is used up whatever happens.

        Raises RenewalDueError when the login, good for ``login_seconds``, would end before it.
        """
        clock = LoginClock(login_seconds)
        try:
            self._checked(
                "apply",
                PLAN_FILE,
                json=IsFlagged,
                input=False,
                lock_timeout=_LOCK_TIMEOUT,
                timeout=timeout,
                clock=clock,
            )
        finally:
            self._workdir.plan_file.unlink(missing_ok=True)

    def outputs(self) -> dict[str, Any]:
        """Return the value of each output of the state."""
        told = self._read("output")
        try:
            return {name: one["value"] for name, one in told.items()}
        except (AttributeError, KeyError, TypeError) as error:
            raise _not_understood("output", json.dumps(told)) from error

    def version(self) -> str:
        """Return Terraform's version; SetupError when it is too old or does not start."""
        return read_version(Path(self.terraform_bin_path), env=self._env)

    def cmd(self, cmd: str, *args: str, **options: Any) -> tuple[int, str, str]:
        """Run one command; return its exit code and what it wrote."""
        timeout = float(options.pop("timeout", 3600.0))
        stop = self._stop if options.pop("stoppable", True) else threading.Event()
        clock = options.pop("clock", None) or LoginClock()
        for unknown in _UNKNOWN_OPTIONS:
            options.pop(unknown, None)
        options["var"] = options.get("var") or None
        argv = self.generate_cmd_string(cmd, *args, **options)
        out = self._workdir.next_run("terraform", cmd.split()[0])
        err = out.with_suffix(".err")
        child = process.start(
            argv,
            cwd=self._workdir.path,
            env=self._env,
            out=out,
            err=err,
            keep_open=self._keep_open,
        )
        try:
            process.follow(
                child,
                out,
                on_line=lambda line: self._tell(line, clock),
                stop=_Either(stop, clock),
                timeout=timeout,
            )
        except process.ChildTimeoutError as error:
            raise DeploymentFailedError(
                f"terraform {cmd} was stopped after {timeout:.0f} s",
                facts={"its words": str(out)},
            ) from error
        except BaseException:
            process.interrupt_and_wait(child)
            raise
        finally:
            self.temp_var_files.clean_up()
        said = _text(err)
        if not said:
            err.unlink()
        return child.returncode, _text(out), said

    def _checked(self, cmd: str, *args: str, fine: tuple[int, ...] = (0,), **options: Any) -> int:
        code, out, err = self.cmd(cmd, *args, **options)
        if code in fine:
            return code
        if self._stop.is_set():
            raise InterruptedRunError(
                f"terraform {cmd} was stopped; what it had made is in its state",
            )
        if "clock" in options and options["clock"].is_set():
            raise RenewalDueError("the login at the site ends before all is made")
        events = (event for line in out.splitlines() if (event := as_event(line)))
        raise as_error(cmd, errors_among(events), text=err or out, secret=self._token)

    def _read(self, cmd: str, *args: str) -> dict[str, Any]:
        """Run a command that prints one JSON value and return that value."""
        code, out, err = self.cmd(cmd, *args, json=IsFlagged, timeout=120.0, stoppable=False)
        if code != 0:
            raise as_error(cmd, [], text=err or out, secret=self._token)
        try:
            value = json.loads(out)
        except (ValueError, RecursionError) as error:
            raise _not_understood(cmd, out) from error
        if not isinstance(value, dict):
            raise _not_understood(cmd, out)
        return value

    def _tell(self, line: str, clock: LoginClock) -> None:
        event = as_event(line)
        if event is not None:
            clock.watch(event)
            self._on_event(event)


def read_version(program: Path, *, env: Mapping[str, str]) -> str:
    """Return the version of a Terraform; SetupError when it is too old or does not start."""
    answer = command.run([str(program), "version", "-json"], env=child_environment(env), timeout=30)
    try:
        version = str(json.loads(answer.stdout)["terraform_version"])
        number = tuple(int(part) for part in version.partition("-")[0].split("."))
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(
            f"{program} is not a Terraform that works", facts={"it says": answer.last_words}
        ) from error
    if number < OLDEST:
        raise SetupError(
            f"Terraform {version} is too old: 1.9 or newer is needed",
            facts={"found at": str(program)},
            way_out=[release.ADVICE],
        )
    return version


def _not_understood(cmd: str, out: str) -> DeploymentFailedError:
    return DeploymentFailedError(
        f"terraform {cmd} said something that is not understood",
        facts={"its first words": " ".join(out[:200].split()) or "none"},
        way_out=["run the same command again: it goes on from here"],
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
