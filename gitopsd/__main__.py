"""`python -m gitopsd` and the `gitopsd` command: both are the CLI; the daemon is its verb `run`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    from gitopsd.cli.main import main as cli

    return cli()


if __name__ == "__main__":
    sys.exit(main())
