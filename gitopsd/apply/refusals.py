"""What an API server's no means: may the same succeed later, who has to act, and in words that leak nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gitopsd.errors import ClusterUnreachable
from gitopsd.kube.client import KubeClient, Reply
from gitopsd.model.command import Inapplicable, Refused
from gitopsd.model.manifest import ResourceKey

# What a server tells by a sentence alone: these have the code, the reason and the details of other refusals. They are
# those of Kubernetes 1.36; tests/contract/test_sentences.py has a real server say each, and fails where it says it
# otherwise.
#
# Of a 500 without a reason, as a store that gives up has it, too: the manifest does not fit the kind's schema (an
# unknown field, a text for a number, a name twice), or its values not the kind's types (a quantity, base64, a time).
# A conversion webhook that fails says "convert" as well.
UNTYPED = re.compile(r"failed to (create typed|convert new) (?!.*conversion webhook)")
# Of a 403 with the reason "Forbidden", as admission, quotas and Pod security have it, too: we lack a right.
BY_RBAC = re.compile(r' is forbidden: User "[^"]*" cannot [a-z:-]+ resource ')
# Of a 400 with the reason "BadRequest", as all that cannot be read has it, too: a webhook has effects beside its
# answer. No server since 1.22 takes the configuration of such a one; one that was stored before may still be there.
NO_DRY_RUN = "does not support dry run"

FORBIDDEN, NOT_FOUND, FAULT = 403, 404, 500
BAD_REQUEST, INTERNAL_ERROR = "BadRequest", "InternalError"  # reasons
RETRYABLE = frozenset({408, 409, 429, 500, 502, 503, 504})
REMEDIES = {
    400: "mend the manifest in Git",
    403: "change what forbids it, or the manifest in Git",
    404: "create the namespace (CreateNamespace=true), or install the kind's CRD",
    405: "the kind cannot be written: remove it from Git",
    409: "nothing: it is tried again",
    413: "make the object smaller",
    422: "mend the manifest in Git",
    429: "nothing: it is tried again when the server has room",
}


def refused(key: ResourceKey, reply: Reply) -> Refused:
    """Return `reply`, a status of 400 or more, as the result of a command on `key`."""
    untyped = _is_untyped(reply)
    return Refused(
        key,
        reply.code,
        message_of(key, reply),
        retryable=not untyped and (reply.code in RETRYABLE or _in_ending_namespace(reply)),
        remedy=_remedy(reply, untyped=untyped),
    )


def inapplicable(key: ResourceKey, reply: Reply) -> Inapplicable | None:
    """Return `reply` as the refusal of a dry run on `key`; None where it says nothing of the manifest."""
    if reply.reason == BAD_REQUEST and NO_DRY_RUN in reply.message:
        kind = "no-dry-run"
    elif by_rbac(reply):
        kind = "forbidden"
    elif _is_untyped(reply) or (reply.code not in RETRYABLE and not _in_ending_namespace(reply)):
        kind = "invalid"
    else:
        return None
    return Inapplicable(reply.code, message_of(key, reply), kind)


def unanswered(client: KubeClient, key: ResourceKey, reply: Reply) -> Inapplicable:
    """Return `reply` as the refusal of a dry run on `key`; raise ClusterUnreachable where it says nothing of it."""
    refusal = inapplicable(key, reply)
    if refusal is None:
        no = refused(key, reply)
        raise ClusterUnreachable(
            f"cluster {client.name}: no dry run of {key} ({no.code}): {no.message}", remedy=no.remedy
        )
    return refusal


def fields_named(reply: Reply) -> tuple[str, ...]:
    """Return the fields that a refusal names as its causes, as they are: nothing to be shown."""
    return tuple(dict.fromkeys(_causes(reply, "field")))


def fields_shown(reply: Reply) -> tuple[str, ...]:
    """Return those of them that can hold no value, sorted."""
    return tuple(sorted({field for field in fields_named(reply) if _is_field(field)}))


def by_rbac(reply: Reply) -> bool:
    """Tell whether `reply` says that our user lacks a right; admission and quotas answer 403 as well."""
    return reply.code == FORBIDDEN and BY_RBAC.search(reply.message) is not None


def for_want_of_another(reply: Reply) -> bool:
    """Tell whether `reply` may say that an object that the manifest names is not there.

    Admission says it of a Pod as Forbidden, and a right's grant of a binding as NotFound.
    """
    return reply.code in (FORBIDDEN, NOT_FOUND) and not by_rbac(reply)


def message_of(key: ResourceKey, reply: Reply) -> str:
    """Return the server's words; of a Secret only those that cannot hold a value of it.

    A server quotes what it could not read ("expected string, got 123"), and a webhook says what it likes. So of a
    Secret go on: the status, the reason, the fields that causes name, and the fixed sentence of a missing right.
    """
    if key.kind != "Secret" or key.group:
        return reply.message
    if by_rbac(reply):
        return reply.message
    causes = fields_shown(reply)
    fields = f" (fields: {', '.join(causes)})" if causes else ""
    what = "the manifest does not fit the kind's schema" if _is_untyped(reply) else reply.reason or f"HTTP {reply.code}"
    return f"Secret {key.name}: {what}{fields}; the server's words are withheld, for they may hold its values"


def _is_untyped(reply: Reply) -> bool:
    return reply.code == FAULT and not reply.reason and UNTYPED.search(reply.message) is not None


def _in_ending_namespace(reply: Reply) -> bool:
    return "NamespaceTerminating" in set(_causes(reply, "reason"))


def _details(reply: Reply) -> dict[str, Any]:
    details = reply.body.get("details") if isinstance(reply.body, dict) else None
    return details if isinstance(details, dict) else {}


def _causes(reply: Reply, name: str) -> Iterator[str]:
    causes = _details(reply).get("causes")
    for cause in causes if isinstance(causes, list) else ():
        if isinstance(cause, dict) and isinstance(cause.get(name), str):
            yield cause[name]


def _is_field(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z.]{1,60}(\[[-._A-Za-z0-9]{1,253}\])?", text) is not None


def _remedy(reply: Reply, *, untyped: bool) -> str:
    if untyped:
        return "mend the path that the server names, or set Replace=true"
    if by_rbac(reply):
        return "grant that user the right (config/rbac.yaml)"
    if _in_ending_namespace(reply):
        return "see what is left in the namespace (its conditions name it); it is tried again"
    if reply.reason == INTERNAL_ERROR:
        return "see to what it names, such as a webhook's service or its failurePolicy; it is tried again"
    if reply.code == NOT_FOUND and _details(reply).get("kind") not in (None, "namespaces"):
        return "create what it names first, or in the same sync"
    return REMEDIES.get(reply.code, "see the API server's log")
