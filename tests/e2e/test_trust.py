"""Repositories that open to credentials, and commits that count by their signature, as a daemon in use has them."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.e2e.conftest import ONCE, Own
from tests.e2e.test_declarations import write
from tests.e2e.world import config_map, text
from tests.gitserver import Repo, http_server

KEEP = text(config_map("keep", v="1"))


@ONCE
async def test_secret_of_argo_cd_opens_a_repository_and_is_nowhere_to_be_found(own: Own, tmp_path: Path) -> None:
    served, folder = tmp_path / "guarded", tmp_path / "declarations"
    served.mkdir()
    folder.mkdir()
    Repo(served / "config.git").commit({"keep.yaml": KEEP})
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "git", "labels": {"argocd.argoproj.io/secret-type": "repo-creds"}},
    }
    async with (
        http_server(served, users={"ann": "s3cret-of-ann"}) as server,
        own(changes={"declarations": [{"directory": str(folder)}]}) as shop,
    ):
        write(folder / "web.yaml", shop.application("web", f"{server.url}/config.git"))
        await shop.daemon.until_condition(shop.name("web"), "ComparisonError", "credentials")
        (folder / "git.yaml").write_text(
            yaml.safe_dump(
                {**secret, "stringData": {"url": server.url, "username": "ann", "password": "s3cret-of-ann"}}
            )
        )
        seen = await shop.daemon.until_synced(shop.name("web"))

        assert "s3cret" not in str(seen) + shop.daemon.process.log
        files = [file for file in shop.daemon.process.root.rglob("*") if file.is_file()]
        assert any(file.suffix == ".db" for file in files)
        assert not [file for file in files if b"s3cret" in file.read_bytes()]
