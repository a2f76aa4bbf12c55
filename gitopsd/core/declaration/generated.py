"""What an ApplicationSet generates: one Application for each element of its lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitopsd.core.declaration.destination import ARGO_GROUP, is_declaration
from gitopsd.core.declaration.fields import Fields, Warnings
from gitopsd.errors import InvalidDeclaration, NotSupported

MOST_CHARACTERS = 32 * 1024 * 1024  # that one source's sets generate together, each node counted as one more
VERSION = f"{ARGO_GROUP}/v1alpha1"
FINALIZER = "resources-finalizer.argocd.argoproj.io"
KIND = "ApplicationSet"
METADATA = ("name", "labels", "annotations", "finalizers")
# What Go trims: Python's strip would take the separators U+001C to U+001F as well.
SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
SPEC = frozenset({"generators", "template", "syncPolicy", "goTemplate", "goTemplateOptions", "applyNestedSelectors"})
SYNC_POLICY = frozenset({"applicationsSync", "preserveResourcesOnDeletion"})


@dataclass(frozen=True, slots=True)
class Generated:
    """The documents of a source with each ApplicationSet replaced by the applications that it generates."""

    manifests: tuple[Any, ...]
    origins: tuple[str, ...]  # of each; a set's own for what it generates
    faults: tuple[str, ...]  # of sets and elements: while there is one, what is missing is not known to be gone
    unsupported: tuple[str, ...] = ()  # sets that ask for what is not done: as far as is known they made nothing


def is_set(document: Any) -> bool:
    """Tell whether a document is an ApplicationSet."""
    return isinstance(document, Mapping) and is_declaration(document) and document["kind"] == KIND


def is_generated(manifest: Mapping[str, Any]) -> bool:
    """Tell whether an Application is one that a set has generated."""
    owners = manifest.get("metadata", {}).get("ownerReferences")
    return isinstance(owners, list) and any(
        isinstance(owner, Mapping) and owner.get("kind") == KIND for owner in owners
    )


def generate(manifests: Sequence[Any], origins: Sequence[str]) -> Generated:
    """Return what the documents of one source declare once its ApplicationSets have generated theirs.

    A set that cannot be read generates nothing, an element that cannot be rendered is passed over, and a name that a
    set and anything else want is nobody's: each is a fault. What is generated names its set as its owner.
    """
    documents: list[tuple[Any, str, bool]] = []  # document, origin, generated
    faults: list[str] = []
    unsupported: list[str] = []
    renderer = _Renderer(MOST_CHARACTERS)
    for document, origin in zip(manifests, origins, strict=True):
        if not is_set(document):
            documents.append((document, origin, False))
            continue
        try:
            for app in _applications(document, renderer):
                if isinstance(app, InvalidDeclaration):
                    faults.append(f"{origin}: {app}")
                else:
                    documents.append((app, origin, True))
        except InvalidDeclaration as err:
            faults.append(f"{origin}: {err}")
        except NotSupported as err:
            unsupported.append(f"{origin}: {err}")
    wanted = Counter(_name(document) for document, _, _ in documents)
    contested = {_name(document) for document, _, made in documents if made and wanted[_name(document)] > 1}
    for document, origin, _ in documents:
        if _name(document) in contested:
            faults.append(f"{origin}: Application {_name(document)} is declared more than once; give each its own name")
    kept = [(document, origin) for document, origin, _ in documents if _name(document) not in contested]
    return Generated(
        tuple(each for each, _ in kept), tuple(origin for _, origin in kept), tuple(faults), tuple(unsupported)
    )


def _name(document: Any) -> str:
    """Return the name of an Application; "" of anything else."""
    if not isinstance(document, Mapping) or not is_declaration(document) or document["kind"] != "Application":
        return ""
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return name if isinstance(name, str) else ""


def _applications(document: Mapping[str, Any], renderer: _Renderer) -> Iterator[dict[str, Any] | InvalidDeclaration]:
    if document["apiVersion"] != VERSION:
        raise InvalidDeclaration(f".apiVersion is {document['apiVersion'][:80]}", remedy=f"write {VERSION}")
    root = Fields(document, "", Warnings())
    metadata, spec = root.mapping("metadata"), root.mapping("spec")
    if metadata is None or spec is None:
        raise root.refuse("metadata or .spec", "is missing", "write both")
    _only(spec, SPEC)
    if spec.flag("goTemplate"):
        raise NotSupported(".spec.goTemplate is not supported yet", remedy="write {{name}} without goTemplate")
    policy = Fields(spec.raw("syncPolicy"), ".spec.syncPolicy", spec.warnings)
    _only(policy, SYNC_POLICY)
    if policy.text("applicationsSync", "sync") != "sync":
        raise NotSupported(".spec.syncPolicy.applicationsSync is not supported yet", remedy="leave it out")
    cascade = not policy.flag("preserveResourcesOnDeletion")
    template = _template(spec, metadata)
    elements = [element for generator in spec.mappings("generators") or () for element in _elements(generator)]
    if not elements:
        raise spec.refuse(
            "generators", "generate nothing, which is taken for a fault", "remove the set, or write elements"
        )
    for element in elements:
        try:
            parameters = _parameters(element)
        except InvalidDeclaration as err:
            yield err
        else:
            yield _application(template, parameters, renderer, cascade=cascade)


def _template(spec: Fields, of_set: Fields) -> dict[str, Any]:
    template = spec.mapping("template")
    if template is None:
        raise spec.refuse("template", "is missing", "write the Application to generate")
    metadata = template.raw("metadata")
    kept = {field: metadata[field] for field in METADATA if metadata.get(field) is not None}
    if namespace := of_set.text("namespace"):
        kept["namespace"] = namespace  # the set's, whatever the template says, as with Argo CD
    kept["ownerReferences"] = [{"apiVersion": VERSION, "kind": KIND, "name": of_set.text("name")}]
    return {"apiVersion": VERSION, "kind": "Application", "metadata": kept, "spec": template.raw("spec")}


def _elements(generator: Fields) -> Sequence[Fields]:
    _only(generator, frozenset({"list"}))
    elements = generator.mapping("list")
    if elements is None:
        raise generator.refuse("", "is empty", "write `list:` with elements")
    _only(elements, frozenset({"elements"}))
    return elements.mappings("elements") or ()


def _parameters(element: Fields) -> dict[str, str]:
    """Return an element's parameters: strings, and those below `values` as `values.<name>`."""
    parameters = {f"values.{name}": value for name, value in element.text_map("values").items()}
    written: Mapping[Any, Any] = element.value()  # YAML has keys that are no strings
    for name in written:
        if not isinstance(name, str) or not element.has(name):
            raise element.refuse(str(name)[:80], "is no string with a value", "put both in quotes")
        if name != "values":
            parameters[name] = element.text(name)
    return parameters


def _application(
    template: Mapping[str, Any], parameters: Mapping[str, str], renderer: _Renderer, *, cascade: bool
) -> dict[str, Any] | InvalidDeclaration:
    if not parameters:
        return dict(template)  # as it is, and without a finalizer, as Argo CD does
    try:
        app: dict[str, Any] = renderer.rendered(template, parameters)
    except _Unclosed as err:
        return InvalidDeclaration(f".spec.template: {err}", remedy="close every {{ with }}")
    except RecursionError:
        return InvalidDeclaration(".spec.template is nested too deep", remedy="nest it less")
    if cascade and not app["metadata"].get("finalizers"):
        app["metadata"]["finalizers"] = [FINALIZER]
    return app


def _only(fields: Fields, known: frozenset[str]) -> None:
    """Raise NotSupported where a field asks for what is not done: to pass over it would generate something else."""
    for name in fields.value():
        if name not in known and fields.has(name):
            raise NotSupported(
                f"{fields.path}.{str(name)[:80]} is not supported yet",
                remedy=f"of an ApplicationSet there are {', '.join(sorted(known))} at this place",
            )


def _is_templated(text: str) -> bool:
    """Tell whether a line of `text` has `{{` and then `}}`, which is what Argo CD looks for."""
    for line in text.split("\n"):
        begin = line.find("{{")
        if begin >= 0 and line.find("}}", begin + 2) >= 0:
            return True
    return False


class _Unclosed(Exception):
    """A tag has no end."""


class _Renderer:
    """Renders templates as Argo CD's fasttemplate does, up to a number of characters."""

    def __init__(self, characters: int) -> None:
        self._characters = characters

    def rendered(self, value: Any, parameters: Mapping[str, str]) -> Any:
        """Return `value` with every string and key rendered; fields that are null are left out."""
        self._spend(1)
        if isinstance(value, str):
            return self._text(value, parameters)
        if isinstance(value, Mapping):
            return {
                self.rendered(key, parameters): self.rendered(item, parameters)
                for key, item in value.items()
                if item is not None
            }
        if isinstance(value, list):
            return [self.rendered(item, parameters) for item in value]
        return value

    def _text(self, text: str, parameters: Mapping[str, str]) -> str:
        if not _is_templated(text):
            self._spend(len(text))
            return text
        parts, rest = [], text
        while "{{" in rest:
            before, _, rest = rest.partition("{{")
            tag, end, rest = rest.partition("}}")
            if not end:
                raise _Unclosed("a {{ has no }}")
            name, unknown = tag.strip(SPACE), "{{" + tag + "}}"
            parts += [before, parameters.get(name, unknown) if name else unknown]
            self._spend(len(before) + len(parts[-1]))
        self._spend(len(rest))
        return "".join((*parts, rest))

    def _spend(self, characters: int) -> None:
        self._characters -= characters
        if self._characters < 0:
            raise InvalidDeclaration(
                f"the ApplicationSets of this source generate more than {MOST_CHARACTERS} characters",
                remedy="generate fewer applications, or split the source",
            )
