"""The parts of the sandbox that need neither root nor a network."""

import json
import threading
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from string import Template

import pytest

from sandbox import (
    cache,
    cloud,
    configuration,
    enclosure,
    files,
    gateway,
    image,
    kvm,
    packages,
    passwords,
    ports,
    preflight,
    realm,
    services,
    site,
    status,
    steps,
    up,
)
from sandbox.errors import SandboxError
from sandbox.layout import PUBLIC_PORTS, TEMPLATES, Layout
from sandbox.seeding.identity import rules
from sandbox.seeding.images import egi_properties
from sandbox.vos import NAMES

TCP_TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:61A8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1
   1: 0100007F:9C40 0100007F:61A8 01 00000000:00000000 00:00000000 00000000     0        0 4712 1
   2: 0200000A:6F2B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(state=tmp_path / "state", cache=tmp_path / "cache")


@pytest.fixture
def secrets(layout: Layout) -> dict[str, str]:
    return passwords.load(layout.secrets)


def template_names() -> list[str]:
    return sorted(path.name for path in (TEMPLATES / "etc").iterdir())


@pytest.mark.parametrize("name", template_names())
def test_every_template_can_be_filled(name, layout, secrets):
    text = (TEMPLATES / "etc" / name).read_text()

    filled = configuration.render(text, configuration.values(layout, secrets))

    assert not Template(filled).get_identifiers() or name.endswith(".sh")


def test_a_name_without_a_value_is_an_error():
    with pytest.raises(SandboxError, match="nonsense"):
        configuration.render("$nonsense", {})


def test_passwords_are_made_once_and_for_root_alone(layout):
    first = passwords.load(layout.secrets)

    assert passwords.load(layout.secrets) == first
    assert len(set(first.values())) == len(first)
    assert (layout.secrets / "passwords.json").stat().st_mode & 0o777 == 0o600
    assert layout.secrets.stat().st_mode & 0o777 == 0o700


def test_no_password_is_on_a_command_line(layout, secrets):
    commands = " ".join(service.command for service in services.table(layout))
    commands += str(up.Start(layout, secrets).schema_commands())

    assert not [name for name, password in secrets.items() if password in commands]


def test_a_port_is_known_by_its_listener_on_the_loopback():
    assert ports.listeners(TCP_TABLE) == {25000: "4711"}


def test_the_holder_of_a_port_is_named(socket_enabled):
    import os
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (sentence,) = ports.taken_by_others({"keystone": port}, ours=[])
        assert f"port {port} (keystone) is taken by process {os.getpid()}" in sentence
        assert ports.taken_by_others({"keystone": port}, ours=[os.getpid()]) == []


def test_public_ports_are_below_those_that_linux_hands_out():
    assert all(1024 < port < 32768 for port in PUBLIC_PORTS.values())


def test_only_rules_with_our_mark_are_ours():
    ours = "-A POSTROUTING -o eth0 -m comment --comment orchestrator-sandbox -j MASQUERADE"

    assert gateway.ours(ours)
    assert not gateway.ours("-A POSTROUTING -o eth0 -j MASQUERADE")
    assert not gateway.ours("-P FORWARD ACCEPT")


@pytest.mark.parametrize("goes", [True, False])
def test_a_link_that_goes_by_itself_is_no_failure(tmp_path, monkeypatch, goes):
    link = tmp_path / "orcsb-ext"
    link.touch()

    def delete(_argv: list[str]) -> str:
        if goes:
            link.unlink()
        raise SandboxError("Cannot find device")

    monkeypatch.setattr(gateway.shell, "run", delete)
    with nullcontext() if goes else pytest.raises(SandboxError):
        gateway.remove_link(link)


def test_every_rule_carries_the_mark_and_names_an_interface():
    for _, _, body in gateway.rules("eth0"):
        assert "orchestrator-sandbox" in body
        assert "-o" in body


def test_name_servers_a_vm_cannot_reach_are_left_out():
    text = "search x\nnameserver 127.0.0.53\nnameserver ::1\nnameserver 10.0.0.2 # ours\n"

    assert gateway.name_servers(text) == ["10.0.0.2"]


def test_missing_packages_are_those_not_installed():
    listing = "gcc install ok installed\nlibc6-dev:amd64 install ok installed\n"
    listing += "maven deinstall ok config-files\n"

    assert packages.missing(["gcc", "libc6-dev", "maven", "conntrack"], listing) == [
        "maven",
        "conntrack",
    ]


def test_only_the_machines_debian_mirrors_go_into_the_image():
    targets = (
        "Debian|http://mirror/debian/|bookworm|main\n"
        "Debian|http://mirror/debian/|bookworm|contrib\n"
        "Debian|http://mirror/debian/|bookworm-updates|main\n"
        "Other|http://other/|bookworm|main\n"
    )

    assert image.sources(targets) == [
        "deb http://mirror/debian/ bookworm main",
        "deb http://mirror/debian/ bookworm-updates main",
    ]


@pytest.mark.parametrize(
    ("release", "suits"),
    [
        ({"ID": "debian", "VERSION_ID": "12"}, True),
        ({"ID": "debian", "VERSION_ID": "11"}, False),
        ({"ID": "ubuntu", "VERSION_ID": "24.04"}, True),
        ({"ID": "fedora", "VERSION_ID": "41"}, False),
    ],
)
def test_debian_12_and_ubuntu_suit(release, suits):
    assert preflight.suits(release) is suits


def test_emulation_names_a_processor_and_kvm_passes_the_hosts_through():
    assert "Westmere" in kvm.settings(False)["cpu"]
    assert kvm.settings(True)["virt_type"] == "kvm"


def test_the_answer_about_kvm_is_remembered_until_the_next_boot(layout, monkeypatch):
    asked: list[Path] = []
    monkeypatch.setattr(kvm, "DEVICE", layout.state.parent)
    monkeypatch.setattr(kvm, "boots", lambda kernel: not asked.append(kernel))

    assert kvm.works(layout, Path("kernel"))
    assert kvm.works(layout, Path("kernel"))
    assert len(asked) == 1


def test_what_is_built_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "thing"

    def break_halfway() -> None:
        with files.built(target) as fresh:
            (fresh / "half").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_halfway()

    assert not list(tmp_path.iterdir())


def test_a_changed_recipe_has_another_place_in_the_cache():
    assert cache.key([b"a", b"b"]) != cache.key([b"ab"])


def test_accounts_have_the_roles_that_their_names_promise(secrets):
    users = {user["username"]: user for user in realm.realm(secrets)["users"]}
    claims = {name: user["attributes"]["eduperson_entitlement"] for name, user in users.items()}

    assert any("vo.access.egi.eu:role=vm_operator" in claim for claim in claims["operator"])
    assert not any("vm_operator" in claim for claim in claims["member"])
    assert claims["no-vo"] == []


def test_the_mapping_takes_vm_operators_of_one_vo_only():
    import re

    for rule, vo in zip(rules("https://issuer"), NAMES, strict=True):
        (pattern,) = rule["remote"][2]["any_one_of"]
        assert re.match(pattern, realm.entitlement(vo, "vm_operator"))
        assert not re.match(pattern, realm.entitlement(vo, "member"))
        assert not re.match(pattern, realm.entitlement(vo.replace(".", "x"), "vm_operator"))


def test_the_login_user_is_told_as_egi_tells_it():
    properties = egi_properties("2026-11-01", ["b", "a"])

    assert "os_admin_user" not in properties
    attributes = json.loads(properties["APPLIANCE_ATTRIBUTES"])
    assert json.loads(properties["vos"]) == ["a", "b"]
    assert attributes["org.openstack.glance.os_admin_user"] == "debian"


def test_the_site_file_names_endpoint_projects_and_resolver(layout):
    yaml = pytest.importorskip("yaml")

    read = yaml.safe_load(site.site_file(layout, {"vo.access.egi.eu": "abc"}, ["10.0.0.2"]))

    assert read["gocdb"] == "SANDBOX"
    assert read["dns"] == ["10.0.0.2"]
    assert read["vos"] == [{"name": "vo.access.egi.eu", "auth": {"project_id": "abc"}}]


def test_the_steps_of_a_start_can_all_begin(layout, secrets):
    steps.check(up.Start(layout, secrets).steps())


def test_every_service_has_its_step(layout, secrets):
    names = {step.name for step in up.Start(layout, secrets).steps()}

    needed = {service.name for service in services.table(layout) if not service.optional}
    assert needed - names == {"mariadb"}


def test_steps_that_wait_for_each_other_are_refused():
    circle = [steps.Step("a", str, ("b",)), steps.Step("b", str, ("a",))]

    with pytest.raises(ValueError, match="a, b"):
        steps.check(circle)


def test_independent_steps_run_side_by_side():
    meeting = threading.Barrier(2, timeout=5)
    done: list[str] = []

    def meet() -> str:
        meeting.wait()
        return ""

    steps.run_all(
        [steps.Step("a", meet), steps.Step("b", meet), steps.Step("c", str, ("a", "b"))],
        lambda name, words, seconds: done.append(name),
    )

    assert sorted(done) == ["a", "b", "c"]
    assert done[-1] == "c"


def test_a_failed_step_is_named_and_nothing_after_it_starts():
    def fail() -> str:
        raise SandboxError("disk on fire")

    later: list[str] = []
    with pytest.raises(SandboxError, match="step 'a' failed: disk on fire"):
        steps.run_all(
            [steps.Step("a", fail), steps.Step("b", lambda: str(later.append("b")), ("a",))],
            lambda name, words, seconds: None,
        )
    assert later == []


def test_without_a_sandbox_everything_is_down(layout):
    found = status.lines(layout)

    assert {line.state for line in found if line.service != "registry"} == {"down"}
    assert not status.all_up(found)
    assert "keystone" in status.as_table(found)
    assert json.loads(status.as_json(found))["up"] is False


def test_no_process_is_taken_for_ours_without_a_sandbox(layout):
    assert enclosure.processes(layout) == {}
    assert enclosure.kill(layout) == 0


@pytest.mark.parametrize(
    ("report", "since"),
    [
        ("2026-11-24 00:00:01", True),
        ("2026-11-24T00:00:01.000000", True),
        ("2026-11-23 23:59:59", False),
        ("", False),
    ],
)
def test_a_report_from_before_the_start_does_not_count(report, since):
    assert cloud.is_since(report, datetime(2026, 11, 24, tzinfo=UTC)) is since
