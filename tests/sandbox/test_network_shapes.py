"""What each VO is given: the networks, who may use them, and what the site file says of it."""

import ipaddress
import sqlite3
import subprocess
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox import configuration, entitlements, gateway, jump, passwords, realm, site
from sandbox.layout import OTHER_PORTS, PUBLIC_PORTS, TEMPLATES, Layout
from sandbox.networks import EXTERNAL, EXTERNAL_CIDR, NETWORKS, links
from sandbox.seeding import identity
from sandbox.seeding import network as seeding
from sandbox.vos import NAMES, OTHERS, VOS

SUBNETS = [subnet for network in NETWORKS for subnet in network.subnets]
OPERATED = [name for name in NAMES if name != OTHERS]


@pytest.fixture
def layout(tmp_path):
    return Layout(state=tmp_path / "state", cache=tmp_path / "cache")


def ranges(*cidrs: str) -> list[Any]:
    return [ipaddress.ip_network(cidr) for cidr in cidrs]


def test_every_vo_has_a_project_of_its_own_and_networks_that_exist():
    known = {network.name for network in NETWORKS}

    assert len({vo.name for vo in VOS}) == len({vo.project for vo in VOS}) == len(VOS)
    for vo in VOS:
        assert known.issuperset((*vo.external, *vo.shared))
        assert vo.external or vo.shared


def test_public_addresses_lie_in_the_documentation_range_and_private_ones_meet_no_other():
    (outer, *forbidden) = ranges(EXTERNAL_CIDR, "10.222.0.0/24", "172.17.0.0/16")
    private = [net for net in ranges(*(s.cidr for s in SUBNETS)) if str(net).startswith("10.")]
    private += ranges(seeding.OWN_CIDR)

    for net in ranges(*(subnet.cidr for subnet in SUBNETS)):
        assert net in private or net.version == 6 or net.subnet_of(outer)
    assert not [
        pair for pair in combinations([*private, *forbidden], 2) if pair[0].overlaps(pair[1])
    ]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_a_pool_holds_no_address_that_somebody_else_has(network):
    taken = {
        address.partition("/")[0] for address in (network.address, network.router, network.jump)
    }
    for subnet in network.subnets:
        start, end = map(ipaddress.ip_address, subnet.pool)
        own = {address for address in taken | {subnet.gateway or ""} if address}

        assert start in ipaddress.ip_network(subnet.cidr)
        assert end in ipaddress.ip_network(subnet.cidr)
        same = [ip for ip in map(ipaddress.ip_address, own) if ip.version == start.version]
        assert not [ip for ip in same if start <= ip <= end]


def test_the_pool_of_the_wide_network_leaves_out_the_narrow_ones():
    (wide,) = [network for network in NETWORKS if network.name == EXTERNAL]
    last = ipaddress.ip_address(wide.subnets[0].pool[1])
    narrow = [s.cidr for s in SUBNETS if s.cidr.startswith("198.") and s.cidr != EXTERNAL_CIDR]

    assert len(narrow) == 3
    assert all(net.network_address > last for net in ranges(*narrow))
    assert not [pair for pair in combinations(ranges(*narrow), 2) if pair[0].overlaps(pair[1])]


def test_links_are_known_as_ours_and_names_fit_the_kernel():
    assert all(link.startswith("orcsb-") for link in links())
    inside = [f"{network.wire}-out" for network in NETWORKS]
    assert all(len(name) <= 15 for name in (*links(), *inside))


def test_only_links_with_ipv4_are_forwarded():
    forwarded = {body[1] for _, chain, body in gateway.rules("eth0") if chain == "FORWARD"}

    assert forwarded == set(links()) - {"orcsb-v6"}


def test_the_shell_gets_a_whole_row_for_each_network(layout):
    known = configuration.values(layout, passwords.load(layout.secrets))
    rows = [row.split() for row in known["wires"].splitlines()]

    assert [row[0] for row in rows] == [network.wire for network in NETWORKS]
    assert {len(row) for row in rows} == {5}
    # This machine's IPv6 address has to wait for a setting.
    assert not [word for row in rows for word in row if ":" in word]
    for name in ("network.sh", "enclosure.sh"):
        script = configuration.render((TEMPLATES / "etc" / name).read_text(), known)
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)


class Cloud:
    """A Neutron with state that knows only the calls the seeding makes."""

    def __init__(self) -> None:
        self.network = self.identity = self
        self.made: list[str] = []
        self.kept: dict[str, list[Any]] = {}
        self.quotas: dict[str, int] = {}

    def _create(self, kind: str, **values: Any) -> Any:
        thing = SimpleNamespace(id=f"{kind}-{len(self.made)}", **values)
        self.kept.setdefault(kind, []).append(thing)
        self.made.append(thing.id)
        return thing

    def _find(self, kind: str, **wanted: Any) -> list[Any]:
        things = self.kept.get(kind, [])
        return [t for t in things if wanted.items() <= vars(t).items()]

    def find_domain(self, name: str) -> Any:
        return SimpleNamespace(id=name)

    def projects(self, domain_id: str) -> list[Any]:
        return [SimpleNamespace(name=vo.project, id=f"id-{vo.project}") for vo in VOS]

    def create_network(self, **values: Any) -> Any:
        made = self._create("network", **{"provider_physical_network": None, **values})
        if values.get("is_router_external"):
            # As Neutron does it: outward for everybody.
            self.create_rbac_policy(
                object_type="network",
                object_id=made.id,
                action="access_as_external",
                target_project_id="*",
            )
        return made

    def find_network(self, name: str, **query: Any) -> Any:
        return next(iter(self._find("network", name=name, **query)), None)

    def networks(self) -> list[Any]:
        return self._find("network")

    def create_subnet(self, **values: Any) -> Any:
        return self._create("subnet", **values)

    def find_subnet(self, name: str, **query: Any) -> Any:
        return next(iter(self._find("subnet", name=name, **query)), None)

    def subnets(self, **query: Any) -> list[Any]:
        return self._find("subnet", **query)

    def create_router(self, **values: Any) -> Any:
        return self._create("router", **values)

    def find_router(self, name: str, **query: Any) -> Any:
        return next(iter(self._find("router", name=name, **query)), None)

    def add_interface_to_router(self, router: Any, subnet_id: str) -> None:
        (subnet,) = self._find("subnet", id=subnet_id)
        self._create("port", device_id=router.id, network_id=subnet.network_id)

    def ports(self, **query: Any) -> list[Any]:
        return self._find("port", **query)

    def create_rbac_policy(self, **values: Any) -> Any:
        return self._create("policy", **values)

    def rbac_policies(self, object_id: str) -> list[Any]:
        return self._find("policy", object_id=object_id)

    def delete_rbac_policy(self, policy: Any) -> None:
        self.kept["policy"].remove(policy)

    def put(self, address: str, json: dict[str, Any]) -> Any:
        self.quotas[address.rpartition("/")[2]] = json["quota"]["floatingip"]
        return SimpleNamespace(status_code=200)

    def rights(self, name: str) -> set[tuple[str, str]]:
        policies = self.rbac_policies(self.find_network(name).id)
        return {(policy.action, policy.target_project_id) for policy in policies}


@pytest.fixture
def seeded():
    cloud = Cloud()
    seeding.seed(cloud, {})
    return cloud


def test_a_network_is_for_the_vos_that_were_given_it_and_for_nobody_else(seeded):
    assert seeded.rights("ext-a") == {("access_as_external", "id-two")}
    assert seeded.rights("provider-v6") == {("access_as_shared", "id-v6")}
    # Shared as well, and so with its subnets to be seen.
    seen = {right for right in seeded.rights(EXTERNAL) if right[0] == "access_as_shared"}
    assert seen == {("access_as_shared", "id-visible")}
    outward = {project for action, project in seeded.rights(EXTERNAL) if "external" in action}
    assert outward.isdisjoint({"*", "id-two", "id-direct", "id-jump", "id-v6"})


def test_seeding_again_makes_nothing_and_completes_what_is_missing(seeded):
    before = len(seeded.made)
    seeding.seed(seeded, {})
    assert len(seeded.made) == before

    seeded.kept["subnet"].pop(0)
    seeding.seed(seeded, {})
    assert len(seeded.made) == before + 1


def test_a_sandbox_from_before_loses_the_network_for_everybody():
    old = Cloud()
    network = old.create_network(
        name=EXTERNAL, is_router_external=True, provider_physical_network="ext"
    )
    old.create_subnet(name=EXTERNAL, network_id=network.id, cidr=EXTERNAL_CIDR)

    seeding.seed(old, {})

    assert ("access_as_external", "*") not in old.rights(EXTERNAL)
    assert ("access_as_external", "id-access") in old.rights(EXTERNAL)
    assert len(old.subnets(network_id=network.id)) == 1


def test_one_project_owns_a_network_behind_a_router_that_leads_outside(seeded):
    (router,) = seeded.kept["router"]

    assert router.project_id == "id-routed"
    gateway_network = router.external_gateway_info["network_id"]
    assert gateway_network == seeded.find_network(EXTERNAL).id
    assert len(seeded.ports(device_id=router.id)) == 1


def test_floating_addresses_are_few_for_one_vo_and_as_configured_for_the_rest(seeded, layout):
    known = configuration.values(layout, passwords.load(layout.secrets))

    assert seeded.quotas == {"id-bastion": 1}
    assert known["floating_ips"] == "5"
    assert known["cores"] == "20"


def test_limits_of_computing_and_of_volumes_are_set_where_they_are_unusual():
    cloud = Cloud()

    assert identity.unusual(cloud, lambda vo: vo.quota) == [
        ("id-full", {"cores": 1, "instances": 1, "ram": 1024})
    ]
    assert [project for project, _ in identity.unusual(cloud, lambda vo: vo.volume_quota)] == [
        "id-full"
    ]


def test_the_operator_operates_every_vo_but_the_others():
    claims = realm.ACCOUNTS["operator"]

    for vo in OPERATED:
        assert realm.entitlement(vo, "vm_operator") in claims
    assert realm.entitlement(OTHERS, "vm_operator") not in claims


def test_the_vo_behind_the_jump_host_says_so_in_the_site_file_and_no_other_does(layout):
    yaml = pytest.importorskip("yaml")
    text = site.site_file(layout, dict.fromkeys(NAMES, "id"), [])

    entries = {entry["name"]: entry for entry in yaml.safe_load(text)["vos"]}

    assert set(entries) == set(NAMES)
    assert entries["jump.sandbox"]["proxy_jump"] == "sandbox-jump"
    assert entries["jump.sandbox"]["ssh_config"] == str(layout.jump / "ssh_config")
    assert [name for name, entry in entries.items() if "proxy_jump" in entry] == ["jump.sandbox"]


def test_the_sites_that_fail_are_beside_the_folder_that_commands_read(layout):
    yaml = pytest.importorskip("yaml")
    site.write_bad_site_files(layout, dict.fromkeys(NAMES, "id"))
    folder = layout.state / "bad-sites"

    silent = yaml.safe_load((folder / "SANDBOX-SILENT.yaml").read_text())
    odd = yaml.safe_load((folder / "SANDBOX-SELFSIGNED.yaml").read_text())

    assert silent["endpoint"] == f"https://127.0.0.1:{OTHER_PORTS['silent']}/v3"
    assert odd["endpoint"] == f"https://127.0.0.1:{OTHER_PORTS['self-signed']}/v3"
    assert [entry["name"] for entry in odd["vos"]] == [NAMES[0]]
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load((folder / "SANDBOX-BROKEN.yaml").read_text())
    assert not (layout.state / "sites").exists()


def test_no_port_is_given_twice():
    assert not set(PUBLIC_PORTS.values()) & set(OTHER_PORTS.values())
    assert all(1024 < port < 32768 for port in OTHER_PORTS.values())


def test_a_new_realm_needs_no_other_entitlements(layout):
    assert entitlements.renew(layout) == "come with the realm"
    assert entitlements.renew(layout) == "as before"


def test_the_accounts_of_an_older_realm_get_what_these_sources_say():
    database = sqlite3.connect(":memory:")
    database.create_function("RANDOM_UUID", 0, iter(range(100)).__next__)
    database.execute("CREATE TABLE user_entity (id, username)")
    database.execute("CREATE TABLE user_attribute (id PRIMARY KEY, name, value, user_id)")
    database.executemany("INSERT INTO user_entity VALUES (?, ?)", [("1", "operator"), ("2", "eve")])
    old = [("a", realm.CLAIM, "old", "1"), ("b", realm.CLAIM, "hers", "2"), ("c", "x", "y", "1")]
    database.executemany("INSERT INTO user_attribute VALUES (?, ?, ?, ?)", old)

    for _ in range(2):
        for statement in entitlements.statements():
            database.execute(statement)

    query = "SELECT value FROM user_attribute WHERE user_id = ? AND name = ?"
    assert {row[0] for row in database.execute(query, ("1", realm.CLAIM))} == set(
        realm.ACCOUNTS["operator"]
    )
    assert list(database.execute(query, ("2", realm.CLAIM))) == [("hers",)]
    assert list(database.execute(query, ("1", "x"))) == [("y",)]


def test_the_keys_of_the_jump_host_are_made_once_and_ssh_reads_its_file(layout):
    config = jump.prepare(layout)
    key = (layout.jump / "id_ed25519").read_text()
    (layout.jump / "host_key.pub").unlink()
    jump.prepare(layout)

    asked = subprocess.run(
        ["ssh", "-G", "-F", config, "sandbox-jump"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {f"port {OTHER_PORTS['jump']}", "stricthostkeychecking true"} <= set(asked)
    assert (layout.jump / "id_ed25519").read_text() == key
    assert (layout.jump / "id_ed25519").stat().st_mode & 0o777 == 0o600
    # A key that was half made is made anew, and known under its new name.
    public = (layout.jump / "host_key.pub").read_text()
    assert public in (layout.jump / "known_hosts").read_text()
