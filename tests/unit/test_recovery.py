"""What a site has beside what a state knows, and what is removed in which order."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from orchestrator.drivers.openstack_marks import Resource
from orchestrator.errors import BusyError, InterruptedRunError
from orchestrator.recovery import PAUSES, Swept, compare, count_in_words, removable, sweep


@dataclass(frozen=True)
class Thing:
    kind: str
    name: str

    @property
    def id(self):
        return f"id-{self.name}"


@dataclass
class FakeCloud:
    """A site that refuses to remove what is in use, as OpenStack does."""

    things: list[Thing]
    stuck: set[str] = field(default_factory=set)

    def find_marked(self, deployment_id):
        assert deployment_id == "0f3c"
        return tuple(self.things)

    def remove(self, resource):
        users = {"network": {"port", "subnet"}, "router": {"router_interface"}, "port": {"server"}}
        in_use = users.get(resource.kind, set()) & {thing.kind for thing in self.things}
        if in_use:
            raise BusyError(f"{resource.kind} is in use by {', '.join(sorted(in_use))}")
        if resource.name not in self.stuck:
            self.things.remove(resource)


@dataclass
class Pauses:
    """Counts the seconds that were waited, and lets something happen meanwhile."""

    seconds: float = 0
    meanwhile: Callable[[], None] = lambda: None
    stop: bool = False

    def __call__(self, seconds):
        self.seconds += seconds
        self.meanwhile()
        return self.stop


def test_nothing_marked_is_nothing_to_do():
    assert sweep(FakeCloud([]), "0f3c") == Swept(removed=(), left=())


def test_leftovers_go_users_first():
    kinds = ["network", "subnet", "router", "port", "server", "router_interface", "keypair"]
    cloud = FakeCloud([Thing(kind, f"a-{kind}") for kind in kinds])
    waited = Pauses()
    swept = sweep(cloud, "0f3c", wait=waited)
    assert cloud.things == []
    # A router's leg is a part of the router to a person.
    assert len(swept.removed) == len(kinds) - 1
    assert (swept.left, waited.seconds) == ((), 0)


def test_what_is_to_be_kept_stays_and_is_not_called_left():
    cloud = FakeCloud([Thing("network", "known"), Thing("router", "stray")])
    assert sweep(cloud, "0f3c", keep={"id-known"}) == Swept(removed=("router stray",), left=())
    assert [thing.name for thing in cloud.things] == ["known"]


def test_only_what_is_named_goes_where_not_all_does():
    cloud = FakeCloud([Thing("network", "known"), Thing("router", "stray")])
    assert sweep(cloud, "0f3c", only={"id-stray"}).removed == ("router stray",)
    assert [thing.name for thing in cloud.things] == ["known"]


def test_what_stays_is_named_with_what_the_site_says_of_it():
    cloud = FakeCloud([Thing("server", "vm"), Thing("port", "p")], stuck={"vm"})
    waited = Pauses()
    swept = sweep(cloud, "0f3c", wait=waited)
    assert swept.left == ("server vm", "port p")
    assert swept.causes == ("port is in use by server",)
    assert waited.seconds == sum(PAUSES)


def test_what_is_in_use_is_tried_again_until_its_user_is_gone():
    cloud = FakeCloud([Thing("server", "vm"), Thing("port", "p")], stuck={"vm"})
    waited = Pauses(meanwhile=cloud.stuck.clear)
    swept = sweep(cloud, "0f3c", wait=waited)
    assert (swept.left, cloud.things) == ((), [])
    assert waited.seconds == PAUSES[0]


def test_a_key_pair_stays_until_the_rest_is_gone():
    """Without it nobody could tell whose a network is that stayed."""
    things = [Thing("keypair", "k"), Thing("network", "n"), Thing("port", "p")]
    cloud = FakeCloud(things, stuck={"p"})
    swept = sweep(cloud, "0f3c", wait=Pauses())
    assert sorted(swept.left) == ["key pair k", "network n", "port p"]
    cloud.stuck.clear()
    assert sweep(cloud, "0f3c", wait=Pauses()).left == ()


def test_what_appears_while_the_rest_is_removed_is_removed_too():
    """A create that was under way when its Terraform was killed ends after the first look."""
    cloud = FakeCloud([Thing("server", "vm")], stuck={"vm"})

    late = [Thing("port", "late")]

    def meanwhile():
        cloud.stuck.clear()
        cloud.things += [late.pop()] if late else []

    swept = sweep(cloud, "0f3c", wait=Pauses(meanwhile=meanwhile))
    assert (swept.removed, swept.left) == (("server vm", "port late"), ())
    assert cloud.things == []


def test_a_stop_ends_the_waiting():
    cloud = FakeCloud([Thing("server", "vm")], stuck={"vm"})
    with pytest.raises(InterruptedRunError):
        sweep(cloud, "0f3c", wait=Pauses(stop=True))


def test_kinds_are_counted_in_words_servers_first():
    assert count_in_words(["port", "floating_ip", "server", "port"]) == (
        "1 server, 1 floating IP, 2 ports"
    )


# --- the comparison

SERVER = 'module.nodes.openstack_compute_instance_v2.node["sky-vm"]'
PORT = 'module.nodes.openstack_networking_port_v2.node["sky-vm"]'


def server(found_id, status="ACTIVE", address=SERVER, made_at="1"):
    return Resource(
        kind="server",
        id=found_id,
        name="sky-vm",
        address=address,
        status=status,
        made_at=made_at,
        in_use=status == "ACTIVE",
    )


def port(found_id, *, in_use=False):
    return Resource(kind="port", id=found_id, name="sky-vm", address=PORT, in_use=in_use)


def sorted_out(*found, known=None, given=()):
    """Return the ids that a comparison puts in each place."""
    comparison = compare(found, known or {}, given=given)
    places = ("known", "missing", "strays", "doubled")
    ids = {place: [one.id for one in getattr(comparison, place)] for place in places}
    return {place: listed for place, listed in ids.items() if listed}


def test_what_the_state_knows_stays_as_it_is():
    assert sorted_out(server("a"), known={SERVER: "a"}) == {"known": ["a"]}


def test_what_the_state_does_not_know_is_taken_back_under_its_own_address():
    comparison = compare([server("a"), port("p", in_use=True)], {SERVER: "a"})
    assert comparison.imports == {PORT: "p"}


def test_a_broken_server_that_nobody_was_given_is_a_stray():
    assert sorted_out(server("a", status="ERROR")) == {"strays": ["a"]}


@pytest.mark.parametrize("given", [{"a"}, None])
def test_a_broken_server_that_somebody_was_given_is_taken_back(given):
    found = sorted_out(server("a", status="ERROR"), given=given)
    assert found == {"missing": ["a"]}


def test_of_two_the_one_in_the_state_is_right_and_an_unused_one_is_a_stray():
    found = sorted_out(port("p", in_use=True), port("q"), known={PORT: "p"})
    assert found == {"known": ["p"], "strays": ["q"]}


def test_of_two_that_no_state_knows_the_running_one_is_taken_back():
    found = sorted_out(server("b", status="ERROR"), server("a"))
    assert found == {"missing": ["a"], "strays": ["b"]}


def test_a_second_server_that_runs_is_for_a_person_to_judge():
    found = sorted_out(server("a"), server("b", made_at="2"))
    assert found == {"missing": ["a"], "doubled": ["b"]}


def test_the_order_of_the_listing_decides_nothing():
    pair = [server("b", made_at="2"), server("a", made_at="1")]
    assert sorted_out(*pair) == sorted_out(*reversed(pair))


def test_a_state_with_other_ids_than_the_site_contradicts_it():
    comparison = compare([server("new")], {SERVER: "old"})
    assert comparison.contradicted
    assert not compare([server("new")], {SERVER: "new"}).contradicted


def test_a_state_that_knows_more_than_the_site_contradicts_nothing():
    # Removed by hand: Terraform sees that itself.
    assert not compare([port("p")], {SERVER: "gone", PORT: "p"}).contradicted


def test_what_has_no_address_is_nobodys_until_a_machine_was_given():
    unplaced = server("a", address=None)
    assert sorted_out(unplaced) == {"strays": ["a"]}
    assert sorted_out(unplaced, given={"x"}) == {"doubled": ["a"]}
    assert sorted_out(unplaced, given=None) == {"doubled": ["a"]}
    assert sorted_out(unplaced, known={"somewhere": "a"}) == {"known": ["a"]}


def test_a_volume_is_never_a_stray():
    volumes = [Resource(kind="volume", id=one, name="data", address="v") for one in "ab"]
    assert sorted_out(*volumes) == {"missing": ["a"], "doubled": ["b"]}


def test_a_volume_whose_making_failed_before_anybody_had_a_machine_is_a_stray():
    broken = Resource(kind="volume", id="v", name="data", address="v", status="ERROR")
    assert sorted_out(broken) == {"strays": ["v"]}
    assert sorted_out(broken, given={"a"}) == {"missing": ["v"]}
    assert sorted_out(broken, given=None) == {"missing": ["v"]}


def test_of_two_volumes_that_no_state_knows_the_attached_one_is_taken_back():
    pair = [
        Resource(kind="volume", id=one, name="data", address="v", in_use=one == "b") for one in "ab"
    ]
    assert sorted_out(*pair) == {"missing": ["b"], "doubled": ["a"]}


def test_a_part_of_another_is_nothing_that_a_person_counts():
    assert count_in_words(["server", "volume", "router_interface"]) == "1 server, 1 volume"


def test_strays_go_users_first():
    comparison = compare([port("p"), port("q"), server("a", status="ERROR")], {PORT: "p"})
    assert [one.kind for one in removable(comparison)] == ["server", "port"]
