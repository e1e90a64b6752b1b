"""Files of one site laid over each other: the first of a stack has the last word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.catalogue.sitefile import ReadFile, Settled, SiteFile, VoEntry
from orchestrator.model import SETTINGS, Fact, Setting, Share, Site, UseCaseDefaults

_PLAIN = (
    "auth",
    "protocol",
    "identity_provider",
    "issuer",
    "client_id",
    "region",
    "ca_bundle",
    "public_network",
    "flavor",
    "image",
)
_LISTS = ("aliases", "token_command", "dns")
# Both lead to a program being run: ssh_config by ProxyCommand and its like.
_COMMANDS = {"token_command", "ssh_config"}


def given(part: Settled, *, but: Iterable[str] = ()) -> dict[str, Any]:
    """Return the keys that a file really gives."""
    return {name: getattr(part, name) for name in part.model_fields_set - set(but)}


def without_commands(read: ReadFile, warnings: list[str]) -> ReadFile:
    """Return the file without the keys that only a trusted folder may use."""
    parts = [read.site, *(read.site.vos or ())]
    named = sorted({key for part in parts for key in given(part)} & _COMMANDS)
    if not named:
        return read
    warnings.append(
        f"{read.path}: {', '.join(named)} is ignored, this folder may not name commands"
    )
    site = given(read.site, but=_COMMANDS)
    if read.site.vos:
        site["vos"] = [VoEntry.model_construct(**given(vo, but=_COMMANDS)) for vo in read.site.vos]
    return replace(read, site=SiteFile.model_construct(**site))


def merge(stack: Sequence[ReadFile]) -> dict[str, Any]:
    """Return each key as the first file that gives it says; VOs are laid over by name."""
    merged: dict[str, Any] = {}
    for read in reversed(stack):
        merged.update(given(read.site, but=("vos",)))
    merged["vos"] = _vos(stack)
    return merged


def site_of(name: str, stack: Sequence[ReadFile], merged: dict[str, Any]) -> Site:
    """Return the site that a stack describes, with all that its files settle."""
    plain: dict[str, Any] = {key: merged[key] for key in _PLAIN if merged.get(key) is not None}
    lists: dict[str, Any] = {key: tuple(merged.get(key) or ()) for key in _LISTS}
    return Site(
        name=name,
        endpoint=merged["endpoint"],
        shares=tuple(merged["vos"]),
        origin=origin_of(stack),
        settings=_settings(stack),
        facts=_facts(stack),
        use_cases=tuple(found for read in stack for found in _use_cases_in(read)),
        **plain,
        **lists,
    )


def origin_of(stack: Sequence[ReadFile]) -> str:
    """Return the files of a stack as a person reads them."""
    return ", over ".join(str(read.path) for read in stack)


def _vos(stack: Sequence[ReadFile]) -> list[Share]:
    found: dict[str, dict[str, Any]] = {}
    for read in reversed(stack):
        if read.whole and read.site.vos is not None:
            found = {}  # a VO that is no longer in it has gone
        for vo in read.site.vos or ():
            auth = {key: getattr(vo.auth, key) for key in vo.auth.model_fields_set}
            found[vo.name] = found.get(vo.name, {}) | auth
    return [
        Share(
            vo=vo,
            project_id=auth.get("project_id"),
            region=auth.get("region"),
            facts=_vo_facts(stack, vo),
        )
        for vo, auth in found.items()
    ]


def _facts(stack: Sequence[ReadFile]) -> tuple[Fact, ...]:
    """Return what vouches for a site: one's own files that name its endpoint, the newest list."""
    own = [
        Fact(what=what, value=value, source=str(read.path))
        for read in stack
        if not read.whole and read.site.endpoint
        for what, value in (("listed", read.gocdb), ("endpoint", read.site.endpoint))
    ]
    return (*own, *_newest(stack, lambda read: read.facts))


def _vo_facts(stack: Sequence[ReadFile], vo: str) -> tuple[Fact, ...]:
    own = [
        Fact(what="listed", value=one.auth.project_id or "", source=str(read.path))
        for read in stack
        if not read.whole
        for one in read.site.vos or ()
        if one.name == vo
    ]
    return (*own, *_newest(stack, lambda read: read.vo_facts.get(vo, ())))


def _newest(
    stack: Sequence[ReadFile], facts: Callable[[ReadFile], tuple[Fact, ...]]
) -> tuple[Fact, ...]:
    official = next((read for read in stack if read.whole), None)
    return () if official is None else facts(official)


def _settings(stack: Sequence[ReadFile]) -> dict[str, tuple[Setting, ...]]:
    every = [setting for read in stack for setting in _settings_in(read)]
    return {
        key: found
        for key in SETTINGS
        if (found := tuple(setting for name, setting in every if name == key))
    }


def _settings_in(read: ReadFile) -> list[tuple[str, Setting]]:
    """Return what one file settles: for its VOs first, then for all of the site."""
    return [
        (key, Setting(value=str(value), origin=str(read.path), vo=vo))
        for vo, part in _parts(read)
        for key in SETTINGS
        if (value := getattr(part, key)) is not None
    ]


def _use_cases_in(read: ReadFile) -> list[UseCaseDefaults]:
    """Return the parameters that one file settles: for its VOs first, then for all of the site."""
    return [
        UseCaseDefaults(use_case=name, parameters=values, origin=str(read.path), vo=vo)
        for vo, part in _parts(read)
        for name, values in (part.use_cases or {}).items()
    ]


def _parts(read: ReadFile) -> list[tuple[str | None, Settled]]:
    """Return the parts of a file, the narrower before the wider."""
    return [*((vo.name, vo) for vo in read.site.vos or ()), (None, read.site)]
