"""gRPC's messages, statuses and deadlines as they stand on the wire, over HTTP/2 and over HTTP/1.1 alike."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from urllib.parse import quote

from gitopsd.api.answers import Code
from gitopsd.errors import BadRequest, NotSupported, Overloaded

HEAD = struct.Struct(">BI")  # flags, length
TRAILERS = 0x80  # the flag of what gRPC-Web sends in place of trailers
PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
UNITS_S = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")


@dataclass(frozen=True, slots=True)
class Status:
    """How a call ended."""

    code: Code = Code.OK
    message: str = ""

    def headers(self) -> list[tuple[str, str]]:
        """Return it as trailers, or as headers where nothing else is answered."""
        message = [("grpc-message", quote(self.message, safe=PRINTABLE, errors="replace"))] if self.message else []
        return [("grpc-status", str(int(self.code))), *message]


def framed(message: bytes, flags: int = 0) -> bytes:
    """Return `message` with the head that tells its length."""
    return HEAD.pack(flags, len(message)) + message


def length_of(head: bytes, most_bytes: int) -> int:
    """Return the length of the message that follows `head`.

    Raises:
        NotSupported: the message is compressed.
        Overloaded: it is longer than `most_bytes`.
    """
    flags, length = HEAD.unpack(head)
    if flags:
        raise NotSupported("compressed messages are not read", remedy="send them without grpc-encoding")
    if length > most_bytes:
        raise Overloaded(
            f"a message of {length} bytes is longer than the {most_bytes} that are read", remedy="send less at once"
        )
    return int(length)


def timeout_s(text: str | None) -> float | None:
    """Return what a client's `grpc-timeout` allows in seconds; None where it sets none. Raises BadRequest."""
    if text is None:
        return None
    parts = TIMEOUT.fullmatch(text)
    if not parts:
        raise BadRequest(f"grpc-timeout is {text[:20]!r}", remedy="write up to eight digits and a unit, such as 10S")
    return int(parts[1]) * UNITS_S[parts[2]]
