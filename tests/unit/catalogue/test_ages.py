"""Ages as a person reads them."""

from datetime import UTC, datetime, timedelta

from orchestrator.catalogue.ages import Age, Copy, day

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SHIPPED = datetime(2026, 7, 1, tzinfo=UTC)


def test_a_day_has_no_leading_zero():
    assert day(SHIPPED) == "1 Jul 2026"


def test_a_list_tells_where_it_comes_from():
    assert Age(shipped=SHIPPED).text(NOW) == "1 Jul 2026, shipped with this version"
    renewed = Age(
        shipped=SHIPPED,
        refreshed=NOW - timedelta(hours=3),
        older=[Copy(title="GOCDB", at=SHIPPED)],
    )
    assert renewed.text(NOW) == "24 Nov 2026, refreshed 3 h ago; GOCDB of 1 Jul 2026"
