"""Whole numbers that parameters give, as `helm --set` gives them to templates: int64, where values are float64.

The library takes values as JSON alone, whose numbers Go reads as float64: `printf "%d"`, `gt` and `index` refuse them.
So the chart gets one template more, which is executed before all others, prints nothing, and puts the whole numbers
where the values have them. Helm executes what lies deepest first, and all templates of a render share their values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from gitopsd.manifests.chart_files import Files
from gitopsd.manifests.strvals import typed

GLOBAL = "global"  # values that Helm copies into those of each sub-chart
FIRST = "gitopsd-whole-numbers.yaml"


class Whole(int):
    """A whole number that a parameter gives."""


KINDS = {dict: "map", list: "slice", Whole: "float64"}  # of Go


def typed_whole(text: str) -> Any:
    """Return what a parameter's text stands for; a whole number is told from those of value files."""
    value = typed(text)
    return Whole(value) if isinstance(value, int) and not isinstance(value, bool) else value


def first_template(values: Mapping[str, Any], names: Iterable[str]) -> Files:
    """Return the file that a chart of files `names` needs for the whole numbers in `values`: one, or none.

    `names` are of all that the chart holds, its archives unpacked.
    """
    if not _holds(values):
        return {}
    depth = max((name.count("/") for name in names), default=0)
    lines = [*_statements(".Values", values)]
    if _holds(values.get(GLOBAL)):
        copies = "".join(_statements("$chart.Values.global", values[GLOBAL]))
        lines = [
            '{{- define "gitopsd.globals" }}{{- range $name, $chart := .Subcharts }}',
            copies,
            '{{- template "gitopsd.globals" $chart }}{{- end }}{{- end }}',
            *lines,
            '{{- template "gitopsd.globals" . }}',
        ]
    return {f"templates/{'d/' * depth}{FIRST}": "".join(lines).encode()}


def _holds(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds(one) for one in value.values())
    return any(_holds(one) for one in value) if isinstance(value, list) else isinstance(value, Whole)


def _statements(expression: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what sets the numbers below the mapping that `expression` is; what is something else there stays."""
    for name, value in values.items():
        if _holds(value):
            key = orjson.dumps(name).decode()  # as Go writes a text, too
            below = f"(index {expression} {key})"
            yield f'{{{{- if kindIs "{KINDS[type(value)]}" {below} }}}}'
            yield from _inside(below, value)
            if not isinstance(value, dict):
                yield f"{{{{- $_ := set {expression} {key} {_whole(below, value)} }}}}"
            yield "{{- end }}"


def _inside(expression: str, value: Any) -> Iterator[str]:
    """Yield what sets the numbers in the mappings at `expression` and below it."""
    if isinstance(value, dict):
        yield from _statements(expression, value)
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from _inside(f"(index {expression} {at})", one)


def _whole(expression: str, value: Any) -> str:
    """Return an expression for what is at `expression`, a number or a list, with its numbers whole."""
    if isinstance(value, Whole):
        return f"(int64 {int(value)})"
    if isinstance(value, list):
        return f"(list{''.join(' ' + _whole(f'(index {expression} {at})', one) for at, one in enumerate(value))})"
    return expression
