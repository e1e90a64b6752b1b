"""Several lists as one: who is believed, and what each adds."""

from datetime import UTC, datetime, timedelta

from orchestrator.catalogue.sources.listing import Gone, Listed, ListedVo, Listing
from orchestrator.catalogue.union import RefreshedList, unite

AT = datetime(2026, 11, 24, tzinfo=UTC)


def site(name="S", endpoint="https://s.eu:5000/v3", at=AT, **more):
    vos = tuple(ListedVo(name=vo, project_id=id) for vo, id in more.pop("vos", {}).items())
    return Listed(name=name, endpoint=endpoint, at=at, vos=vos, **more)


def listings(**sites):
    return {
        source: Listing(source=source, at=AT, sites=tuple(found)) for source, found in sites.items()
    }


def only(united):
    (one,) = united
    return one


def test_one_site_in_two_lists_is_one_site_whatever_its_case_and_port():
    lists = {
        "site-files": [site("S", "https://s.eu:443/v3")],
        "infosystem": [site("s", "https://s.eu/v3")],
    }
    found = only(unite(listings(**lists)))
    assert (found.site.name, found.site.endpoint) == ("S", "https://s.eu:443/v3")
    assert [(fact.what, fact.source) for fact in found.facts] == [
        ("listed", "EGI's site files"),
        ("endpoint", "EGI's site files"),
        ("listed", "is.cloud.egi.eu"),
        ("endpoint", "is.cloud.egi.eu"),
    ]


def test_vos_are_those_of_all_lists_and_the_first_list_has_the_say_on_a_project():
    lists = {
        "infosystem": [site(vos={"a": "other", "b": "p-b"})],
        "site-files": [site(vos={"a": "p-a", "c": None})],
    }
    found = only(unite(listings(**lists)))
    projects = {vo: auth.get("project_id") for vo, auth in found.vos.items()}
    assert projects == {"a": "p-a", "b": "p-b", "c": None}
    assert [(fact.source, fact.value) for fact in found.vo_facts["a"]] == [
        ("EGI's site files", "p-a"),
        ("is.cloud.egi.eu", "other"),
    ]


def test_a_project_that_the_first_list_lacks_is_taken_from_the_next():
    lists = {"site-files": [site(vos={"a": None})], "infosystem": [site(vos={"a": "p"})]}
    assert only(unite(listings(**lists))).vos["a"] == {"project_id": "p"}


def test_an_older_copy_of_one_file_with_its_former_endpoint_is_the_same_site():
    old = site(endpoint="https://old.eu/v3", file="S", at=AT - timedelta(days=90))
    found = only(unite(listings(**{"site-files": [site(file="S")], "fedcloudclient": [old]})))
    assert found.site.endpoint == "https://s.eu:5000/v3"
    endpoints = [fact.value for fact in found.facts if fact.what == "endpoint"]
    assert endpoints == ["https://s.eu:5000/v3", "https://old.eu/v3"]


def test_a_gone_site_keeps_its_vos_and_is_not_listed():
    gone = Gone(site=site(vos={"a": "p"}), since=AT)
    lists = {"site-files": Listing(source="site-files", at=AT, sites=(), gone=(gone,))}
    found = only(unite(lists))
    assert not found.is_listed
    assert found.vos == {"a": {"project_id": "p"}}
    assert found.vo_facts == {}


def test_two_endpoints_of_one_name_go_by_file_or_host(tmp_path):
    lists = {"infosystem": [site(), site(endpoint="https://two.eu/v3")]}
    layer = RefreshedList(path=tmp_path / "l.json", listings=listings(**lists))
    assert sorted(read.stem for read in layer.read([])) == ["S-s.eu", "S-two.eu"]
    single = RefreshedList(path=tmp_path, listings=listings(infosystem=[site()]))
    assert [read.stem for read in single.read([])] == ["S"]
