"""All that carries a mark of ours: a project with things of three deployments and of none."""

from types import SimpleNamespace as Thing

from orchestrator.drivers import openstack_marks as marks
from orchestrator.drivers.openstack_project import find_all

AT = "2026-11-24T12:00:00Z"


def server(name, deployment_id, user="u1"):
    metadata = {
        marks.MARK: deployment_id,
        "eu.egi.cloud.orchestrator.name": "sky",
        "eu.egi.cloud.orchestrator.use_case": "docker",
    }
    flavor = Thing(vcpus=2, ram=4096)
    return Thing(
        id=name, name=name, metadata=metadata, status="ACTIVE", created_at=AT, user_id=user,
        flavor=flavor, attached_volumes=(),
    )  # fmt: skip


def volume(name, deployment_id, **metadata):
    return Thing(
        id=name, name="data", description=f"orchestrator deployment {deployment_id}", size=10,
        metadata=metadata, user_id="u2", created_at=AT, status="available", attachments=[],
    )  # fmt: skip


def described(name, text, **more):
    return Thing(id=name, name=name, description=text, created_at=AT, **more)


class Project:
    """Lists what it holds, and counts how often it is asked."""

    def __init__(self, **held):
        self.held = held
        self.asked = []
        self.compute = self.network = self.block_storage = self

    def has_service(self, name):
        return "volumes" in self.held

    def __getattr__(self, name):
        if name not in ("servers", "keypairs", "networks", "subnets", "routers", "ports", "ips",
                        "security_groups", "volumes"):  # fmt: skip
            raise AttributeError(name)

        def listed():
            self.asked.append(name)
            return iter(self.held.get(name, ()))

        return listed


def project():
    return Project(
        servers=[
            server("vm", "d1"),
            Thing(id="x", name="x", metadata={}, status="ACTIVE", user_id="u1", flavor=None,
                  attached_volumes=()),
        ],
        keypairs=[Thing(name="orchestrator-d1"), Thing(name="mine")],
        networks=[
            described("net", "orchestrator deployment d2 at module.network.n"),
            described("other", "by hand"),
        ],
        ips=[
            Thing(id="ip", floating_ip_address="198.51.100.7", port_id=None, created_at=AT,
                  description="orchestrator deployment d1 at module.nodes.f"),
        ],
        volumes=[
            volume("v", "d3"),
        ],
    )  # fmt: skip


def test_each_deployment_is_found_with_what_the_site_tells_of_it():
    first, second, third = find_all(project())
    assert (first.deployment_id, first.name, first.use_case) == ("d1", "sky", "docker")
    assert [one.kind for one in first.resources] == ["server", "keypair", "floating_ip"]
    assert first.costs["vm"] == "2 vCPU, 4 GB"
    assert (first.makers, first.has_own_keypair) == (frozenset({"u1"}), True)
    assert first.made_at["vm"] == AT
    assert (second.deployment_id, second.makers, second.has_own_keypair) == (
        "d2",
        frozenset(),
        False,
    )
    assert (third.deployment_id, third.makers) == ("d3", frozenset({"u2"}))
    assert third.costs["v"] == "10 GB of volume"


def test_a_volume_that_is_meant_to_outlive_its_deployment_is_told_apart():
    kept = volume("v1", "d3", **{"eu.egi.cloud.orchestrator.kept": "sky"})
    (found,) = find_all(Project(volumes=[kept, volume("v2", "d3")]))
    assert [one.id for one in found.resources] == ["v2"]
    assert found.kept == {"v1"}


def test_every_list_is_fetched_once_however_many_deployments_there_are():
    asked = project()
    find_all(asked)
    assert sorted(asked.asked) == sorted(set(asked.asked))


def test_a_site_without_volumes_is_not_asked_for_them():
    without = Project(servers=[server("vm", "d1")])
    assert [one.deployment_id for one in find_all(without)] == ["d1"]
    assert "volumes" not in without.asked


def test_an_old_site_tells_the_id_of_a_flavor_alone():
    old = server("vm", "d1")
    old.flavor = Thing(id="3")
    (found,) = find_all(Project(servers=[old]))
    assert found.costs == {"vm": ""}
