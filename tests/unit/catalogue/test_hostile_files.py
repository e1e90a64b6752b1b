"""Real files that people and EGI write, with places of them changed: read, or refused by the name of the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import paths, requestfile
from orchestrator.catalogue import sitefile
from orchestrator.catalogue.layers import SiteFolder, read_entries
from orchestrator.catalogue.needs import need_of
from orchestrator.catalogue.parameters import Spoken, read_parameters
from orchestrator.catalogue.rules import check_rules
from orchestrator.catalogue.usecases import read_use_case
from orchestrator.errors import OrchestratorError, RequestError, SetupError
from orchestrator.extras import with_extras
from orchestrator.model import Request, UseCase
from orchestrator.settings import Settings
from tests.mutating import VALUES, mutated

USE_CASES = [
    *sorted((paths.TEMPLATES / "usecases").glob("*/usecase.yaml")),
    paths.TEMPLATES / "usecase_new" / "usecase.yaml",
]
EXTRAS = sorted((paths.TEMPLATES / "extras").glob("*/extra.yaml"))
SITES = sorted((paths.TEMPLATES / "sites").glob("*.yaml"))


def content_of(path):
    return yaml.safe_load(path.read_text())


SITE = {
    "gocdb": "S",
    "endpoint": "https://s.eu:5000/v3/",
    "vos": [
        {"name": "a", "auth": {"project_id": "p"}, "public_network": "ext", "ssh_config": "ssh"},
    ],
    "proxy_jump": "me@host:22",
    "ca_bundle": "~/ca.pem",
    "topology": "jump",
    "token_command": ["oidc-token", "egi"],
    "dns": ["1.1.1.1"],
    "aliases": ["T"],
    "use_cases": {"docker": {"tag": "v2"}},
}
REQUEST = {
    "use_case": "docker",
    "site": "S",
    "vo": "a",
    "name": "sky",
    "parameters": {"tag": "v2"},
    "choices": {"flavor": "m1"},
    "days": 7,
}
CONFIG = {
    "vo": "a",
    "issuer": "https://aai.egi.eu/x",
    "mytoken_file": "~/token",
    "lifetime_days": 7,
    "warning_mail": {"host": "m", "from": "a@b.c", "to": ["d@e.f"], "ca_file": "ca.pem"},
}


def written(content):
    """Return some content as YAML, which may have what JSON has not; half a sign is no text."""
    return yaml.safe_dump(content).encode("utf-8", "surrogatepass")


def outcome(call, *refusals):
    try:
        return call()
    except refusals as error:
        return error


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@given(st.sampled_from(SITES).map(content_of).flatmap(mutated) | mutated(SITE))
def test_a_site_file_is_read_or_refused_by_its_name(content):
    raw = written(content)
    read = outcome(lambda: sitefile.parse(raw, Path("/sites/X.yaml")), ValueError)
    told = str(read) if isinstance(read, ValueError) else f"/sites/X.yaml: {read.gocdb}"
    assert told.startswith("/sites/X.yaml: ")


@given(content=mutated(SITE))
def test_a_site_file_costs_its_own_site_and_no_other(folder, content):
    place = folder / "sites"
    place.mkdir(exist_ok=True)
    (place / "X.yaml").write_bytes(written(content))
    (place / "Z.yaml").write_text("gocdb: Z\nendpoint: https://z.eu/v3\nvos: [{name: a}]\n")
    for trusted in (True, False):
        entries, warnings = read_entries([SiteFolder(path=place, trusted=trusted)])
        assert "Z" in [entry.site.name for entry in entries]
        assert all(isinstance(text, str) for text in warnings)
        for entry in entries:
            assert trusted or not entry.site.token_command


@given(content=st.sampled_from(USE_CASES).map(content_of).flatmap(mutated), value=VALUES)
def test_a_use_case_is_read_and_can_be_used_or_is_refused_by_its_name(folder, content, value):
    (folder / "playbook.yml").write_text("[]")
    (folder / "usecase.yaml").write_bytes(written(content))
    read = outcome(lambda: read_use_case(folder, "x"), RequestError)
    if isinstance(read, RequestError):
        assert "usecase.yaml" in read.message or "the use case x" in read.message
        return
    plain = outcome(lambda: used(read, {}), RequestError)
    assert isinstance(plain, UseCase | RequestError)
    for parameter in read.parameters:
        for given_value in (value, Spoken(value) if isinstance(value, str) else value):
            outcome(lambda to=given_value, one=parameter: used(read, {one.name: to}), RequestError)


def used(use_case, given_values):
    """Do with a use case what a deploy does before it asks any site."""
    parameters = read_parameters(use_case, given_values)
    check_rules(use_case, parameters, need_of(use_case, parameters))
    json.dumps(parameters).encode("utf-8")
    return with_extras(use_case, parameters)


@given(content=st.sampled_from(EXTRAS).map(content_of).flatmap(mutated))
def test_an_extra_is_read_or_refused_by_its_name(folder, content):
    name = "https" if "publishes" in content else "ssh_oidc"
    place = folder / "with" / "extras" / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "extra.yaml").write_bytes(written(content))
    whole = content_of(USE_CASES[-1]) | {"extras": [name]}
    (folder / "with" / "usecase.yaml").write_bytes(written(whole))
    for path in (place, folder / "with"):
        (path / "playbook.yml").write_text("[]")
    read = outcome(lambda: read_use_case(folder / "with", "x"), RequestError)
    assert isinstance(read, UseCase) or "extra" in read.message


@given(content=mutated(REQUEST))
def test_a_deployment_file_is_read_or_refused_by_its_name(folder, content):
    path = folder / "sky.yaml"
    path.write_bytes(written(content))
    read = outcome(lambda: requestfile.read(path), OrchestratorError)
    assert isinstance(read, Request) or str(path) in read.message


@given(content=mutated(CONFIG))
def test_the_settings_are_read_or_refused_by_their_name(folder, content):
    (folder / "config.yaml").write_bytes(written(content))
    read = outcome(lambda: Settings.read(folder), SetupError)
    assert isinstance(read, Settings) or "config.yaml" in read.message
