"""What a step asks of a cluster, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitopsd.model.comparison import FieldPath
from gitopsd.model.ids import ResourceVersion, TargetHash, Uid, ViewHash
from gitopsd.model.manifest import GVK, Manifest, ResourceKey

HOOK_FINALIZER = "gitopsd.io/hook"  # keeps a hook's object until its end has been seen


@dataclass(frozen=True, slots=True)
class Write:
    """How an object is written, where its options ask for something else than a plain apply."""

    validate: bool = True  # False: unknown fields are no reason to refuse it
    replace: bool = False  # PUT it whole first
    recreate: bool = False  # delete it and make it anew where a field cannot change
    spare: tuple[tuple[str, ...], ...] = ()  # JSON pointers, taken apart: written as they are live
    spare_managers: tuple[str, ...] = ()  # what these managers own is left to them
    spare_expressions: tuple[str, ...] = ()  # jq; what they name is written as it is live
    legacy: str = ""  # one more manager that is taken over
    held: tuple[FieldPath, ...] = ()  # fields that stay as they are live: others keep writing them
    extra: tuple[FieldPath, ...] = ()  # fields that people or tools have added, and that go

    @property
    def spares(self) -> bool:
        return bool(self.spare or self.spare_managers or self.spare_expressions or self.held)


PLAIN = Write()


@dataclass(frozen=True, slots=True)
class Apply:
    """One server-side apply of a target in apply form, forced; takes over first where `takeover`."""

    key: ResourceKey
    manifest: Manifest
    target: TargetHash  # of this one object
    takeover: bool = False  # take over legacy managers in a write of its own first (D6)
    how: Write = PLAIN


@dataclass(frozen=True, slots=True)
class DryRun:
    """Ask whether the server would take an object: nothing is written."""

    key: ResourceKey
    manifest: Manifest
    validate: bool = True
    lacks_another: bool = False  # it names an object that the same sync makes, and that is not there yet


@dataclass(frozen=True, slots=True)
class CreateNamespace:
    """Create the destination namespace where it is missing; an existing one is left as it is but for `metadata`."""

    name: str
    metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # labels and annotations that we keep on it
    manager: str = "gitopsd-namespace"  # whose field manager keeps them

    @property
    def key(self) -> ResourceKey:
        return ResourceKey("", "Namespace", "", self.name)


@dataclass(frozen=True, slots=True)
class Prune:
    """One delete that carries what was compared: only the very state we saw may go."""

    key: ResourceKey
    uid: Uid
    resource_version: ResourceVersion
    propagation: str = "Foreground"  # Foreground | Background | Orphan


@dataclass(frozen=True, slots=True)
class Release:
    """Let go of a hook's object: our finalizer comes off; with `delete` it is deleted, with what it has made."""

    key: ResourceKey
    uid: Uid
    delete: bool = False


Command = Apply | DryRun | CreateNamespace | Prune | Release


@dataclass(frozen=True, slots=True)
class Accepted:
    """The API server did it."""

    key: ResourceKey
    changed: bool  # the write moved the resourceVersion
    resource_version: ResourceVersion | None = None  # None: the object is gone
    view: ViewHash | None = None  # owned view after an apply
    message: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """The API server said no; a result, not an exception."""

    key: ResourceKey
    code: int  # HTTP status
    message: str  # the server's words, Secret values masked
    retryable: bool  # 409, 429, most 5xx, time-outs: the same command may succeed later
    remedy: str = ""
    lacks_another: bool = False  # perhaps for want of an object that the same sync makes
    by_live: bool = False  # it would be taken as new: something of the live object is in the way


Applied = Accepted | Refused


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a dry-run apply answered: the live object as it would be."""

    live: Manifest
    takes: tuple[FieldPath, ...] = ()  # what goes beside: Git does not set it, and it is taken from who did
    blocked: bool = False  # beside that, the server takes nothing of it: so live is not as Git says


@dataclass(frozen=True, slots=True)
class Inapplicable:
    """The dry run was refused."""

    code: int
    message: str
    kind: str  # "invalid" (4xx, or a 500 that cannot type the patch) | "forbidden" (RBAC) | "no-dry-run" (webhook)


Answer = Predicted | Inapplicable  # no answer is an exception: Retryable


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object and the version at which it is to be read or written."""

    key: ResourceKey
    gvk: GVK
