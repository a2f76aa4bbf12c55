"""Which version of a kind a list or a watch asks for, and what may not be asked for together."""

from __future__ import annotations

from collections.abc import Mapping

from gitopsd.sim.answers import Invalid, Resource, bad_request, invalid

NOT_OLDER = "NotOlderThan"
EXACT = "Exact"
_MATCH = "resourceVersionMatch"
_FORBIDDEN = "FieldValueForbidden"
_KIND = Resource("meta.k8s.io", "listoptions", "ListOptions")


def version_of(query: Mapping[str, str]) -> int:
    """Return the version that is asked for, 0 where none is.

    Raises:
        Refusal: 400, it is no number.
    """
    text = query.get("resourceVersion") or ""
    if text and not text.isdecimal():
        raise bad_request(f"invalid resource version: resourceVersion: Invalid value: {text!r}")
    return int(text or 0)


def check_list(query: Mapping[str, str]) -> None:
    """Refuse with 422 what may not be asked of a list."""
    match, version = query.get(_MATCH), query.get("resourceVersion")
    if "sendInitialEvents" in query:
        raise _invalid("sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list")
    if not match:
        return
    if not version:
        raise _invalid(_MATCH, "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided")
    if query.get("continue"):
        raise _invalid(_MATCH, "Forbidden: resourceVersionMatch is forbidden for continue")
    if match not in (NOT_OLDER, EXACT):
        supported = f'supported values: "{EXACT}", "{NOT_OLDER}", ""'
        raise _invalid(_MATCH, f'Unsupported value: "{match}": {supported}', "FieldValueNotSupported")
    if match == EXACT and version == "0":
        raise _invalid(_MATCH, 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"')


def check_watch(query: Mapping[str, str]) -> None:
    """Refuse with 422 what may not be asked of a watch."""
    match = query.get(_MATCH)
    if "sendInitialEvents" in query:
        if match != NOT_OLDER:
            reason = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            raise _invalid(_MATCH, reason)
    elif match:
        reason = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        raise _invalid(_MATCH, reason)


def _invalid(field: str, message: str, reason: str = _FORBIDDEN) -> Exception:
    return invalid(_KIND, "", [Invalid(field, message, reason)])
