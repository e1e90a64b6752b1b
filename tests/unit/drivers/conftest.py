"""A terraform that is a small simulation: it keeps a plan and a state, and refuses what it does not know."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from orchestrator.workdir import Workdir

PROGRAM = """#!{python} -S
import json, os, signal, sys, time

FLAGS = {{
    "version": {{"-json"}},
    "init": {{"-json", "-input=false", "-lockfile=readonly"}},
    "plan": {{"-json", "-input=false", "-lock-timeout=60s", "-destroy", "-detailed-exitcode", "-out=plan.tfplan"}},
    "show": {{"-json"}},
    "apply": {{"-json", "-input=false", "-lock-timeout=60s"}},
    "output": {{"-json"}},
}}


def say(**event):
    print(json.dumps({{"@level": "info", **event}}), flush=True)


def fail(**diagnostic):
    say(type="diagnostic", diagnostic={{"severity": "error", **diagnostic}})
    sys.exit(1)


def read(path, default):
    return json.load(open(path)) if os.path.exists(path) else default


verb, *rest = sys.argv[1:]
flags = {{word for word in rest if word.startswith("-")}}
words = [word for word in rest if not word.startswith("-")]
if verb not in FLAGS or flags - FLAGS[verb]:
    print("flag provided but not defined", *(flags - FLAGS.get(verb, set())), file=sys.stderr)
    sys.exit(1)
if verb == "version":
    print(json.dumps({{"terraform_version": os.environ.get("LANG") or "1.11.4"}}))
    sys.exit(0)
with open("calls.jsonl", "a") as file:
    file.write(json.dumps({{"argv": sys.argv[1:], "env": dict(os.environ)}}) + chr(10))
mood = read("mood.json", {{}}).get(verb, {{}})
if mood.get("words"):
    fail(summary=mood["words"], detail=mood.get("detail", ""), address=mood.get("address", ""))
if mood.get("sleep"):
    interrupts = []
    signal.signal(signal.SIGINT, lambda *_: interrupts.append(time.monotonic()))
    say(type="apply_start")
    end = time.monotonic() + mood["sleep"]
    while time.monotonic() < end and not interrupts:
        time.sleep(0.01)
    if interrupts:
        time.sleep(0.1)
        open("interrupts", "w").write(str(len(interrupts)))
        sys.exit(1)
state = read("terraform.tfstate", None)
if verb == "plan":
    todo = "destroy" if "-destroy" in flags else "create"
    changes = (state is not None) if todo == "destroy" else (state is None)
    json.dump({{"todo": todo}}, open("plan.tfplan", "w"))
    say(type="change_summary")
    sys.exit(2 if changes else 0)
if verb == "show":
    plan = read(words[0], None)
    change = {{"actions": ["create" if plan["todo"] == "create" else "delete"], "before": None, "after": None}}
    resource = {{"address": "a.b", "type": "a", "mode": "managed", "change": change}}
    print(json.dumps({{"format_version": "1.2", "resource_changes": [resource]}}))
if verb == "apply":
    if not words or not os.path.exists(words[0]):
        fail(summary="no such plan")
    json.dump({{"lineage": "l", "serial": (state or {{"serial": 0}})["serial"] + 1, "resources": [1]}}, open("terraform.tfstate", "w"))
    say(type="apply_complete", hook={{"id_value": "i-1"}})
if verb == "output":
    print(json.dumps({{"nodes": {{"value": {{"sky-docker": {{}}}}}}}} if state else {{}}))
"""


class FakeTerraform:
    """The program, and what it was asked."""

    def __init__(self, workdir: Workdir, program: Path) -> None:
        self.workdir = workdir
        self.program = program
        program.write_text(PROGRAM.format(python=sys.executable))
        program.chmod(0o755)

    def will(self, **moods: dict[str, object]) -> None:
        (self.workdir.path / "mood.json").write_text(json.dumps(moods))

    @property
    def calls(self) -> list[dict[str, object]]:
        lines = (self.workdir.path / "calls.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    @property
    def command_lines(self) -> list[list[str]]:
        return [call["argv"] for call in self.calls]


@pytest.fixture
def fake(workdir: Workdir, tmp_path: Path) -> FakeTerraform:
    return FakeTerraform(workdir, tmp_path / "terraform")
