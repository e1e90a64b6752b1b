"""GOCDB: which OpenStack endpoints are registered, in production, and at certified sites."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

from orchestrator.catalogue.endpoints import normalise
from orchestrator.catalogue.sources.listing import Found, Listed
from orchestrator.catalogue.sources.reading import Reader, SourceError

_ENDPOINTS = "?method=get_service_endpoint&service_type=org.openstack.nova"
_CERTIFIED = "?method=get_site_list&certification_status=Certified"
_WORDS = {"Y": "yes", "N": "no"}


def read(address: str, reader: Reader) -> Found:
    """Read the endpoints, and which of their sites are certified."""
    endpoints = _xml(reader.get(f"{address}{_ENDPOINTS}")).findall("SERVICE_ENDPOINT")
    certified = {
        site.get("NAME", "").casefold()
        for site in _xml(reader.get(f"{address}{_CERTIFIED}")).findall("SITE")
    }
    found: list[Listed] = []
    warnings: list[str] = []
    for endpoint in endpoints:
        name = _text(endpoint, "SITENAME")
        try:
            found.append(_listed(endpoint, name, certified))
        except ValueError as error:
            warnings.append(f"{name or 'an endpoint without a site'}: {error}")
    return Found(sites=tuple(found), warnings=tuple(warnings))


def _xml(content: bytes) -> ElementTree.Element:
    # Entities can stand for each other and fill the memory; GOCDB's answers have none.
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise SourceError("the answer is no XML of GOCDB (it declares a document type)")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise SourceError("the answer is no XML") from error
    if root.tag != "results":
        raise SourceError(f"the answer is no XML of GOCDB (its root is {root.tag[:40]})")
    return root


def _listed(endpoint: ElementTree.Element, name: str, certified: set[str]) -> Listed:
    if not name:
        raise ValueError("it names no site")
    production = _text(endpoint, "IN_PRODUCTION").upper()
    return Listed(
        name=name,
        endpoint=normalise(_text(endpoint, "URL")),
        at=datetime.now(UTC),
        notes={
            "certification": "certified" if name.casefold() in certified else "not certified",
            "production": _WORDS.get(production, "unknown"),
        },
    )


def _text(element: ElementTree.Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()
