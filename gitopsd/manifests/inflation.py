"""What a kustomization may ask of Helm: its fields become Helm's arguments, so each is checked before anything runs.

Source of the fields: kustomize 5, api/types/helmchartargs.go; of the names: Helm, pkg/chartutil and pkg/action.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gitopsd.errors import InvalidManifest

LONGEST_RELEASE = 53  # as Helm has it: templates append to it
RELEASE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
CHART = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]*")
VERSION = re.compile(r"[0-9A-Za-z*=<>^~][0-9A-Za-z.+*=<>^~|, -]*")
API = re.compile(r"[0-9A-Za-z][0-9A-Za-z./-]*")
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
TEXT = re.compile(r"[^-].*", re.DOTALL)
RULES = {
    "name": CHART,
    "chartname": CHART,
    "version": VERSION,
    "chartversion": VERSION,
    "kubeversion": API,
    "apiversions": API,
    "namespace": NAMESPACE,
    "releasenamespace": NAMESPACE,
    "releasename": RELEASE,
    "repo": TEXT,
    "chartrepo": TEXT,
    "chartrepourl": TEXT,
    "chartreponame": TEXT,
    "nametemplate": TEXT,
    "valuesmerge": TEXT,
    "valuesfile": TEXT,
    "values": TEXT,
    "additionalvaluesfiles": TEXT,
    "charthome": TEXT,
}
SWITCHES = {"includecrds", "skiphooks", "skiptests", "debug", "devel"}
INLINE = {"valuesinline", "valueslocal"}  # which kustomize writes to a file
ABOUT = {"apiversion", "kind", "metadata"}  # of a generator's configuration
# Without plugins, which Helm would start for post-renderers and schemes of URLs, too.
ENVIRONMENT = {"HELM_NO_PLUGINS": "1", "HELM_PLUGINS": "/nowhere"}


def check_inflation(path: str, chart: Mapping[str, Any]) -> None:
    """Refuse a chart's entry in the kustomization `path` that says more than which chart, release and values.

    Raises:
        InvalidManifest: a field is none of those, or its text is not what Helm takes by that name.
    """
    for field, value in chart.items():
        name = str(field).lower()  # kustomize takes a field in any case, as Go's JSON does
        if name in INLINE or name in ABOUT:
            continue
        if name in SWITCHES:
            if not isinstance(value, bool):
                raise _refused(path, field, value)
        elif name not in RULES:
            raise InvalidManifest(
                f"{path}: {str(field)[:100]!r} of a chart is not for a repository to say", remedy="leave the field out"
            )
        else:
            check_texts(path, field, _texts(path, field, value))


def check_texts(path: str, field: str, texts: Iterable[str]) -> None:
    """Refuse a text that Helm would not take for `field`.

    Raises:
        InvalidManifest: there is one.
    """
    name = str(field).lower()
    for text in texts:
        too_long = name == "releasename" and len(text) > LONGEST_RELEASE
        if text and (too_long or not RULES[name].fullmatch(text)):
            raise _refused(path, field, text)


def check_globals(path: str, helm_globals: Any) -> None:
    """Refuse a place of Helm's own configuration: plugins could be in it.

    Raises:
        InvalidManifest: `helmGlobals` names one, or something that is not known.
    """
    for field, value in helm_globals.items() if isinstance(helm_globals, Mapping) else ():
        if str(field).lower() != "charthome":
            raise InvalidManifest(
                f"{path}: helmGlobals.{str(field)[:100]} is not for a repository to say", remedy="leave the field out"
            )
        check_texts(path, field, _texts(path, field, value))


def _texts(path: str, field: str, value: Any) -> Iterator[str]:
    for text in value if isinstance(value, list) else [value]:
        if text is None:
            continue
        if not isinstance(text, str):
            raise _refused(path, field, text)
        yield text


def _refused(path: str, field: Any, value: Any) -> InvalidManifest:
    return InvalidManifest(
        f"{path}: {str(field)[:100]} of a chart is {str(value)[:100]!r}, which Helm does not take",
        remedy="mend it: names as Helm has them, no text that begins with '-'",
    )
