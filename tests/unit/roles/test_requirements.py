"""What Snakemake is made of: every wheel pinned by its checksum, for every Python that is known."""

from __future__ import annotations

import re

import pytest

from orchestrator.paths import ANSIBLE_ROLES

LINES = (ANSIBLE_ROLES / "snakemake/files/requirements.txt").read_text().splitlines()
PINS = [line for line in LINES if not line.startswith("#")]


@pytest.mark.parametrize("line", PINS)
def test_a_requirement_is_a_wheel_with_its_checksum_or_a_version_for_rare_machines(line):
    assert re.search(r" @ https://\S+\.whl#sha256=[0-9a-f]{64}( ; |$)", line) or re.search(
        r"==\S+ ; platform_machine != ", line
    )


def test_a_compiled_package_has_a_wheel_for_each_python():
    compiled = {line.split(" @ ")[0] for line in PINS if "python_version ==" in line}
    assert {"pydantic_core", "PyYAML"} <= compiled
    for name in compiled:
        found = re.findall(rf'^{name} @ .*python_version == "([\d.]+)"', "\n".join(PINS), re.M)
        assert found == ["3.11", "3.12", "3.13"], name
