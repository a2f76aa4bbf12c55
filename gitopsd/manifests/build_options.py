"""What the operator lets `kustomize build` do, by tools.kustomize_build_options, and what it may read then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

HELM_COMMAND = "--helm-command"
# Of the options of a build, those that let a source read and start no more.
HARMLESS = {
    *("--load-restrictor", "LoadRestrictionsRootOnly", "--load-restrictor=LoadRestrictionsRootOnly"),
    *("--reorder", "none", "legacy", "--reorder=none", "--reorder=legacy", "--enable-managedby-label"),
}


@dataclass(frozen=True, slots=True)
class Allows:
    """What a kustomization may ask for."""

    helm: bool = False  # inflation of charts that are in the repository
    programs: bool = False  # generators and transformers that run programs, which read what they like
    bases: tuple[str, ...] = ()  # URLs below which bases of other repositories are
    steered: bool = False  # the build reads or starts what a source says: it needs a sandbox


def allowed(text: str, bases: Sequence[str]) -> Allows:
    """Return what the options `text`, and the URLs `bases`, allow."""
    words = {word.removesuffix("=true") for word in text.split()}
    programs = bool(words & {"--enable-alpha-plugins", "--enable-exec", "--enable-star"})
    return Allows("--enable-helm" in words, programs, tuple(bases), steered=bool(words - HARMLESS))


def arguments(text: str, version: str, apis: Iterable[str]) -> list[str]:
    """Return the arguments of the program: those of `text`, and what inflated charts see of the cluster."""
    words = text.split()
    if not allowed(text, ()).helm:
        return words
    words += [f"--helm-kube-version={version}"] * bool(version)
    return [*words, *(f"--helm-api-versions={api}" for api in apis)]


def helm_command(words: Sequence[str]) -> tuple[str, ...]:
    """Return the path of the Helm that a build starts, where the arguments `words` say it."""
    commands = [word.removeprefix(f"{HELM_COMMAND}=") for word in words if word.startswith(f"{HELM_COMMAND}=")]
    commands += [word for option, word in pairwise(words) if option == HELM_COMMAND]
    return tuple(word for word in commands if word.startswith("/"))
