"""Text that others wrote, of any shape: read, or refused in the words of its own room, never by a crash."""

from __future__ import annotations

import base64
import json
import re
import threading
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.auth.token import AccessToken
from orchestrator.catalogue import sitefile
from orchestrator.catalogue.usecases import read_use_case
from orchestrator.drivers import diagnostics, hostkeys
from orchestrator.drivers.loginclock import LoginClock
from orchestrator.drivers.terraform import Terraform
from orchestrator.errors import DeploymentFailedError, LoginError, RequestError, UnsafePlanError
from orchestrator.journal import Journal
from orchestrator.names import check_name
from orchestrator.paths import Folders
from orchestrator.planning import Plan, read_plan
from orchestrator.provisioning import Provisioning, _watch
from orchestrator.rendering import inventory, read_nodes
from orchestrator.workdir import StateLostError, StateMark, Workdir, read_mark
from orchestrator.writtenfiles import load_yaml
from tests.mutating import mutated

SERVER = "openstack_compute_instance_v2"

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
# Where a reader looks: with these keys it gets further than with any others.
KEYS = st.sampled_from(
    ("gocdb", "endpoint", "vos", "name", "auth", "title", "needs", "nodes", "checks", "parameters")
    + ("resources", "instances", "attributes", "lineage", "serial", "type", "mode", "index_key")
    + ("@level", "diagnostic", "severity", "iss", "exp", "sub")
)
JSON = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=6)
WRITTEN = (
    st.binary(max_size=60)
    | OBJECTS.map(lambda value: json.dumps(value).encode())
    | st.text(alphabet="[]{}:,-?&*!|>'\"# \n\ta1", max_size=60).map(str.encode)
)


def outcome(call, *refusals):
    """Return what a call gives, or the refusal that it may end with."""
    try:
        return call()
    except refusals as error:
        return error


@given(WRITTEN)
def test_yaml(raw):
    read = outcome(lambda: load_yaml(raw), yaml.YAMLError, ValueError)
    assert not isinstance(read, RecursionError)


@given(WRITTEN)
def test_a_site_file(raw):
    read = outcome(lambda: sitefile.parse(raw, Path("/sites/X.yaml")), ValueError)
    told = str(read) if isinstance(read, ValueError) else f"/sites/X.yaml: {read.gocdb}"
    assert told.startswith("/sites/X.yaml: ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("foreign")


@given(raw=WRITTEN)
def test_a_use_case(folder, raw):
    (folder / "playbook.yml").write_text("[]")
    (folder / "usecase.yaml").write_bytes(raw)
    with pytest.raises(RequestError, match=r"usecase\.yaml"):
        read_use_case(folder, "x")


@given(raw=WRITTEN)
def test_a_state(folder, raw):
    workdir = Workdir(folder)
    workdir.state.write_bytes(raw)
    mark = outcome(lambda: read_mark(workdir.state), StateLostError)
    assert isinstance(mark, StateMark) or mark.facts == {"state": str(workdir.state)}
    provisioning = Provisioning(
        workdir=workdir,
        folders=Folders.under(folder),
        environment={},
        journal=Journal(lambda _: None),
        stop=threading.Event(),
    )
    assert all(isinstance(found, str) for found in provisioning.known().values())


EVENTS = (
    {
        "@level": "info",
        "type": "apply_complete",
        "hook": {
            "resource": {"addr": "module.nodes.s", "resource_type": SERVER, "resource_name": "s"},
            "action": "create",
            "id_value": "i-1",
        },
    },
    {
        "@level": "error",
        "type": "diagnostic",
        "diagnostic": {"severity": "error", "summary": "s", "detail": "d", "address": "a.b"},
    },
)


@given(
    st.text(max_size=60)
    | st.just('{"@' + '":{"a' * 100_000)
    | OBJECTS.map(lambda value: '{"@level":1,' + json.dumps(value)[1:])
    | st.sampled_from(EVENTS).flatmap(mutated).map(json.dumps)
)
def test_a_line_of_terraform(line):
    event = diagnostics.as_event(line)
    assert event is None or line.startswith('{"@')
    errors = diagnostics.errors_among([event] if event else [])
    assert all(one["severity"] == "error" for one in errors)
    assert diagnostics.as_error("apply", errors, text=line).message
    journal = Journal(lambda _: None)
    with journal.phase("apply") as log:
        _watch(journal, log)(event or {})
    LoginClock(60.0).watch(event or {})


def planned():
    """Return a plan with a change of each kind, as `terraform show -json` tells it."""
    sides = {"name": "sky-docker", "id": "s1", "image_id": "i"}
    actions = (["create"], ["update"], ["delete"], ["delete", "create"], ["no-op"], ["forget"])
    return {
        "format_version": "1.2",
        "errored": False,
        "resource_changes": [
            {
                "address": f'module.nodes.{SERVER}.node["sky-{number}"]',
                "type": SERVER,
                "mode": "managed",
                "action_reason": "replace_because_tainted",
                "change": {
                    "actions": one,
                    "before": sides,
                    "after": {**sides, "image_id": "j"},
                    "after_unknown": {"flavor_id": True},
                    "importing": {"id": "s1"},
                },
            }
            for number, one in enumerate(actions)
        ],
    }


@given(JSON | mutated(planned()))
def test_a_plan(told):
    shown = told if isinstance(told, dict) else {"format_version": "1.2", "resource_changes": told}
    plan = outcome(lambda: read_plan(shown), DeploymentFailedError)
    if isinstance(plan, Plan):
        assert plan.summary
        assert isinstance(plan.unfinished(finished=()), tuple)
        refused = outcome(plan.raise_if_unsafe, UnsafePlanError)
        assert (refused is None) is not any(plan.destructive)


@pytest.mark.parametrize("verb", ["show", "output"])
@given(raw=WRITTEN)
def test_what_terraform_prints(folder, verb, raw):
    terraform = printing(folder, raw)
    call = terraform.show_plan if verb == "show" else terraform.outputs
    assert isinstance(outcome(call, DeploymentFailedError), dict | DeploymentFailedError)


def printing(folder, raw):
    """Return a Terraform that has ended well, and said this."""
    made = Terraform(Workdir(folder), program=folder / "x", cli_config=folder / "y", env={})
    made.cmd = lambda *_args, **_options: (0, raw.decode("utf-8", "replace"), "")
    return made


@given(JSON | mutated({"nodes": {"sky": {"address": "198.51.100.7", "port": 22, "user": "egi",
       "groups": ["docker"], "private_ip": "10.0.0.5", "id": "s1", "via": None,
       "volumes": [{"id": "v1", "size_gb": 5, "made": True}]}}}))  # fmt: skip
def test_the_nodes_of_an_output(told):
    outputs = told if isinstance(told, dict) else {"nodes": told}
    nodes = outcome(lambda: read_nodes(outputs), DeploymentFailedError)
    if isinstance(nodes, DeploymentFailedError):
        return
    for text in texts_in(inventory(nodes)):
        assert re.fullmatch(r"[A-Za-z0-9_.:/-]*", text)


def texts_in(value):
    if isinstance(value, dict):
        return [text for one in value.items() for part in one for text in texts_in(part)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in texts_in(one)]
    return [value] if isinstance(value, str) else []


@given(WRITTEN)
def test_the_claims_of_a_token(raw):
    body = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    token = outcome(lambda: AccessToken.read(f"x.{body}.canary", origin="X"), LoginError)
    shown = repr(token) + str(token.facts if isinstance(token, LoginError) else "")
    assert "canary" not in shown


@given(st.text(max_size=45) | st.from_regex(r"[a-z][a-z0-9-]{0,45}\n?", fullmatch=True))
def test_a_name(name):
    found = outcome(lambda: check_name(name), RequestError)
    if isinstance(found, RequestError):
        assert repr(name) in found.message
        return
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert 0 < len(found) <= 40


@given(st.text(max_size=80), st.text(max_size=30))
def test_a_console(before, inside):
    shown = (
        f"{before}\n-----BEGIN SSH HOST KEY KEYS-----\n{inside}\n-----END SSH HOST KEY KEYS-----\n"
    )
    for line in hostkeys.from_console(shown, address="198.51.100.17"):
        assert line.startswith("198.51.100.17 ssh-") or line.startswith("198.51.100.17 ecdsa-")
        assert "\n" not in line
