"""What one reading of a declaration source changes: whom it declares, whom it lets go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import orjson

from gitopsd.core.declaration import declared, is_declaration
from gitopsd.core.declaration.destination import ARGO_GROUP
from gitopsd.core.declaration.generated import generate, is_generated
from gitopsd.core.text.lists import first_of
from gitopsd.errors import InvalidDeclaration, NotSupported
from gitopsd.model.application import Application, Origin
from gitopsd.model.project import AppProject
from gitopsd.model.status import Condition

Declared = Application | AppProject

SHOWN = 5  # names in one warning


class DeclarationKey(NamedTuple):
    kind: str  # "Application" | "AppProject"
    name: str


@dataclass(frozen=True, slots=True)
class Documents:
    """What was read of a declaration source."""

    source: str
    manifests: Sequence[Any]
    origins: Sequence[str]  # `file:line` of each
    complete: bool  # everything was read, and nothing was broken
    prune: bool  # what is no longer declared may go


@dataclass(frozen=True, slots=True)
class DeclarationReading:
    """What a source says now, beside what it said before."""

    declared: Mapping[DeclarationKey, Declared]  # everything it declares now, in its order
    changed: frozenset[DeclarationKey]  # of `declared`: new, or not as before
    gone: frozenset[DeclarationKey]  # to be removed
    warnings: tuple[str, ...]


def read_source(read: Documents, before: Mapping[DeclarationKey, Declared]) -> DeclarationReading:
    """Return what the documents just read change at a source that declared `before`.

    One document that is broken touches no other, and stays as it was before. What is missing goes only if `prune`,
    and everything was read, nothing was broken, and there was something: an empty answer is no answer.
    """
    declared: dict[DeclarationKey, Declared] = {}
    generated = generate(read.manifests, read.origins)
    warnings = [*generated.faults, *generated.unsupported]
    made = any(is_generated(declared.manifest) for declared in before.values())
    broken = not read.complete or bool(generated.faults or (generated.unsupported and made))
    for document, origin in zip(generated.manifests, generated.origins, strict=True):
        try:
            key, value = _declared(document, _origin(read.source, origin), before)
        except NotSupported as err:
            warnings.append(f"{origin}: {err}")
        except InvalidDeclaration as err:
            warnings.append(f"{origin}: {err}")
            broken = broken or may_declare(document)
        else:
            if key in declared:
                first = declared[key].origin
                warnings.append(
                    f"{origin}: {key.kind} {key.name} is declared at {first} already; remove one of the two"
                )
            declared.setdefault(key, value)
    lost = frozenset(before.keys() - declared.keys())
    gone = lost if read.prune and not broken and read.manifests else frozenset()
    if lost and not gone:
        warnings.append(_kept(read, lost, broken=broken))
    changed = frozenset(key for key, value in declared.items() if before.get(key) is not value)
    return DeclarationReading(declared, changed, gone, tuple(warnings))


def twice(key: DeclarationKey, origin: object, holder: Declared) -> str:
    """Return the warning about a declaration without effect: `holder` was there before it."""
    return f"{origin}: {key.kind} {key.name} is declared at {holder.origin} already; remove one of the two"


def holder_of(sources: Mapping[str, Declared]) -> Declared | None:
    """Return which of several declarations of one name counts: Git's goes before the API's.

    In Git an operator's source goes before applications; of two that are alike in that, the one that was there first.
    """
    if len(sources) == 1:
        return next(iter(sources.values()))
    return min(sources.values(), key=lambda each: (each.origin.of_api, each.origin.parent is not None), default=None)


def contested(sources: Mapping[str, Declared]) -> tuple[Condition, ...]:
    """Return a condition for who holds a name, where others declare something else under it in vain."""
    holder = holder_of(sources)
    others = [declared for declared in sources.values() if holder is not None and declared.manifest != holder.manifest]
    if not others:
        return ()
    where = first_of([declared.origin for declared in others], SHOWN)
    what = f"it is declared otherwise, without effect, at {where}"
    return (Condition("RepeatedResourceWarning", what, "remove all but one"),)


def same(one: Declared | None, other: Declared | None) -> bool:
    """Tell whether two declarations say the same, wherever in its source each one stands."""
    if one is None or other is None:
        return one is other
    return one is other or (one.origin.source == other.origin.source and one.manifest == other.manifest)


def may_declare(document: Any) -> bool:
    """Tell whether a document that could not be read may have been meant as a declaration."""
    if not isinstance(document, Mapping):
        return True
    version = document.get("apiVersion")
    return not isinstance(version, str) or version.startswith(f"{ARGO_GROUP}/")


def _declared(
    document: Any, origin: Origin, before: Mapping[DeclarationKey, Declared]
) -> tuple[DeclarationKey, Declared]:
    same = _same(document, before)
    if same is not None:
        key, value = same
        return key, value if value.origin == origin else replace(value, origin=origin)
    value = declared(document, origin)
    try:
        orjson.dumps(document)
    except (TypeError, ValueError, RecursionError) as err:
        raise InvalidDeclaration(
            f"the document cannot be written as JSON: {err}",
            remedy="write plain text, numbers of 64 bits, less nesting",
        ) from err
    return DeclarationKey(str(document["kind"]), str(value.name)), value


def _same(document: Any, before: Mapping[DeclarationKey, Declared]) -> tuple[DeclarationKey, Declared] | None:
    """Return the declaration as it was, where the manifest is: comparing costs a tenth of reading it again."""
    if not isinstance(document, Mapping) or not is_declaration(document):
        return None
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if not isinstance(name, str):
        return None
    key = DeclarationKey(document["kind"], name)
    value = before.get(key)
    return (key, value) if value is not None and value.manifest == document else None


def _origin(source: str, text: str) -> Origin:
    file, _, line = text.rpartition(":")
    return Origin(source, file, int(line)) if file and line.isascii() and line.isdigit() else Origin(source, text)


def _kept(read: Documents, lost: frozenset[DeclarationKey], *, broken: bool) -> str:
    names = first_of([key.name for key in sorted(lost)], SHOWN)
    if not read.prune:
        reason = "its declarations are not pruned; delete them with `gitopsd app delete`"
    elif broken:
        reason = "not everything could be read; mend what is reported above"
    else:
        reason = "nothing at all was found, which is taken for a fault; delete the last ones with `gitopsd app delete`"
    return f"{read.source}: {names} no longer declared there, but kept: {reason}"
