"""orchestrator sites"""

from __future__ import annotations


def test_each_site_is_a_line_with_its_keystone_and_vos(command):
    ended = command("sites")
    (line,) = [line for line in ended.out.splitlines() if line.startswith("SIM ")]
    assert "https://keystone.sim.eu/v3" in line
    assert line.endswith("vo.access.egi.eu, vo.other.eu")
    assert "Site list of 01 Jul 2026" in ended.out


def test_only_the_sites_of_a_vo_can_be_asked_for(command):
    sites = command("sites", "--vo", "vo.other.eu", "--json").value
    assert [site["name"] for site in sites] == ["SIM"]


def test_a_vo_that_nobody_serves_is_said_to_be_so(command):
    ended = command("sites", "--vo", "vo.nobody.eu")
    assert ended.code == 0
    assert "No site serves vo.nobody.eu." in ended.out
    assert command("sites", "--vo", "vo.nobody.eu", "--json").value == []


def test_a_broken_file_costs_a_warning_beside_the_list(command, world):
    (world.folders.config / "sites" / "BROKEN.yaml").write_text("[")
    ended = command("sites", "--json")
    assert ended.code == 0
    assert "SIM" in [site["name"] for site in ended.value]
    assert "BROKEN.yaml" in ended.err
