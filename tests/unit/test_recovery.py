"""What a destroy left behind is found by its mark and removed in a workable order."""

from dataclasses import dataclass, field

from orchestrator.recovery import count_in_words, sweep


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
        assert not in_use, f"{resource.kind} is in use by {in_use}"
        if resource.name not in self.stuck:
            self.things.remove(resource)


def test_nothing_marked_is_nothing_to_do():
    assert sweep(FakeCloud([]), "0f3c") == ([], [])


def test_leftovers_go_users_first():
    kinds = ["network", "subnet", "router", "port", "server", "router_interface", "keypair"]
    cloud = FakeCloud([Thing(kind, f"a-{kind}") for kind in kinds])
    removed, left = sweep(cloud, "0f3c")
    assert cloud.things == []
    assert len(removed) == len(kinds)
    assert left == []


def test_what_is_to_be_kept_stays_and_is_not_called_left():
    cloud = FakeCloud([Thing("network", "known"), Thing("router", "stray")])
    assert sweep(cloud, "0f3c", keep={"id-known"}) == (["router stray"], [])
    assert [thing.name for thing in cloud.things] == ["known"]


def test_what_stays_is_named():
    cloud = FakeCloud([Thing("server", "vm")], stuck={"vm"})
    assert sweep(cloud, "0f3c") == (["server vm"], ["server vm"])


def test_kinds_are_counted_in_words_servers_first():
    assert count_in_words(["port", "floating_ip", "server", "port"]) == (
        "1 server, 1 floating IP, 2 ports"
    )
