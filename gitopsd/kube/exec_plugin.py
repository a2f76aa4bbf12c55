"""An exec plugin of a kubeconfig: a program that logs in to a cluster, run only where the settings name it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import shutil
import signal
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from gitopsd.errors import ClusterUnreachable, InvalidSettings
from gitopsd.runtime.spawn import PIPE, ChildProcess, spawn

VERSIONS = frozenset({"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"})
INFO = "KUBERNETES_EXEC_INFO"
EXTENSION = "client.authentication.k8s.io/exec"  # of a cluster: what its plugins are told beside
MAX_OUTPUT_BYTES = 1 << 20
MAX_HINT = 1000


@dataclass(frozen=True, slots=True)
class PluginLogin:
    """What a plugin answered: a token, or a certificate and its key."""

    token: str = field(default="", repr=False)
    certificate: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    ends_s: float | None = None  # Unix time at which the token ends; None: it did not say


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """What a kubeconfig's `exec` says is to be run."""

    command: str  # a name on the PATH, or an absolute path
    arguments: tuple[str, ...]
    env: Mapping[str, str]
    api_version: str
    hint: str  # how to install it
    wants_cluster: bool

    @staticmethod
    def parse(declared: Mapping[str, Any], folder: Path) -> ExecPlugin:
        """Return what `exec` of a kubeconfig in `folder` says.

        Raises:
            InvalidSettings: it cannot be run by a daemon, or at all.
        """
        command, version = declared.get("command"), declared.get("apiVersion")
        if not isinstance(command, str) or not command:
            raise InvalidSettings("its exec plugin has no command", remedy="write the program's name or path")
        if version not in VERSIONS:
            versions = " or ".join(sorted(VERSIONS))
            raise InvalidSettings(f"its exec plugin has the apiVersion {version!r}", remedy=f"write {versions}")
        if declared.get("interactiveMode") == "Always":
            raise InvalidSettings(
                f"its exec plugin {command} asks a person (interactiveMode: Always)",
                remedy="log in with something that needs nobody, such as a service account's token",
            )
        return ExecPlugin(
            str(folder / command) if os.sep in command else command,
            tuple(str(argument) for argument in declared.get("args") or ()),
            {str(variable["name"]): str(variable["value"]) for variable in declared.get("env") or ()},
            version,
            _plain(str(declared.get("installHint") or "")),
            declared.get("provideClusterInfo") is True,
        )

    def program(self, allowed: Collection[str]) -> str:
        """Return the absolute path of the program.

        Raises:
            InvalidSettings: `allowed` does not name it, or it is not there.
        """
        program = shutil.which(self.command)  # on our PATH: what a name means is not the kubeconfig's to say
        if allowed and program is None:
            raise InvalidSettings(
                f"its exec plugin {self.command} is not there, or may not be executed",
                remedy=self.hint or "install it where the daemon finds it",
            )
        if program is None or not {self.command, program} & set(allowed):
            raise InvalidSettings(
                f"its exec plugin {self.command} may not be run",
                remedy="write it into exec_plugins of the settings, where you trust who writes the kubeconfig",
            )
        return program

    async def run(self, program: str, cluster: Mapping[str, Any]) -> PluginLogin:
        """Run `program` and return what it answers.

        Args:
            program: of `program`.
            cluster: told to the plugin, where it wants that.

        Raises:
            ClusterUnreachable: it fails, or answers nothing that logs in. Its words may hold secrets, and are not told.
        """
        spec = {"interactive": False, **({"cluster": cluster} if self.wants_cluster else {})}
        info = {"apiVersion": self.api_version, "kind": "ExecCredential", "spec": spec}
        env = {**os.environ, **self.env, INFO: orjson.dumps(info).decode()}
        try:
            child = spawn([program, *self.arguments], env=env, stdout=PIPE, stderr=PIPE)
        except OSError as err:
            raise self._failed(f"cannot be started: {err.strerror}") from err
        try:
            text = await _output(child)
            code = await child.wait()
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
            child.close()
        if code:
            raise self._failed(f"ended with code {code}")
        return self._login(text)

    def _login(self, text: bytes) -> PluginLogin:
        try:
            answer = orjson.loads(text)
            if answer["apiVersion"] != self.api_version or answer["kind"] != "ExecCredential":
                raise self._failed(f"answers no ExecCredential of {self.api_version}")
            status = answer["status"]
            certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
            ends = status.get("expirationTimestamp")
            login = PluginLogin(
                str(status.get("token") or "").strip(),
                str(certificate).encode() if certificate and key else None,
                str(key).encode() if certificate and key else None,
                datetime.fromisoformat(ends).timestamp() if ends else None,
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._failed("answers no ExecCredential") from None
        if not login.token and login.certificate is None:
            raise self._failed("gives neither a token nor a certificate with its key")
        return login

    def _failed(self, what: str) -> ClusterUnreachable:
        return ClusterUnreachable(f"its exec plugin {self.command} {what}", remedy="run it by hand to see why")


def cluster_info(cluster: Mapping[str, Any], ca: bytes | None) -> dict[str, Any]:
    """Return a kubeconfig's cluster as plugins are told of it, with the authorities' certificates in it."""
    names = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url", "disable-compression")
    info = {name: cluster[name] for name in names if cluster.get(name)}
    if ca is not None:
        info["certificate-authority-data"] = base64.b64encode(ca).decode()
    for extension in cluster.get("extensions") or ():
        if extension["name"] == EXTENSION:
            info["config"] = extension["extension"]
    return info


def decoded(text: Any, name: str) -> bytes:
    """Return what a field of a kubeconfig holds in base64, line breaks or not."""
    try:
        return base64.b64decode("".join(str(text).split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidSettings(f"its {name} is not base64", remedy="mend the file") from None


async def _output(child: ChildProcess) -> bytes:
    out, err = child.output()
    async with asyncio.TaskGroup() as group:
        output = group.create_task(_read(out), name="output of an exec plugin")
        group.create_task(_read(err), name="errors of an exec plugin")
    return output.result()


async def _read(pipe: asyncio.StreamReader) -> bytes:
    """Return what comes out of `pipe`, its beginning where that is very long."""
    data = bytearray()
    while part := await pipe.read(1 << 16):
        if len(data) < MAX_OUTPUT_BYTES:
            data += part
    return bytes(data)


def _plain(hint: str) -> str:
    """Return a hint without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else " " for char in hint[:MAX_HINT]).strip()
