"""How long making a use case took at a site, from the events of earlier runs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.store.durations import BEGAN


@pytest.fixture
def happen(store, deployment, clock):
    """Let things happen to a deployment, each so many seconds after the one before."""

    def make(*steps, name="sky", site="SANDBOX"):
        one = replace(deployment, id=name, name=name, site=site)
        if store.find(name, owner=one.owner) is None:
            store.add(one)
        for seconds, phase, text in steps:
            clock.forward(timedelta(seconds=seconds))
            store.note(one, phase=phase, text=text)

    return make


def run(*, made=300, verb="deploy"):
    return (
        (0, verb, BEGAN),
        (20, "plan", "3 to create"),
        (made - 60, "apply", "there are 1 server"),
        (60, "reach", "the nodes answer"),
        (900, "ready", "all checks hold"),
    )


def usual(store, site="SANDBOX"):
    return store.making_seconds(site=site, use_case="docker")


def test_of_what_was_never_made_nobody_knows(store, happen):
    assert usual(store) is None
    happen((0, "deploy", BEGAN), (10, "plan", "3 to create"), (9, "deploy", "failed: full"))
    assert usual(store) is None


def test_it_is_the_time_from_the_plan_until_the_nodes_answer(store, happen):
    happen(*run(made=300))
    assert usual(store) == 300
    assert usual(store, site="OTHER") is None


def test_of_several_runs_the_longest_counts(store, happen):
    happen(*run(made=300))
    happen(*run(made=500), name="sea")
    happen(*run(made=9000), name="far", site="OTHER")
    assert usual(store) == 500


def test_only_the_last_five_runs_count(store, happen):
    happen(*run(made=5000))
    for number in range(5):
        happen(*run(made=100 + number), name=f"sky-{number}")
    assert usual(store) == 104


def test_a_run_that_made_nothing_does_not_count(store, happen):
    happen((0, "deploy", BEGAN), (5, "plan", "nothing to do"), (5, "reach", "the nodes answer"))
    assert usual(store) is None


def test_a_plan_that_was_left_lying_does_not_count(store, happen):
    happen((0, "plan", BEGAN), (10, "plan", "3 to create"))
    happen((90000, "apply", BEGAN), (100, "apply", "there are 1 server"))
    happen((50, "reach", "the nodes answer"))
    assert usual(store) == 150


def test_a_run_that_broke_off_does_not_count_with_the_one_that_went_on(store, happen):
    happen((0, "deploy", BEGAN), (10, "plan", "3 to create"), (200, "deploy", "failed: 401"))
    happen(*run(made=120))
    assert usual(store) == 120
