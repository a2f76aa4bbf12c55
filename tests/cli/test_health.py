"""`gitopsd health`: the health of live objects in files, without a daemon and a cluster."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gitopsd.cli.main import main

OBJECTS = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {restartPolicy: Always}
status: {phase: Running, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
---
apiVersion: v1
kind: PodList
items:
- {apiVersion: v1, kind: Pod, metadata: {name: a}, status: {phase: Pending, message: no node fits}}
- {apiVersion: v1, kind: Pod, metadata: {name: b}, status: {phase: 7}}
"""


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert 0 == main(("health", *arguments, "-o", "json"))
    return json.loads(capsys.readouterr().out)


def test_every_object_of_a_file_is_told_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "live.yaml"
    file.write_text(OBJECTS)

    found = printed(capsys, str(file))

    assert [
        {"kind": "Pod", "namespace": "shop", "name": "web", "status": "Healthy", "message": ""},
        {
            "kind": "ConfigMap",
            "namespace": "",
            "name": "settings",
            "status": None,
            "message": "its kind has no health of its own",
        },
        {"kind": "Pod", "namespace": "", "name": "a", "status": "Progressing", "message": "no node fits"},
        {
            "kind": "Pod",
            "namespace": "",
            "name": "b",
            "status": "Unknown",
            "message": ".status.phase is an integer instead of a string",
        },
    ] == found


@pytest.mark.parametrize("text", ["[1]", "7", "kind: {}", "{kind: Pod, apiVersion: 7}", "metadata: 3"])
def test_what_is_no_object_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(text)

    assert ["Unknown"] == [each["status"] for each in printed(capsys, str(file))]


def test_standard_input_is_read_for_a_dash(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(OBJECTS.encode())))

    assert "web" == printed(capsys, "-")[0]["name"]


def test_table_has_one_line_for_each_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "live.yaml"
    file.write_text(OBJECTS)

    assert 0 == main(("health", str(file)))

    rows = capsys.readouterr().out.splitlines()
    assert "KIND\tNAMESPACE\tNAME\tHEALTH\tMESSAGE" == rows[0]
    assert "Pod\tshop\tweb\tHealthy\t" == rows[1]
    assert "ConfigMap\t\tsettings\t-\t-" == rows[2]


def test_file_that_is_no_yaml_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("a: [")

    assert 0 != main(("health", str(file)))
    assert f"{file}:2: " in capsys.readouterr().err


CERTIFICATE = "{apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: tls}}"


def test_checks_of_a_directory_are_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "checks/cert-manager.io/_").mkdir(parents=True)
    (tmp_path / "checks/cert-manager.io/_/health.lua").write_text('return {status = "Degraded", message = obj.kind}')
    file = tmp_path / "live.yaml"
    file.write_text(CERTIFICATE)

    (found,) = printed(capsys, str(file), "--checks", str(tmp_path / "checks"))

    assert ("Degraded", "Certificate") == (found["status"], found["message"])


def test_checks_of_the_settings_are_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, file = tmp_path / "gitopsd.yaml", tmp_path / "live.yaml"
    file.write_text(CERTIFICATE)
    config.write_text(
        "health: {customizations: [{group_kind: cert-manager.io_Certificate, lua: 'while true do end'}]}\n"
        "scripts: {deadline_s: 0.3}\n"
    )

    (found,) = printed(capsys, str(file), "--config", str(config))

    assert "Unknown" == found["status"]
    assert "took more than 0.3 s and was killed" in found["message"]


def test_check_of_the_settings_finds_a_directory_of_checks_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gitopsd.yaml"
    config.write_text("health: {directory: none}")

    assert 2 == main(("check", "--config", str(config)))
    assert "health.directory: " in capsys.readouterr().out

    (tmp_path / "none/a.io/Kind").mkdir(parents=True)
    (tmp_path / "none/a.io/Kind/health.lua").write_text("return nil")
    assert 0 == main(("check", "--config", str(config)))
