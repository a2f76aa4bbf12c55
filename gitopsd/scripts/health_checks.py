"""Which health check of users judges which kind: of the settings, or of a directory laid out as Argo CD's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitopsd.core.text.globs import matches
from gitopsd.errors import InvalidSettings
from gitopsd.model.manifest import GroupKind
from gitopsd.settings import HealthSettings

FILE = "health.lua"
MAX_FILES = 10_000
MAX_BYTES = 1 << 20  # of one script
WILD = "_"  # in the name of a directory: any text, as `*` cannot be in a path everywhere


@dataclass(frozen=True, slots=True)
class CheckScript:
    """One script, and the kinds it is for."""

    group: str  # a glob
    kind: str  # a glob
    script: str
    open_libs: bool = False


class CheckScripts:
    """All checks, looked up by kind; an exact name goes before a glob, and the settings before the directory."""

    def __init__(self, scripts: Iterable[CheckScript]) -> None:
        self._all: Sequence[CheckScript] = tuple(scripts)
        self._known: dict[GroupKind, CheckScript | None] = {}

    def of(self, kind: GroupKind) -> CheckScript | None:
        if kind not in self._known:
            exact = (check for check in self._all if (check.group, check.kind) == (kind.group, kind.kind))
            self._known[kind] = next(exact, None) or next(self._fitting(kind), None)
        return self._known[kind]

    def _fitting(self, kind: GroupKind) -> Iterator[CheckScript]:
        return (check for check in self._all if matches(check.group, kind.group) and matches(check.kind, kind.kind))


def load(settings: HealthSettings) -> CheckScripts:
    """Return the checks of the settings.

    Raises:
        InvalidSettings: the directory cannot be read, or holds what no directory of checks does.
    """
    written = [
        CheckScript(*_named(check.group_kind), check.lua, check.use_open_libs)
        for check in settings.customizations
        if check.lua
    ]
    return CheckScripts([*written, *(_of_directory(settings.directory) if settings.directory else ())])


def _named(text: str) -> tuple[str, str]:
    """Return group and kind of `group/Kind`, or of `group_Kind` as in the keys of a ConfigMap; a kind alone is core."""
    group, _, kind = text.rpartition("/" if "/" in text else "_")
    return group, kind


def _of_directory(directory: Path) -> list[CheckScript]:
    try:
        files = sorted(directory.glob(f"*/*/{FILE}"))[: MAX_FILES + 1]
        if not files:
            fault = f"holds no GROUP/KIND/{FILE}" if directory.is_dir() else "is no directory"
            raise InvalidSettings(
                f"health.directory: {directory} {fault}", remedy="name a directory of groups, or remove the setting"
            )
        if len(files) > MAX_FILES:
            raise InvalidSettings(
                f"health.directory: {directory} holds more than {MAX_FILES} checks", remedy="name the right directory"
            )
        return [_of_file(file) for file in files]
    except OSError as err:
        raise InvalidSettings(
            f"health.directory: {err.filename} cannot be read: {err.strerror}", remedy="let gitopsd read it"
        ) from err


def _of_file(file: Path) -> CheckScript:
    script = script_of_file(file)
    group, kind = file.parent.parent.name, file.parent.name
    # As Argo CD runs those it comes with: half a hundred of them take texts apart.
    return CheckScript(group.replace(WILD, "*"), kind.replace(WILD, "*"), script, open_libs=True)


def script_of_file(file: Path) -> str:
    """Return a script. Raises InvalidSettings where it is none that can be run, OSError where it cannot be read."""
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    try:
        script = data.decode()
    except UnicodeDecodeError:
        raise InvalidSettings(f"{file} is not UTF-8", remedy="save it as UTF-8") from None
    if len(data) > MAX_BYTES:
        raise InvalidSettings(f"{file} is over {MAX_BYTES} bytes", remedy="make it smaller")
    return script
