"""Programs that roles put on nodes, taken as modules."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from orchestrator.paths import ANSIBLE_ROLES


def load_program(path: str) -> ModuleType:
    """Load a program of a role by its path below the roles."""
    file = ANSIBLE_ROLES / path
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses look for the types of their fields.
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module
