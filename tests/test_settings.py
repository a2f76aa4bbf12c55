"""The settings file: what it may say, and that everything wrong with it is said at once."""

from __future__ import annotations

import base64
import dataclasses
import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitopsd.errors import InvalidSettings
from gitopsd.settings import ClusterSettings, DeclarationSource, Secret, Settings, changed, load, problems
from gitopsd.settings.schema import KustomizeVersion, RepoCredentials

CONFIG = Path(__file__).parent.parent / "config" / "gitopsd.yaml"
NONE: Mapping[str, str] = {}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gitopsd.yaml"


def read(file: Path, text: str, environ: Mapping[str, str] = NONE) -> Settings:
    file.write_text(text)
    return load(file, environ)


def found(file: Path, text: str, environ: Mapping[str, str] = NONE) -> list[str]:
    """Return the problems as people see them, without the directory of the file."""
    file.write_text(text)
    return [str(problem).replace(f"{file.parent}/", "") for problem in problems(file, environ)]


def uncommented(text: str) -> str:
    """Return the documented file with its examples in force."""
    lines = [line[1:] if line.startswith("#  ") else line for line in text.splitlines()]
    lists = "clusters|declarations|credentials|kustomize_versions|customizations|ignore_differences|keys"
    lists += "|.*clusions|global_projects"
    return "\n".join(re.sub(rf"^( *({lists})): \[\]$", r"\1:", line) for line in lines)


def test_documented_file_says_the_defaults() -> None:
    assert Settings() == load(CONFIG, NONE)


def test_documented_file_names_every_setting() -> None:
    written = yaml.safe_load(uncommented(CONFIG.read_text()))

    def missing(value: Any, found: Mapping[str, Any], name: str) -> list[str]:
        gone = [
            f"{name}.{field.name}"
            for field in dataclasses.fields(value)
            if field.name not in found and not field.metadata.get("rest")
        ]
        for field in dataclasses.fields(value):
            inner = getattr(value, field.name)
            if dataclasses.is_dataclass(inner):
                gone += missing(inner, found.get(field.name, {}), f"{name}.{field.name}")
        return gone

    def together(items: list[dict[str, Any]]) -> dict[str, Any]:
        return {name: value for item in items for name, value in item.items()}

    assert [] == [
        *missing(Settings(), written, ""),
        *missing(ClusterSettings("x"), together(written["clusters"]), "cluster"),
        *missing(DeclarationSource(), together(written["declarations"]), "declaration"),
        *missing(RepoCredentials("x"), together(written["git"]["credentials"]), "credentials"),
        *missing(KustomizeVersion("x", Path()), together(written["tools"]["kustomize_versions"]), "kustomize_versions"),
    ]


def test_examples_of_the_documented_file_can_be_used(tmp_path: Path) -> None:
    text = uncommented(CONFIG.read_text())
    for name in re.findall(r"(?:file|kubeconfig|known_hosts|program): ([\w.-]+)", text):
        (tmp_path / name).write_text("x")

    settings = read(tmp_path / "gitopsd.yaml", text)

    assert ["prod-eu", "here", "prod-us", "edge"] == [cluster.name for cluster in settings.clusters]
    assert ClusterSettings("prod-eu", kubeconfig=tmp_path / "prod-eu.kubeconfig") == settings.clusters[0]
    assert DeclarationSource(tmp_path / "applications") == settings.declarations[0]
    assert 4 == len(settings.git.credentials)
    assert (
        KustomizeVersion("v5.4.3", tmp_path / "kustomize-5.4.3", "--enable-helm"),
    ) == settings.tools.kustomize_versions


def test_empty_file_is_all_defaults(file: Path) -> None:
    assert Settings() == read(file, "")


def test_every_problem_is_found_at_once_with_its_line(file: Path) -> None:
    text = """\
mode: enforced
api:
  prot: 9090
  host: 127
git:
  poll_s: soon
  fetches_at_once: 0
log: quiet
clusters:
  - nam: a
"""
    assert [
        "gitopsd.yaml:1: mode is 'enforced'; did you mean enforce?",
        "gitopsd.yaml:3: api.prot is no setting; did you mean port?",
        "gitopsd.yaml:4: api.host is not a string; put it in quotes",
        "gitopsd.yaml:6: git.poll_s is not a number; write a number",
        "gitopsd.yaml:7: git.fetches_at_once is 0; write 1 to 10000",
        "gitopsd.yaml:8: log is not a mapping; write `name: value` lines below it, indented",
        "gitopsd.yaml:10: clusters[0].nam is no setting; did you mean name?",
        "gitopsd.yaml:10: clusters[0].name is missing; write it",
    ] == found(file, text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mode: a\nmode: b", "gitopsd.yaml:2: mode is written twice"),
        ("api: {port: 1\nlog: x", "gitopsd.yaml:2: is not YAML"),
        ("- a", "gitopsd.yaml:1: the settings are not a mapping"),
        ("mode: enforce\n---\nmode: observe", "gitopsd.yaml:2: is not YAML"),
        ("api: {port: true}", "api.port is not a whole number"),
        ("api: {port: 70000}", "api.port is 70000; write 0 to 65535"),
        ("grace_s: .nan", "grace_s is not a number"),
        ("sync: {takeover: a}", "sync.takeover is not a list"),
        ("sync: {takeover: [1]}", "sync.takeover[0] is not a string"),
        ("data_dir: ''", "data_dir is not a path"),
        ("\x00", "is not YAML"),
        ("mode: !!python/object:os.system x", "mode is"),
        ("mode: 2020-99-99", "mode is '2020-99-99'"),
        ("a: " * 3 + "1", "is not YAML"),
        ("a: " + "[" * 60 + "]" * 60, "is nested too deep"),
        ("[" * 5_000, "is nested too deep"),
        ("mode: !!int ''", "mode is"),
        ("mode: !!timestamp x", "mode is"),
        ("mode: !!bool x", "mode is"),
    ],
)
def test_file_that_is_no_settings(file: Path, text: str, says: str) -> None:
    assert any(says in problem for problem in found(file, text)), found(file, text)


@pytest.mark.parametrize(
    ("cluster", "says"),
    [
        ("{name: gitopsd, in_cluster: true}", "clusters[0].name is gitopsd, which stands for gitopsd itself"),
        ("{name: A_B!, in_cluster: true}", "clusters[0].name is 'A_B!'"),
        ("{name: a}", "clusters[0] says no way of access; write exactly one of"),
        ("{name: a, in_cluster: true, server: 'https://x'}", "clusters[0] has in_cluster and server"),
        ("{name: a, server: 'http://x', token: {env: T}}", "clusters[0].server is no https:// URL"),
        ("{name: a, server: 'https://u:p@x', token: {env: T}}", "clusters[0].server is no https:// URL"),
        ("{name: a, server: 'https://x'}", "clusters[0] has a server and no credentials"),
        ("{name: a, in_cluster: true, token: {env: T}}", "clusters[0] has in_cluster and its own token"),
        ("{name: a, in_cluster: true, context: b}", "clusters[0].context is given without kubeconfig"),
        (
            "{name: a, in_cluster: true, cluster_resources: true}",
            "clusters[0].cluster_resources is given without names",
        ),
        ("{name: a, in_cluster: true, namespaces: [web, 'team-*']}", "clusters[0].namespaces[1] is 'team-*'"),
        ("{name: a, kubeconfig: gone}", "clusters[0].kubeconfig is gone: no such file"),
        ("{name: a, server: 'https://x', token: {}}", "clusters[0].token must have a file or an env"),
        ("{name: a, server: 'https://x', token: {env: U}}", "clusters[0].token.env is U, which is not set"),
        ("{name: a, server: 'https://x', token: {file: gone}}", "clusters[0].token.file is gone: no such file"),
    ],
)
def test_cluster_that_cannot_work(file: Path, cluster: str, says: str) -> None:
    assert any(f"gitopsd.yaml:2: {says}" in problem for problem in found(file, f"clusters:\n- {cluster}", {"T": "x"}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("clusters: [{name: a, in_cluster: true}, {name: a, in_cluster: true}]", "clusters[1].name is given twice"),
        ("tools: {kustomize_build_options: '--enable-helm -o /x'}", "tools.kustomize_build_options has -o; leave it"),
        ("charts: {value_files: [config.example]}", "charts.value_files[0] is 'config.example'"),
        ("tracking: {label: 'a b'}", "tracking.label is 'a b'"),
        ("tracking: {label: ''}", "tracking.label is ''"),
        ("tracking: {method: labels}", "tracking.method is 'labels'"),
        (f"tracking: {{installation_id: {'x' * 300}}}", "tracking.installation_id has 300 characters"),
        ("declarations: [{path: x}]", "declarations[0] must have a directory or a repo_url"),
        ("declarations: [{directory: x}, {directory: x}]", "declarations[1] is given twice"),
        ("declarations: [{repo_url: 'https://x', verify: all}]", "declarations[0].verify is 'all'"),
        (
            "declarations: [{repo_url: 'https://x', verify: head}]",
            "declarations[0] has nobody whose signature would do",
        ),
        ("declarations: [{directory: x, verify: head, keys: [AB]}]", "declarations[0].keys holds 'AB', no key id"),
        (
            "declarations: [{repo_url: 'https://x', principals: [a]}]",
            "declarations[0] names keys, and verifies nothing",
        ),
        ("git: {gpg_keys: nowhere}", "git.gpg_keys is"),
        ("git: {credentials: [{url: 'https://a', username: b}]}", "has a username alone"),
        (
            "git: {credentials: [{url: 'https://a', client_cert: {env: SHORT}}]}",
            "has one of client_cert and client_key",
        ),
        ("git: {credentials: [{url: 'https://a', proxy: 'p:1'}]}", "has a proxy that is no URL"),
        ("git: {credentials: [{url: 'https://a', no_proxy: b}]}", "has no_proxy without proxy"),
        (
            "git: {credentials: [{url: 'https://a', bearer_token: {env: SHORT}, password: {env: SHORT}}]}",
            "has password and bearer_token",
        ),
        (
            "git: {credentials: [{url: 'https://a', github_app: {id: 1, private_key: {env: SHORT}, api_url: ghe}}]}",
            "github_app.api_url that is no URL",
        ),
        ("git: {credentials: [{url: 'https://a:pw@b'}]}", "git.credentials[0].url holds a password"),
        ("redis: {url: 'http://x'}", "redis.url is no URL of a Redis"),
        ("redis: {url: 'redis://:hunter2@x'}", "redis.url holds a password"),
        ("redis: {key: {env: SHORT}}", "redis.key is not 32 bytes in base64"),
        ("api: {cert_file: gitopsd.yaml}", "api has one of cert_file and key_file"),
        ("api: {port: 9, probe_port: 9}", "api.probe_port is 9, as api.port is"),
        ("sync: {heal_wait_s: 9, heal_max_s: 8}", "sync.heal_max_s is less than"),
    ],
)
def test_settings_that_do_not_fit_together(file: Path, text: str, says: str) -> None:
    said = found(file, text, {"SHORT": "eA=="})

    assert any(says in problem for problem in said), said
    assert not any("hunter2" in problem or "pw" in problem for problem in said)


def test_load_raises_all_problems(file: Path) -> None:
    with pytest.raises(InvalidSettings) as refused:
        read(file, "mode: x\ngrace_s: -1")

    assert "gitopsd.yaml:1: mode is 'x'" in str(refused.value)
    assert "gitopsd.yaml:2: grace_s is -1" in str(refused.value)


def test_absent_file_is_a_problem(file: Path) -> None:
    (problem,) = problems(file, NONE)

    assert "cannot be read: No such file" in problem.what


def test_environment_overrides_the_file(file: Path) -> None:
    environ = {"GITOPSD_API__PORT": "9090", "GITOPSD_MODE": "observe", "GITOPSD_API__TOKEN__ENV": "T", "T": "secret"}

    settings = read(file, "api: {port: 1, host: a}", environ)

    assert (9090, "a", "observe", Secret(env="T")) == (
        settings.api.port,
        settings.api.host,
        settings.mode,
        settings.api.token,
    )


def test_text_from_the_environment_needs_no_quotes(file: Path) -> None:
    assert "12" == read(file, "", {"GITOPSD_API__HOST": "12"}).api.host


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        (
            "GITOPSD_API__PROT",
            "1",
            "GITOPSD_API__PROT: api.prot is no setting; did you mean port?",
        ),
        ("GITOPSD_APY__PORT", "1", "apy is no setting; did you mean api?"),
        ("GITOPSD_API__PORT", "many", "api.port is not a whole number"),
        ("GITOPSD_CLUSTERS__0__NAME", "a", "clusters is not a list; write it in the file"),
    ],
)
def test_wrong_variable_is_a_problem(file: Path, variable: str, value: str, says: str) -> None:
    (problem,) = found(file, "", {variable: value})

    assert says in problem


def test_variables_of_others_are_left_alone(file: Path) -> None:
    # What Kubernetes sets for a Service named gitopsd, and what the CLI reads.
    others = {"GITOPSD_PORT": "tcp://10.0.0.1:80", "GITOPSD_SERVICE_HOST": "10.0.0.1", "GITOPSD_SERVER": "http://x"}

    assert Settings() == read(file, "", others)


def test_relative_kubeconfig_is_systemds_credential_first(file: Path, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for path in (credentials / "east", tmp_path / "east", tmp_path / "west"):
        path.write_text("")
    names = ("east", "west", str(tmp_path / "east"))
    text = f"clusters: [{', '.join(f'{{name: c{at}, kubeconfig: {name}}}' for at, name in enumerate(names))}]"

    found = read(file, text, {"CREDENTIALS_DIRECTORY": str(credentials)}).clusters

    assert [credentials / "east", tmp_path / "west", tmp_path / "east"] == [cluster.kubeconfig for cluster in found]


def test_relative_secret_is_systemds_credential_first(file: Path, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "token").write_text("theirs\n")
    (tmp_path / "token").write_text("beside\n")
    text = "api: {token: {file: token}}"

    systemd = read(file, text, {"CREDENTIALS_DIRECTORY": str(credentials)}).api.token
    plain = read(file, text).api.token

    assert ("theirs", "beside") == (systemd and systemd.read(), plain and plain.read())


def test_key_for_the_cache_is_32_bytes(file: Path) -> None:
    (file.parent / "key").write_bytes(base64.b64encode(bytes(32)))

    assert read(file, "redis: {key: {file: key}}").redis.key


def test_changes_are_named_and_told_apart() -> None:
    old = Settings()
    new = replace(
        old,
        log=replace(old.log, level="debug"),
        api=replace(old.api, port=1),
        clusters=(ClusterSettings("a", in_cluster=True),),
    )

    changes = changed(old, new, {"log"})

    assert (("log.level",), ("api.port", "clusters")) == (changes.live, changes.restart)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["mode", "api", "port", "clusters", "name", "server", "token", "file", "git", "credentials"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(values)
def test_whatever_the_file_holds_the_answer_is_settings_or_problems(value: Any) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "gitopsd.yaml"
        file.write_text(yaml.safe_dump(value), encoding="utf-8", errors="surrogatepass")
        said = problems(file, NONE)
    assert all(problem.what and problem.remedy for problem in said)


def test_rules_and_checks_without_effect_are_told(file: Path) -> None:
    text = """\
compare: {ignore_differences: [{kind: Pod}, {kind: Pod, json_pointers: [spec]}]}
health: {customizations: [{group_kind: "", lua: " "}]}
"""

    assert [
        (
            "gitopsd.yaml:1: compare.ignore_differences[0] ignores nothing; "
            "write json_pointers, jq_path_expressions or managed_fields_managers"
        ),
        (
            "gitopsd.yaml:1: compare.ignore_differences[1].json_pointers[0] is 'spec', no JSON pointer; "
            "write it as '/spec/replicas'"
        ),
        "gitopsd.yaml:2: health.customizations[0].group_kind is empty; write it",
        "gitopsd.yaml:2: health.customizations[0].lua is empty; write it",
    ] == found(file, text)
