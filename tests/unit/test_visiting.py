"""What a deployment's machines are asked without their site."""

from __future__ import annotations

import pytest

from orchestrator.drivers.command import Answer
from orchestrator.errors import DeploymentFailedError, RequestError
from orchestrator.visiting import Visit

MORE = """\
secrets: [toy_password]
tunnels:
  - {name: page, title: The page, port: 8000, login: {user: me, secret: toy_password}}
  - {name: desk, title: The desk, port: 3000, path: /vnc.html}
results: [/srv/toy/results]
status: [{title: work, argv: [cat, /run/toy.progress]}]
"""


@pytest.fixture
def visit(deployer, asked, world):
    """A visit to a ready toy that has something to open, to fetch and to tell."""
    file = world.use_case_folder / "usecase.yaml"
    file.write_text(file.read_text() + MORE)
    deployment = deployer().deploy(asked()).deployment
    return Visit.of(deployment, folders=world.folders, environment=world.environment)


def test_a_service_is_open_for_as_long_as_the_block(visit, world):
    with visit.open() as opened:
        assert opened.url == "http://127.0.0.1:40001/"
        assert world.open_tunnels == [8000]
    assert world.open_tunnels == []


def test_another_service_and_another_port_are_taken_by_name(visit):
    with visit.open("desk", port=5000) as opened:
        assert opened.url == "http://127.0.0.1:5000/vnc.html"


def test_a_page_that_wants_its_password_has_answered(visit, world):
    world.page_status = 401
    with visit.open() as opened:
        assert opened.tunnel.login.user == "me"


def test_a_service_that_does_not_answer_is_told_with_what_to_do(visit, world):
    world.page_status = 0
    with pytest.raises(DeploymentFailedError, match="The page does not answer") as caught:
        visit.open(seconds=0).__enter__()
    assert caught.value.facts == {"it says": "refused"}
    assert caught.value.way_out[0].startswith("orchestrator verify sky")


def test_what_has_no_such_tunnel_says_which_it_has(visit):
    with pytest.raises(RequestError, match="no tunnel 'dask'") as caught:
        visit.tunnel("dask")
    assert caught.value.facts == {"it has": "page, desk"}


def test_results_come_from_the_first_node(visit, world, tmp_path):
    world.node_files = {"/srv/toy/results/a.csv": b"1,2", "/srv/other": b"x"}
    fetched = visit.results(tmp_path / "here")
    assert (fetched.files, fetched.bytes) == (1, 3)
    assert (tmp_path / "here" / "results" / "a.csv").read_bytes() == b"1,2"


def test_checks_are_made_again_at_any_time(visit, world):
    (one,) = visit.verify()
    assert (one.node, one.result.ok) == ("sky-toy", True)
    world.servers["sky-toy"].services.clear()
    assert [one.result.ok for one in visit.verify()] == [False]


def test_a_reboot_shows_what_does_not_survive_it(visit, world):
    world.survive = ()
    visit.reboot()
    (one,) = visit.verify(rebooted=True)
    assert (one.rebooted, one.result.ok) == (True, False)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer(code=0, stdout="1 of 7\n3 of 7 steps\n\n", stderr=""), "3 of 7 steps"),
        (Answer(code=0, stdout="\n", stderr=""), "nothing yet"),
        (Answer(code=0, stdout="\x1b[2J3 of 7", stderr=""), "[2J3 of 7"),
        (Answer(code=1, stdout="", stderr="cat: no such file\n"), "not known: cat: no such file"),
    ],
)
def test_the_last_line_of_an_answer_is_the_state(visit, world, answer, text):
    world.status_answer = answer
    assert visit.status_lines() == [("work", text)]


def test_a_secret_is_given_to_who_asks_for_it_by_name(visit, world):
    assert visit.secret("toy_password") == world.playbooks[0]["toy_password"]
    with pytest.raises(RequestError, match="no secret 'password'") as caught:
        visit.secret("password")
    assert caught.value.facts == {"it has": "toy_password"}


def test_what_has_nothing_to_open_or_fetch_says_so(deployer, asked, world, tmp_path):
    plain = deployer().deploy(asked()).deployment
    visit = Visit.of(plain, folders=world.folders, environment=world.environment)
    with pytest.raises(RequestError, match="toy has nothing to open"):
        visit.tunnel()
    with pytest.raises(RequestError, match="toy has no results"):
        visit.results(tmp_path)
    assert visit.status_lines() == []


def test_what_is_only_planned_has_no_node_to_ask(deployer, asked, world):
    planned = deployer().plan(asked()).deployment
    visit = Visit.of(planned, folders=world.folders, environment=world.environment)
    with pytest.raises(RequestError, match="no node sky-toy yet: it is planned"):
        visit.verify()
