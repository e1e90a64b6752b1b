"""orchestrator discover"""


def test_what_a_project_may_use_is_listed_with_evidence(command):
    ended = command("discover", "SIM")
    assert ended.code == 0
    assert "external, shared by no one, 193.1.2.0/24" in ended.out
    assert "debian 12" in ended.out


def test_a_network_that_a_machine_was_reached_over_says_so(command, sky):
    assert "reached 0 minutes ago" in command("discover", "SIM").out


def test_a_program_reads_the_whole_offer(command):
    value = command("discover", "SIM", "--json").value
    assert value["networks"][0]["subnets"][0]["cidr"] == "193.1.2.0/24"


def test_a_vo_that_is_not_served_is_refused(command):
    ended = command("discover", "SIM", "--vo", "vo.nobody.eu")
    assert ended.code == 1
    assert "does not serve vo.nobody.eu" in ended.err
