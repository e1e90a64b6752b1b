"""The database server's data, its account and the schemas of the services."""

import hashlib
from collections.abc import Mapping

from sandbox import cache, files, shell
from sandbox.layout import Layout

# How `nova-manage cell_v2 create_cell` ends when a killed start had made the cell.
ALREADY_THERE = 2
DATABASES = (
    "keystone",
    "glance",
    "placement",
    "nova_api",
    "nova",
    "nova_cell0",
    "neutron",
    "cinder",
)


def create_data(layout: Layout) -> None:
    """Make the empty data folder, whole or not at all."""
    target = layout.state / "mariadb"
    if target.is_dir():
        return
    with files.built(target) as fresh:
        options = ["--auth-root-authentication-method=socket", "--skip-test-db", "--user=root"]
        install = ["mariadb-install-db", "--no-defaults", *options, f"--datadir={fresh}"]
        shell.run(install, log=layout.log / "step-database.log")


def create_databases(layout: Layout, password: str) -> None:
    """Make the databases and the account of the services; root needs no password."""
    statements = [f"CREATE DATABASE IF NOT EXISTS {name};" for name in DATABASES]
    account = "'sandbox'@'localhost'"
    statements.append(f"CREATE USER IF NOT EXISTS {account};")
    statements.append(f"ALTER USER {account} IDENTIFIED BY '{password}';")
    statements += [f"GRANT ALL ON {name}.* TO {account};" for name in DATABASES]
    socket = layout.run / "mariadb.sock"
    shell.run(["mariadb", "--no-defaults", f"--socket={socket}"], stdin="\n".join(statements))


def synchronise(
    layout: Layout,
    service: str,
    commands: list[list[str]],
    *,
    env: Mapping[str, str] | None = None,
) -> str:
    """Bring a service's schema to the installed version, once for each version."""
    stamp = layout.stamps / f"schema-{service}"
    # A schema follows from the installed code and from the data that holds it.
    version = hashlib.sha256(f"{cache.environment(layout)} {commands}".encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == version:
        return "schema is current"
    for command in commands:
        program = cache.environment(layout) / "bin" / command[0]
        log = layout.log / f"step-{service}-schema.log"
        shell.run([program, *command[1:]], log=log, env=env, accept=(0, ALREADY_THERE))
    files.write(stamp, version)
    return "schema made"
