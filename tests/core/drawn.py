"""Worlds for properties of a sync's steps, as hypothesis draws them: targets, live objects, hooks, wishes of others."""

from __future__ import annotations

from hypothesis import strategies as st

from gitopsd.core.sync.prune import Guard
from gitopsd.core.target.hooks import Hook, hook_of
from gitopsd.core.target.sync_options import Consent, SyncOptions
from gitopsd.model.command import Command, Prune, Release
from gitopsd.model.comparison import Unreadable
from gitopsd.model.health import Health, HealthStatus
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import TaskVerb
from gitopsd.model.residents import Residents, is_holder
from tests.core.lives import SHOP, live_of, manifest_of
from tests.core.worlds import World

KINDS = (("", "Namespace"), ("", "ConfigMap"), ("apps", "Deployment"), ("example.org", "Car"))
KEYS = [ResourceKey(group, kind, "" if kind == "Namespace" else "prod", name) for group, kind in KINDS for name in "ab"]
MARKS = st.sampled_from(
    [(), (("argocd.argoproj.io/sync-options", "Prune=false"),), (("argocd.argoproj.io/sync-wave", "3"),)]
)
LIVED_IN = Residents((ResourceKey("", "Secret", "prod", "theirs"),))
HOOK = "argocd.argoproj.io/hook"
JOBS = [ResourceKey("batch", "Job", "prod", name) for name in "jkl"]
TYPES = st.sampled_from(["PreSync", "Sync", "PostSync", "SyncFail"])
POLICIES = st.sampled_from(["BeforeHookCreation", "HookSucceeded", "HookFailed", "HookSucceeded,HookFailed"])
STATES = st.sampled_from([HealthStatus.HEALTHY] * 3 + [HealthStatus.PROGRESSING, HealthStatus.DEGRADED])


@st.composite
def hooks(draw: st.DrawFn, key: ResourceKey) -> Hook:
    marks = {
        HOOK: draw(TYPES),
        f"{HOOK}-delete-policy": draw(POLICIES),
        "argocd.argoproj.io/sync-wave": str(draw(st.integers(-1, 1))),
    }
    return hook_of(manifest_of(key, annotations=marks))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    wanted = draw(st.sets(st.sampled_from(KEYS)))
    target = {
        key: manifest_of(key, annotations={"argocd.argoproj.io/sync-wave": str(draw(st.integers(-1, 1)))})
        for key in sorted(wanted)
    }
    here = draw(st.sets(st.sampled_from(KEYS)))
    lives = {
        key: live_of(
            key, controlled=draw(st.integers(0, 9)) == 0, by_argocd=draw(st.integers(0, 9)) == 0, marks=draw(MARKS)
        )
        for key in sorted(here)
    }
    for key in draw(st.sets(st.sampled_from(JOBS))):
        marks = ((HOOK, "PreSync"), ("gitopsd.io/operation-id", "before/PreSync"))
        lives[key] = live_of(key, marks=marks, guarded=draw(st.booleans()))
    others = {key: frozenset({AppName("other")}) for key in draw(st.sets(st.sampled_from(KEYS), max_size=2))}
    barrier = draw(st.sampled_from([(), (), (AppName("late"),)]))
    unreadable = {
        key: Unreadable("403", pending=draw(st.booleans())) for key in draw(st.sets(st.sampled_from(KEYS), max_size=2))
    }
    full = {key: LIVED_IN for key in sorted(here) if is_holder(key) and draw(st.booleans())}
    options = SyncOptions(prune=draw(st.sampled_from(Consent)), prune_last=draw(st.booleans()))
    sick = draw(st.sampled_from([HealthStatus.HEALTHY, HealthStatus.PROGRESSING, HealthStatus.DEGRADED]))
    ends = {key: draw(STATES) for key in JOBS}
    return World(
        target,
        lives,
        Guard(SHOP, options, barrier, others, residents=full),
        dict(unreadable),
        health=lambda key: Health(sick) if key.kind == "Deployment" else Health(ends[key]) if key in ends else None,
        checks=draw(st.booleans()),
        hooks=tuple(draw(hooks(key)) for key in sorted(draw(st.sets(st.sampled_from(JOBS))))),
    )


def verb_of(command: Command) -> TaskVerb:
    if isinstance(command, Release) or command.key in JOBS:
        return TaskVerb.HOOK
    return TaskVerb.PRUNE if isinstance(command, Prune) else TaskVerb.APPLY
