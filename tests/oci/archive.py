"""What tests of archive and their neighbours share."""

from __future__ import annotations

import tarfile

from gitopsd.settings import OciSettings

LIMITS = OciSettings(max_unpacked_bytes=200_000, max_files=20, max_layer_bytes=50_000)


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info
