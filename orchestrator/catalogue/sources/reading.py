"""One bounded GET after the other, within the time that a source has."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from orchestrator.auth import web
from orchestrator.catalogue.endpoints import is_loopback

LONGEST = 4 * 1024 * 1024
_REDIRECTS = 3
_SILENCE = 10.0  # between two pieces of one answer


class SourceError(Exception):
    """Why a source, or one file of it, could not be used."""


class GoneError(SourceError):
    """The server answers, and says that there is no such thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads what one source serves until its time is over."""

    seconds: float
    local: bool = False  # the source itself is on this machine, so it may point to this machine
    start: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Return the seconds that remain; SourceError when there are none."""
        left = self.start + self.seconds - time.monotonic()
        if left <= 0:
            raise SourceError(f"no answer within {self.seconds:g} s")
        return left

    def get(self, url: str, *, longest: int = LONGEST) -> bytes:
        """Return the body at an address; anything but a whole answer is a SourceError."""
        try:
            with web.session(None) as session:
                # A few compressed bytes could stand for a giant body.
                session.headers["Accept-Encoding"] = "identity"
                session.headers["Accept"] = "*/*"
                return self._follow(session, url, longest)
        except requests.exceptions.Timeout as error:
            raise SourceError("no answer in time") from error
        except requests.RequestException as error:
            raise SourceError(_cause(error)) from error

    def json(self, url: str) -> Any:
        """Return the JSON value at an address."""
        try:
            return json.loads(self.get(url))
        except (ValueError, RecursionError) as error:
            raise SourceError("the answer is no JSON") from error

    def _follow(self, session: requests.Session, url: str, longest: int) -> bytes:
        for _ in range(_REDIRECTS + 1):
            self._check(url)
            patience = min(_SILENCE, self.left())
            with session.get(url, timeout=patience, stream=True, allow_redirects=False) as answer:
                if not answer.is_redirect:
                    return self._body(answer, longest)
                url = self._next(url, answer.headers["Location"])
        raise SourceError(f"more than {_REDIRECTS} redirects")

    def _next(self, url: str, place: str) -> str:
        try:
            return urljoin(url, place)
        except ValueError as error:
            raise SourceError(f"it points to {place[:200]!r}, which is no address") from error

    def _check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise SourceError(f"{url[:200]!r} is no address") from error
        if parts.scheme == "https" and parts.hostname:
            return
        if self.local and parts.scheme == "http" and is_loopback(parts.hostname or ""):
            return
        raise SourceError(f"{url} is no https address")

    def _body(self, answer: requests.Response, longest: int) -> bytes:
        if answer.status_code in (404, 410):
            raise GoneError(f"not there (HTTP {answer.status_code})")
        if answer.status_code != 200:
            raise SourceError(f"HTTP {answer.status_code}")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise SourceError("the answer is compressed although that was not asked for")
        body = bytearray()
        for piece in answer.iter_content(16 * 1024):
            body += piece
            if len(body) > longest:
                raise SourceError(f"the answer is longer than {longest // 1024} KB")
            self.left()
        return bytes(body)


def is_local(address: str) -> bool:
    """Tell whether an address lies on this machine."""
    return is_loopback(urlsplit(address).hostname or "")


def _cause(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted" if web.is_untrusted(error) else "no TLS"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer broke off"
    text = str(error)
    if "Connection refused" in text:
        return "nothing listens there (connection refused)"
    if "NameResolution" in text or "Name or service not known" in text:
        return "its name is not known to the DNS"
    return "the connection failed"
