"""Joins the parts of a pass: the same graph in the daemon and in tests, over other edges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from gitopsd.core.project.declaring_rights import ARGOCD_NAMESPACE
from gitopsd.core.source.touch_index import TouchIndex
from gitopsd.core.sync.healing import Pacing
from gitopsd.core.sync.step import SyncLimits
from gitopsd.core.target.tracking import ANNOTATION, Tracking
from gitopsd.model.application import IgnoreDifference, Mode
from gitopsd.model.cluster import Offered
from gitopsd.model.drift import Drift
from gitopsd.model.ids import AppName, ClusterId, RepoUrl
from gitopsd.model.manifest import GroupKind
from gitopsd.model.operation import Operation
from gitopsd.ports import (
    Applications,
    Applier,
    Clock,
    Diagnostics,
    DriftLedger,
    IgnoredPaths,
    Inventory,
    LiveStates,
    Renderer,
    Signatures,
    Sources,
)
from gitopsd.reconcile.compare import Comparer
from gitopsd.reconcile.destination import Destinations
from gitopsd.reconcile.drift import DriftRecorder
from gitopsd.reconcile.former_clusters import FormerClusters
from gitopsd.reconcile.ownership import Barrier, TargetIndex
from gitopsd.reconcile.page import Declarer, Reconciler
from gitopsd.reconcile.rendering import ApplicationRenderer, IntegrityGate, ReadingRights
from gitopsd.reconcile.snapshot import Holders, ResidentSource, Snapshots
from gitopsd.reconcile.steps import OperationSteps
from gitopsd.reconcile.sync import Syncer
from gitopsd.reconcile.triggers import Triggers, Walk
from gitopsd.reconcile.user_commands import UserCommands
from gitopsd.runtime.queue import KeyQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """What a pass speaks to."""

    apps: Applications
    inventory: Inventory
    sources: Sources
    renderer: Renderer
    signatures: Signatures
    live: LiveStates
    residents: ResidentSource
    applier: Applier
    paths: IgnoredPaths
    diagnostics: Diagnostics
    ledger: DriftLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRules:
    """What the settings say of passes."""

    servers: Mapping[ClusterId, str]  # clusters of the settings → server URL
    mode: Mode = Mode.ENFORCE
    home: str = ARGOCD_NAMESPACE
    tracking: Tracking = ANNOTATION
    excluded: Callable[[ClusterId, GroupKind], bool] = lambda *_: False  # kinds that are neither read nor written
    ignored: tuple[IgnoreDifference, ...] = ()  # in every application
    pacing: Pacing = field(default_factory=Pacing)
    limits: SyncLimits = field(default_factory=SyncLimits)
    commands_at_once: int = 32  # in flight for one application; the client bounds what a cluster gets
    refresh_s: float = 120.0
    fight_turns: int = 3  # heals of one field in a row, after which it is not healed any more
    fight_window_s: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Who drives passes, and who is told of them."""

    now_s: Clock
    new_id: Callable[[], str]
    queue: KeyQueue[AppName]
    walk: Walk  # over what differs between two revisions
    poll: Callable[[Iterable[RepoUrl]], None]
    offered: Callable[[ClusterId], Offered | None]
    fenced: Callable[[ClusterId], str]  # why nothing may be written to a cluster now
    rights: ReadingRights
    declarer: Callable[[Destinations, TargetIndex], Declarer]
    on_sync: Callable[[Operation], None] = lambda _: None  # told of every operation that is over
    on_drift: Callable[[Drift], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class PassGraph:
    """Every part of a pass, joined."""

    barrier: Barrier
    destinations: Destinations
    targets: TargetIndex
    renderer: ApplicationRenderer
    snapshots: Snapshots
    drift: DriftRecorder
    reconciler: Reconciler
    triggers: Triggers
    commands: UserCommands


def pass_graph(edges: Edges, rules: PassRules, around: Surroundings) -> PassGraph:
    """Return the parts of a pass over `edges`, in the order in which they depend on each other."""
    apps, now_s, queue = edges.apps, around.now_s, around.queue
    barrier = Barrier(queue.add)
    destinations = Destinations(apps, rules.servers, rules.mode, rules.home)
    targets = TargetIndex(edges.inventory, barrier, queue.add)
    holders = Holders(apps, destinations, targets, edges.residents, now_s)
    snapshots = Snapshots(apps, edges.live, destinations, targets, holders, rules.tracking, rules.excluded)
    renderer = ApplicationRenderer(
        sources=edges.sources,
        renderer=edges.renderer,
        now_s=now_s,
        rights=around.rights,
        integrity=IntegrityGate(apps, edges.signatures),
        offered=around.offered,
    )
    drift = DriftRecorder(edges.ledger, now_s, rules.fight_turns, rules.fight_window_s, around.on_drift)
    return PassGraph(
        barrier=barrier,
        destinations=destinations,
        targets=targets,
        renderer=renderer,
        snapshots=snapshots,
        drift=drift,
        reconciler=Reconciler(
            apps=apps,
            renderer=renderer,
            destinations=destinations,
            targets=targets,
            snapshots=snapshots,
            live=edges.live,
            comparer=Comparer(edges.live, edges.applier, edges.inventory, edges.paths, rules.ignored),
            syncer=_syncer(edges, rules, around),
            declarer=around.declarer(destinations, targets),
            drift=drift,
            former_clusters=FormerClusters(snapshots, edges.applier, now_s, around.fenced),
            now_s=now_s,
            refresh_s=rules.refresh_s,
        ),
        triggers=_triggers(edges, around, targets, destinations),
        commands=UserCommands(
            apps=apps,
            sources=edges.sources,
            renderer=renderer,
            snapshots=snapshots,
            applier=edges.applier,
            queue=queue,
            paths=edges.paths,
            ignored=rules.ignored,
        ),
    )


def _syncer(edges: Edges, rules: PassRules, around: Surroundings) -> Syncer:
    steps = OperationSteps(
        apps=edges.apps,
        inventory=edges.inventory,
        live=edges.live,
        applier=edges.applier,
        diagnostics=edges.diagnostics,
        now_s=around.now_s,
        limits=rules.limits,
        at_once=rules.commands_at_once,
        ignored=rules.ignored,
    )
    return Syncer(
        apps=edges.apps,
        live=edges.live,
        steps=steps,
        now_s=around.now_s,
        new_id=around.new_id,
        pacing=rules.pacing,
        limits=rules.limits,
        fenced=around.fenced,
        on_sync=around.on_sync,
    )


def _triggers(edges: Edges, around: Surroundings, targets: TargetIndex, destinations: Destinations) -> Triggers:
    return Triggers(
        queue=around.queue,
        apps=edges.apps,
        index=TouchIndex(),
        barrier=targets.barrier,
        walk=around.walk,
        cluster_of=destinations.cluster_of,
        poll=around.poll,
        gone=targets.forget,
        permits=around.rights.permits,
    )
