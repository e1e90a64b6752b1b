"""From a request and an offer to the choices and their quotas; what a deployment that has them may be asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator import rendering
from orchestrator.catalogue.needs import in_words, need_of
from orchestrator.catalogue.parameters import read_parameters
from orchestrator.catalogue.rules import check_rules
from orchestrator.errors import RequestError
from orchestrator.extras import publishing
from orchestrator.model import Deployment, Offer, Proof, Request, Selection, Site, UseCase
from orchestrator.selection import overrides, quotas, topologies
from orchestrator.selection.quotas import QuotaLine
from orchestrator.selection.selecting import select

COMMAND_LINE = "--set"


def choose(
    offer: Offer,
    request: Request,
    use_case: UseCase,
    *,
    parameters: Mapping[str, Any],
    site: Site,
    vo: str,
    proofs: Sequence[Proof] = (),
) -> Selection:
    """Return the choices for a request: the command line before its file, before the site's files."""
    return select(
        offer,
        need_of(use_case, parameters),
        site=site,
        nodes=len(use_case.nodes),
        public_nodes=sum(group.public for group in use_case.nodes),
        fixed=overrides.effective(_layers(request), site=site, vo=vo),
        proofs=proofs,
    )


def _layers(request: Request) -> list[tuple[str, Mapping[str, str]]]:
    return [(COMMAND_LINE, request.overrides), (request.file or "the request", request.written)]


def wants_volume(request: Request, use_case: UseCase, parameters: Mapping[str, Any]) -> bool:
    """Tell whether a deployment is to have a data volume: else nothing is asked about volumes."""
    named = "volume" in request.overrides or "volume" in request.written
    return named or need_of(use_case, parameters).volume_gb > 0


def quota_lines(
    offer: Offer, selection: Selection, use_case: UseCase, *, parameters: Mapping[str, Any]
) -> tuple[QuotaLine, ...]:
    """Return what the deployment takes of each limit that the site tells."""
    floating = rendering.with_floating_ip(use_case, selection.topology.value)
    made = selection.attachment is None
    published = publishing(use_case, parameters)
    return quotas.compare(
        offer,
        selection,
        nodes=len(use_case.nodes),
        floating_ips=max(0, len(floating) - (selection.floating_ip is not None)),
        networks=int(made),
        routers=int(made),
        volume_gb=0 if selection.volume else selection.volume_gb,
        open_ports=len(published.ports) if published else 0,
    )


def require_room(
    offer: Offer, selection: Selection, use_case: UseCase, *, parameters: Mapping[str, Any]
) -> tuple[QuotaLine, ...]:
    """Return the same lines; raise SiteError naming each limit that is too small."""
    lines = quota_lines(offer, selection, use_case, parameters=parameters)
    quotas.require_room(offer, lines)
    return lines


def require_no_change(deployment: Deployment, request: Request) -> None:
    """Refuse to choose anew for a machine that exists: it would be rebuilt, or what is asked for ignored."""
    selection = deployment.selection
    if selection is None:
        return
    for origin, given in _layers(request):
        overrides.require_known(origin, given)
    topology = selection.topology.value
    # As at the first time, a file may speak of other topologies than the one that was chosen.
    written = {k: v for k, v in request.written.items() if topologies.has_part(k, topology)}
    asked = {**written, **request.overrides}
    other = {
        key: f"{_called(key, selection)} was chosen, {value} asked for"
        for key, value in asked.items()
        if value not in _names(key, selection)
    }
    if other:
        raise RequestError(
            f"{deployment.name} has its choices already, and other ones would rebuild it",
            facts=other,
            way_out=["deploy under another name", f"make destroy NAME={deployment.name}"],
        )


def _names(key: str, selection: Selection) -> tuple[str | None, ...]:
    """Return what a choice may be called; nothing where nothing was chosen under this key."""
    host = selection.jump_host
    if host is not None and key in ("proxy_jump", "ssh_config"):
        return (host.host if key == "proxy_jump" else host.ssh_config,)
    return next(((one.name, one.value) for one in selection.choices if one.key == key), ())


def _called(key: str, selection: Selection) -> str:
    made = {
        "volume": selection.volume_gb > 0,
        "floating_ip": selection.topology.value in rendering.GIVES_FLOATING_IPS,
        "private_network": selection.attachment is None,
    }
    named = next(iter(_names(key, selection)), None)
    return named or ("a new one" if made.get(key) else "none")


def require_same_need(
    deployment: Deployment, use_case: UseCase, parameters: Mapping[str, Any]
) -> None:
    """Refuse values that ask for another machine than the one that was chosen."""
    selection = deployment.selection
    if selection is None:
        return
    before, after = need_of(use_case, deployment.parameters), need_of(use_case, parameters)
    if before != after:
        raise RequestError(
            f"{deployment.name} has its machine already, and these parameters need another one",
            facts={"chosen": selection.flavor.label, "needed now": in_words(after)},
            way_out=["deploy under another name", f"make destroy NAME={deployment.name}"],
        )


def parameters_given(deployment: Deployment, request: Request, use_case: UseCase) -> dict[str, Any]:
    """Return the parameters with those that are given this time; the others stay as they are."""
    base = Path(request.file).parent if request.file else None
    given = read_parameters(use_case, request.parameters, base=base)
    asked = {name: given[name] for name in request.parameters}
    parameters = {**deployment.parameters, **asked}
    check_rules(use_case, parameters, need_of(use_case, parameters))
    require_same_need(deployment, use_case, parameters)
    return parameters


def parameters_kept(deployment: Deployment, use_case: UseCase, *, site: Site) -> dict[str, Any]:
    """Return the parameters for another version of the use case: those it still has keep their values."""
    before = deployment.parameters
    files = {p.name for p in use_case.parameters if p.type == "file"}
    known = {p.name for p in use_case.parameters if p.name in before}
    # A file was taken to the node already, and may be gone from here.
    still = {name: before[name] for name in known - files}
    parameters = read_parameters(use_case, still, site=site, vo=deployment.vo)
    parameters |= {name: before[name] for name in known & files}
    require_same_need(deployment, use_case, parameters)
    return parameters
