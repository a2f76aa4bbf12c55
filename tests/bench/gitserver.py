"""Repositories over HTTP from a process of its own: `python -m tests.bench.gitserver ROOT PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

from aiohttp import web

from gitopsd.demo.githttp import git_app

if __name__ == "__main__":
    web.run_app(git_app(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]), print=None, access_log=None)
