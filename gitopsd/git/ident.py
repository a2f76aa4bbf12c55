"""`$Id$` of a file becomes `$Id: …$` with its blob's id, byte for byte as `git checkout` writes it.

git has two ways, and they differ where dollars stand close together: most files are written as a stream, and those that
need their whole content first (`text=auto` with CRLF, an encoding) in memory.

Source: git, convert.c (ident_filter_fn and is_foreign_ident; ident_to_worktree).
"""

from __future__ import annotations

import re

# A stream takes what only begins like a keyword with the byte that tells, even where that is the next dollar, and loses
# all of `$Idx` where `$Id:` follows at once and is expanded.
STREAMED = re.compile(
    rb"\$Id\$|(?:\$Id[^\0$:])++(?:\$Id:[^$\n]*[$\n]?)?|\$Id:[^$\n]*[$\n]?|\$Id\0.|\$I[^d]|\$[^I]", re.DOTALL
)
FOREIGN = re.compile(rb"[ \t\r\n](?!\$)")
IN_MEMORY = re.compile(rb"\$Id(?::(?:[^$\n][^ $\n]* ?)?)?\$")  # what holds more words is another system's


def streamed(content: bytes, oid: object) -> bytes:
    expanded = f"$Id: {oid} $".encode()
    return STREAMED.sub(lambda match: expanded if _is_ours(match[0]) else match[0], content)


def in_memory(content: bytes, oid: object) -> bytes:
    return IN_MEMORY.sub(f"$Id: {oid} $".encode(), content)


def _is_ours(keyword: bytes) -> bool:
    if keyword == b"$Id$":
        return True
    if not keyword.endswith(b"$") or b"$Id:" not in keyword:
        return False
    return not keyword.startswith(b"$Id: ") or FOREIGN.search(keyword.partition(b"\0")[0][len("$Id: ") :]) is None
