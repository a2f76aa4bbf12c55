"""Reads the settings file, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitopsd.errors import InvalidSettings
from gitopsd.settings.building import Builder
from gitopsd.settings.checks import check
from gitopsd.settings.document import document, lay_over
from gitopsd.settings.problem import Problem, Problems, SettingsPlace
from gitopsd.settings.schema import Settings
from gitopsd.settings.unsafe import note_unsafe

MAX_BYTES = 8 << 20  # thousands of clusters; a device file has no end


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings of the file `path` with those of the environment over them.

    A variable is `GITOPSD_` and the setting's names joined by `__`, as in GITOPSD_API__PORT; scalars only.
    Relative paths begin at the file's directory; a file's is first looked for in $CREDENTIALS_DIRECTORY.

    Raises:
        InvalidSettings: lists every problem, one a line.
    """
    settings, problems = _read(path, environ)
    reported = list(problems)
    if reported or settings is None:
        lines = "\n".join(f"  {problem}" for problem in reported)
        raise InvalidSettings(
            f"the settings cannot be used:\n{lines}\n", remedy="mend them; `gitopsd check` looks anew"
        )
    return settings


def problems(path: Path, environ: Mapping[str, str]) -> list[Problem]:
    """Return everything that is wrong with the settings, by line; empty where `load` would succeed."""
    return list(_read(path, environ)[1])


def unsafe(path: Path, environ: Mapping[str, str]) -> list[Problem]:
    """Return what works in the settings and leaves a door open, by line; empty where `load` would not succeed."""
    settings, problems = _read(path, environ)
    if settings is None or any(True for _ in problems):
        return []
    note_unsafe(settings, problems)
    return list(problems)


def _read(path: Path, environ: Mapping[str, str]) -> tuple[Settings | None, Problems]:
    problems = Problems(str(path))
    settings = None
    text = _text(path, problems)
    root = None if text is None else document(text, problems)
    if root is not None:
        lay_over(root, environ)
        directory = environ.get("CREDENTIALS_DIRECTORY")
        builder = Builder(path.absolute().parent, Path(directory) if directory else None, problems)
        settings = builder.build(Settings, root)
    if settings is not None:
        check(settings, environ, problems)
    return settings, problems


def _text(path: Path, problems: Problems) -> str | None:
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as err:
        problems.add(
            SettingsPlace(str(path)), f"cannot be read: {err.strerror}", "name the settings file with --config"
        )
        return None
    if len(content) > MAX_BYTES:
        problems.add(
            SettingsPlace(str(path)), f"is larger than {MAX_BYTES} bytes", "name the settings file with --config"
        )
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.add(SettingsPlace(str(path)), "is not UTF-8 text", "save it as UTF-8")
        return None
