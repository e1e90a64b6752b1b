"""A floating IP that the project holds and a deployment only uses: never taken from who has it by now.

Neutron moves one that is in use to another port without a word, and Terraform's provider takes it
from whatever port it leads to when it removes what it had made of it.
"""

from __future__ import annotations

from orchestrator.drivers.openstack import Cloud
from orchestrator.errors import RefusedError
from orchestrator.model import Deployment


def other_user(deployment: Deployment, cloud: Cloud) -> str | None:
    """Return to which port the held address leads, None where that is the deployment's own or none."""
    held = deployment.selection.floating_ip if deployment.selection else None
    return cloud.other_user_of(held.value, deployment.id) if held else None


def require_free(deployment: Deployment, cloud: Cloud) -> None:
    """Raise RefusedError when the held address leads to a port that is not the deployment's."""
    user = other_user(deployment, cloud)
    if user is not None:
        raise RefusedError(
            f"the floating IP that {deployment.name} uses leads elsewhere by now",
            facts={"it leads to": user},
            way_out=[
                "free it at the site, then the same command",
                f"or make destroy NAME={deployment.name}, which leaves it there, then deploy anew",
            ],
        )
