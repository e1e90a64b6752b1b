"""Terraform itself and its OpenStack provider: found, fetched or built, once per machine."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator import paths
from orchestrator.drivers import command, release
from orchestrator.drivers.environment import child_environment
from orchestrator.errors import SetupError
from orchestrator.rendering import PROVIDER_VERSION

OnStep = Callable[[str], None]

_ADDRESS = "registry.terraform.io/terraform-provider-openstack/openstack"
_PACKAGE = "github.com/terraform-provider-openstack/terraform-provider-openstack/v3"
_REQUIREMENT = f"""\
terraform {{
  required_providers {{
    openstack = {{
      source  = "terraform-provider-openstack/openstack"
      version = "{PROVIDER_VERSION}"
    }}
  }}
}}
"""


def _ignore(_text: str) -> None:
    """Watch nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Where Terraform is told to find the provider, and the lock that names this very build."""

    cli_config: Path
    lock_file: Path


def provider_of(cache: Path) -> Provider:
    """Return where the provider's files are, or will be."""
    folder = _folder(cache)
    return Provider(cli_config=folder / "terraform.rc", lock_file=folder / "terraform.lock.hcl")


def provider_ready(cache: Path) -> bool:
    """Tell whether the provider is installed; asks for one file only."""
    return provider_of(cache).lock_file.is_file()


def find_terraform(cache: Path, *, env: Mapping[str, str]) -> Path | None:
    """Return the Terraform of the PATH, else the one in the cache, else None."""
    on_path = shutil.which("terraform", path=child_environment(env)["PATH"])
    if on_path:
        return Path(on_path)
    own = release.program(cache / "terraform")
    return own if own.is_file() else None


def install_terraform(cache: Path, *, env: Mapping[str, str], on_step: OnStep = _ignore) -> Path:
    """Return a Terraform, fetched into the cache where this machine has none."""
    with _alone(cache / "terraform"):
        found = find_terraform(cache, env=env)
        return found or release.fetch(cache / "terraform", env=env, on_step=on_step)


def install_provider(
    cache: Path, *, terraform: Path, env: Mapping[str, str], on_step: OnStep = _ignore
) -> Provider:
    """Make the provider's mirror where it is missing, and return it.

    From the registry where that answers, else built with Go from the pinned sources.
    Parallel installs wait for each other; a killed one leaves nothing that counts.
    """
    if provider_ready(cache):
        return provider_of(cache)
    with _alone(cache / "terraform"):
        if not provider_ready(cache):
            _install(_folder(cache), terraform=terraform, env=env, on_step=on_step)
    return provider_of(cache)


def _install(target: Path, *, terraform: Path, env: Mapping[str, str], on_step: OnStep) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as temporary:
        new = Path(temporary) / target.name
        place = new / _ADDRESS / PROVIDER_VERSION / _platform()
        place.mkdir(parents=True)
        on_step(f"getting the OpenStack provider {PROVIDER_VERSION} from the registry")
        if not _from_registry(place, Path(temporary), terraform=terraform, env=env):
            on_step(
                f"the registry does not answer: building the provider {PROVIDER_VERSION} (1-2 min)"
            )
            _build(place / f"terraform-provider-openstack_v{PROVIDER_VERSION}", env=env)
        _write_lock(new, terraform=terraform, env=env)
        (new / "terraform.rc").write_text(_cli_config(target))
        shutil.rmtree(target, ignore_errors=True)
        os.replace(new, target)
    on_step(f"the OpenStack provider {PROVIDER_VERSION} is installed")


def _from_registry(
    place: Path, temporary: Path, *, terraform: Path, env: Mapping[str, str]
) -> bool:
    """Fetch the signed release and unpack it; False where the registry cannot be reached."""
    asking = temporary / "asking"
    asking.mkdir()
    (asking / "main.tf").write_text(_REQUIREMENT)
    quick = {"TF_REGISTRY_CLIENT_TIMEOUT": "10", "TF_REGISTRY_DISCOVERY_RETRY": "0"}
    try:
        answer = command.run(
            [str(terraform), "providers", "mirror", f"-platform={_platform()}", "packed"],
            env=_terraform_environment(env, quick),
            cwd=asking,
            timeout=180,
        )
    except command.CommandTimeoutError:
        return False
    packed = next((asking / "packed").rglob("*.zip"), None)
    if answer.code != 0 or packed is None:
        return False
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(place)
    for binary in place.glob("terraform-provider-*"):
        binary.chmod(0o555)
    return True


def _build(target: Path, *, env: Mapping[str, str]) -> None:
    if not shutil.which("go", path=child_environment(env)["PATH"]):
        raise SetupError(
            "the OpenStack provider of Terraform is neither fetched nor built",
            facts={"registry": "registry.terraform.io does not answer", "Go": "not on the PATH"},
            way_out=["let this machine reach registry.terraform.io, or install Go 1.24 or newer"],
        )
    argv = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(target), _PACKAGE]
    # go.sum is what verifies the sources: the public database of sums may be out of reach.
    settings = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GONOSUMDB": "*", "CGO_ENABLED": "0"}
    try:
        answer = command.run(
            argv,
            env=child_environment(env, settings, go=True),
            cwd=paths.TERRAFORM_PROVIDER,
            timeout=1200,
        )
    except command.CommandTimeoutError as error:
        raise SetupError("building the OpenStack provider took more than 20 minutes") from error
    if answer.code != 0:
        raise SetupError(
            "the OpenStack provider of Terraform could not be built",
            facts={"Go says": answer.last_words},
            way_out=["let this machine reach registry.terraform.io or proxy.golang.org"],
        )
    target.chmod(0o555)


def _write_lock(new: Path, *, terraform: Path, env: Mapping[str, str]) -> None:
    """Let Terraform note the hash of this very build."""
    with tempfile.TemporaryDirectory(dir=new.parent, prefix="lock-") as name:
        folder = Path(name)
        (folder / "main.tf").write_text(_REQUIREMENT)
        (folder / "terraform.rc").write_text(_cli_config(new))
        config = {"TF_CLI_CONFIG_FILE": str(folder / "terraform.rc")}
        answer = command.run(
            [str(terraform), "init", "-input=false", "-no-color"],
            env=_terraform_environment(env, config),
            cwd=folder,
            timeout=120,
        )
        lock = folder / ".terraform.lock.hcl"
        if answer.code != 0 or not lock.is_file():
            raise SetupError(
                "Terraform does not take the OpenStack provider",
                facts={"Terraform says": answer.last_words},
            )
        shutil.copyfile(lock, new / "terraform.lock.hcl")


def _terraform_environment(env: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    # The person's ~/.terraformrc may name a plugin cache, which is not safe side by side.
    return child_environment(
        env,
        {
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": os.devnull,
            **own,
        },
    )


def _cli_config(folder: Path) -> str:
    path = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    return f"""\
disable_checkpoint = true

provider_installation {{
  filesystem_mirror {{
    path = "{path}"
  }}
}}
"""


def _folder(cache: Path) -> Path:
    return cache / "terraform" / f"provider-{PROVIDER_VERSION}-{_platform()}"


def _platform() -> str:
    return f"{platform.system().lower()}_{release.architecture()}"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of installs; it ends with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "install.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
