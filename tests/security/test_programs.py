"""What a program finds that a source steers: its source, itself, and nothing of the daemon's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitopsd.errors import GitopsError, InvalidManifest, NotConfined
from gitopsd.model.application import KustomizeOptions
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


SAID: dict[str, dict[str, Any]] = {
    "an option for a name": {"name": "--post-renderer=./x.sh"},
    "an option for a release": {"name": "web", "releaseName": "--post-renderer"},
    "an option in another case": {"name": "web", "RELEASENAME": "-x"},
    "a name that is a path": {"name": "../../elsewhere"},
    "a release that Helm has no name for": {"name": "web", "releaseName": "Web_1"},
    "a long release": {"name": "web", "releaseName": "a" * 54},
    "an option for a version": {"name": "web", "version": "--x"},
    "an option for a namespace": {"name": "web", "namespace": "-n"},
    "an option among kinds": {"name": "web", "apiVersions": ["v1", "--x"]},
    "an option for a repository": {"name": "web", "repo": "--plain-http"},
    "an option for a file": {"name": "web", "valuesFile": "--x"},
    "a program": {"name": "web", "helmBin": "./x.sh"},
    "more arguments": {"name": "web", "extraArgs": ["--x"]},
    "a switch that is a text": {"name": "web", "debug": "--x"},
    "what is no text": {"name": "web", "version": {"a": "b"}},
}


@pytest.mark.parametrize("case", SAID)
@pytest.mark.parametrize("generated", [False, True])
def test_a_chart_of_a_kustomization_says_no_more_to_helm_than_which_and_with_what(
    kitchen: Kitchen, case: str, *, generated: bool
) -> None:
    about: dict[str, Any] = {"apiVersion": "builtin", "kind": "HelmChartInflationGenerator", "metadata": {"name": "x"}}
    files = {"app/charts/web/Chart.yaml": "{apiVersion: v2, name: web, version: 1.0.0}\n"}
    files["app/kustomization.yaml"] = json.dumps(
        {"generators": ["chart.yaml"]} if generated else {"helmCharts": [SAID[case]]}
    )
    files["app/chart.yaml"] = json.dumps(about | SAID[case])

    with pytest.raises(InvalidManifest, match=r"which Helm does not take|is not for a repository to say"):
        kitchen.build(files, programs=kitchen.programs(build_options={"": "--enable-helm"}))


@pytest.mark.parametrize("field", ["configHome", "CONFIGHOME", "pluginHome"])
def test_a_kustomization_says_not_where_helm_has_its_plugins(kitchen: Kitchen, field: str) -> None:
    files = {"app/kustomization.yaml": json.dumps({"helmCharts": [{"name": "web"}], "helmGlobals": {field: "x"}})}

    with pytest.raises(InvalidManifest, match=f"helmGlobals.{field} is not for a repository to say"):
        kitchen.build(files, programs=kitchen.programs(build_options={"": "--enable-helm"}))


def test_an_application_says_no_option_to_helm(kitchen: Kitchen) -> None:
    files = {
        "app/kustomization.yaml": json.dumps({"helmCharts": [{"name": "web"}]}),
        "app/charts/web/Chart.yaml": "{apiVersion: v2, name: web, version: 1.0.0}\n",
    }
    options = KustomizeOptions(api_versions=("--post-renderer=x",))

    with pytest.raises(InvalidManifest, match="which Helm does not take"):
        kitchen.build(files, "app", options, programs=kitchen.programs(build_options={"": "--enable-helm"}))
