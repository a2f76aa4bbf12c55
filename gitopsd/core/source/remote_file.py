"""A value file that an application names by its URL."""

from __future__ import annotations

from urllib.parse import quote

from gitopsd.core.source.repo_address import RepoAddress
from gitopsd.model.chart import FILES, WEB

KIND = "file/"  # of the name by which the file is lent to a render: no ref of a source has a slash
ONLY = "file"  # the path of the file in what is lent


def file_name(url: str) -> str | None:
    """Return the name by which the file at `url` is lent to a render; None where none is fetched from there.

    `core.source.remote_base.named` takes it apart.
    """
    if not url.startswith(WEB) or RepoAddress.parse(url) is None:
        return None
    return f"{KIND}{quote(f'{FILES}{url}', safe='')}/HEAD"
