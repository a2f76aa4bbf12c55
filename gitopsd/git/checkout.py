"""What a checkout makes of a file's bytes, by its attributes: `text` and `eol`, `ident`, `working-tree-encoding`.

As on a machine where git is set up by nobody: `core.autocrlf`, `core.eol` and filters are not.

Source: git, convert.c.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gitopsd.git import ident
from gitopsd.git.attributes import Value

ENCODING = "working-tree-encoding"
LONE_LF = re.compile(rb"(?<!\r)\n")
TEXT = bytes({*range(0x20, 0x100), *b"\b\t\n\f\r\x1b"} - {0x7F})
END_OF_FILE = b"\x1a"  # of DOS; at the end it is no sign of a binary file
SHORT = re.compile(r"^utf(?=\d)")
WITH_MARK = {"utf-16le-bom": "utf-16-le", "utf-16be-bom": "utf-16-be"}  # git's own names, beside iconv's
MARKS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
CHARSETS = re.compile(r"utf-(16|32)(-[lb]e)?|ascii|iso8859-\d+|cp\d+|koi8-[rut]|(euc|shift)_j\w+|euc_kr|gb\w+|big5\w*")


class LineEnds(StrEnum):
    AS_IN_GIT = ""
    CRLF = "crlf"
    CRLF_IF_TEXT = "auto-crlf"  # where the content is text, and has no CR yet


@dataclass(frozen=True, slots=True)
class Conversion:
    """What becomes of one file; all defaults: nothing. Its text tells it from every other."""

    line_ends: LineEnds = LineEnds.AS_IN_GIT
    expands: bool = False  # `$Id$`
    streamed: bool = True  # how; of no weight without `expands`
    encoding: str = ""  # as Python names it; "" where it stays as it is

    def __str__(self) -> str:
        ident = ("ident" if self.streamed else "ident-in-memory") if self.expands else ""
        return "".join(f" {part}" for part in (self.line_ends, ident, self.encoding) if part)

    def of(self, content: bytes, oid: object) -> bytes:
        """Return what is in the work tree of the blob `oid`, which holds `content`."""
        if self.expands:
            content = (ident.streamed if self.streamed else ident.in_memory)(content, oid)
        if self.line_ends is LineEnds.CRLF or (self.line_ends is LineEnds.CRLF_IF_TEXT and _is_lf_text(content)):
            content = LONE_LF.sub(b"\r\n", content)
        return _encoded(content, self.encoding) if self.encoding and content else content


AS_IN_GIT = Conversion()


def conversion(attributes: Mapping[str, Value]) -> Conversion:
    """Return what `attributes` of a file, as `attributes.Attributes.of` gives them, make of it."""
    text, ends, charset = _text(attributes), attributes.get("eol"), attributes.get(ENCODING)
    expands = attributes.get("ident") is True
    line_ends = LineEnds.AS_IN_GIT
    if ends == "crlf" and text is not False:
        line_ends = LineEnds.CRLF_IF_TEXT if text == "auto" else LineEnds.CRLF
    # What needs the whole content is not streamed, also where it changes nothing then.
    streamed = (text != "auto" or ends == "lf") and (not charset or charset is True or _is_utf8(charset))
    return Conversion(line_ends, expands, streamed or not expands, _encoding(charset))


def _text(attributes: Mapping[str, Value]) -> Value:
    value = attributes.get("text")
    return value if value in (True, False, "input", "auto") else attributes.get("crlf")  # its name in old repositories


def _is_lf_text(content: bytes) -> bool:
    if b"\r" in content or b"\0" in content:
        return False
    strange = len(content.translate(None, delete=TEXT)) - content.endswith(END_OF_FILE)
    plain = len(content) - content.count(b"\n") - strange - content.endswith(END_OF_FILE)
    return plain >> 7 >= strange


def _is_utf8(name: str) -> bool:
    return name.lower() in ("utf-8", "utf8")


def _encoding(value: Value) -> str:
    """Return Python's name of an encoding; "" of UTF-8, and of what is not known, which git leaves as it is."""
    if not isinstance(value, str) or _is_utf8(value):
        return ""
    name = SHORT.sub("utf-", value.lower())
    if name in WITH_MARK:
        return name
    try:
        charset = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return charset if CHARSETS.fullmatch(charset) else ""


def _encoded(content: bytes, encoding: str) -> bytes:
    """Return `content` in `encoding`; as it is where it has what cannot be written so, as git does."""
    name = WITH_MARK.get(encoding, encoding)
    mark = MARKS[name] if encoding in WITH_MARK else b""
    try:
        return mark + content.decode().encode(name)
    except UnicodeError:
        return content
