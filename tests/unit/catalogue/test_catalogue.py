"""The shipped list as people ask for it."""

from datetime import date

import pytest
import yaml

from orchestrator import paths
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.catalogue.layers import SiteFolder
from orchestrator.errors import RequestError, SiteError

VO = "vo.access.egi.eu"


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue.load([SiteFolder(path=paths.TEMPLATES / "sites", trusted=False)])


def test_the_list_is_whole(catalogue):
    assert catalogue.warnings == ()
    assert len(catalogue.sites()) == 25
    assert len(catalogue.sites(VO)) == 13
    assert len(catalogue.vos()) == 72
    assert sum(len(site.shares) for site in catalogue.sites()) == 148
    assert catalogue.dated == date(2026, 7, 1)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("CESGA-CLOUD", "CESGA-CLOUD"),
        ("cesga", "CESGA-CLOUD"),
        ("IISAS", "IISAS-FedCloud"),
        ("IISAS-FedCloud-cloud", "IISAS-FedCloud"),
        ("fedcloud.srce.hr", "fedcloud.srce.hr"),
        ("fedcloud.srce.hr-2", "fedcloud.srce.hr-2"),
    ],
)
def test_a_site_is_found_by_name_alias_and_file(catalogue, asked, meant):
    assert catalogue.find(asked).name == meant


def test_every_alias_names_a_site(catalogue):
    for alias, name in catalogue._index.aliases.items():
        assert catalogue.find(alias).name == name


def test_the_two_endpoints_of_srce_stay_apart(catalogue):
    first, second = catalogue.find("fedcloud.srce.hr"), catalogue.find("fedcloud.srce.hr-2")
    assert first.endpoint == "https://cloud.cro-ngi.hr:5000/v3"
    assert second.endpoint == "https://faust.srce.hr:5000/v3"
    with pytest.raises(RequestError) as caught:
        catalogue.share(first, "vo.cessda-eric.eu")
    assert caught.value.way_out[0].startswith("make deploy SITE=fedcloud.srce.hr-2 ")


def test_an_unknown_site_brings_near_names(catalogue):
    with pytest.raises(RequestError, match="no site is called CESGAA") as caught:
        catalogue.find("CESGAA")
    assert "CESGA-CLOUD" in caught.value.facts["did you mean"]


def test_the_sandbox_that_never_ran_says_how_to_start_it(catalogue):
    with pytest.raises(RequestError) as caught:
        catalogue.find("SANDBOX")
    assert caught.value.way_out == ("make sandbox",)


def test_the_papers_own_line_is_answered(catalogue):
    site = catalogue.find("CESGA")
    with pytest.raises(RequestError) as caught:
        catalogue.share(site, VO, asked_as="CESGA", use_case="oligia", logged_in=False)
    error = caught.value
    assert error.message == "CESGA-CLOUD (asked for as CESGA) does not serve vo.access.egi.eu."
    assert error.facts == {
        "CESGA-CLOUD serves": "bioisi, cesga.es, eosc-synergy.eu, ops, vo.aneris.eu,"
        " vo.deltares.nl, vo.emso-eric.eu, vo.obsea.es",
        "vo.access.egi.eu at": "CENI, CLOUDIFIN, CSTCLOUD-EGI, CYFRONET-CLOUD, IFCA-LCG2,"
        " IISAS-FedCloud, ILIFU-UCT, IN2P3-IRES, ...",
        "site list of": "1 Jul 2026, shipped with this version"
        " (renew: orchestrator catalogue refresh)",
    }
    assert error.way_out[0].startswith("make deploy SITE=IN2P3-IRES USECASE=oligia ")
    assert error.way_out[1] == ("you are not logged in to EGI Check-in yet: orchestrator login")


def test_who_is_logged_in_is_not_told_to_log_in(catalogue):
    with pytest.raises(RequestError) as caught:
        catalogue.share(catalogue.find("CESGA"), VO)
    assert len(caught.value.way_out) == 1


def test_a_vo_that_nobody_serves_is_said_so(catalogue):
    with pytest.raises(RequestError) as caught:
        catalogue.share(catalogue.find("CENI"), "vo.projectescape.eu")
    assert "no site of the list" in caught.value.facts["vo.projectescape.eu at"]


def test_a_site_without_check_in_is_refused(catalogue):
    with pytest.raises(SiteError, match="v3applicationcredential"):
        catalogue.share(catalogue.find("CREODIAS"), "ops")


def test_a_served_vo_has_its_project(catalogue):
    share = catalogue.share(catalogue.find("SCAI"), VO)
    assert share.project_id == "d12c055894f245b28c75c95e4ca78407"


FILES = sorted((paths.TEMPLATES / "sites").glob("*.yaml"))


def content(file):
    return yaml.safe_load(file.read_text())


def own_name(file):
    """The name under which a file's site goes: GOCDB's, but for the second endpoint of one name."""
    return file.stem if file.stem == "fedcloud.srce.hr-2" else content(file)["gocdb"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_shipped_site_is_found_however_it_is_written(catalogue, file):
    name = own_name(file)
    ways = {name, name.lower(), name.upper(), f" {name} ", file.stem, file.stem.upper()}
    ways |= {name.replace("-", "_"), name.replace("-", " "), name.replace("-", "")}
    assert {catalogue.find(way).name for way in ways} == {name}
    assert catalogue.find(name).endpoint.removesuffix("/v3") in content(file)["endpoint"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_shipped_site_with_a_letter_too_few_is_suggested(catalogue, file):
    with pytest.raises(RequestError) as caught:
        catalogue.find(f"{own_name(file)[1:]}")
    assert own_name(file) in caught.value.facts["did you mean"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_users_file_lies_over_the_site_that_it_means(file, tmp_path):
    """By its file name, by GOCDB name and endpoint, in another case."""
    shipped = SiteFolder(path=paths.TEMPLATES / "sites", trusted=False)
    name, official = own_name(file), content(file)
    written = {
        f"{file.stem}.yaml": {},
        f"{file.stem.lower()}.yaml": {"gocdb": official["gocdb"].lower()},
        f"{name.upper()}.yml": {},
        "mine.yaml": {"gocdb": official["gocdb"], "endpoint": official["endpoint"]},
    }
    for number, (stem, keys) in enumerate(written.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / stem).write_text(yaml.safe_dump({**keys, "flavor": "mine"}))
        found = Catalogue.load([SiteFolder(path=folder, trusted=True), shipped])
        assert [site.name for site in found.sites() if site.flavor == "mine"] == [name], stem
        assert len(found.sites()) == 25


@pytest.mark.parametrize("alias", ["CESGA", "iisas", "SRCE"])
def test_a_users_file_may_go_by_an_alias(alias, tmp_path, catalogue):
    (tmp_path / f"{alias}.yaml").write_text("flavor: mine")
    shipped = SiteFolder(path=paths.TEMPLATES / "sites", trusted=False)
    found = Catalogue.load([SiteFolder(path=tmp_path, trusted=True), shipped])
    assert found.find(alias).flavor == "mine"
    assert found.find(alias).name == catalogue.find(alias).name


def test_part_of_a_name_is_suggested_and_never_taken(catalogue):
    with pytest.raises(RequestError) as caught:
        catalogue.find("INFN-CLOUD")
    near = caught.value.facts["did you mean"]
    assert {"INFN-CLOUD-BARI", "INFN-CLOUD-CNAF"} <= set(near.split(", "))


def test_a_vo_that_no_site_serves_brings_near_names(catalogue):
    with pytest.raises(RequestError, match="no site serves vo.acess.egi.eu") as caught:
        catalogue.serving("vo.acess.egi.eu")
    assert VO in caught.value.facts["did you mean"]
    with pytest.raises(RequestError) as caught:
        catalogue.serving(VO.upper())
    assert caught.value.facts["did you mean"].split(", ")[0] == VO
    assert len(catalogue.serving(VO)) == 13
