"""What a program finds that a source steers: its source, itself, and nothing of the daemon's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitopsd.errors import GitopsError, NotConfined
from gitopsd.runtime import sandbox
from gitopsd.runtime.isolation import Confinement, Isolation, granted
from tests.manifests.kustomizing import Kitchen
from tests.manifests.plugging import Workshop, says, script

needs_bubblewrap = pytest.mark.skipif(
    not granted().bubblewrap, reason=f"no sandbox on this machine: {granted().reason}"
)
BARE = Isolation(reason="as on a machine without bubblewrap")
APP = {"app/text": "x"}
UNRESTRICTED = {"build_options": {"": "--load-restrictor LoadRestrictionsNone"}}


@pytest.fixture(autouse=True)
def policy() -> Iterator[type[sandbox._Policy]]:
    policy = sandbox._Policy  # noqa: SLF001 - put back as it was
    before = policy.confinement, policy.isolation, policy.reaper
    yield policy
    policy.confinement, policy.isolation, policy.reaper = before


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture
def daemons(tmp_path: Path) -> list[Path]:
    """Return files as the daemon has them, which its user reads and writes."""
    found = [tmp_path / name / "file" for name in ("declarations", "data", "run", "credentials", "home")]
    for each in found:
        each.parent.mkdir()
        each.write_text("hush")
    return found


@needs_bubblewrap
def test_a_plugin_reads_and_writes_nothing_of_the_daemons(workshop: Workshop, daemons: list[Path]) -> None:
    places = " ".join(map(str, daemons))
    read = f"$(cat {places} 2>/dev/null)"
    wrote = f"$(for each in {places}; do echo x 2>/dev/null >> $each && echo $each; done)"
    workshop.open(APP, [script(says(read=read, wrote=wrote))])

    assert {"read": "", "wrote": ""} == {name: text or "" for name, text in workshop.data().items()}
    assert ["hush"] * len(daemons) == [each.read_text() for each in daemons]


@needs_bubblewrap
def test_a_plugin_signals_and_sees_none_of_the_daemons_processes(workshop: Workshop) -> None:
    ours = " ".join(str(pid) for pid in (os.getpid(), os.getppid()))
    signalled = f"$(for each in {ours}; do kill -0 $each 2>/dev/null && grep -c Python /proc/$each/maps; done)"
    workshop.open(APP, [script(says(seen="$(ls -d /proc/[0-9]* | wc -l)", signalled=signalled))])

    found = workshop.data()

    assert int(found["seen"]) < 10
    assert not found["signalled"]


def test_a_build_that_reads_any_path_is_not_run_without_a_sandbox(kitchen: Kitchen) -> None:
    files = {"app/kustomization.yaml": "resources: [../beside.yaml]\n", "beside.yaml": says()}
    sandbox.adopt(Confinement(strict=True), BARE)

    with pytest.raises(NotConfined, match="kustomize of app: a source says what it does"):
        kitchen.build(files, programs=kitchen.programs(**UNRESTRICTED))


def test_a_plugin_is_not_run_without_a_sandbox(workshop: Workshop) -> None:
    workshop.open(APP, [script(says(read="yes"))])
    sandbox.adopt(Confinement(strict=True), BARE)

    with pytest.raises(NotConfined, match="generate of plugin one: a source says what it does"):
        workshop.generate()


def test_a_build_that_may_read_any_path_reads_none_of_the_daemons(kitchen: Kitchen, daemons: list[Path]) -> None:
    name = os.path.relpath(daemons[0], "/")
    files = {"app/kustomization.yaml": f"configMapGenerator: [{{name: x, files: [../../../../../../../{name}]}}]\n"}

    with pytest.raises(GitopsError) as raised:
        kitchen.build(files, programs=kitchen.programs(**UNRESTRICTED))
    assert "hush" not in str(raised.value)


@needs_bubblewrap
def test_a_build_that_may_read_any_path_finds_its_repository(kitchen: Kitchen) -> None:
    files = {
        "app/kustomization.yaml": "configMapGenerator: [{name: x, files: [../beside/text]}]\n",
        "beside/text": "mine",
    }

    (made,) = kitchen.build(files, programs=kitchen.programs(**UNRESTRICTED)).manifests
    assert {"text": "mine"} == made["data"]
