"""Label and field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gitopsd.sim.answers import bad_request
from gitopsd.sim.kinds import ServedKind
from gitopsd.sim.store import Stored

Labels = Mapping[str, str]
_KEY = r"[A-Za-z0-9][-A-Za-z0-9_./]*"
_IN = re.compile(rf"\s*({_KEY})\s+(in|notin)\s+\(([^()]*)\)\s*")
_EQUAL = re.compile(rf"\s*({_KEY})\s*(==|=|!=)\s*([-A-Za-z0-9_.]*)\s*")
_EXISTS = re.compile(rf"\s*(!?)\s*({_KEY})\s*")
_FIELDS: dict[str, tuple[str, ...]] = {  # beside metadata.name and metadata.namespace
    "Pod": ("spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"),
    "Secret": ("type",),
    "Namespace": ("status.phase",),
    "Event": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "reason",
        "type",
    ),
    "ReplicaSet": ("status.replicas",),
    "Job": ("status.successful",),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a kind a request is about."""

    namespace: str = ""  # "": all
    name: str = ""  # of metadata.name=…; "": all
    label_tests: tuple[Callable[[Labels], bool], ...] = ()
    field_tests: tuple[tuple[str, bool, str], ...] = ()  # path, equal, value

    @property
    def everything(self) -> bool:
        """Whether it chooses by namespace alone."""
        return not (self.name or self.label_tests or self.field_tests)

    def has(self, stored: Stored) -> bool:
        """Tell whether an object is among them."""
        if self.namespace and stored.namespace != self.namespace:
            return False
        if self.name and stored.name != self.name:
            return False
        labels = stored.labels or {}
        if not all(test(labels) for test in self.label_tests):
            return False
        return not self.field_tests or self._fields_fit(stored)

    def _fields_fit(self, stored: Stored) -> bool:
        obj: dict[str, Any] | None = None
        for path, equal, value in self.field_tests:
            if path == "metadata.name":
                current = stored.name
            elif path == "metadata.namespace":
                current = stored.namespace
            else:
                obj = obj or stored.parsed()
                current = _at(obj, path)
            if (current == value) != equal:
                return False
        return True


def selection(kind: ServedKind, namespace: str, query: Mapping[str, str]) -> Selection:
    """Return what the query's selectors choose.

    Raises:
        Refusal: 400, a selector cannot be read.
    """
    tests = tuple(_field_tests(kind, query.get("fieldSelector", "")))
    name = next((value for path, equal, value in tests if path == "metadata.name" and equal), "")
    return Selection(namespace, name, tuple(_label_tests(query.get("labelSelector", ""))), tests)


def _at(obj: Any, path: str) -> str:
    for part in path.split("."):
        obj = obj.get(part) if isinstance(obj, dict) else None
    return "" if obj is None else str(obj)


def _field_tests(kind: ServedKind, text: str) -> list[tuple[str, bool, str]]:
    out = []
    for term in filter(None, text.split(",")):
        path, operator, value = term.partition("!=")
        equal = not operator
        if equal:
            path, operator, value = term.partition("==") if "==" in term else term.partition("=")
        selectable = ("metadata.name", "metadata.namespace", *_FIELDS.get(kind.kind, ()))
        if not operator or path.strip() not in selectable:
            raise bad_request(f"field label not supported: {path.strip()}")
        out.append((path.strip(), equal, value.strip()))
    return out


def _label_tests(text: str) -> list[Callable[[Labels], bool]]:
    out: list[Callable[[Labels], bool]] = []
    rest = text
    while rest.strip():
        for form, test in ((_IN, _in_test), (_EQUAL, _equal_test), (_EXISTS, _exists_test)):
            match = form.match(rest)
            if match and rest[match.end() :][:1] in ("", ","):
                out.append(test(match))
                rest = rest[match.end() + 1 :]
                break
        else:
            raise bad_request(f"unable to parse requirement: {text}")
    return out


def _in_test(match: re.Match[str]) -> Callable[[Labels], bool]:
    key, values = match[1], {value.strip() for value in match[3].split(",")}
    if match[2] == "in":
        return lambda labels: labels.get(key) in values
    return lambda labels: labels.get(key) not in values


def _equal_test(match: re.Match[str]) -> Callable[[Labels], bool]:
    key, value = match[1], match[3]
    if match[2] == "!=":
        return lambda labels: labels.get(key) != value
    return lambda labels: labels.get(key) == value


def _exists_test(match: re.Match[str]) -> Callable[[Labels], bool]:
    key = match[2]
    if match[1]:
        return lambda labels: key not in labels
    return lambda labels: key in labels
