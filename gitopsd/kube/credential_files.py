"""The files that one cluster's credentials were read from, and whether they are others by now."""

from __future__ import annotations

from pathlib import Path

from gitopsd.kube.credentials import files_named_by
from gitopsd.settings import ClusterSettings

LOOK_S = 60.0  # between two looks; sooner once a server's certificate was not trusted

Stamp = tuple[int, int, int] | None  # a file's inode, size and time in ns; None: it is not there


class CredentialFiles:
    """Certificates and authorities are replaced under a running daemon, and nothing tells of it but the files."""

    def __init__(self, settings: ClusterSettings) -> None:
        self._settings = settings
        self._seen: dict[Path, Stamp] = {}

    def note(self) -> None:
        """Take note of how the files are: to be called before they are read."""
        self._seen = {path: _stamp(path) for path in self._named()}

    def changed(self) -> bool:
        """Tell whether one of them is another than it was noted."""
        return any(_stamp(path) != stamp for path, stamp in self._seen.items())

    def _named(self) -> list[Path]:
        settings = self._settings
        if settings.kubeconfig is not None:
            return [settings.kubeconfig.expanduser().absolute(), *files_named_by(settings.kubeconfig)]
        return [path for path in (settings.ca_file, settings.cert_file, settings.key_file) if path is not None]


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
