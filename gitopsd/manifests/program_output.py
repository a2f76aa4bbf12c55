"""What a program prints → manifests."""

from __future__ import annotations

from gitopsd.errors import InvalidManifest
from gitopsd.manifests.directory import Loaded
from gitopsd.manifests.validate import QUOTE, manifests_of
from gitopsd.manifests.yaml import parse
from gitopsd.settings import RenderSettings


def printed(name: str, path: str, output: bytes, limits: RenderSettings, quote: str = QUOTE) -> Loaded:
    """Return the manifests in `output`, YAML or JSON; their origin is `path`, the directory they were made of.

    `quote` is what helps where something that has to be text is a number.

    Raises:
        InvalidManifest: it holds something else, or too many; names `name`, what was printed.
    """
    loaded = Loaded()
    for document in parse(name, output, limits).documents:
        for manifest in manifests_of(name, document.value, quote):
            loaded.add(path, manifest)
    if len(loaded.manifests) > limits.max_documents:
        raise InvalidManifest(
            f"{name} is more than {limits.max_documents} manifests",
            remedy="split the application, or raise render.max_documents",
        )
    return loaded
