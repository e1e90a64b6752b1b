"""Listings read as the plain JSON that sites send.

openstacksdk makes an object of each entry, which takes longer than all else together where
a site has a thousand images, and reads those 25 at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from keystoneauth1 import exceptions as failures
from keystoneauth1.adapter import Adapter
from keystoneauth1.session import Session
from requests import Response
from requests.exceptions import JSONDecodeError

_PAGE = 1000
_MOST_PAGES = 1000
# From this one on Nova lists extra specs with the flavors.
_WITH_EXTRA_SPECS = "2.61"

# openstacksdk's names -> those of the JSON, where they differ.
_NAMES = {
    "is_router_external": "router:external",
    "is_shared": "shared",
    "is_admin_state_up": "admin_state_up",
    "subnet_ids": "subnets",
    "is_disabled": "OS-FLV-DISABLED:disabled",
    "ephemeral": "OS-FLV-EXT-DATA:ephemeral",
    "is_hidden": "os_hidden",
    "owner_id": "owner",
}
# What every image has; all else of it is a property that somebody has set.
_OF_IMAGES = frozenset(
    [
        "id",
        "name",
        "status",
        "visibility",
        "protected",
        "os_hidden",
        "checksum",
        "os_hash_algo",
        "os_hash_value",
        "owner",
        "size",
        "virtual_size",
        "container_format",
        "disk_format",
        "created_at",
        "updated_at",
        "min_disk",
        "min_ram",
        "tags",
        "self",
        "file",
        "schema",
        "locations",
        "direct_url",
        "stores",
    ]
)


class StrangeAnswerError(ValueError):
    """A service answered something that is not what it was asked for."""


class Listed:
    """One entry of a listing, under the names of openstacksdk; what was not told is None."""

    __slots__ = ("_told",)

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told = told

    def __getattr__(self, name: str) -> Any:
        return self._told.get(_NAMES.get(name, name))

    @property
    def properties(self) -> dict[str, Any]:
        """The properties of an image."""
        return {key: value for key, value in self._told.items() if key not in _OF_IMAGES}


class Service:
    """One service of a site; where it is gets looked up once, and not before each question."""

    def __init__(self, session: Session, kind: str, *, version: str, region: str | None) -> None:
        self._lock = threading.Lock()
        self._adapter = Adapter(
            session,
            service_type=kind,
            interface="public",
            region_name=region,
            min_version=version,
            max_version=f"{version}.latest",
        )

    def get(self, path: str, **more: Any) -> Response:
        """Ask the service; EndpointNotFound where the site's catalogue has none."""
        with self._lock:
            if self._adapter.endpoint_override is None:
                self._adapter.endpoint_override = self._adapter.get_endpoint()
        answer: Response = self._adapter.get(path, **more)
        return answer


class Services:
    """The services of a site, as its catalogue names them, for one project."""

    def __init__(self, session: Session, region: str | None) -> None:
        self.network = Service(session, "network", version="2", region=region)
        self.compute = Service(session, "compute", version="2", region=region)
        self.image = Service(session, "image", version="2", region=region)
        self.block_storage = Service(session, "block-storage", version="3", region=region)

    def networks(self, what: str) -> Iterator[Listed]:
        """List something of Neutron's: networks, subnets, routers, ports, floatingips."""
        return _pages(self.network, f"/{what}", what, {})

    def flavors(self) -> Iterator[Listed]:
        """List flavors, with their extra specs where the site is younger than 2018."""
        try:
            yield from _pages(
                self.compute, "/flavors/detail", "flavors", {}, microversion=_WITH_EXTRA_SPECS
            )
        except failures.NotAcceptable:
            yield from _pages(self.compute, "/flavors/detail", "flavors", {})

    def volumes(self) -> Iterator[Listed]:
        """List volumes with all that is told of each."""
        return _pages(self.block_storage, "/volumes/detail", "volumes", {})

    def images(self, **wanted: str) -> Iterator[Listed]:
        """List images, the usual ones or those of one visibility."""
        return _pages(self.image, "/images", "images", {"limit": str(_PAGE), **wanted})


def content_of(answer: Response) -> Mapping[str, Any]:
    """Return the JSON object of an answer; JSONDecodeError or StrangeAnswerError where it has none."""
    try:
        content = answer.json()
    except JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:
        # Numbers of thousands of digits, and lists in lists in lists.
        raise StrangeAnswerError(f"its JSON cannot be read: {error}") from error
    return _as_mapping(content, "its answer")


def _pages(
    service: Service, path: str, key: str, query: Mapping[str, str], **more: Any
) -> Iterator[Listed]:
    asked: Mapping[str, str] | None = query
    before: list[Mapping[str, str]] = []
    while asked is not None:
        # Two pages that lead to each other would fill the memory.
        if asked in before or len(before) >= _MOST_PAGES:
            raise StrangeAnswerError(f"the pages of its {key} have no end")
        before.append(asked)
        content = content_of(service.get(path, params=asked, **more))
        listed = content.get(key, ())
        if not isinstance(listed, list | tuple):
            raise StrangeAnswerError(f"its {key} are no list")
        yield from (Listed(_as_mapping(told, f"one of its {key}")) for told in listed)
        asked = _next(content, key)


def _as_mapping(told: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(told, Mapping):
        raise StrangeAnswerError(f"{what} is {type(told).__name__} and not an object")
    return told


def _next(content: Mapping[str, Any], key: str) -> Mapping[str, str] | None:
    """Return the query of the next page: Glance tells it as ``next``, the others as links."""
    links = content.get(f"{key}_links") or ()
    try:
        found = [link["href"] for link in links if link["rel"] == "next"]
        href = content.get("next") or (found[0] if found else None)
        # Of the address only the query is of use: behind a proxy the rest is often wrong.
        return dict(parse_qsl(urlsplit(href).query)) if href else None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StrangeAnswerError(f"the next page of its {key} cannot be read: {error}") from error
