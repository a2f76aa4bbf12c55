"""Who looked where in Git: from the places that changed to the applications that must look again (D8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gitopsd.model.ids import AppName, RepoUrl

ATTRIBUTES = ".gitattributes"  # is part of what is seen of the files below it, wherever it stands

Branch = tuple[RepoUrl, str]  # a repository and a ref as declared, such as `main` or `v1.*`
Closure = Mapping[str, str]  # of `ports.Tree.closure()`: `kind:path` → what was seen, "" for what was not there

# Most places were looked at by one application, and a set costs twice the memory of the rest of the entry.
_Apps = AppName | set[AppName]


@dataclass(slots=True)
class _Places:
    """The look-ups of all applications in one branch."""

    at: dict[str, _Apps] = field(default_factory=dict)  # key of a closure → who looked there
    missed_below: dict[str, _Apps] = field(default_factory=dict)  # path → who found nothing at some path below it
    anything: set[AppName] = field(default_factory=set)  # whose look-ups are not known


class TouchIndex:
    """Look-ups of every application, by branch. One application's are replaced whole."""

    def __init__(self) -> None:
        self._branches: dict[Branch, _Places] = {}
        self._closures: dict[AppName, Mapping[Branch, Closure | None]] = {}

    def put(self, app: AppName, closures: Mapping[Branch, Closure | None]) -> None:
        """Remember what `app`'s last render looked up, over all its sources; None: not known, so any change counts."""
        if self._closures.get(app) == closures:
            return
        self.drop(app)
        self._closures[app] = {
            branch: dict(closure) if closure is not None else None for branch, closure in closures.items()
        }
        for branch, closure in closures.items():
            places = self._branches.setdefault(branch, _Places())
            if closure is None:
                places.anything.add(app)
                continue
            for key in closure:
                _add(places.at, key, app)
            for path in _missed_below(closure):
                _add(places.missed_below, path, app)

    def drop(self, app: AppName) -> None:
        """Forget `app`; one that is not known is no error."""
        for branch, closure in self._closures.pop(app, {}).items():
            places = self._branches[branch]
            places.anything.discard(app)
            for key in closure or ():
                _remove(places.at, key, app)
            for path in _missed_below(closure or {}):
                _remove(places.missed_below, path, app)
            if not places.at and not places.anything:
                del self._branches[branch]

    def branches(self, repo: RepoUrl) -> tuple[str, ...]:
        """Return the refs of `repo` that some application reads, sorted."""
        return tuple(sorted(ref for url, ref in self._branches if url == repo))

    def touched(self, repo: RepoUrl, ref: str, changes: Mapping[str, Iterable[str]] | None) -> frozenset[AppName]:
        """Return the applications that must look again.

        Args:
            repo: the repository as declared.
            ref: the ref as declared.
            changes: `files` and `dirs`, as `git.touched.changes` returns them; None: anything may have changed.
        """
        places = self._branches.get((repo, ref))
        if places is None:
            return frozenset()
        if changes is None:
            return frozenset(_all(places))
        apps: set[AppName] = set()
        for path in changes["files"]:
            if path.rpartition("/")[2] == ATTRIBUTES:
                return frozenset(_all(places))
            # A file or link that comes where a directory was looked for, or goes, changes what is found below it.
            apps.update(_each(places.missed_below.get(path)))
            for kind in ("file", "link", "list", "module"):
                apps.update(_each(places.at.get(f"{kind}:{path}")))
        for path in changes["dirs"]:
            apps.update(_each(places.at.get(f"list:{path}")))
        if changes["files"] or changes["dirs"]:
            apps |= places.anything
        return frozenset(apps)


def _missed_below(closure: Closure) -> set[str]:
    """Return the paths above every look-up that found nothing: what appears there may lead to something."""
    paths: set[str] = set()
    for key, what in closure.items():
        path = key.partition(":")[2]
        while not what and "/" in path:
            path = path.rpartition("/")[0]
            paths.add(path)
    return paths


def _each(apps: _Apps | None) -> Iterable[AppName]:
    if apps is None:
        return ()
    return apps if isinstance(apps, set) else (apps,)


def _all(places: _Places) -> Iterator[AppName]:
    yield from places.anything
    for apps in places.at.values():
        yield from _each(apps)


def _add(index: dict[str, _Apps], key: str, app: AppName) -> None:
    apps = index.setdefault(key, app)
    if isinstance(apps, set):
        apps.add(app)
    elif apps != app:
        index[key] = {apps, app}


def _remove(index: dict[str, _Apps], key: str, app: AppName) -> None:
    apps = index[key]
    if isinstance(apps, set):
        apps.discard(app)
    if apps == app or not apps:
        del index[key]
