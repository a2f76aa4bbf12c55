"""Targets at rest read as they were."""

from __future__ import annotations

from dataclasses import replace

from gitopsd.core.compare.compressed import LARGE_BYTES, CompressedManifest, at_rest, whole
from gitopsd.core.compare.verdict import comparison
from gitopsd.model.comparison import Absent, Compared, Pair, SyncStatus
from gitopsd.model.manifest import gvk_of, key_of
from tests.core.frozen import frozen
from tests.core.lives import config_key, manifest_of

SMALL = manifest_of(config_key(), data={"a": "1"})
LARGE = manifest_of(config_key("large"), data={"a": "ä" * LARGE_BYTES})


def test_shelved_target_reads_as_it_was() -> None:
    for manifest in (SMALL, LARGE):
        shelved = CompressedManifest(manifest)

        assert manifest == whole(shelved)
        assert manifest == {**shelved}
        assert len(manifest) == len(shelved)
        assert key_of(manifest) == key_of(shelved)
        assert gvk_of(manifest) == gvk_of(shelved)


def test_large_target_is_packed() -> None:
    assert len(CompressedManifest(LARGE)._text) < LARGE_BYTES  # noqa: SLF001 - its size is what it is for


def test_only_what_is_in_sync_is_shelved() -> None:
    one = Compared(Pair(config_key("a"), frozen(SMALL), Absent()), SyncStatus.SYNCED)
    two = replace(one, pair=replace(one.pair, key=config_key("b")), status=SyncStatus.OUT_OF_SYNC)
    extra = replace(two, pair=Pair(config_key("c"), None, Absent()))
    found = comparison([one, two, extra], None)

    rests = [type(each.pair.target) for each in at_rest(found).resources]

    assert [CompressedManifest, type(two.pair.target), type(None)] == rests
    assert found == at_rest(found)
