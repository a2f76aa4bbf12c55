"""`make compare PEERS=DIR`: what we make of public inputs beside what others make of them; prints what differs.

The peers' programs are in DIR (see `tests.compare.peers`), and so are the tree of sources, in DIR/sources, and that of
health tests, in DIR/health, unless SOURCES=DIR and HEALTH=DIR name others. Nothing of them is part of the project.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.compare import healths, random_yaml, sources
from tests.compare.peers import Peer, peers
from tests.compare.results import Compared, table


@dataclass(frozen=True, slots=True)
class Options:
    peers: list[Peer]
    sources: Path
    health: Path
    most: int
    documents: int
    seed: int
    parameters: list[tuple[str, str]]
    scratch: Path


# What is compared; each yields its results as it goes.
GROUPS: Mapping[str, Callable[[Options], Iterator[Compared]]] = {
    "renders": lambda given: sources.compare(given.sources, given.peers, given.scratch, given.most, given.parameters),
    "health": lambda given: healths.compare(given.health),
    "yaml": lambda given: random_yaml.compare(given.peers, given.scratch, given.documents, given.seed),
}


def main() -> None:
    """Compare, print the table and what is open, write the JSON."""
    arguments = _arguments()
    found: list[Compared] = []
    with TemporaryDirectory(prefix="gitopsd-compare-") as scratch, peers(arguments.peers) as able:
        given = Options(
            able,
            (arguments.sources or arguments.peers / "sources").absolute(),
            (arguments.health or arguments.peers / "health").absolute(),
            arguments.most,
            arguments.documents,
            arguments.seed,
            [(name, value) for name, _, value in (each.partition("=") for each in arguments.set)],
            Path(scratch),
        )
        with suppress(KeyboardInterrupt):  # what there is by then is told
            for name in arguments.only or GROUPS:
                for each in GROUPS[name](given):
                    found.append(each)
                    if sys.stderr.isatty():
                        sys.stderr.write(f"\r{len(found)} compared: {each.what[-60:]:60}")
    sys.stdout.write(f"\n{table(found)}\n")
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps([{**asdict(each), "verdict": each.verdict.value} for each in found], indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.compare", description=__doc__)
    parser.add_argument("--peers", type=Path, required=True, help="the directory of the peers' programs")
    parser.add_argument("--sources", type=Path, default=None, help="a tree of repositories; default: PEERS/sources")
    parser.add_argument("--health", type=Path, default=None, help="a tree of health tests; default: PEERS/health")
    parser.add_argument(
        "--only", action="append", choices=sorted(GROUPS), help="compare this alone; may be given often"
    )
    parser.add_argument("--most", type=int, default=0, help="sources of one repository, a sample; default: all")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of every chart")
    parser.add_argument("--documents", type=int, default=500, help="random YAML files; default: 500")
    parser.add_argument("--seed", type=int, default=0, help="of the random files; default: 0")
    parser.add_argument("--json", type=Path, default=Path("build/compare.json"), help="where the results go")
    return parser.parse_args()


if __name__ == "__main__":
    main()
