"""The checks of a deployment on all of its nodes, and again after a reboot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator import verification
from orchestrator.drivers import testinfra
from orchestrator.errors import RequestError
from orchestrator.model import Check, Deployment, Node, UseCase
from orchestrator.verification import CheckResult
from orchestrator.workdir import Workdir

OnResult = Callable[[CheckResult], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeResult:
    """A check's result on one node."""

    node: str
    result: CheckResult
    rebooted: bool = False


def verify(
    deployment: Deployment,
    use_case: UseCase,
    *,
    workdir: Workdir,
    env: Mapping[str, str],
    rebooted: bool = False,
    on_result: OnResult = lambda _result: None,
) -> list[NodeResult]:
    """Make the checks on every node; after a reboot those that hold again then."""
    results = []
    for node in deployment.nodes:
        checks = checks_of(node, deployment, use_case, rebooted=rebooted)
        with testinfra.connect(node, workdir=workdir, env=env) as machine:
            # Opens the shared connection, which checks made at once would each try to.
            machine.run(["true"])
            found = verification.run_checks(checks, machine=machine, on_result=on_result)
        results += [NodeResult(node=node.name, result=one, rebooted=rebooted) for one in found]
    return results


def checks_of(
    node: Node, deployment: Deployment, use_case: UseCase, *, rebooted: bool = False
) -> Sequence[Check]:
    """Return the checks of one node: a tunnel is looked at where it leads to."""
    checks = [check for check in use_case.checks if check.after_reboot or not rebooted]
    return [
        check
        for check in checks
        if check.kind != "tunnel"
        or node_of(check.settings["tunnel"].node, deployment, use_case) == node
    ]


def first_node(deployment: Deployment, use_case: UseCase) -> Node:
    """Return the node that takes files, has the volume, and is asked for results."""
    return node_of(None, deployment, use_case)


def node_of(group: str | None, deployment: Deployment, use_case: UseCase) -> Node:
    """Return the node of a group, of the first where none is named."""
    name = f"{deployment.name}-{group or use_case.nodes[0].name}"
    found = next((node for node in deployment.nodes if node.name == name), None)
    if found is None:
        raise RequestError(
            f"{deployment.name} has no node {name} yet: it is {deployment.phase.value}",
            way_out=[deployment.again],
        )
    return found
