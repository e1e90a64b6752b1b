"""Text that others wrote, of any shape: read, or refused in the words of its own room, never by a crash."""

from __future__ import annotations

import base64
import json
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
from orchestrator.errors import LoginError, RequestError
from orchestrator.journal import Journal
from orchestrator.names import check_name
from orchestrator.paths import Folders
from orchestrator.provisioning import Provisioning
from orchestrator.workdir import StateLostError, StateMark, Workdir, read_mark
from orchestrator.writtenfiles import load_yaml

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


@given(st.text(max_size=60) | OBJECTS.map(lambda value: '{"@level":1,' + json.dumps(value)[1:]))
def test_a_line_of_terraform(line):
    event = diagnostics.as_event(line)
    assert event is None or line.startswith('{"@')
    errors = diagnostics.errors_among([event] if event else [])
    assert all(one["severity"] == "error" for one in errors)


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
