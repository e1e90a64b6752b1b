"""JUnit XML of checks, as a build server reads it."""

from __future__ import annotations

from xml.etree import ElementTree

from orchestrator.junit import as_junit
from orchestrator.verification import CheckResult
from orchestrator.verifying import NodeResult


def result(node="sky-toy", *, ok=True, rebooted=False, title="it plays", detail="well"):
    found = CheckResult(title=title, ok=ok, detail=detail, seconds=1.5)
    return NodeResult(node=node, result=found, rebooted=rebooted)


def test_each_node_has_a_suite_and_another_one_after_its_reboot():
    results = [result(), result(ok=False), result("sky-ball"), result(rebooted=True)]
    root = ElementTree.fromstring(as_junit("sky", results))
    assert (root.get("tests"), root.get("failures"), root.get("time")) == ("4", "1", "6.000")
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["sky-toy", "sky-ball", "sky-toy, after a reboot"]
    assert suites["sky-toy"].get("failures") == "1"
    case = suites["sky-ball"].find("testcase")
    assert (case.get("classname"), case.get("name"), case.get("time")) == (
        "sky-ball",
        "it plays",
        "1.500",
    )


def test_what_a_machine_said_cannot_break_the_file():
    text = as_junit("sky", [result(ok=False, detail='\x00\x1b[1m<b>&"]]>\udcff')])
    failure = ElementTree.fromstring(text).find(".//failure")
    assert failure.text == '  [1m<b>&"]]> '
    assert failure.get("message") == failure.text
