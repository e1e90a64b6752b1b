"""Where the shipped files live, and where ours are written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parent
# A wheel carries them in orchestrator/data; a checkout keeps them at its top.
_ROOT = _PACKAGE / "data" if (_PACKAGE / "data").is_dir() else _PACKAGE.parent

TERRAFORM_MODULES = _ROOT / "terraform" / "modules"
TERRAFORM_PROVIDER = _ROOT / "terraform" / "provider"
ANSIBLE_ROLES = _ROOT / "ansible" / "roles"
TEMPLATES = _ROOT / "templates"

# The embedded site belongs to the machine, not to a person or a checkout.
SANDBOX = Path("/var/lib/orchestrator-sandbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The four folders in which everything written by us lies."""

    config: Path  # what a person writes: config.yaml, sites/*.yaml, usecases/
    data: Path  # what must not be lost: the store, one work folder per deployment
    state: Path  # what may be lost: tokens, bug reports
    cache: Path  # what can be made again: the provider mirror, old listings

    @classmethod
    def default(cls) -> Folders:
        """Return the platform's usual folders of this user."""
        found = platformdirs.PlatformDirs("egi-orchestrator")
        return cls(
            config=found.user_config_path,
            data=found.user_data_path,
            state=found.user_state_path,
            cache=found.user_cache_path,
        )

    @classmethod
    def under(cls, home: Path) -> Folders:
        """Return all four below one folder, as ORCHESTRATOR_HOME asks for."""
        return cls(
            config=home / "config", data=home / "data", state=home / "state", cache=home / "cache"
        )

    @property
    def deployments(self) -> Path:
        """The parent of every deployment's work folder."""
        return self.data / "deployments"

    @property
    def names_owed(self) -> Path:
        """The folder of names that could not be given back yet."""
        return self.data / "names-owed"

    @property
    def terraform_slots(self) -> Path:
        """The folder of the files that bound how many Terraforms work at once."""
        return self.data / "slots"

    @property
    def tokens(self) -> Path:
        """The folder of kept logins."""
        return self.state / "tokens"
