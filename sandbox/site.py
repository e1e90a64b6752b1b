"""What the sandbox tells the world: its site file, its admin login and its token command."""

import json
from pathlib import Path
from string import Template

from sandbox import files, gateway, jump, registry
from sandbox.layout import HOST, OTHER_PORTS, TEMPLATES, Layout, url
from sandbox.realm import ACCOUNTS
from sandbox.vos import NAMES, VOS

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


def write_bad_site_files(layout: Layout, projects: dict[str, str]) -> None:
    """Write files of sites that fail, beside the folder that every command reads."""
    folder, own = layout.state / "bad-sites", {NAMES[0]: projects[NAMES[0]]}
    for fault in ("silent", "self-signed"):
        name = f"{NAME}-{fault.replace('-', '').upper()}"
        endpoint = f"https://{HOST}:{OTHER_PORTS[fault]}/v3"
        text = site_file(layout, own, gateway.resolvers(), name=name, endpoint=endpoint)
        files.write(folder / f"{name}.yaml", text)
    broken = f"gocdb: {NAME}-BROKEN\nendpoint: {url('keystone')}\nvos:\n- name: [\n"
    files.write(folder / f"{NAME}-BROKEN.yaml", broken)


def site_file(
    layout: Layout,
    projects: dict[str, str],
    dns: list[str],
    *,
    name: str = NAME,
    endpoint: str = url("keystone"),
) -> str:
    """Return the sandbox in EGI's site schema, with the keys of the orchestrator's own."""
    # JSON values are YAML values too, and the launcher has no YAML library.
    lines = [
        f"gocdb: {name}",
        f"endpoint: {endpoint}",
        "protocol: openid",
        f"issuer: {url('keycloak')}",
        "client_id: token-portal",
        f"ca_bundle: {layout.ca}",
        f"token_command: {json.dumps([str(token_command(layout))])}",
        f"dns: {json.dumps(dns)}",
        "vos:",
    ]
    if own := registry.use_cases(layout):
        lines.insert(-1, f"use_cases: {json.dumps(own)}")
    for vo, project in projects.items():
        lines += [f"- name: {vo}", f"  auth: {json.dumps({'project_id': project})}"]
        lines += [f"  {key}: {value}" for key, value in own_keys(layout, vo).items()]
    return "\n".join(lines) + "\n"


def own_keys(layout: Layout, name: str) -> dict[str, str]:
    """Return what the site file has to say about one VO and no other."""
    if any(vo.by_jump_host for vo in VOS if vo.name == name):
        return {"proxy_jump": jump.NAME, "ssh_config": str(jump.config(layout))}
    return {}
