"""The store on a real PostgreSQL: the same promises as on SQLite."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from orchestrator.errors import RefusedError, RequestError, SetupError
from orchestrator.lifecycle import Phase
from orchestrator.model import Quota
from orchestrator.store import Store, opening, schema
from orchestrator.store.leases import LeaseLostError
from tests.contract import postgresql
from tests.whole import START, flavor, image, offer

pytestmark = pytest.mark.contract

VO = "vo.access.egi.eu"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def url():
    with postgresql.running() as address:
        yield address


@pytest.fixture
def store(url):
    opened = Store(url)
    yield opened
    with opened._engine.begin() as connection:
        for table in reversed(schema.metadata.sorted_tables):
            connection.execute(table.delete())
    opened.close()


@pytest.fixture
def offers(store):
    return store.offers


def at(moment, **given):
    return offer(collected_at=moment, **given)


def test_the_migrations_make_exactly_the_tables_of_the_schema(store):
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == opening.HEAD


def test_a_deployment_is_kept_and_its_name_given_once(store, deployment, selection, node):
    whole = replace(deployment, selection=selection, nodes=(node,))
    store.add(whole)
    assert store.find(whole.name, owner=whole.owner) == whole
    with pytest.raises(RequestError, match="sky is taken"):
        store.add(replace(whole, id="other"))
    gone = store.move(store.move(whole, Phase.DESTROYING), Phase.DESTROYED)
    store.add(replace(whole, id="second"))
    assert store.last("sky", owner=gone.owner).id in ("second", whole.id)


def test_a_deployment_has_one_writer(store, url, deployment):
    other = Store(url)
    with store.lease(deployment), pytest.raises(RefusedError, match="another run"):
        other.lease(deployment).__enter__()
    other.close()


def test_of_many_that_find_a_lease_free_at_once_one_gets_it(store, url, deployment):
    ready, ended = threading.Barrier(8), threading.Event()
    held, refused, other = [], [], []

    def take():
        mine = Store(url)
        ready.wait(timeout=60)
        try:
            with mine.lease(deployment):
                held.append(1)
                ended.wait(timeout=60)
        except RefusedError:
            refused.append(1)
        except Exception as error:
            other.append(error)
        finally:
            mine.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    while len(refused) + len(other) < 7 and any(thread.is_alive() for thread in threads):
        ended.wait(0.05)
    ended.set()
    for thread in threads:
        thread.join(timeout=60)
    assert (len(held), len(refused), other) == (1, 7, [])


def test_a_lease_that_another_machine_took_is_noticed(store, deployment):
    lost = threading.Event()
    store.add(deployment)
    with store.lease(deployment, on_lost=lost.set, every=0.05) as lease:
        with store._engine.begin() as connection:
            connection.execute(schema.leases.update().values(holder="other.example 77 1 5"))
        assert lost.wait(10)
        with pytest.raises(LeaseLostError, match="process 77 on other.example"):
            store.under(lease).move(deployment, Phase.CHOSEN)


def test_how_long_making_took_is_read_from_what_happened(store, deployment):
    store.add(deployment)
    for phase in ("plan", "apply", "reach"):
        store.note(deployment, phase=phase, text=phase)
    assert 0 <= store.making_seconds(site=deployment.site, use_case=deployment.use_case) < 10


def test_an_offer_comes_back_exactly_and_the_same_again_is_no_row(store, offers):
    offers.record(VO, offer())
    assert offers.latest()[0].offer == offer()
    assert offers.record(VO, at(START + DAY)) == ()
    with store._engine.connect() as connection:
        count = connection.scalar(sa.select(sa.func.count()).select_from(schema.listings))
    assert count == len(offers.latest()[0].since)


def test_history_goes_from_what_held_then_to_now(offers):
    for day, flavors in enumerate(((), (flavor(),), (flavor(), flavor("m2")))):
        offers.record(VO, at(START + day * DAY, flavors=flavors))
    found = offers.history("S", VO, since=START + DAY)
    assert [len(then.offer.flavors) for then in found] == [1, 2]


def test_failures_are_prolonged_and_end_with_an_answer(offers):
    for day in (0, 1):
        offers.record_failure("S", VO, at=START + day * DAY, kind="SiteError", cause="down")
    (failure,) = offers.failures()
    assert (failure.since, failure.at) == (START, START + DAY)
    offers.record(VO, at(START + 2 * DAY))
    assert offers.failures() == ()


def test_pruning_keeps_the_last_offer_whole(offers):
    for day in range(3):
        quotas = (Quota(name="cores", used=day, limit=9),)
        offers.record(VO, at(START + day * DAY, quotas=quotas))
    before = offers.latest()
    assert offers.prune(START + 99 * DAY) == 2
    assert offers.latest() == before


def test_collectors_and_a_pruner_at_once_lose_nothing(url, store):
    failed = []

    def collect(number):
        mine = Store(url)
        try:
            for step in range(10):
                moment = START + step * DAY
                images = (image(f"of {number} and {step}"), image("all have this"))
                mine.offers.record(VO, at(moment, site=f"S{number}", images=images))
                mine.offers.prune(moment)
        except Exception as error:
            failed.append(error)
        finally:
            mine.close()

    threads = [threading.Thread(target=collect, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failed == []
    names = [found.offer.images[0].name for found in store.offers.latest()]
    assert names == [f"of {number} and 9" for number in range(4)]


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path):
    with pytest.raises(SetupError, match="cannot be opened") as caught:
        Store(f"postgresql://ada:secret@/orchestrator?host={tmp_path}")
    assert "secret" not in str(caught.value)
