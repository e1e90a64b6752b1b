"""The shipped list as people ask for it."""

from datetime import date

import pytest

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
