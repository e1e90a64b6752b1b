"""Results of checks as JUnit XML, which build servers show."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from orchestrator.verifying import NodeResult


def as_junit(deployment: str, results: Sequence[NodeResult]) -> str:
    """Return a suite per node, and per node once more for after its reboot."""
    root = ElementTree.Element("testsuites", {"name": deployment, **_counts(results)})
    for node, rebooted in dict.fromkeys((one.node, one.rebooted) for one in results):
        own = [one for one in results if (one.node, one.rebooted) == (node, rebooted)]
        name = f"{node}, after a reboot" if rebooted else node
        suite = ElementTree.SubElement(root, "testsuite", {"name": name, **_counts(own)})
        for one in own:
            _add(suite, one)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(suite: ElementTree.Element, one: NodeResult) -> None:
    result = one.result
    seconds = f"{result.seconds:.3f}"
    title = _printable(result.title)
    case = ElementTree.SubElement(suite, "testcase", classname=one.node, name=title, time=seconds)
    detail = _printable(result.detail)
    if result.ok:
        ElementTree.SubElement(case, "system-out").text = detail
    else:
        ElementTree.SubElement(case, "failure", message=detail).text = detail


def _counts(results: Sequence[NodeResult]) -> dict[str, str]:
    failed = sum(not one.result.ok for one in results)
    seconds = sum(one.result.seconds for one in results)
    return {
        "tests": str(len(results)),
        "failures": str(failed),
        "errors": "0",
        "time": f"{seconds:.3f}",
    }


def _printable(text: str) -> str:
    # XML has no way to write most control characters, and the writer does not know.
    return "".join(sign if sign.isprintable() else " " for sign in text)
