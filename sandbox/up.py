"""Brings the sandbox up: what to do, and what each step has to wait for."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from sandbox import (
    cache,
    certificates,
    configuration,
    database,
    enclosure,
    entitlements,
    files,
    gateway,
    health,
    image,
    jump,
    kvm,
    packages,
    passwords,
    preflight,
    seeds,
    services,
    shell,
    site,
    status,
)
from sandbox.cloud import Cloud
from sandbox.layout import PUBLIC_PORTS, SOURCE, Layout, url
from sandbox.steps import Report, Step, run_all
from sandbox.supervision import Supervisor

# Where agents report, and where they ask for what they have to do.
QUEUES = ("q-reports-plugin", "q-plugin", "q-l3-plugin")
CELL0 = "{scheme}://{username}:{password}@{hostname}/nova_cell0?{query}"


def bring_up(layout: Layout, report: Report) -> None:
    """Do whatever is missing; nothing when the sandbox is up and of these sources."""
    mark = configuration.fingerprint()
    if status.is_up(layout, mark):
        return
    preflight.check(layout, ours=set(enclosure.processes(layout).values()))
    files.folder(layout.state)
    files.folder(layout.log)
    Start(layout, passwords.load(layout.secrets)).run(report, mark)


@dataclass(frozen=True, slots=True)
class Start:
    """The steps of a start, for one place and its passwords."""

    layout: Layout
    passwords: dict[str, str]
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def run(self, report: Report, mark: str) -> None:
        """Take every step; the mark is left when all is well."""
        started = self.layout.run / "fingerprint"
        # Programs keep the configuration they started with: other sources, new programs.
        if not (started.is_file() and started.read_text() == mark):
            self._end_others(report)
        started.unlink(missing_ok=True)
        run_all(self.steps(), report)
        files.write(started, mark)

    def _end_others(self, report: Report) -> None:
        began = time.monotonic()
        if count := enclosure.stop(self.layout):
            words = f"{count} processes of other sources, or of another checkout's, were ended"
            report("other sources", words, time.monotonic() - began)

    def steps(self) -> list[Step]:
        """Return all steps; each knows which others it has to wait for."""
        return [*self._ground(), *self._schemas(), *self._programs(), *self._seeds()]

    def _ground(self) -> list[Step]:
        layout = self.layout
        return [
            Step("packages", partial(packages.install, layout.log / "step-packages.log")),
            Step("image", partial(image.build, layout), ("packages",)),
            Step("python", partial(cache.build_environment, layout), ("packages",)),
            Step("keycloak package", partial(cache.build_keycloak, layout), ("packages",)),
            Step("sshd", partial(cache.build_sshd, layout), ("packages",)),
            Step("jump keys", partial(jump.prepare, layout), ("packages", "configuration")),
            Step("certificates", partial(certificates.prepare, layout), ("packages",)),
            Step("tools", partial(site.write_tools, layout, self.passwords)),
            Step("acceleration", self._probe, ("image", "configuration")),
            Step("configuration", self._configure, ("packages",)),
            Step("supervisor", partial(enclosure.start, layout), ("python", "configuration")),
            Step("way out", partial(gateway.open_way, layout), ("supervisor",)),
            Step("database", self._database, ("supervisor",)),
        ]

    def _probe(self) -> str:
        kernel = image.place(self.layout) / image.KERNEL
        accelerated = kvm.works(self.layout, kernel)
        return configuration.choose_virtualisation(self.layout, accelerated=accelerated)

    def _configure(self) -> str:
        return configuration.prepare(self.layout, self.passwords)

    def _database(self) -> str:
        database.create_data(self.layout)
        self._begin("mariadb")
        database.create_databases(self.layout, self.passwords["database"])
        return "answers"

    def _schemas(self) -> list[Step]:
        return [
            self._schema(service, commands, self._bootstrap() if service == "keystone" else None)
            for service, commands in self.schema_commands().items()
        ]

    def schema_commands(self) -> dict[str, list[list[str]]]:
        """Return the commands that make each service's tables."""
        etc = self.layout.etc
        nova = ["--config-file", f"{etc}/nova.conf"]
        neutron = ["--config-file", f"{etc}/neutron.conf", "--config-file", f"{etc}/ml2.ini"]
        cells = ["nova-manage", *nova, "cell_v2"]
        placement = ["--config-file", f"{etc}/placement.conf"]
        return {
            "keystone": self._keystone_commands(),
            "glance": [["glance-manage", "--config-file", f"{etc}/glance-api.conf", "db_sync"]],
            "placement": [["placement-manage", *placement, "db", "sync"]],
            "nova": [
                ["nova-manage", *nova, "api_db", "sync"],
                # Nova fills the braces in: no password on a command line.
                [*cells, "map_cell0", "--database_connection", CELL0],
                [*cells, "create_cell", "--name", "cell1"],
                ["nova-manage", *nova, "db", "sync"],
            ],
            "neutron": [["neutron-db-manage", *neutron, "upgrade", "heads"]],
            "cinder": [["cinder-manage", "--config-file", f"{etc}/cinder.conf", "db", "sync"]],
        }

    def _schema(
        self, service: str, commands: list[list[str]], env: dict[str, str] | None = None
    ) -> Step:
        run = partial(database.synchronise, self.layout, service, commands, env=env)
        return Step(f"{service} schema", run, ("database",))

    def _keystone_commands(self) -> list[list[str]]:
        manage = ["keystone-manage", "--config-file", f"{self.layout.etc}/keystone.conf"]
        owner = ["--keystone-user", "root", "--keystone-group", "root"]
        return [
            [*manage, "db_sync"],
            [*manage, "fernet_setup", *owner],
            [*manage, "credential_setup", *owner],
            [*manage, "bootstrap"],
        ]

    def _bootstrap(self) -> dict[str, str]:
        return {
            "OS_BOOTSTRAP_PASSWORD": self.passwords["admin"],
            "OS_BOOTSTRAP_REGION_ID": "RegionOne",
            "OS_BOOTSTRAP_SERVICE_NAME": "keystone",
            "OS_BOOTSTRAP_PUBLIC_URL": url("keystone"),
            "OS_BOOTSTRAP_INTERNAL_URL": url("keystone"),
        }

    def _programs(self) -> list[Step]:
        ground = ("supervisor", "certificates")
        ready = ("keystone", "rabbitmq", "catalog")
        nova, neutron = ("nova schema", *ready), ("neutron schema", *ready)
        cinder = ("cinder schema", *ready)
        agent = ("neutron queues",)
        return [
            self._program("relay", ground),
            self._program("memcached", ground),
            self._program("epmd", ground),
            self._program("rabbitmq", ("epmd",)),
            self._program("libvirtd", ground),
            Step("entitlements", partial(entitlements.renew, self.layout), ("keycloak package",)),
            self._program("keycloak", (*ground, "entitlements", "relay")),
            self._program("jump", (*ground, "sshd", "jump keys", "relay")),
            self._program("bad-sites", ground),
            self._program("time", ground),
            self._program("apache", (*ground, "relay")),
            self._program("keystone", ("keystone schema", "memcached", "apache")),
            self._program("glance-api", ("glance schema", "catalog")),
            self._program("placement", ("placement schema", "catalog")),
            self._program("neutron-server", neutron),
            Step("neutron queues", self._queues, ("neutron-server",)),
            self._program("nova-conductor", nova),
            self._program("nova-scheduler", nova),
            self._program("nova-api", nova),
            *(self._program(f"cinder-{part}", cinder) for part in ("api", "scheduler", "volume")),
            self._program("neutron-linuxbridge-agent", agent),
            self._program("neutron-dhcp-agent", agent),
            self._program("neutron-l3-agent", agent),
            self._program(
                "nova-compute",
                ("nova-conductor", "placement", "libvirtd", "acceleration", "neutron-server"),
            ),
            Step(
                "agents",
                self._agents,
                (
                    "nova-compute",
                    "nova-scheduler",
                    "nova-api",
                    "cinder-api",
                    "cinder-scheduler",
                    "cinder-volume",
                    "neutron-l3-agent",
                    "neutron-dhcp-agent",
                    "neutron-linuxbridge-agent",
                ),
            ),
        ]

    def _program(self, name: str, needs: tuple[str, ...]) -> Step:
        return Step(name, partial(self._begin, name), needs)

    def _begin(self, name: str) -> str:
        layout = self.layout
        service = next(entry for entry in services.table(layout) if entry.name == name)
        Supervisor(layout.run / "supervisor.sock").start(name)
        health.wait(name, lambda: health.answers(service, layout), layout.log / f"{name}.log")
        return "answers" if service.port or service.socket else "started"

    def _queues(self) -> str:
        """Wait for the part of neutron-server that agents talk to, which is another process."""
        python = cache.environment(self.layout) / "bin/python"
        inside = ["nsenter", f"--net=/proc/{enclosure.supervisor_pid(self.layout)}/ns/net"]
        broker = configuration.broker_address(self.passwords)
        shell.run([*inside, python, SOURCE / "consumers.py", *QUEUES], stdin=broker)
        return "are read"

    def _agents(self) -> str:
        layout = self.layout
        cloud = Cloud(layout, self.passwords["admin"])
        log = layout.log / "nova-compute.log"
        health.wait("an agent", lambda: not cloud.sleeping_agents(self.began), log)
        if not cloud.hosts():
            manage = cache.environment(layout) / "bin/nova-manage"
            nova = layout.etc / "nova.conf"
            shell.run([manage, "--config-file", nova, "cell_v2", "discover_hosts"])
        return "all alive"

    def _seeds(self) -> list[Step]:
        return [
            self._seed("catalog", ("keystone",)),
            self._seed("projects", ("catalog",)),
            self._seed("federation", ("projects",)),
            self._seed("images", ("projects", "glance-api", "image")),
            self._seed("compute", ("projects", "nova-api"), "quota and flavors"),
            self._seed("network", ("projects", "neutron-server"), "networks"),
            self._seed("volumes", ("projects", "cinder-api"), "volume quotas"),
            Step("site file", self.site_file, ("projects", "tools")),
        ]

    def _seed(self, part: str, needs: tuple[str, ...], name: str = "") -> Step:
        run = partial(seeds.plant, self.layout, part, self._facts())
        return Step(name or part, run, needs)

    def _facts(self) -> dict[str, object]:
        return {
            "admin": site.admin_login(self.layout, self.passwords["admin"]),
            "service_password": self.passwords["services"],
            "catalog": {name: url(name) for name in PUBLIC_PORTS if name != "keycloak"},
            "issuer": url("keycloak"),
            "image": str(image.place(self.layout)),
        }

    def site_file(self) -> str:
        """Write what the orchestrator reads of this site."""
        cloud = Cloud(self.layout, self.passwords["admin"])
        projects = cloud.projects()
        site.write_bad_site_files(self.layout, projects)
        return site.write_site_file(self.layout, projects)
