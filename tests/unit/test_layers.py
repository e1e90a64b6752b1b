"""Imports point down only, and each outside library has one home."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "orchestrator"

# Lowest first. Rooms of one layer may use each other as long as there is no cycle.
LAYERS = (
    ("errors", "paths", "plaintext"),
    (
        "model",
        "lifecycle",
        "settings",
        "names",
        "spans",
        "parallel",
        "stopping",
        "writtenfiles",
        "causes",
        "redaction",
    ),
    (
        "auth",
        "catalogue",
        "discovery",
        "selection",
        "rendering",
        "planning",
        "workdir",
        "journal",
        "verification",
        "checks",
        "passwords",
        "fetching",
        "uploading",
        "drivers",
        "dyndns",
        "entering",
    ),
    (
        "store",
        "recovery",
        "choosing",
        "explanation",
        "requestfile",
        "keeping",
        "extras",
        "verifying",
        "junit",
        "newusecase",
        "runlogs",
    ),
    (
        "provisioning",
        "configuring",
        "publicname",
        "visiting",
        "run",
        "removing",
        "sitelogin",
        "deployer",
        "ending",
        "expiring",
        "sweeping",
        "adopting",
        "reporting",
        "warning",
        "takingback",
        "launch",
        "surveying",
        "datavolumes",
        "heldaddress",
        "collector",
        "collected",
    ),
    ("cli", "webapp"),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}

# library -> the only modules that may import it
HOMES = {
    "subprocess": ("orchestrator.drivers",),
    "django": ("orchestrator.webapp",),
    "click": ("orchestrator.cli",),
    "rich": ("orchestrator.cli",),
    "openstack": ("orchestrator.drivers.openstack",),
    "python_terraform": ("orchestrator.drivers.terraform",),
    "ansible_runner": ("orchestrator.drivers.ansible",),
    "fedcloudclient": (),
    "testinfra": ("orchestrator.drivers.testinfra",),
    "sqlalchemy": ("orchestrator.store",),
    "alembic": ("orchestrator.store",),
}


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = ("orchestrator", *path.relative_to(PACKAGE).with_suffix("").parts)
        name = ".".join(parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text())
    return found


MODULES = modules()


@functools.cache
def imports(name: str) -> set[str]:
    """Every module a module names in an import, those for type checking alone left out."""
    tree = MODULES[name]
    hints = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in hints:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "orchestrator" and len(parts) > 1 else None


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_point_down(name):
    own = room(name)
    if own is None:
        return
    assert own in LEVEL, f"{own} is in no layer: add it to LAYERS and to ARCHITECTURE.md"
    upward = [
        used
        for used in imports(name)
        if (other := room(used)) in LEVEL and other != own and LEVEL[other] > LEVEL[own]
    ]
    assert upward == []


def test_faces_do_not_import_each_other():
    faces = LAYERS[-1]
    crossing = [
        (name, used)
        for name in MODULES
        for used in imports(name)
        if room(name) in faces and room(used) in faces and room(name) != room(used)
    ]
    assert crossing == []


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_is_imported_in_its_home_alone(library):
    strangers = [
        name
        for name in MODULES
        for used in imports(name)
        if used.split(".")[0] == library and not name.startswith(HOMES[library] or ("nowhere",))
        if "store.migrations" not in name
    ]
    assert strangers == []


def test_modules_do_not_import_each_other_in_a_circle():
    graph = {
        name: {
            used if used in MODULES else used.rpartition(".")[0]
            for used in imports(name)
            if used.startswith("orchestrator")
        }
        for name in MODULES
    }

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            for used in graph.get(todo.pop(), set()) - seen:
                seen.add(used)
                todo.append(used)
        return seen

    assert [name for name in graph if name in reachable(name)] == []


def test_only_faces_read_the_environment_or_print():
    readers = [
        f"{name}:{node.lineno}"
        for name, tree in MODULES.items()
        if room(name) not in LAYERS[-1]
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv"))
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == "print")
    ]
    assert readers == []
