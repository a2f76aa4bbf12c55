"""Sync options, annotations and finalizers: what of them has an effect, and a warning for what has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gitopsd.core.declaration.fields import SHOWN, Fields, Warnings
from gitopsd.core.target.sync_options import (
    COMPARE_OPTIONS,
    EXTRA_FIELDS,
    INHERENT,
    SETS,
    extra_fields_of,
    listed,
    parse_options,
)
from gitopsd.core.text.suggest import did_you_mean
from gitopsd.errors import InvalidDeclaration
from gitopsd.model.application import ExtraFields, Mode

ARGOCD = "argocd.argoproj.io/"
OURS = "gitopsd.io/"
DECLARES_FOR = OURS + "declares-for"
DECLARES_PROJECTS = OURS + "declares-projects"
MODE = OURS + "mode"
ADOPT = OURS + "adopt"
SKIP_RECONCILE = ARGOCD + "skip-reconcile"
MUTATIONS = "IncludeMutationWebhook"
INHERENT_COMPARE = ("ServerSideDiff",)  # comparing is always by the server
DECRYPT = OURS + "decrypt"
CASCADE = "resources-finalizer.argocd.argoproj.io"
CASCADES = {CASCADE: "", f"{CASCADE}/foreground": "Foreground", f"{CASCADE}/background": "Background"}
# Argo CD's own, on applications that it knows: the hooks are run without them.
HOOKS = frozenset(
    f"{when}-delete-finalizer.argocd.argoproj.io{step}" for when in ("pre", "post") for step in ("", "/cleanup")
)

# Understood, and needing nothing of us: Argo CD's caches and pages.
SILENT = frozenset({"manifest-generate-paths", "refresh", "refresh-timestamp", "managed-by-url", "tracking-id"})
NOT_YET = {
    "sync-options": "options of the Application object itself have no effect",
    "sync-wave": "applications of one parent are declared at once, in no order",
    "hook": "an Application is never run as a hook",
}


def sync_options(texts: Iterable[str], path: str, subject: str, warnings: Warnings) -> dict[str, str]:
    """Return the options as name → value; one that has no effect is kept, and reported as `subject`'s."""
    options: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            warnings.add(f"{path}: {text[:SHOWN]} is not written Name=value and has no effect")
            continue
        if options.setdefault(name, value) != value:
            warnings.add(f"{path}: {name[:SHOWN]} is given twice, the last one counts")
        options[name] = value
        if name not in SETS and name not in INHERENT and (hint := did_you_mean(name, (*SETS, *INHERENT))):
            warnings.add(f"{path}: {name} is unknown; {hint}")
    for warning in parse_options(options, subject=subject)[1]:
        warnings.add(warning)
    return options


def cascades(finalizers: Iterable[str], warnings: Warnings) -> str | None:
    """Return how the application's objects are deleted with it; "" as its options say, None: they stay."""
    cascade: str | None = None
    for finalizer in finalizers:
        if finalizer in CASCADES:
            cascade = CASCADES[finalizer]
        elif finalizer not in HOOKS:
            warnings.add(f".metadata.finalizers: {finalizer[:SHOWN]} has no effect; only {CASCADE} is acted upon")
    return cascade


def mode(annotations: Mapping[str, str]) -> Mode:
    """Return what gitopsd.io/mode asks for. A word it does not know is refused: it may have meant "observe"."""
    text = annotations.get(MODE, Mode.ENFORCE.value)
    try:
        return Mode(text)
    except ValueError:
        raise InvalidDeclaration(
            f".metadata.annotations[{MODE}] is {text[:SHOWN]!r}", remedy="write enforce or observe"
        ) from None


def extra_fields(annotations: Mapping[str, str]) -> ExtraFields:
    """Return what gitopsd.io/extra-fields asks for. A word it does not know is refused."""
    choice = extra_fields_of({EXTRA_FIELDS: ExtraFields.IGNORE.value, **annotations})
    if choice is None:
        text = annotations[EXTRA_FIELDS]
        raise InvalidDeclaration(
            f".metadata.annotations[{EXTRA_FIELDS}] is {text[:SHOWN]!r}", remedy="write show, heal or ignore"
        )
    return choice


def decrypt(annotations: Mapping[str, str]) -> str:
    """Return by what files are to be decrypted, "" where nobody asks. A word it does not know is refused."""
    text = annotations.get(DECRYPT, "")
    if text not in ("", "sops"):
        raise InvalidDeclaration(f".metadata.annotations[{DECRYPT}] is {text[:SHOWN]!r}", remedy="write sops")
    return text


def switch(annotations: Mapping[str, str], name: str) -> bool:
    """Return the value of an annotation that is "true" or "false"; false where it is absent."""
    text = annotations.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidDeclaration(
            f".metadata.annotations[{name}] is {text[:SHOWN]!r}", remedy='write "true" or "false", in quotes'
        )
    return text == "true"


def include_mutations(annotations: Mapping[str, str], warnings: Warnings) -> bool:
    """Tell whether what webhooks and policies would make of an object counts when it is compared."""
    options = listed(annotations.get(COMPARE_OPTIONS) or "")
    for name, value in options.items():
        if name not in (MUTATIONS, *INHERENT_COMPARE) or (name in INHERENT_COMPARE and value != "true"):
            warnings.add(f".metadata.annotations: {COMPARE_OPTIONS} {name[:SHOWN]}={value[:SHOWN]} has no effect")
    return options.get(MUTATIONS) == "true"


def check_annotations(annotations: Mapping[str, str], names: frozenset[str], warnings: Warnings) -> None:
    """Report annotations of our own or of Argo CD's name space that have no effect here."""
    for name in sorted(annotations):
        if name in names:
            continue
        if name.startswith(OURS) and name != OURS + "tracking-id":
            hint = did_you_mean(name, names)
            warnings.add(f".metadata.annotations: {name[:SHOWN]} is unknown; {hint}".rstrip("; "))
        short = name.removeprefix(ARGOCD)
        if name.startswith(ARGOCD) and short not in SILENT:
            warnings.add(
                f".metadata.annotations: {name[:SHOWN]} has no effect: {NOT_YET.get(short, 'not supported yet')}"
            )


def metadata_of(document: Fields) -> Fields:
    """Return the metadata of a declaration, with what only a server writes taken for known."""
    metadata = document.mapping("metadata")
    if metadata is None:
        raise document.refuse("metadata", "is missing", "write metadata.name")
    metadata.ignore("namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
    metadata.ignore("selfLink", "ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName")
    return metadata
