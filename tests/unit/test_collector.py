"""Rounds of collecting: what is asked, what is kept, and when the next one is due."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.collector import Begun, Collector, Ended, Kept, rounds
from orchestrator.errors import LoginError, RequestError, SetupError
from orchestrator.model import Quota
from orchestrator.settings import Settings

VO = "vo.access.egi.eu"
HALF_HOUR = timedelta(minutes=30)


class Stop(threading.Event):
    """A stop that comes after some rounds, and on which nobody waits in earnest."""

    def __init__(self, rounds: int, clock):
        super().__init__()
        self._left = rounds
        self._clock = clock
        self.waited = []

    def wait(self, timeout=None):
        self.waited.append(timeout)
        self._clock.at += timeout
        self._left -= 1
        if not self._left:
            self.set()
        return self.is_set()


class Seconds:
    """A monotonic clock."""

    at = 1000.0

    def __call__(self):
        return self.at


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def collector(world, store):
    def make(**options):
        usual = {
            "folders": world.folders,
            "settings": Settings(),
            "offers": store.offers,
            "environment": world.environment,
            "access_token": world.token(),
        }
        return Collector(**(usual | options))

    return make


def only(kind, events):
    return [event for event in events if isinstance(event, kind)]


def once(collector, **given):
    return list(collector.run(**{"vos": (VO,), "sites": ("SIM",), **given}))


def test_a_round_tells_whom_it_asks_what_it_kept_and_how_it_ended(collector, store):
    begun, kept, ended = once(collector())
    assert [place.site.name for place in begun.asked] == ["SIM"]
    assert kept.answer.offer == store.offers.latest(site="SIM", vo=VO)[0].offer
    assert (ended.collected, ended.failed, ended.wait) == (1, 0, None)


def test_the_second_time_only_what_changed_is_told(collector, world):
    first = only(Kept, once(collector()))[0]
    assert "flavors" in first.changed
    assert only(Kept, once(collector()))[0].changed == ()
    world.quotas = (Quota(name="cores", used=1, limit=5),)
    assert only(Kept, once(collector()))[0].changed == ("quotas",)


def test_a_site_that_fails_keeps_its_last_offer_and_its_cause(collector, world, store):
    once(collector())
    world.login_error = "SIM knows you and does not let you in (HTTP 403)."
    (ended,) = only(Ended, once(collector()))
    assert (ended.collected, ended.failed) == (0, 1)
    (found,) = store.offers.latest()
    assert found.failure.cause == world.login_error
    assert found.offer.flavors


def test_without_any_login_nobody_is_asked_and_nothing_recorded(collector, store):
    with pytest.raises(LoginError, match="you are not logged in"):
        once(collector(access_token=None))
    assert store.offers.failures() == ()


def test_an_unknown_vo_is_refused(collector):
    with pytest.raises(RequestError, match="no site of the list serves vo.nobody.eu"):
        once(collector(), vos=("vo.nobody.eu",), sites=())


def test_old_offers_are_forgotten_after_a_round(collector, world):
    once(collector())
    world.quotas = (Quota(name="cores", used=1, limit=5),)
    (ended,) = only(Ended, once(collector(), keep=timedelta(0)))
    assert ended.forgotten == 1


def test_rounds_go_on_until_they_are_stopped(collector, seconds):
    stop = Stop(3, seconds)
    events = once(collector(stop=stop, clock=seconds), every=HALF_HOUR)
    assert [event.number for event in only(Begun, events)] == [1, 2, 3]
    assert [event.wait for event in only(Ended, events)] == [1800.0] * 3


def test_a_stop_in_the_middle_of_a_round_ends_it_and_promises_no_next_one(collector, seconds):
    stop = Stop(1, seconds)
    run = collector(stop=stop, clock=seconds).run(vos=(VO,), sites=("SIM",), every=HALF_HOUR)
    assert isinstance(next(run), Begun)
    stop.set()
    (stopped,) = list(run)
    assert (stopped.asked, stopped.collected, stopped.wait) == (1, 0, None)


def test_a_failing_round_is_told_and_the_next_one_comes(collector, seconds, monkeypatch):
    stop = Stop(2, seconds)
    made = collector(stop=stop, clock=seconds)
    errors = [SetupError("the store cannot be written")]
    usual = made._keep
    monkeypatch.setattr(
        made, "_keep", lambda answer: _raise(errors.pop()) if errors else usual(answer)
    )
    first, second = only(Ended, once(made, every=HALF_HOUR))
    assert str(first.error) == "the store cannot be written"
    assert (second.error, second.collected) == (None, 1)


def _raise(error):
    raise error


def test_a_single_round_that_fails_raises(collector, monkeypatch):
    made = collector()
    monkeypatch.setattr(made, "_keep", lambda _: _raise(SetupError("the store is full")))
    with pytest.raises(SetupError, match="the store is full"):
        once(made)


def test_the_site_files_are_read_anew_for_each_round(collector, world, seconds):
    stop = Stop(2, seconds)
    run = collector(stop=stop, clock=seconds).run(vos=(VO,), sites=("SIM",), every=HALF_HOUR)
    assert isinstance(next(run), Begun)
    file = world.folders.config / "sites" / "SIM.yaml"
    file.write_text(file.read_text().replace("p1", "p2"))
    second = only(Begun, run)[0]
    assert second.asked[0].share.project_id == "p2"
    assert Catalogue.usual(world.folders.config).find("SIM").share_of(VO).project_id == "p2"


# --- when rounds are due


def test_rounds_are_due_on_a_grid_however_long_they_take(seconds):
    stop = Stop(4, seconds)
    starts = []
    for number in rounds(timedelta(seconds=60), stop=stop, clock=seconds):
        starts.append(seconds.at)
        seconds.at += {1: 5.0, 2: 0.0, 3: 150.0}.get(number, 1.0)
    assert starts == [1000.0, 1060.0, 1120.0, 1300.0]
    assert stop.waited == [55.0, 60.0, 30.0, 59.0]


def test_without_a_period_there_is_one_round(seconds):
    assert list(rounds(None, stop=threading.Event(), clock=seconds)) == [1]


def test_a_stop_before_the_beginning_is_no_round(seconds):
    stop = threading.Event()
    stop.set()
    assert list(rounds(HALF_HOUR, stop=stop, clock=seconds)) == []
