"""The declarations that a command line names: files, whole directories, or applications by name in a directory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gitopsd.core.declaration import declared, is_declaration
from gitopsd.core.declaration.application import NAME
from gitopsd.core.declaration.destination import ARGO_GROUP
from gitopsd.declarations.files import read, scan
from gitopsd.errors import GitopsError, InvalidDeclaration, InvalidManifest, NotFound
from gitopsd.manifests.yaml import parse
from gitopsd.model.application import Application, Origin
from gitopsd.settings import RenderSettings

STDIN = "-"
# Beside declarations there is anything in a repository: templates, values, manifests that are none.
MARKS = (ARGO_GROUP.encode(), b"Application")
TEMPLATE = b"{{"


@dataclass(slots=True)
class DeclaredApplications:
    applications: list[Application] = field(default_factory=list)
    faults: list[GitopsError] = field(default_factory=list)  # of declarations that cannot be read
    warnings: list[str] = field(default_factory=list)


def applications(targets: Sequence[str], directories: Sequence[Path]) -> DeclaredApplications:
    """Return the applications of `targets`: files, `-` for standard input, names in `directories`, or directories.

    Raises:
        NotFound: a target is none of them.
    """
    declared = DeclaredApplications()
    everywhere: DeclaredApplications | None = None
    for target in targets:
        path = Path(target)
        if target == STDIN or path.is_file():
            _file(target, sys.stdin.buffer.read() if target == STDIN else path.read_bytes(), declared, named=True)
        elif NAME.fullmatch(target):
            everywhere = everywhere or _below(directories)
            _named(target, everywhere, directories, declared)
        else:
            _whole(target, path, declared)
    return declared


def _below(directories: Sequence[Path]) -> DeclaredApplications:
    declared = DeclaredApplications()
    for directory in directories:
        _directory(directory, declared)
    return declared


def _named(
    name: str, everywhere: DeclaredApplications, directories: Sequence[Path], declared: DeclaredApplications
) -> None:
    apps = [app for app in everywhere.applications if app.name == name]
    if apps:
        declared.applications.append(apps[0])
    elif Path(name).is_dir():
        _whole(name, Path(name), declared)
    else:
        broken = f"; of what is there cannot be read: {everywhere.faults[0]}" if everywhere.faults else ""
        raise NotFound(
            f"no Application below {', '.join(map(str, directories))} is named {name}{broken}",
            remedy="name its file, or the directory of the declarations by --declarations",
        )


def _whole(target: str, path: Path, declared: DeclaredApplications) -> None:
    if not path.is_dir():
        raise NotFound(f"there is no {target}", remedy="name a file, a directory or an application")
    before = len(declared.applications) + len(declared.faults)
    _directory(path, declared)
    if len(declared.applications) + len(declared.faults) == before:
        raise NotFound(f"no file below {target} declares an Application", remedy="name another directory")


def _directory(directory: Path, declared: DeclaredApplications) -> None:
    scanned = scan(directory, recurse=True)
    declared.warnings += scanned.faults
    for path, state in scanned.files:
        try:
            data = read(path, state)
        except OSError as err:
            declared.warnings.append(f"{path}: {err.strerror or err}")
            continue
        if all(mark in data for mark in MARKS):
            _file(path, data, declared, named=False)


def _file(path: str, data: bytes, declared: DeclaredApplications, *, named: bool) -> None:
    """Add what a file declares; in one that nobody named, other documents are passed over."""
    before = len(declared.applications)
    try:
        for line, value in _documents(path, data):
            if isinstance(value, dict) and is_declaration(value):
                _declaration(path, line, value, declared)
    except InvalidManifest as err:
        if named or TEMPLATE not in data:
            declared.faults.append(err)
        return
    if named and len(declared.applications) == before and not declared.faults:
        declared.faults.append(InvalidDeclaration(f"{path} declares no Application", remedy="name a file that does"))


def _documents(path: str, data: bytes) -> Iterator[tuple[int, object]]:
    for document in parse(path, data, RenderSettings()).documents:
        value = document.value
        items = value.get("items") if isinstance(value, dict) and value.get("kind") == "List" else None
        yield from ((document.line, item) for item in (items if isinstance(items, list) else [value]))


def _declaration(path: str, line: int, value: object, result: DeclaredApplications) -> None:
    origin = Origin("", path, line)
    try:
        one = declared(value, origin)
    except GitopsError as err:
        result.faults.append(err.again(f"{origin}: {err.what}"))
        return
    if isinstance(one, Application):
        result.applications.append(one)
        result.warnings += [f"{origin}: {warning}" for warning in one.warnings]
