"""Joins the verbs that are written in Python to the methods that the `.proto` files name, and callers to both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from gitopsd.api.grpc.call import Call
from gitopsd.api.grpc.calls import Answer, Method
from gitopsd.api.grpc.convert import message_of
from gitopsd.api.grpc.schema import message_class, service
from gitopsd.api.logins import FailedLogins
from gitopsd.errors import NotAuthenticated
from gitopsd.model.caller import Caller
from gitopsd.usecases.authentication import Authenticator, StreamHolder

OPEN_BYTES = 64 << 10  # of a request that anybody may send
KNOWN_BYTES = 4 << 20  # of a request of a known caller: a sync that names 10,000 objects is 1 MB

Json = Mapping[str, Any]
Shown = Json | Answer  # a message, one that is written, or JSON as REST has it
Methods = dict[str, Method]
OpenVerb = Callable[[Call, Any], Awaitable[Shown]]
Verb = Callable[[Caller, Any], Awaitable[Shown]]
StreamVerb = Callable[[StreamHolder, Any], AsyncGenerator[Shown]]


@dataclass(frozen=True, slots=True)
class MethodTable:
    """Makes the methods of services; who calls them is found before their requests are read."""

    authenticator: Authenticator
    failed: FailedLogins

    def open(self, name: str, verbs: Mapping[str, OpenVerb]) -> Methods:
        """Return methods for which nobody is asked who they are."""
        return {path: self._open(kinds, verbs[verb]) for verb, path, kinds in _methods(name) if verb in verbs}

    def known(self, name: str, verbs: Mapping[str, Verb]) -> Methods:
        """Return methods with one answer, for callers who are known."""
        return {path: self._known(kinds, verbs[verb]) for verb, path, kinds in _methods(name) if verb in verbs}

    def streamed(self, name: str, verbs: Mapping[str, StreamVerb]) -> Methods:
        """Return methods with many answers, for callers who are known."""
        return {path: self._streamed(kinds, verbs[verb]) for verb, path, kinds in _methods(name) if verb in verbs}

    def _open(self, kinds: _Kinds, verb: OpenVerb) -> Method:
        async def answers(call: Call, request: Any) -> AsyncGenerator[Answer]:
            yield kinds.written(await verb(call, request))

        return Method(kinds.request, answers, OPEN_BYTES)

    def _known(self, kinds: _Kinds, verb: Verb) -> Method:
        async def answers(call: Call, request: Any) -> AsyncGenerator[Answer]:
            yield kinds.written(await verb(self._caller(call), request))

        return Method(kinds.request, answers, KNOWN_BYTES, admit=self._caller)

    def _streamed(self, kinds: _Kinds, verb: StreamVerb) -> Method:
        async def answers(call: Call, request: Any) -> AsyncGenerator[Answer]:
            clock = asyncio.get_running_loop().time
            holder = StreamHolder(self.authenticator, token_of(call), call.address, clock)
            async with contextlib.aclosing(verb(holder, request)) as items:
                async for item in items:
                    yield kinds.written(item)

        return Method(kinds.request, answers, KNOWN_BYTES, admit=self._caller, endless=True)

    def caller(self, call: Call) -> Caller | None:
        """Return who calls; None: nobody."""
        return self.authenticator.caller(token_of(call), call.address)

    def _caller(self, call: Call) -> Caller:
        caller = self.caller(call)
        if caller is None:
            self.failed.count(call.address, credential=bool(token_of(call)))
            raise NotAuthenticated("no session information", remedy="log in, or send a token")
        return caller


def token_of(call: Call) -> str:
    """Return the token that came with a call, as Argo CD's clients send it or as a bearer; "" for none."""
    if token := call.metadata.get("token", ""):
        return token
    scheme, _, token = call.metadata.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True)
class _Kinds:
    request: type[Message]
    answer: type[Message]

    def written(self, shown: Shown) -> Answer:
        return shown if isinstance(shown, bytes | Message) else message_of(self.answer, shown)


def _methods(name: str) -> list[tuple[str, str, _Kinds]]:
    """Return each method of a service: name, path, kinds of request and answer."""
    return [
        (
            method.name,
            f"/{name}/{method.name}",
            _Kinds(message_class(method.input_type.full_name), message_class(method.output_type.full_name)),
        )
        for method in service(name).methods
    ]
