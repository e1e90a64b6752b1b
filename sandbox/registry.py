"""A registry of container images that VMs reach: Debian's docker-registry with the sandbox's CA.

Not every sandbox has it: `python3 -m sandbox registry` starts it, fills it and names it in
the site file.
"""

import json
from pathlib import Path
from typing import Any

from sandbox import cache, certificates, desktop, files, health, oci, services, toolbox
from sandbox.errors import SandboxError
from sandbox.layout import REGISTRY, Layout
from sandbox.supervision import Supervisor

NAME = "registry"
TAG = "sandbox"
IMAGES = (desktop, toolbox)


def start(layout: Layout) -> str:
    """Start the registry of a sandbox that is up, and put the images into it."""
    supervisor = Supervisor(layout.run / "supervisor.sock")
    if not supervisor.is_running():
        raise SandboxError("there is no sandbox; start one with: python3 -m sandbox up")
    cache.build_registry(layout)
    certificates.prepare_another(layout, NAME, f"subjectAltName=IP:{REGISTRY[0]}")
    files.write(layout.etc / "registry.yml", configuration(layout))
    supervisor.start(NAME)
    (service,) = [one for one in services.table(layout) if one.name == NAME]
    log = layout.log / f"{NAME}.log"
    health.wait(NAME, lambda: health.answers(service, layout), log, patience=30)
    return fill(layout)


def configuration(layout: Layout) -> str:
    """Return the registry's own file; JSON is YAML too."""
    host, port = REGISTRY
    tls = {"certificate": f"{layout.tls}/{NAME}.pem", "key": f"{layout.tls}/{NAME}.key"}
    return json.dumps(
        {
            "version": 0.1,
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(layout.state / NAME)}},
            "http": {"addr": f"{host}:{port}", "tls": tls},
        },
        indent=1,
    )


def fill(layout: Layout) -> str:
    """Build what is not in the cache, push what is not in the registry, note the names."""
    known, words = {}, []
    for image in IMAGES:
        words.append(f"{image.NAME} {image.build(layout)}")
        folder = image.place(layout)
        exact = oci.push(folder, address=REGISTRY, ca=layout.ca, name=image.NAME, tag=TAG)
        known[image.NAME] = f"{REGISTRY[0]}:{REGISTRY[1]}/{image.NAME}:{TAG}@{exact}"
    files.write(_notes(layout), json.dumps(known, indent=1))
    return ", ".join(words)


def _notes(layout: Layout) -> Path:
    return layout.stamps / "images.json"


def use_cases(layout: Layout) -> dict[str, dict[str, Any]]:
    """Return what the site file says of use cases that pull images; nothing without a registry."""
    notes = _notes(layout)
    if not notes.is_file():
        return {}
    known = json.loads(notes.read_text())
    trusted = {"docker_registry_cas": {f"{REGISTRY[0]}:{REGISTRY[1]}": layout.ca.read_text()}}
    tools = [{"name": "web", "image": known[toolbox.NAME], **EXAMPLE}]
    return {
        "oligia": {**trusted, "oligia_image": known[desktop.NAME], "oligia_free_gb": 3},
        "containers": {**trusted, "containers_list": tools},
    }


EXAMPLE = {
    "command": ["sh", "-c", "echo It works > /tmp/index.html && exec httpd -f -p 8080 -h /tmp"],
    "ports": ["8080"],
}
