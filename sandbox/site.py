"""What the sandbox tells the world: its site file, its admin login and its token command."""

import json
from pathlib import Path
from string import Template

from sandbox import files, gateway
from sandbox.layout import TEMPLATES, Layout, url
from sandbox.realm import ACCOUNTS

NAME = "SANDBOX"


def admin_login(layout: Layout, password: str) -> dict[str, str]:
    """Return the admin's login in the words of openstacksdk."""
    return {
        "auth_url": url("keystone"),
        "username": "admin",
        "password": password,
        "project_name": "admin",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
        "cacert": str(layout.ca),
    }


def write_tools(layout: Layout, passwords: dict[str, str]) -> str:
    """Write the admin's login and the token command."""
    admin = json.dumps(admin_login(layout, passwords["admin"]), indent=1)
    files.write(layout.state / "admin.json", admin, mode=0o600)
    text = (TEMPLATES / "bin/token").read_text()
    accounts = repr([*ACCOUNTS, "robot"])
    facts = {"state": str(layout.state), "issuer": url("keycloak"), "accounts": accounts}
    files.write(token_command(layout), Template(text).substitute(facts), mode=0o755)
    return "written"


def token_command(layout: Layout) -> Path:
    """Return the program that prints a token of Check-in."""
    return layout.state / "bin/token"


def write_site_file(layout: Layout, projects: dict[str, str]) -> str:
    """Write the site file; `projects` maps each VO to its project's id."""
    path = layout.state / "sites" / f"{NAME}.yaml"
    files.write(path, site_file(layout, projects, gateway.resolvers()))
    return str(path)


def site_file(layout: Layout, projects: dict[str, str], dns: list[str]) -> str:
    """Return the sandbox in EGI's site schema, with the keys of the orchestrator's own."""
    # JSON values are YAML values too, and the launcher has no YAML library.
    lines = [
        f"gocdb: {NAME}",
        f"endpoint: {url('keystone')}",
        "protocol: openid",
        f"issuer: {url('keycloak')}",
        "client_id: token-portal",
        f"ca_bundle: {layout.ca}",
        f"token_command: {json.dumps([str(token_command(layout))])}",
        f"dns: {json.dumps(dns)}",
        "vos:",
    ]
    for vo, project in projects.items():
        lines += [f"- name: {vo}", f"  auth: {json.dumps({'project_id': project})}"]
    return "\n".join(lines) + "\n"
