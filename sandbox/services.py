"""Every program of the sandbox: its command line, its user and how to ask if it is well."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import cache
from sandbox.layout import HOST, OTHER_PORTS, PUBLIC_PORTS, REGISTRY, SOURCE, Layout


@dataclass(frozen=True, slots=True)
class Service:
    """A program under the supervisor. `port` and `path` say where it answers.

    With a port alone it is met when it opens with its `greeting`, or by connecting to it.
    """

    name: str
    command: str
    port: int = 0
    path: str = ""
    greeting: bytes = b""
    socket: str = ""
    user: str = "root"
    environment: Mapping[str, str] = field(default_factory=dict)
    keeps_data: bool = False
    address: str = HOST
    # Not every sandbox has it.
    optional: bool = False


def table(layout: Layout) -> tuple[Service, ...]:
    """Return all services in the order in which a person would start them."""
    return (*_ground(layout), *_front(layout), *_cloud(layout), _registry(layout))


def _ground(layout: Layout) -> tuple[Service, ...]:
    run, rabbit = layout.run, layout.state / "rabbitmq"
    erlang = {
        "HOME": str(rabbit),
        "RABBITMQ_NODENAME": "sandbox@localhost",
        "RABBITMQ_DIST_PORT": "25673",
        "RABBITMQ_MNESIA_BASE": str(rabbit / "data"),
        "RABBITMQ_LOG_BASE": str(rabbit),
        "RABBITMQ_CONFIG_FILE": str(rabbit / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(rabbit / "plugins"),
        "RABBITMQ_PID_FILE": "/run/rabbitmq.pid",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": "24369",
    }
    mariadb = (
        f"/usr/sbin/mariadbd --no-defaults --user=root --datadir={layout.state}/mariadb"
        f" --socket={run}/mariadb.sock --pid-file=/run/mariadb.pid --skip-networking"
        " --max-connections=500 --innodb-buffer-pool-size=128M"
        " --innodb-flush-log-at-trx-commit=2 --character-set-server=utf8mb3"
    )
    # It holds tokens: only root may ask it, which all that ask are.
    memcached = f"/usr/bin/memcached -u root -s {run}/memcached.sock -a 0600 -m 64 -t 1"
    return (
        Service("mariadb", mariadb, socket=f"{run}/mariadb.sock", keeps_data=True),
        Service("memcached", memcached, socket=f"{run}/memcached.sock"),
        Service("epmd", "/usr/bin/epmd", user="rabbitmq", environment=erlang, keeps_data=True),
        Service(
            "rabbitmq",
            "/usr/lib/rabbitmq/bin/rabbitmq-server",
            user="rabbitmq",
            environment=erlang,
            keeps_data=True,
        ),
        Service("libvirtd", "/usr/sbin/libvirtd --config /etc/libvirt/libvirtd.conf"),
    )


def _front(layout: Layout) -> tuple[Service, ...]:
    others = OTHER_PORTS
    ports = " ".join(map(str, [*PUBLIC_PORTS.values(), others["jump"]]))
    certificate = f"{layout.tls}/self-signed.pem {layout.tls}/self-signed.key"
    failing = f"{others['silent']} {others['self-signed']} {certificate}"
    return (
        Service("relay", f"{_python(layout)} {SOURCE / 'relay.py'} {ports}"),
        Service(
            "keycloak",
            _keycloak(layout),
            PUBLIC_PORTS["keycloak"],
            "/auth/realms/egi",
            keeps_data=True,
        ),
        Service("apache", f"/usr/sbin/apache2 -f {layout.etc}/apache.conf -DFOREGROUND"),
        Service(
            "jump",
            f"{cache.sshd(layout)} -D -e -f {layout.etc}/sshd_config",
            others["jump"],
            greeting=b"SSH-2.0-",
            environment={"LD_LIBRARY_PATH": f"{layout.cache}/sshd/usr/lib/x86_64-linux-gnu"},
        ),
        Service(
            "time",
            f"/usr/bin/nsenter --net=/run/netns/site {_python(layout)} {SOURCE / 'timeserver.py'}",
        ),
        Service(
            "bad-sites",
            f"{_python(layout)} -m sandbox.bad_sites {failing}",
            others["self-signed"],
            environment={"PYTHONPATH": str(SOURCE.parent)},
        ),
    )


def _cloud(layout: Layout) -> tuple[Service, ...]:
    """The Python services; a relayed port answers only when the service behind it does."""
    etc, ports = layout.etc, PUBLIC_PORTS
    nova, neutron = f"--config-file {etc}/nova.conf", f"--config-file {etc}/neutron.conf"
    keystone = _gunicorn(layout, 25001, "keystone", workers=4)
    placement = _gunicorn(layout, 28779, "placement", workers=2)
    return (
        Service(
            "keystone",
            keystone,
            ports["keystone"],
            "/v3",
            environment={"OS_KEYSTONE_CONFIG_FILES": f"{etc}/keystone.conf"},
        ),
        Service(
            "placement",
            placement,
            ports["placement"],
            "/",
            environment={"OS_PLACEMENT_CONFIG_DIR": str(etc)},
        ),
        _python_service(
            layout,
            "glance-api",
            f"--config-file {etc}/glance-api.conf",
            port=ports["glance"],
            path="/healthcheck",
        ),
        _python_service(
            layout,
            "neutron-server",
            f"{neutron} --config-file {etc}/ml2.ini",
            port=ports["neutron"],
            path="/",
        ),
        _python_service(layout, "nova-conductor", nova),
        _python_service(layout, "nova-scheduler", nova),
        _python_service(layout, "nova-api", nova, port=ports["nova"], path="/"),
        *_volumes(layout),
        _python_service(
            layout, "neutron-linuxbridge-agent", f"{neutron} --config-file {etc}/ml2.ini"
        ),
        _python_service(layout, "neutron-dhcp-agent", f"{neutron} --config-file {etc}/dhcp.ini"),
        _python_service(layout, "neutron-l3-agent", f"{neutron} --config-file {etc}/l3.ini"),
        _python_service(layout, "nova-compute", f"{nova} --config-file {etc}/virt.conf"),
    )


def _volumes(layout: Layout) -> tuple[Service, ...]:
    cinder = f"--config-file {layout.etc}/cinder.conf"
    return (
        _python_service(layout, "cinder-api", cinder, port=PUBLIC_PORTS["cinder"], path="/"),
        _python_service(layout, "cinder-scheduler", cinder),
        _python_service(layout, "cinder-volume", cinder),
    )


def _registry(layout: Layout) -> Service:
    # VMs meet it at this machine's own address, so it listens in this machine's network.
    program = f"{cache.registry(layout)} serve {layout.etc}/registry.yml"
    return Service(
        "registry",
        f"/usr/bin/nsenter --net=/run/netns/host {program}",
        REGISTRY[1],
        "/v2/",
        address=REGISTRY[0],
        optional=True,
    )


def _python_service(
    layout: Layout, name: str, options: str, *, port: int = 0, path: str = ""
) -> Service:
    return Service(name, f"{_bin(layout)}/{name} {options}", port, path)


def _gunicorn(layout: Layout, port: int, application: str, *, workers: int) -> str:
    # Processes and no threads: of requests at once in two threads, Keystone at times lists one no
    # project, or refuses it.
    return (
        f"{_bin(layout)}/gunicorn --config {SOURCE}/applications.py"
        f" --bind 127.0.0.1:{port} --workers {workers}"
        f" --preload --limit-request-field_size 0 --timeout 120"
        f" --pythonpath {SOURCE.parent} sandbox.applications:{application}()"
    )


def _keycloak(layout: Layout) -> str:
    home, package, tls = layout.state / "keycloak", cache.keycloak(layout), layout.tls
    port = PUBLIC_PORTS["keycloak"]
    return (
        # Two cores and a handful of users: a small heap and a light compiler start sooner.
        "/usr/bin/java -Xms128m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
        f" -Dkc.home.dir={home} -Djava.util.logging.manager=org.jboss.logmanager.LogManager"
        " --add-opens=java.base/java.util=ALL-UNNAMED"
        f" -cp {package}/lib/quarkus-run.jar io.quarkus.bootstrap.runner.QuarkusEntryPoint"
        f" start --optimized --import-realm --http-host=127.0.0.1 --https-port={port}"
        f" --https-certificate-file={tls}/server.pem"
        f" --https-certificate-key-file={tls}/server.key"
        f" --hostname=https://127.0.0.1:{port}/auth"
    )


def _bin(layout: Layout) -> Path:
    return cache.environment(layout) / "bin"


def _python(layout: Layout) -> Path:
    return _bin(layout) / "python"


def supervisor_configuration(layout: Layout) -> str:
    """Return supervisord's file; programs are started by `up`, in order of need."""
    run = layout.run
    head = (
        f"[supervisord]\nuser=root\nlogfile={layout.log}/supervisord.log\n"
        f"pidfile=/run/supervisord.pid\nchildlogdir={layout.log}\nminfds=8192\nsilent=true\n"
        f"[unix_http_server]\nfile={run}/supervisor.sock\nchmod=0600\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
    )
    return head + "".join(_program(layout, service) for service in table(layout))


def _program(layout: Layout, service: Service) -> str:
    paths = f"{_bin(layout)}:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    environment = {"PATH": paths, "LANG": "C.UTF-8", **service.environment}
    pairs = ",".join(f'{name}="{value}"' for name, value in environment.items())
    return (
        f"[program:{service.name}]\ncommand={service.command}\nuser={service.user}\n"
        f"environment={pairs}\ndirectory=/\nautostart=false\nautorestart=true\n"
        "startsecs=1\nstartretries=10\nstopasgroup=true\nkillasgroup=true\n"
        f"stopwaitsecs={20 if service.keeps_data else 3}\nredirect_stderr=true\n"
        f"stdout_logfile={layout.log}/{service.name}.log\nstdout_logfile_maxbytes=20MB\n"
        "stdout_logfile_backups=1\n"
    )
