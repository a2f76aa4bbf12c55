"""What the server answers when it refuses: metav1.Status, with Kubernetes' codes, reasons and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Resource:
    """What a refusal is about."""

    group: str
    plural: str
    kind: str

    @property
    def dotted(self) -> str:
        """`deployments.apps`, or `pods` for the core group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(
        self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None, retry_after_s: int = 0
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_s = retry_after_s
        self.status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            **({"reason": reason} if reason else {}),
            **({"details": dict(details)} if details else {}),
            "code": code,
        }


class Overload(Exception):
    """A server has too much to do, and says so in plain text before it looks at what is asked."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("Too many requests, please try again later.")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Invalid:
    """One invalid field."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"


def required(field: str, reason: str = "") -> Invalid:
    return Invalid(field, f"Required value{': ' + reason if reason else ''}", "FieldValueRequired")


def not_found(resource: Resource, name: str) -> Refusal:
    details = _about(resource, name)
    return Refusal(404, "NotFound", f'{resource.dotted} "{name}" not found', details)


def no_such_path() -> Refusal:
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: Resource, name: str) -> Refusal:
    return Refusal(409, "AlreadyExists", f'{resource.dotted} "{name}" already exists', _about(resource, name))


def conflict(resource: Resource, name: str, reason: str) -> Refusal:
    message = f'Operation cannot be fulfilled on {resource.dotted} "{name}": {reason}'
    return Refusal(409, "Conflict", message, _about(resource, name))


def stale(resource: Resource, name: str) -> Refusal:
    reason = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(resource, name, reason)


def precondition(resource: Resource, name: str, what: str, precondition_value: str, current: str) -> Refusal:
    reason = f"Precondition failed: {what} in precondition: {precondition_value}, {what} in object meta: {current}"
    return conflict(resource, name, reason)


def bad_request(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)


def invalid(resource: Resource, name: str, errors: Sequence[Invalid]) -> Refusal:
    causes = [{"reason": one.reason, "message": one.message, "field": one.field} for one in errors]
    listed = ", ".join(f"{one.field}: {one.message}" for one in errors)
    text = f"[{listed}]" if len(errors) > 1 else listed
    details = {"name": name, **_group(resource), "kind": resource.kind, "causes": causes}
    return Refusal(
        422,
        "Invalid",
        f'{resource.kind}{"." + resource.group if resource.group else ""} "{name}" is invalid: {text}',
        details,
    )


def forbidden(resource: Resource, name: str, reason: str, causes: Sequence[Mapping[str, str]] = ()) -> Refusal:
    subject = f'{resource.dotted} "{name}"' if name else resource.dotted
    details = {**_about(resource, name), **({"causes": list(causes)} if causes else {})}
    return Refusal(403, "Forbidden", f"{subject} is forbidden: {reason}", details)


def ending_kind(resource: Resource, name: str) -> Refusal:
    """Return the 403 for a new object of a kind whose definition is being deleted."""
    return forbidden(resource, name, "create not allowed while custom resource definition is terminating")


def unauthorized() -> Refusal:
    return Refusal(401, "Unauthorized", "Unauthorized")


def unpatchable(refusal: Refusal) -> Refusal:
    """Return the 422 for a patch that makes nothing, or nothing of the object's type."""
    return invalid(Resource("", "", ""), "", [Invalid("patch", f"Invalid value: {refusal}")])


def expired(message: str) -> Refusal:
    return Refusal(410, "Expired", message)


def too_large(version: int, now: int) -> Refusal:
    """Return the 504 for a version that is not reached yet."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {version}, current: {now}"
    return Refusal(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1}, retry_after_s=1)


def not_acceptable(message: str) -> Refusal:
    return Refusal(406, "NotAcceptable", message)


def unsupported(message: str) -> Refusal:
    return Refusal(415, "UnsupportedMediaType", message)


def untyped(message: str) -> Refusal:
    """Return the 500, which has no reason, for an apply that cannot be typed."""
    return Refusal(500, "", message)


def field_conflicts(causes: Sequence[tuple[str, str]]) -> Refusal:
    """Return the 409 of a server-side apply: (who owns it, field) for each field."""
    listed = [{"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": at} for who, at in causes]
    first = f"Apply failed with {len(causes)} conflict{'s' if len(causes) > 1 else ''}: "
    words = "; ".join(f"conflict with {who}: {at}" for who, at in causes)
    return Refusal(409, "Conflict", first + words, {"causes": listed})


def success(resource: Resource, name: str, uid: str) -> dict[str, Any]:
    """Return the answer to a delete that is done."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {**_about(resource, name), "uid": uid},
    }


def _about(resource: Resource, name: str) -> dict[str, Any]:
    return {**({"name": name} if name else {}), **_group(resource), "kind": resource.plural}


def _group(resource: Resource) -> dict[str, str]:
    return {"group": resource.group} if resource.group else {}
