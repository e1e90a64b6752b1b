"""Lists of EGI's site files: the folder of the catch-all repository, and fedcloudclient's."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import yaml

from orchestrator import parallel
from orchestrator.catalogue import sitefile
from orchestrator.catalogue.sources.listing import Found, Listed, ListedVo
from orchestrator.catalogue.sources.reading import GoneError, Reader, SourceError
from orchestrator.writtenfiles import AliasError, load_yaml

_MOST = 300
_LONGEST = 256 * 1024
_AT_ONCE = 8  # one server has them all


def read_folder(address: str, reader: Reader) -> Found:
    """Read the files of a folder as GitHub lists it."""
    listed = reader.json(address)
    if not isinstance(listed, list):
        raise SourceError("the answer is not the listing of a folder")
    urls = [
        str(entry["download_url"])
        for entry in listed
        if isinstance(entry, dict) and entry.get("type") == "file" and entry.get("download_url")
    ]
    return read_files([url for url in urls if _stem(url)], reader)


def read_list(address: str, reader: Reader) -> Found:
    """Read the files that fedcloudclient's list names."""
    listed = _yaml(reader.get(address, longest=_LONGEST))
    if not isinstance(listed, list) or not all(isinstance(url, str) for url in listed):
        raise SourceError("the answer is not a list of addresses")
    return read_files([url for url in listed if _stem(url)], reader)


def read_files(urls: Sequence[str], reader: Reader) -> Found:
    """Read many files at once; one that is missing or broken costs a warning."""
    if not 0 < len(urls) <= _MOST:
        raise SourceError(f"it names {len(urls)} site files")
    turn = threading.Semaphore(_AT_ONCE)
    read = parallel.gather(
        [lambda url=url: _read(url, reader, turn) for url in urls],  # type: ignore[misc]
        timeout=reader.left(),
    )
    late = SourceError(f"no answer within {reader.seconds:g} s")
    return _found({url: read.get(number, late) for number, url in enumerate(urls)})


def listed(read: sitefile.ReadFile, *, at: datetime) -> Listed:
    """Return a site file as its source lists it; only EGI's keys are taken from it."""
    site = read.site
    if site.endpoint is None:
        raise SourceError("it has no endpoint")
    return Listed(
        name=read.gocdb,
        endpoint=site.endpoint,
        at=at,
        file=read.path.stem,
        auth=site.auth,
        protocol=site.protocol,
        region=site.region,
        vos=tuple(
            ListedVo(name=vo.name, project_id=vo.auth.project_id, region=vo.auth.region)
            for vo in site.vos or ()
        ),
    )


def _read(url: str, reader: Reader, turn: threading.Semaphore) -> Listed | SourceError:
    with turn:
        try:
            content = reader.get(url, longest=_LONGEST)
            _yaml(content)
            read = sitefile.parse(content, Path(f"{_stem(url)}.yaml"))
            return listed(read, at=datetime.now(UTC))
        except ValueError as error:
            return SourceError(str(error))
        except SourceError as error:
            return error


def _found(read: Mapping[str, Listed | SourceError]) -> Found:
    sites = tuple(one for one in read.values() if isinstance(one, Listed))
    errors = {url: one for url, one in read.items() if isinstance(one, SourceError)}
    if not sites:
        raise SourceError(f"none of its {len(read)} files can be read ({_first(errors)})")
    return Found(
        sites=sites,
        warnings=tuple(f"{_stem(url)}.yaml: {error}" for url, error in errors.items()),
        unread=frozenset(
            str(_stem(url)) for url, error in errors.items() if not isinstance(error, GoneError)
        ),
    )


def _first(errors: Mapping[str, SourceError]) -> str:
    return str(next(iter(errors.values())))


def _stem(url: str) -> str | None:
    """Return the file's name without its ending; None for what is no site file, or no address."""
    try:
        path = PurePosixPath(urlsplit(url).path)
    except ValueError:
        return None
    return path.stem if path.suffix in (".yaml", ".yml") else None


def _yaml(content: bytes) -> Any:
    try:
        return load_yaml(content)
    except AliasError as error:
        raise SourceError("YAML aliases are not read from elsewhere") from error
    except (yaml.YAMLError, ValueError) as error:
        raise SourceError(f"no YAML ({' '.join(str(error).split())[:120]})") from error
