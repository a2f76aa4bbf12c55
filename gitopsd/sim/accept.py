"""Which form of an answer a client accepts: JSON, whole or of the metadata alone."""

from __future__ import annotations

from collections.abc import Iterator

from gitopsd.sim.answers import not_acceptable

PARTIAL, PARTIAL_LIST = "PartialObjectMetadata", "PartialObjectMetadataList"
FORMS = frozenset({PARTIAL, PARTIAL_LIST})
DISCOVERY = frozenset({"APIGroupDiscoveryList"})
_JSON = frozenset({"application/json", "*/*"})


def wants_metadata(accept: str, *, listing: bool) -> bool:
    """Tell whether metadata alone is asked for, by the best that `accept` has for us.

    Raises:
        Refusal: 406, it names nothing that we have, or the metadata of a list where there is one object.
    """
    form = form_of(accept, FORMS)
    if form and (form == PARTIAL_LIST) != listing:
        what = "is a list" if listing else "is not a list"
        raise not_acceptable(f"you requested {form}, but the requested object {what}")
    return bool(form)


def form_of(accept: str, forms: frozenset[str]) -> str:
    """Return which of `forms` is asked for, "" for plain JSON.

    Raises:
        Refusal: 406, `accept` names nothing that we have.
    """
    for media_type, form in _clauses(accept):
        if media_type in _JSON and (not form or form in forms):
            return form
    raise not_acceptable("only the following media types are accepted: application/json")


def _clauses(accept: str) -> Iterator[tuple[str, str]]:
    """Yield media types and what they are to be shown `as`, the best first."""
    clauses = []
    for clause in (accept or "*/*").split(","):
        media_type, *rest = (part.strip() for part in clause.split(";"))
        parameters = dict(part.partition("=")[::2] for part in rest)
        clauses.append((-_weight(parameters.get("q", "1")), media_type, parameters.get("as", "")))
    for _, media_type, form in sorted(clauses, key=lambda clause: clause[0]):
        yield media_type, form


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0
