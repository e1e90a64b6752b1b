"""What a site still has of deployments that nobody keeps a record of: found, told, removed on agreement."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.auth.token import AccessToken
from orchestrator.drivers.openstack_marks import Resource, moment
from orchestrator.drivers.openstack_project import Marked
from orchestrator.entering import enter
from orchestrator.errors import DeploymentFailedError, RequestError, SiteError
from orchestrator.lifecycle import Phase
from orchestrator.model import Deployment, Share, Site
from orchestrator.recovery import Wait, is_part, names_of, sweep
from orchestrator.store import Store

Known = Callable[[str], Deployment | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """What is left of one deployment of the caller's that no record speaks of."""

    deployment_id: str
    name: str  # empty where nothing at the site tells it
    use_case: str
    why_mine: str
    resources: tuple[Resource, ...]
    costs: dict[str, str]
    made_at: dict[str, datetime | None]
    kept: frozenset[str] = frozenset()  # ids of volumes that stay whatever is agreed to

    @property
    def counted(self) -> tuple[Resource, ...]:
        """What a person counts; a part goes with what it belongs to."""
        return tuple(one for one in self.resources if not is_part(one.kind))

    @property
    def volumes(self) -> tuple[Resource, ...]:
        """The disks, which may hold somebody's data."""
        return tuple(one for one in self.resources if one.kind == "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a project has with a mark of ours, told apart by whose it is."""

    site: str
    vo: str
    orphans: tuple[Orphan, ...]
    living: tuple[str, ...]  # names of deployments with a record: never touched
    others: int  # deployments of other people, or of nobody knows whom
    others_resources: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What became of one orphan."""

    orphan: Orphan
    removed: tuple[str, ...]
    left: tuple[str, ...]
    causes: tuple[str, ...] = ()


def sort_out(
    marked: Sequence[Marked], *, known: Known, owner: str, user_id: str, site: str, vo: str
) -> Findings:
    """Tell apart what has a living record, what is the caller's and has none, and all else.

    ``known`` returns the record of a deployment by its id, a destroyed one's and another owner's too.
    """
    living, orphans, others = [], [], []
    for one in marked:
        if not one.resources:
            continue
        record = known(one.deployment_id)
        if record is not None and record.phase is not Phase.DESTROYED:
            living.append(record.name)
        elif why := _why_mine(one, record, owner=owner, user_id=user_id):
            orphans.append(_orphan(one, record, why))
        elif any(resource.kind != "keypair" for resource in one.resources):
            others.append(one)
    return Findings(
        site=site,
        vo=vo,
        orphans=tuple(orphans),
        living=tuple(living),
        others=len(others),
        others_resources=sum(_count(one.resources) for one in others),
    )


def _why_mine(one: Marked, record: Deployment | None, *, owner: str, user_id: str) -> str | None:
    """Return what says that a deployment is the caller's, None where nothing does."""
    if {resource.kind for resource in one.resources} == {"keypair"} and record is None:
        # Key pairs are the person's in all projects: what it opens may live in another one.
        return None
    if one.makers:
        # The site's own word on who made it beats everything else.
        return "the site says that you made it" if one.makers == {user_id} else None
    if record is not None:
        return "your record says that it was removed" if record.owner == owner else None
    return "its key pair is yours" if one.has_own_keypair else None


def _orphan(one: Marked, record: Deployment | None, why: str) -> Orphan:
    return Orphan(
        deployment_id=one.deployment_id,
        name=one.name or (record.name if record else ""),
        use_case=one.use_case or (record.use_case if record else ""),
        why_mine=why,
        resources=one.resources,
        costs=dict(one.costs),
        made_at={found_id: moment(text) for found_id, text in one.made_at.items()},
        kept=one.kept,
    )


def _count(resources: Sequence[Resource]) -> int:
    return sum(not is_part(one.kind) for one in resources)


def choose(findings: Findings, only: Collection[str]) -> tuple[Orphan, ...]:
    """Return the orphans that a person named by id or name, all of them where none is named."""
    if not only:
        return findings.orphans
    chosen = tuple(one for one in findings.orphans if {one.deployment_id, one.name} & set(only))
    named = {name for one in chosen for name in (one.deployment_id, one.name)}
    unknown = sorted(set(only) - named)
    if unknown:
        ids = ", ".join(one.deployment_id for one in findings.orphans)
        raise RequestError(
            f"{findings.site} has nothing of {', '.join(unknown)} that could be removed here",
            facts={"without a record": ids or "nothing"},
        )
    return chosen


class Sweep:
    """One project of one site, as one person may clean it up."""

    def __init__(
        self, *, site: Site, share: Share, token: AccessToken, store: Store, owner: str
    ) -> None:
        """Log in."""
        login, self._cloud = enter(site, share, token)
        self._user_id = login.user_id
        self._store = store
        self._owner = owner
        self._site = site.name
        self._vo = share.vo

    def find(self) -> Findings:
        """List what carries a mark of ours, told apart by whose it is."""
        return sort_out(
            self._cloud.find_all_marked(),
            known=self._store.known,
            owner=self._owner,
            user_id=self._user_id,
            site=self._site,
            vo=self._vo,
        )

    def remove(
        self, orphans: Sequence[Orphan], *, wait: Wait, with_volumes: bool = False
    ) -> Iterator[Removal]:
        """Remove each orphan until the site has nothing of it; one that stays costs the others nothing.

        Volumes stay until they are agreed to as well: what is on them cannot be made again.
        """
        for one in orphans:
            _require_no_record(one, self._store.known(one.deployment_id))
            data = () if with_volumes else (volume.id for volume in one.volumes)
            yield self._remove(one, keep=one.kept.union(data), wait=wait)

    def _remove(self, one: Orphan, *, keep: Collection[str], wait: Wait) -> Removal:
        try:
            swept = sweep(self._cloud, one.deployment_id, keep=keep, wait=wait)
        except SiteError as error:
            left = tuple(names_of(one.resources))
            return Removal(orphan=one, removed=(), left=left, causes=(error.message,))
        return Removal(orphan=one, removed=swept.removed, left=swept.left, causes=swept.causes)


def _require_no_record(one: Orphan, record: Deployment | None) -> None:
    """Look again: it may have been taken over between the listing and the agreement."""
    if record is not None and record.phase is not Phase.DESTROYED:
        raise RequestError(
            f"{one.deployment_id} has a record by now: it is {record.name}",
            way_out=[f"orchestrator show {record.name}"],
        )


def raise_if_left(removals: Sequence[Removal], site: str) -> None:
    """Raise DeploymentFailedError naming what the site did not let go of."""
    stuck = [one for one in removals if one.left]
    if not stuck:
        return
    causes = dict.fromkeys(cause for one in stuck for cause in one.causes)
    said = {"the site says": "; ".join(causes)} if causes else {}
    raise DeploymentFailedError(
        f"{site} still has something of {len(stuck)} of {len(removals)} deployments",
        facts={**{one.orphan.deployment_id: ", ".join(one.left) for one in stuck}, **said},
        way_out=["the same command again: it goes on with what is left"],
    )
