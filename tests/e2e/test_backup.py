"""A backup taken while the daemon runs, by the command of docs/operations.md, and put back."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import ONCE, Own
from tests.e2e.world import config_map, text

DOCS = Path(__file__).parents[2] / "docs/operations.md"


def documented(data_dir: Path, backup: Path) -> str:
    """Return the command of the docs that needs nothing but Python, with these places in it."""
    (line,) = (line for line in DOCS.read_text().splitlines() if line.startswith("python3 -c") and "VACUUM" in line)
    places = {"/var/lib/gitopsd": data_dir, "/backup/gitopsd.db": backup, "python3": sys.executable}
    for written, place in places.items():
        line = line.replace(written, str(place))
    return line


def put_back(backup: Path, data_dir: Path) -> None:
    """Restore into a data directory that has nothing else."""
    shutil.rmtree(data_dir)
    data_dir.mkdir(mode=0o700)
    restored = Path(shutil.copy(backup, data_dir / "gitopsd.db"))
    restored.chmod(0o600)


@ONCE
async def test_restored_backup_keeps_what_it_knew_and_finds_out_the_rest(own: Own, tmp_path: Path) -> None:
    backup = tmp_path / "gitopsd.db"
    async with own() as shop:
        name, process = shop.name("web"), shop.daemon.process
        repo = shop.repo(files={"a.yaml": text(config_map("a", v="1"), config_map("old", v="1"))})
        await shop.declare(shop.application("web", repo))
        before = await shop.daemon.until_synced(name)
        data_dir = Path(process.settings["data_dir"])
        subprocess.run(documented(data_dir, backup), shell=True, check=True)  # noqa: ASYNC221, S602 - as a user types it
        await shop.push(repo, {"a.yaml": text(config_map("a", v="2"), config_map("new", v="1"))})
        await shop.until_gone("old")
        await shop.until_live("new", {"v": "1"})
        assert 0 == process.stop()
        put_back(backup, data_dir)
        commit = repo.commit({"a.yaml": text(config_map("a", v="3"), config_map("new", v="1"))})

        process.start()
        await shop.daemon.ready()

        after = await shop.daemon.until_synced(name, commit)
        await shop.until_live("a", {"v": "3"})
        assert before["status"]["history"][0] == after["status"]["history"][0]
        assert {"a", "new"} == {resource["name"] for resource in after["status"]["resources"]}
