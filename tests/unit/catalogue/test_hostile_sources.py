"""EGI's sources with places of their answers changed: a refresh tells what is wrong, and the catalogue is read after it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import paths
from orchestrator.catalogue.catalogue import Catalogue
from orchestrator.catalogue.refreshing import refresh
from orchestrator.catalogue.sources.known import SOURCES
from orchestrator.catalogue.sources.listing import Found
from orchestrator.catalogue.sources.reading import Reader, SourceError
from tests.mutating import HOSTILE, mutated

DATA = Path(__file__).parents[2] / "data" / "egi" / "sources"
FILES = {path.name: path.read_text() for path in sorted((paths.TEMPLATES / "sites").glob("*.yaml"))}
NAMES = tuple(FILES)[:4]
RAW = "https://x.eu/raw"
FOLDER = [{"type": "file", "name": name, "download_url": f"{RAW}/{name}"} for name in NAMES]
LIST = [f"{RAW}/{name}" for name in NAMES]
CIA = json.loads((DATA / "cloud-info-api-responses.sample.json").read_text())
CIA_SITES = CIA["GET /sites/?include_projects=true"]
GOCDB = (DATA / "gocdb-get_service-IFCA-LCG2.sample.xml").read_text()
CERTIFIED = '<results><SITE NAME="IFCA-LCG2"/></results>'


class Served(Reader):
    """A reader of answers that are here already, by how an address ends."""

    def __init__(self, answers):
        super().__init__(seconds=10.0)
        object.__setattr__(self, "_answers", answers)

    def get(self, url, *, longest=0):
        for end, body in self._answers.items():
            if end in url:
                return body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        raise SourceError("nothing is there")


def answers_of(key, content):
    """Return what a source serves that has this content."""
    if key == "gocdb":
        return {"get_service_endpoint": content, "get_site_list": CERTIFIED}
    if key == "infosystem":
        return {"/sites/": json.dumps(content), "/projects": '[{"id": "p", "name": "ops"}]'}
    files = {f"/raw/{name}": FILES[name] for name in NAMES}
    as_text = json.dumps if key == "site-files" else yaml.safe_dump
    return {**files, key: as_text(content)}


def source(key, answers):
    (known,) = (one for one in SOURCES if one.key == key)
    served = Served(answers)
    return replace(known, read=lambda _address, _reader: known.read(key, served))


def in_xml(text):
    return "".join(sign for sign in text if sign.isprintable()).replace("&", "").replace("<", "")


CONTENTS = st.one_of(
    mutated(FOLDER).map(lambda told: ("site-files", told)),
    mutated(LIST).map(lambda told: ("fedcloudclient", told)),
    mutated(CIA_SITES).map(lambda told: ("infosystem", told)),
    st.tuples(
        st.sampled_from(("IFCA-LCG2", "https://api.cloud.ifca.es:5000/v3/", "Y", "results")),
        st.sampled_from((*map(in_xml, HOSTILE), "", "http://[", "https://x:99999999/")),
    ).map(lambda pair: ("gocdb", GOCDB.replace(*pair))),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sources")


@given(told=CONTENTS)
def test_a_refresh_tells_what_is_wrong_and_the_catalogue_is_there_after_it(folder, told):
    key, content = told
    one = source(key, answers_of(key, content))
    done = refresh(folder, sources=[one])
    assert done.reports[0].renewed or done.reports[0].problem
    assert "bug" not in str(done.reports[0].problem)
    catalogue = Catalogue.usual(folder, cache=folder)
    # The sandbox of this machine, where there is one, is a folder of its own and not from afar.
    assert not [one for one in catalogue.sites() if one.token_command and one.name != "SANDBOX"]
    assert catalogue.find("BIFI").endpoint.startswith("https://")


@given(st.sampled_from([one.key for one in SOURCES]), st.binary(max_size=40))
def test_any_bytes_at_all_are_told(key, raw):
    served = Served({"": raw})
    (known,) = (one for one in SOURCES if one.key == key)
    try:
        found = known.read("https://x.eu", served)
    except SourceError as error:
        found = error
    assert isinstance(found, Found | SourceError)


@pytest.mark.parametrize("place", ["http://[", "https://x.eu:port/v3", "https://[::1/x.yaml"])
def test_an_address_that_is_none_costs_its_own_entry(place):
    listed = [{"type": "file", "download_url": place}, *FOLDER]
    read = source("site-files", answers_of("site-files", listed)).read("", None)
    assert len(read.sites) == len(NAMES)
    listed = source("fedcloudclient", answers_of("fedcloudclient", [place, *LIST])).read("", None)
    assert len(listed.sites) == len(NAMES)


@pytest.mark.parametrize("url", ["https://[", "https://", "file:///etc/passwd", "//x.eu/", ""])
def test_what_is_no_address_is_never_asked(url):
    with pytest.raises(SourceError, match="address"):
        Reader(seconds=1.0).get(url)
