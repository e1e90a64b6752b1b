"""Programs that roles put on nodes, taken as modules."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from types import ModuleType

import pytest

from orchestrator.paths import ANSIBLE_ROLES


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Load a program of a role by its path below the roles."""

    def load(path: str) -> ModuleType:
        file = ANSIBLE_ROLES / path
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(__import__("sys").modules, file.stem, module)
        spec.loader.exec_module(module)
        return module

    return load
