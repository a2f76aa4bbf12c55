"""Plugins in Argo CD's form, as programs on real repositories."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gitopsd.core.declaration.fields import Fields, Warnings
from gitopsd.core.declaration.plugin import plugin_options
from gitopsd.errors import (
    GitopsError,
    InvalidDeclaration,
    InvalidManifest,
    InvalidSettings,
    NotSupported,
    PathNotFound,
    WorkerFailed,
)
from gitopsd.manifests.plugin import discovered, generate
from gitopsd.manifests.plugins import load, plugin_from
from gitopsd.model.application import PluginOptions
from gitopsd.runtime.isolation import granted
from gitopsd.settings import PluginSettings, RenderSettings
from tests.manifests.plugging import CONFIG_MAP, NAMED, Workshop, says, script, written

REACH = "import socket, sys\nsocket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)\n"
APP = {"app/values": "blue\n", "app/deep/more": "1\n", "elsewhere/secret": "hush\n"}


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def options(**block: Any) -> PluginOptions:
    return plugin_options(Fields(block, ".spec.source.plugin", Warnings()))


def test_init_and_generate_run_in_the_sources_directory(workshop: Workshop) -> None:
    plugin = script(says(value="$(cat values)", made="$(cat made)", here="$(ls)"))
    plugin["spec"]["init"] = {"command": ["cp", "values"], "args": ["made"]}
    workshop.open(APP, [plugin])

    assert {"value": "blue", "made": "blue", "here": "deep made values"} == workshop.data()
    assert [] == workshop.left()


def test_it_sees_its_own_directory_and_its_closure_is_all_of_that(workshop: Workshop) -> None:
    workshop.open(APP, [script(says(outside="$(cat ../elsewhere/secret 2>/dev/null || echo none)"))])

    assert {"outside": "none"} == workshop.data()
    assert {"list:app", "list:app/deep", "file:app/values", "file:app/deep/more"} == workshop.tree.closure().keys()


@pytest.mark.parametrize(
    ("reads", "also"),
    [("../elsewhere", {"file:elsewhere/secret"}), ("/", {"file:elsewhere/secret", "list:"}), (".", set())],
)
def test_what_the_operator_lets_it_read_is_its_closure_too(workshop: Workshop, reads: str, also: set[str]) -> None:
    workshop.open(APP, [script(says(outside="$(cat ../elsewhere/secret 2>/dev/null || echo none)"), reads=reads)])

    assert {"outside": "hush" if also else "none"} == workshop.data()
    assert also <= workshop.tree.closure().keys()
    assert "file:app/values" in workshop.tree.closure()


def test_it_may_not_be_allowed_what_is_outside_of_the_repository(workshop: Workshop) -> None:
    workshop.open(APP, [script("true", reads="../../x")])

    with pytest.raises(PathNotFound, match=r"may read \.\./\.\./x, which is outside"):
        workshop.generate()


def test_environment_is_that_of_argo_cd(workshop: Workshop) -> None:
    shown = ("ARGOCD_APP_NAME", "ARGOCD_ENV_COLOR", "PARAM_ONE", "PARAM_LIST_1", "PARAM_MY_MAP_A_B", "SECRET", "FOO")
    workshop.open(
        APP,
        [
            script(
                says(
                    **{name: f"${{{name}-unset}}" for name in shown},
                    all='$(echo "$ARGOCD_APP_PARAMETERS" | tr \'"\' Q)',
                )
            )
        ],
        ARGOCD_APP_NAME="shop",
        ARGOCD_APP_REVISION="abc",
    )
    given = options(
        name="one",
        env=[{"name": "COLOR", "value": "blue-${ARGOCD_APP_NAME}"}, {"name": "FOO", "value": ""}],
        parameters=[
            {"name": "one", "string": "1"},
            {"name": "list", "array": ["x", "y"]},
            {"name": "my-map", "map": {"a.b": "z"}},
        ],
    )

    found = workshop.data(options=given)

    assert ["shop", "blue-shop", "1", "y", "z", "unset", "unset"] == [found[name] for name in shown]
    assert "[{QnameQ:QoneQ,QstringQ:Q1Q},{QnameQ:QlistQ" == found["all"][:43]
    assert {"env:ARGOCD_APP_NAME", "env:ARGOCD_APP_REVISION"} == workshop.given.variables.closure().keys()


def test_a_plugin_that_names_its_variables_asks_for_no_others(workshop: Workshop) -> None:
    workshop.open(
        APP,
        [script(says(name="$ARGOCD_APP_NAME", sha="${ARGOCD_APP_REVISION-unset}"), variables="ARGOCD_APP_NAME")],
        ARGOCD_APP_NAME="shop",
        ARGOCD_APP_REVISION="abc",
    )

    assert {"name": "shop", "sha": "unset"} == workshop.data()
    assert {"env:ARGOCD_APP_NAME"} == workshop.given.variables.closure().keys()


def test_it_gets_nothing_of_the_daemon_and_no_network(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPSD_API__TOKEN", "hush")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        reach = f"$(python3 reach.py {listener.getsockname()[1]} 2>&1 | tail -1)"
        workshop.open(
            {**APP, "app/reach.py": REACH},
            [script(says(told="${GITOPSD_API__TOKEN-unset}", home="$(ls -A $HOME $TMPDIR | wc -w)", net=reach))],
        )

        found = workshop.data()

    assert ("unset", "2") == (found["told"], found["home"])
    assert ("" == found["net"]) is not bool(granted().bubblewrap)


def test_one_that_the_operator_lets_has_the_network(workshop: Workshop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        reach = f"$(python3 reach.py {listener.getsockname()[1]} 2>&1 | tail -1)"
        workshop.open(
            {**APP, "app/reach.py": REACH}, [script(says(net=reach, proxy="${https_proxy-unset}"), network="true")]
        )

        assert {"net": "", "proxy": "unset"} == workshop.data()


def test_scripts_of_the_source_keep_their_right_to_run(workshop: Workshop) -> None:
    files = {"app/make": f"#!/bin/sh\n{says(made='yes')}\n", "app/plain": "#!/bin/sh\ntrue\n"}
    plugin = script("")
    plugin["spec"]["generate"] = {"command": ["./make"]}
    workshop.open(files, [plugin], executable=["app/make"])
    assert {"made": "yes"} == workshop.data()

    plugin["spec"]["generate"] = {"command": ["./plain"]}
    workshop.open(files, [plugin], executable=["app/make"])
    with pytest.raises(WorkerFailed, match="Permission denied"):
        workshop.generate()


def discovering(name: str, **discover: Any) -> dict[str, Any]:
    plugin = script(says(by=name), name)
    plugin["spec"]["discover"] = discover
    return plugin


@pytest.mark.parametrize(
    ("discover", "found"),
    [
        ({"fileName": "values"}, True),
        ({"fileName": "./val*"}, True),
        ({"fileName": "deep/mor?"}, True),
        ({"fileName": "more"}, False),
        ({"fileName": "*/values"}, False),
        ({"find": {"glob": "**/more"}}, True),
        ({"find": {"glob": "**/{less,mo*}"}}, True),
        ({"find": {"glob": "*/secret"}}, False),
        ({"find": {"command": ["sh", "-c", "find . -name more"]}}, True),
        ({"find": {"command": ["find", "."], "args": ["-name", "other"]}}, False),
        ({"find": {"command": ["sh", "-c", "echo found; exit 1"]}}, False),
        ({"fileName": "absent", "find": {"glob": "values"}}, False),  # the first of the three decides
    ],
)
def test_discovery(workshop: Workshop, discover: Mapping[str, Any], *, found: bool) -> None:
    given = workshop.open(APP, [discovering("one", **discover)])

    assert found is discovered(workshop.tree, "app", given)
    if not found:
        with pytest.raises(NotSupported, match="the discovery of plugin one does not find app"):
            workshop.generate()


def test_the_first_that_discovers_a_directory_is_taken_and_one_without_discovery_never(workshop: Workshop) -> None:
    given = workshop.open(
        APP, [script("false"), discovering("two", fileName="no"), discovering("three", fileName="values")]
    )

    assert discovered(workshop.tree, "app", given)
    assert {"by": "three"} == workshop.data(options=PluginOptions())
    assert not discovered(workshop.tree, "elsewhere", given)
    with pytest.raises(NotSupported, match="no plugin's discovery finds elsewhere"):
        workshop.generate("elsewhere", PluginOptions())


def test_discovery_by_name_looks_no_further_than_it_must(workshop: Workshop) -> None:
    given = workshop.open(APP, [discovering("one", fileName="*.cue"), discovering("two", find={"glob": "deep/*.cue"})])

    assert not discovered(workshop.tree, "app", given)
    assert {"list:app", "list:app/deep"} == workshop.tree.closure().keys()


FAILURES: dict[str, tuple[str, type[GitopsError], str]] = {
    "a refusal": (
        "echo no such color >&2; exit 3",
        InvalidManifest,
        r"app: generate of plugin one ended with code 3: no such color;",
    ),
    "a refusal without words": ("exit 3", InvalidManifest, "code 3: it says nothing"),
    "a kill": ("kill -9 $$", WorkerFailed, "was killed by signal 9"),
    "an endless run": ("sleep 99", WorkerFailed, "took more than .* s and was killed"),
    "endless output": ("yes", WorkerFailed, "prints more than 100000 bytes"),
    "binary": ("head -c 5000 /dev/urandom", InvalidManifest, "what plugin one makes of app:"),
    "no manifest": ("echo '[1, 2]'", InvalidManifest, "what plugin one makes of app: not a manifest but a list"),
    "no such program": ("", WorkerFailed, "could not be started: .*No such file"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_bad_plugin_fails_its_source_with_its_words(workshop: Workshop, case: str) -> None:
    text, error, words = FAILURES[case]
    plugin = script(text)
    if not text:
        plugin["spec"]["generate"] = {"command": ["nowhere"]}
    workshop.open(APP, [plugin], deadline_s=1.0 if "sleep" in text else 20.0)

    with pytest.raises(error, match=words) as raised:
        workshop.generate()

    assert raised.value.what.isprintable()
    assert [] == workshop.left()


def test_its_words_are_short_and_without_secrets(workshop: Workshop) -> None:
    told = "echo $PWD/values: password: hunter2, key $ARGOCD_ENV_API_KEY AGE-SECRET-KEY-1ABC"
    workshop.open(APP, [script(f"yes filler | head -c 6000 >&2; echo >&2; {told} >&2; exit 1")])

    with pytest.raises(InvalidManifest) as raised:
        workshop.generate(options=options(name="one", env=[{"name": "API_KEY", "value": "abcdef123"}]))

    assert raised.value.what.endswith(" app/values: password: ++++++++ key ++++++++ ++++++++")
    assert 1200 > len(raised.value.what)


def test_what_fails_with_the_network_may_succeed_the_next_time(workshop: Workshop) -> None:
    workshop.open(APP, [script("echo no route >&2; exit 1", network="true")])

    with pytest.raises(WorkerFailed, match="no route"):  # so it is not kept with the closure
        workshop.generate()


def test_limits_hold_for_what_it_is_given_and_for_what_it_makes(workshop: Workshop) -> None:
    workshop.open(APP, [script("true")], limits=RenderSettings(max_bytes=6))
    with pytest.raises(InvalidManifest, match="have more than 6 bytes"):
        workshop.generate()

    many = "for n in 1 2 3; do echo ---; echo 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}'; done"
    workshop.open(APP, [script(many)], limits=RenderSettings(max_documents=2))
    with pytest.raises(InvalidManifest, match="more than 2 manifests"):
        workshop.generate()


def test_links_are_laid_out_inside_and_refused_out_of_the_repository(workshop: Workshop) -> None:
    links = {"app/dir": "../elsewhere", "app/file": "values", "app/loop": "."}
    workshop.open(APP, [script(says(value="$(cat dir/secret file)"))], links=links)
    assert {"value": "hush blue"} == workshop.data()

    for target in ("../../etc/passwd", "/etc/passwd", "self"):
        workshop.open(APP, [script("true")], links={"app/self": target})
        with pytest.raises(PathNotFound, match="is not inside the repository"):
            workshop.generate()


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"env": [{"name": "a b"}]}, r"env\[0\].name is 'a b'"),
        ({"env": [{"name": "A", "value": "x" * 200_000}]}, r"env\[0\].value cannot be the value"),
        ({"parameters": [{"string": "x"}]}, r"parameters\[0\].name is missing"),
        ({"parameters": [{"name": "x", "string": "x", "array": []}]}, "has string and array"),
        ({"parameters": [{"name": "x", "map": {"a": 1}}]}, r"map\[a\] is a whole number"),
    ],
)
def test_a_block_that_cannot_be_meant_is_refused(block: Mapping[str, Any], words: str) -> None:
    with pytest.raises(InvalidDeclaration, match=words):
        options(**block)


STATIC = [{"name": "size", "title": "Size", "required": True, "string": "s"}, {"name": "list", "array": ["a"]}]
DYNAMIC = '[{"name": "color", "map": {"a": "b"}, "unknown": 1}]'


def announcing(dynamic: str, **parameters: Any) -> dict[str, Any]:
    plugin = script(says(made="yes"))
    plugin["spec"]["parameters"] = {"dynamic": {"command": ["sh", "-c"], "args": [dynamic]}, **parameters}
    return plugin


def test_parameters_are_announced_those_that_it_finds_out_first(workshop: Workshop) -> None:
    given = workshop.open({**APP, "app/found": DYNAMIC}, [announcing("cat found", static=STATIC)])

    loaded = generate(workshop.tree, "app", NAMED, given)

    assert [{"name": "color", "map": {"a": "b"}}, *STATIC] == loaded.announced
    assert [] == loaded.warnings


@pytest.mark.parametrize(
    ("dynamic", "words"),
    [
        ("echo no colors >&2; exit 1", "parameters of plugin one ended with code 1: no colors"),
        ("echo '[{'", "what parameters of plugin one prints is no JSON"),
        ("echo '{}'", "what parameters of plugin one prints is no list of parameters"),
        ("echo '[{\"name\": 1}]'", r"what parameters of plugin one prints\[0\].name is a whole number"),
    ],
)
def test_what_cannot_be_announced_costs_a_warning_and_not_the_manifests(
    workshop: Workshop, dynamic: str, words: str
) -> None:
    given = workshop.open(APP, [announcing(dynamic, static=STATIC)])

    loaded = generate(workshop.tree, "app", NAMED, given)

    assert (1, STATIC) == (len(loaded.manifests), loaded.announced)
    (warning,) = loaded.warnings
    assert re.search(words, warning), warning


def test_plugins_are_read_from_files_and_a_directory_and_have_their_version_in_the_name(tmp_path: Path) -> None:
    versioned = script("true", "two")
    versioned["spec"] |= {"version": "v1.0", "lockRepo": True, "parameters": {"static": [{"name": "x"}]}}
    directory = written(tmp_path / "plugins", script("true"), versioned)
    other = written(tmp_path / "other", script("true", "three")) / "0.yaml"

    found = load(PluginSettings(directory=directory, files=(other,)))

    assert ["one", "three", "two-v1.0"] == [plugin.name for plugin in found]


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ({"kind": "Pod"}, "kind is not ConfigManagementPlugin"),
        ({**script("x"), "spec": {"generate": {}}}, "generate has no command"),
        ({**script("x"), "metadata": {}}, "metadata.name is missing"),
        (announcing("true", static=[{"title": "x"}]), r"spec.parameters.static\[0\].name is missing"),
        ([1], "is not one mapping"),
    ],
)
def test_a_file_that_is_no_plugin_is_named(tmp_path: Path, manifest: Any, words: str) -> None:
    directory = written(tmp_path / "plugins", manifest)

    with pytest.raises(InvalidSettings, match=rf"0\.yaml.*{words}"):
        load(PluginSettings(directory=directory))


def test_two_plugins_of_one_name_and_a_directory_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="another plugin one"):
        load(PluginSettings(directory=written(tmp_path / "plugins", script("a"), script("b"))))
    with pytest.raises(InvalidSettings, match=r"plugins\.directory is .*No such file"):
        load(PluginSettings(directory=tmp_path / "gone"))


def test_a_plugin_of_argo_cds_documentation_is_understood() -> None:
    plugin = plugin_from(
        {
            "kind": "ConfigManagementPlugin",
            "metadata": {"name": "my-plugin"},
            "spec": {
                "version": "v1.0",
                "init": {"command": ["sh"], "args": ["-c", "echo"]},
                "generate": {"command": ["sh", "-c"], "args": [CONFIG_MAP]},
                "discover": {"fileName": "./subdir/s*.yaml", "find": {"glob": "**/Chart.yaml"}},
                "preserveFileMode": False,
            },
        }
    )

    assert ("my-plugin-v1.0", ["sh", "-c", "echo"], "./subdir/s*.yaml", False) == (
        plugin.name,
        plugin.init,
        plugin.file_name,
        plugin.network,
    )
