"""Every method that is served: the verbs of REST, in messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gitopsd.api.grpc.call import Call
from gitopsd.api.grpc.calls import Answer, Services, Streamed, Unary
from gitopsd.api.grpc.convert import message_of
from gitopsd.api.grpc.schema import message_class, service
from gitopsd.api.middleware import Watched
from gitopsd.api.rest.version import version_json
from gitopsd.usecases.backend import VersionInfo

OPEN_BYTES = 64 << 10  # of a request that anybody may send
TRACKING = "annotation"  # how objects are told to be an application's

Json = Mapping[str, Any]
Verb = Callable[[Call, Any], Awaitable[Json]]  # the request as a message, the answer as JSON
Methods = dict[str, Unary | Streamed]


def all_services(version: VersionInfo, watched: Watched) -> Services:
    """Return every method, by its path."""
    return Services({**_version(version), **_settings()}, watched)


def _version(info: VersionInfo) -> Methods:
    async def version(_: Call, __: Any) -> Json:
        return version_json(info)

    return _unary("version.VersionService", {"Version": version}, OPEN_BYTES)


def _settings() -> Methods:
    async def get(_: Call, __: Any) -> Json:
        return {"trackingMethod": TRACKING}

    return _unary("cluster.SettingsService", {"Get": get}, OPEN_BYTES)


def _unary(name: str, verbs: Mapping[str, Verb], most_bytes: int) -> Methods:
    methods: Methods = {}
    for method in service(name).methods:
        request = message_class(method.input_type.full_name)
        answer = _in_messages(verbs[method.name], message_class(method.output_type.full_name))
        methods[f"/{name}/{method.name}"] = Unary(request, answer, most_bytes)
    return methods


def _in_messages(verb: Verb, kind: type[Any]) -> Callable[[Call, Any], Awaitable[Answer]]:
    async def answer(call: Call, request: Any) -> Answer:
        return message_of(kind, await verb(call, request))

    return answer
