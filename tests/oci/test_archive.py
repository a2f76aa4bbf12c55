"""What a layer may hold, and what it is refused for."""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Callable

import pytest

from gitopsd.errors import InvalidManifest
from gitopsd.oci.archive import ArchiveFile, files
from tests.oci.archive import LIMITS, entry
from tests.registry import tar


def test_files_links_and_hard_links_of_a_layer() -> None:
    layer = tar(
        {"./a/b.yaml": "1", "c": b"\x00"}, [entry("a/dir", tarfile.DIRTYPE), entry("l", tarfile.SYMTYPE, "../x")]
    )

    assert [
        ArchiveFile("a/b.yaml", b"1"),
        ArchiveFile("c", b"\x00"),
        ArchiveFile("l", b"../x", link=True),
    ] == list(files(layer, LIMITS))
    assert [ArchiveFile("a", b"1"), ArchiveFile("h", same_as="a")] == list(
        files(gzip.decompress(tar({"a": "1"}, [entry("h", tarfile.LNKTYPE, "./a")])), LIMITS)
    )


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (lambda: tar({}, [entry("dev", tarfile.CHRTYPE)]), "neither file, directory nor link"),
        (lambda: tar({}, [entry("fifo", tarfile.FIFOTYPE)]), "neither file, directory nor link"),
        (lambda: tar({"/".join("d" * 200): "1"}), "too long"),
        (lambda: tar({"a": os.urandom(40_000)})[:-9000], "is no archive"),
        (lambda: b"kind: ConfigMap\n" * 100, "is no archive"),
        (lambda: b"\x1f\x8b not gzip", "is no archive"),
    ],
)
def test_layer_that_is_no_good_is_refused(layer: Callable[[], bytes], says: str) -> None:
    with pytest.raises(InvalidManifest, match=says) as refused:
        list(files(layer(), LIMITS))
    assert "artifact" in refused.value.what
