"""A Secret's values are shown as plus signs: equal ones alike, different ones unlike, and nothing to guess from."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from gitopsd.model.manifest import Manifest

OPEN = {"apiVersion", "kind", "metadata", "type", "immutable"}  # all else in a Secret is masked, whatever its shape
OPEN_ANNOTATIONS = ("gitopsd.io/", "argocd.argoproj.io/")  # of a Secret; last-applied-configuration holds the values
MASK = "++++++++"
SHORT = 4  # characters


def is_secret(manifest: Manifest) -> bool:
    """Tell whether `manifest` is a Secret of the core group; never raises."""
    return manifest.get("kind") == "Secret" and "/" not in str(manifest.get("apiVersion", ""))


def masked(*manifests: Manifest) -> tuple[Manifest, ...]:
    """Return copies in which the values of Secrets are masked; what is no Secret is returned as it is.

    At one path, equal values get one mask over all `manifests`, and different values get masks of different length:
    so a comparison of the copies finds the paths that a comparison of the originals would.
    """
    masks = _Masks()
    return tuple(_masked(manifest, masks) if is_secret(manifest) else manifest for manifest in manifests)


def without_values(text: str, manifest: Manifest) -> str:
    """Return `text`, such as a server's refusal, with every value of the Secret `manifest` in it masked."""
    if not is_secret(manifest):
        return text
    hidden = {form for value in _values(manifest) for form in _forms(value) if form}
    for form in sorted(hidden, key=lambda form: (-len(form), form)):
        # A value of a letter or two is in many words: to mask it there would spell it out.
        alone = r"(?<!\w){}(?!\w)" if len(form) < SHORT else "{}"
        text = re.sub(alone.format(re.escape(form)), MASK, text)
    return text


class _Masks:
    """The masks given out so far, by path and value."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, ...], list[Any]] = {}

    def of(self, path: tuple[str, ...], value: Any) -> Any:
        if value is None:
            return None
        values = self._given.setdefault(path, [])
        # `==` alone takes 1, 1.0 and True for one value.
        if not any(type(one) is type(value) and one == value for one in values):
            values.append(value)
        index = next(i for i, one in enumerate(values) if type(one) is type(value) and one == value)
        return MASK + "+" * index


def _masked(secret: Manifest, masks: _Masks) -> Manifest:
    return {
        name: _masked_metadata(value, masks)
        if name == "metadata"
        else value
        if name in OPEN
        else _hidden(name, value, masks)
        for name, value in secret.items()
    }


def _hidden(name: str, value: Any, masks: _Masks) -> Any:
    if isinstance(value, dict):
        return {key: masks.of((name, key), item) for key, item in value.items()}
    return masks.of((name,), value)


def _masked_metadata(meta: Any, masks: _Masks) -> Any:
    if not isinstance(meta, dict) or not isinstance(meta.get("annotations"), dict):
        return meta
    annotations = {
        name: value if name.startswith(OPEN_ANNOTATIONS) else masks.of(("metadata", "annotations", name), value)
        for name, value in meta["annotations"].items()
    }
    return {**meta, "annotations": annotations}


def _values(secret: Manifest) -> Iterator[str]:
    for name, value in secret.items():
        if name not in OPEN:
            yield from _leaves(value)


def _leaves(value: Any) -> Iterator[str]:
    match value:
        case Mapping():
            for item in value.values():
                yield from _leaves(item)
        case list():
            for item in value:
                yield from _leaves(item)
        case None | bool():
            return
        case _:
            yield str(value)


def _forms(value: str) -> tuple[str, ...]:
    """Return `value` as a message may show it: as it is, decoded from base64, and either as JSON writes it."""
    plain = [value]
    # What is not base64 of a text is stringData, or binary, which no message shows decoded.
    with suppress(binascii.Error, ValueError):
        plain.append(base64.b64decode(value, validate=True).decode())
    return (*plain, *(json.dumps(text)[1:-1] for text in plain))
