"""Values that raise when somebody changes them: what core functions are given in tests."""

from __future__ import annotations

from typing import Any, NoReturn


class FrozenDict(dict[str, Any]):
    """A dict that refuses to change; still a dict to orjson and isinstance."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise AssertionError("an input was changed")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse


class FrozenList(list[Any]):
    """A list that refuses to change."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise AssertionError("an input was changed")

    __setitem__ = __delitem__ = append = clear = extend = insert = pop = remove = reverse = sort = _refuse
    __iadd__ = __imul__ = _refuse


def frozen(value: Any) -> Any:
    """Return a copy of parsed JSON that raises on every change."""
    if isinstance(value, dict):
        return FrozenDict({name: frozen(item) for name, item in value.items()})
    if isinstance(value, list):
        return FrozenList([frozen(item) for item in value])
    return value
