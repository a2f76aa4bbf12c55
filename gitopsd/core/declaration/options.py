"""Sync options, annotations and finalizers: what of them has an effect, and a warning for what has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gitopsd.core.declaration.fields import Fields, Warnings
from gitopsd.core.suggest import did_you_mean
from gitopsd.errors import InvalidDeclaration
from gitopsd.model.application import Mode

ARGOCD = "argocd.argoproj.io/"
OURS = "gitopsd.io/"
MODE = OURS + "mode"
ADOPT = OURS + "adopt"
SKIP_RECONCILE = ARGOCD + "skip-reconcile"
CASCADE = "resources-finalizer.argocd.argoproj.io"
CASCADES = frozenset({CASCADE, f"{CASCADE}/foreground", f"{CASCADE}/background"})

# name → (the values that are done, what holds instead where the value is another)
SYNC_OPTIONS: Mapping[str, tuple[frozenset[str], str]] = {
    "CreateNamespace": (frozenset({"true", "false"}), "write true or false"),
    "ServerSideApply": (frozenset({"true"}), "gitopsd always applies on the server's side"),
    "ApplyOutOfSyncOnly": (frozenset({"true"}), "gitopsd writes only what is out of sync"),
    "Validate": (frozenset({"true"}), "the API server always validates"),
    "Replace": (frozenset({"false"}), "not supported yet: objects are applied, never replaced"),
    "Force": (frozenset({"false"}), "not supported yet: objects are never deleted to be made anew"),
    "ClientSideApplyMigration": (frozenset({"true"}), "not supported yet: fields of kubectl apply are taken over"),
    "SkipDryRunOnMissingResource": (frozenset({"true", "false"}), "write true or false"),
    "Prune": (
        frozenset({"true"}),
        "not supported yet at this level: leave spec.syncPolicy.automated.prune out instead",
    ),
    "Delete": (frozenset({"true"}), "not supported yet: leave the resources finalizer out to keep the objects"),
    "PruneLast": (frozenset({"false"}), "not supported yet: prunes come after the applies of their wave"),
    "PrunePropagationPolicy": (frozenset({"foreground"}), "not supported yet: prunes are in the foreground"),
    "RespectIgnoreDifferences": (frozenset({"false"}), "not supported yet"),
    "FailOnSharedResource": (frozenset({"true"}), "an object that two applications want is applied by neither"),
}

# Understood, and needing nothing of us: Argo CD's caches and pages.
SILENT = frozenset({"manifest-generate-paths", "refresh", "refresh-timestamp", "managed-by-url", "tracking-id"})
NOT_YET = {
    "compare-options": "no comparison option has an effect",
    "sync-options": "options of the Application object itself have no effect",
    "sync-wave": "applications of one parent are declared at once, in no order",
    "hook": "an Application is never run as a hook",
}


def sync_options(texts: Iterable[str], path: str, warnings: Warnings) -> dict[str, str]:
    """Return the options as name → value; one that is unknown or not done is kept, and reported."""
    options: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name, value = name.strip(), value.strip()
        fault = _option_fault(name, value) if equals else "is not written Name=value and has no effect"
        if fault:
            warnings.add(f"{path}: {text[:80]} {fault}")
        if name in options and options[name] != value:
            warnings.add(f"{path}: {name} is given twice, the last one counts")
        if equals:
            options[name] = value
    return options


def _option_fault(name: str, value: str) -> str:
    if name not in SYNC_OPTIONS:
        return ("is unknown and has no effect; " + did_you_mean(name, SYNC_OPTIONS)).rstrip("; ")
    done, instead = SYNC_OPTIONS[name]
    return "" if value in done else f"has no effect: {instead}"


def cascades(finalizers: Iterable[str], warnings: Warnings) -> bool:
    """Tell whether the resources finalizer is there: deleting the application then deletes its objects."""
    found = False
    for finalizer in finalizers:
        if finalizer in CASCADES:
            found = True
        else:
            warnings.add(f".metadata.finalizers: {finalizer[:80]} has no effect; only {CASCADE} is acted upon")
    return found


def mode(annotations: Mapping[str, str]) -> Mode:
    """Return what gitopsd.io/mode asks for. A word it does not know is refused: it may have meant "observe"."""
    text = annotations.get(MODE, Mode.ENFORCE.value)
    try:
        return Mode(text)
    except ValueError:
        raise InvalidDeclaration(
            f".metadata.annotations[{MODE}] is {text[:80]!r}", remedy="write enforce or observe"
        ) from None


def switch(annotations: Mapping[str, str], name: str) -> bool:
    """Return the value of an annotation that is "true" or "false"; false where it is absent."""
    text = annotations.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidDeclaration(
            f".metadata.annotations[{name}] is {text[:80]!r}", remedy='write "true" or "false", in quotes'
        )
    return text == "true"


def check_annotations(annotations: Mapping[str, str], known: frozenset[str], warnings: Warnings) -> None:
    """Report annotations of our own or of Argo CD's name space that have no effect here."""
    for name in sorted(annotations):
        if name in known:
            continue
        if name.startswith(OURS) and name != OURS + "tracking-id":
            hint = did_you_mean(name, known)
            warnings.add(f".metadata.annotations: {name[:80]} is unknown; {hint}".rstrip("; "))
        short = name.removeprefix(ARGOCD)
        if name.startswith(ARGOCD) and short not in SILENT:
            warnings.add(f".metadata.annotations: {name[:80]} has no effect: {NOT_YET.get(short, 'not supported yet')}")


def metadata_of(document: Fields) -> Fields:
    """Return the metadata of a declaration, with what only a server writes taken for known."""
    metadata = document.mapping("metadata")
    if metadata is None:
        raise document.refuse("metadata", "is missing", "write metadata.name")
    metadata.ignore("namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
    metadata.ignore("selfLink", "ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName")
    return metadata
