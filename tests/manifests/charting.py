"""Charts in a repository, rendered in this process; and archives of charts."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from gitopsd.git.tree import open_tree
from gitopsd.manifests.helm import build
from gitopsd.manifests.render_context import RenderContext
from gitopsd.manifests.variables import Variables
from gitopsd.model.application import HelmOptions
from gitopsd.settings import RenderSettings
from tests.gitserver import Repo
from tests.manifests.kustomizing import Built

WEB = {"ARGOCD_APP_NAME": "shop", "ARGOCD_APP_NAMESPACE": "front"}
DEFAULT = HelmOptions()


def chart_yaml(name: str = "web", version: str = "1.2.3", **more: Any) -> str:
    return orjson.dumps({"apiVersion": "v2", "name": name, "version": version, **more}).decode()


def config_map(name: str = "{{ .Release.Name }}", **data: str) -> str:
    """Return a template of a ConfigMap whose data are these expressions, as JSON."""
    lines = "".join(f"  {key}: {{{{ {expression} | toJson | quote }}}}\n" for key, expression in data.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n{lines}"


def tgz(files: Mapping[str, str], name: str = "sub") -> bytes:
    """Return an archive as `helm package` makes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


class Harbour:
    """A repository of charts; the one that is built is in `app`."""

    def __init__(self, place: Path) -> None:
        self.repo = Repo(place / "r.git")

    def build(
        self,
        files: Mapping[str, str | bytes],
        options: HelmOptions = DEFAULT,
        *,
        links: Mapping[str, str] | None = None,
        limits: RenderSettings | None = None,
        refs: Mapping[str, Mapping[str, str]] | None = None,
        **variables: str,
    ) -> Built:
        """Commit `files` and `links` alone, and build `app` of them; `refs` are the files of other sources."""
        others = {
            name: open_tree(str(self.repo.path), self.repo.rewrite(content)) for name, content in (refs or {}).items()
        }
        tree = open_tree(str(self.repo.path), self.repo.rewrite(files, links=links))
        given = RenderContext(limits or RenderSettings(), variables=Variables({**WEB, **variables}), refs=others)
        loaded = build(tree, "app", options, given)
        return Built([orjson.loads(each) for each in loaded.manifests], tree, given.variables, loaded.warnings)

    def data(self, files: Mapping[str, str | bytes], options: HelmOptions = DEFAULT, **more: Any) -> dict[str, Any]:
        """Return the data of the one ConfigMap that is built, read as JSON."""
        (manifest,) = self.build(files, options, **more).manifests
        return {name: orjson.loads(text) for name, text in manifest["data"].items()}
