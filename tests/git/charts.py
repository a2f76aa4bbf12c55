"""What tests of charts and their neighbours share."""

from __future__ import annotations

from dataclasses import dataclass

from gitopsd.git.repositories import Repositories
from gitopsd.git.tree import GitTree, open_tree
from gitopsd.model.application import Source
from gitopsd.model.ids import RepoUrl
from gitopsd.settings import ChartSettings, GitSettings, Held, OciSettings, RepoCredentials
from tests.chartserver import Charts
from tests.git.conftest import World


@dataclass
class Place:
    world: World
    charts: Charts

    @property
    def repo(self) -> RepoUrl:
        return self.source("web", "*").repository

    def source(self, chart: str, version: str, **helm: object) -> Source:
        return Source(self.charts.url, version, chart=chart, path=".", options={"helm": helm})

    def repositories(
        self, *credentials: RepoCredentials, deadline_s: float = 20.0, most: int = 64 << 20
    ) -> Repositories:
        return Repositories(
            GitSettings(credentials=credentials or (RepoCredentials(self.charts.url, "bot", Held(text="pw")),)),
            data_dir=self.world.folder / "data",
            run_dir=self.world.folder / "run",
            now_s=lambda: self.world.now_s,
            oci=OciSettings(deadline_s=deadline_s),
            charts=ChartSettings(max_index_bytes=most),
        )

    async def tree(self, repositories: Repositories, chart: str, version: str, **helm: object) -> GitTree:
        source = self.source(chart, version, **helm)
        at = await repositories.want(source.repository, source.reference)
        return open_tree(repositories.mirror(source.repository), at.revision)
