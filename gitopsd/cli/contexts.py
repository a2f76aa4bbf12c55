"""Daemons that somebody is logged in to, and which one is asked: a file for its owner alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from gitopsd.errors import InvalidSettings, NotFound


@dataclass(frozen=True, slots=True)
class ServerContext:
    """One daemon, and as whom it is asked."""

    server: str
    username: str = ""
    token: str = ""  # "": logged out
    ca_file: str = ""
    insecure: bool = False
    issuer: str = ""  # of the provider whose token it is; "": the daemon's
    client_id: str = ""  # at the provider
    refresh_token: str = ""


@dataclass(frozen=True, slots=True)
class Contexts:
    current: str = ""
    by_name: Mapping[str, ServerContext] = field(default_factory=dict)

    def named(self, name: str) -> ServerContext:
        """Return one context. Raises NotFound."""
        if name not in self.by_name:
            raise NotFound(f"there is no context {name}", remedy="see `gitopsd context`, or `gitopsd login`")
        return self.by_name[name]

    def put(self, name: str, context: ServerContext) -> Contexts:
        """Return them with one more, or another one of that name."""
        return replace(self, by_name={**self.by_name, name: context})

    def without(self, name: str) -> Contexts:
        """Return them without one. Raises NotFound."""
        self.named(name)
        rest = {each: context for each, context in self.by_name.items() if each != name}
        return Contexts("" if self.current == name else self.current, rest)


def contexts_file() -> Path:
    """Return where contexts are kept: of GITOPSD_CONTEXTS, else below the user's configuration."""
    if given := os.environ.get("GITOPSD_CONTEXTS"):
        return Path(given)
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "gitopsd" / "contexts.json"


def read_contexts() -> Contexts:
    """Return the contexts; none where there is no file. Raises InvalidSettings where it cannot be read."""
    file = contexts_file()
    try:
        document = json.loads(file.read_text())
        return Contexts(
            str(document["current"]), {name: _context(value) for name, value in document["contexts"].items()}
        )
    except FileNotFoundError:
        return Contexts()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as err:
        raise InvalidSettings(
            f"{file} cannot be read: {str(err) or type(err).__name__}", remedy="remove it, and log in again"
        ) from err


def write_contexts(contexts: Contexts) -> None:
    """Store the contexts, for nobody else to read. Raises InvalidSettings where that cannot be written."""
    file = contexts_file()
    text = json.dumps({"current": contexts.current, "contexts": {n: asdict(c) for n, c in contexts.by_name.items()}})
    new = file.with_suffix(".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(text)
        new.replace(file)
    except OSError as err:
        raise InvalidSettings(
            f"{file} cannot be written: {err.strerror}", remedy="name another file with GITOPSD_CONTEXTS"
        ) from err


def _context(value: Any) -> ServerContext:
    context = ServerContext(**value)
    if not all(isinstance(text, str) for text in (context.server, context.username, context.token, context.ca_file)):
        raise TypeError("a context holds what is no text")
    return context
