"""The configuration part of kubernetes_asyncio, without the models of its whole API."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

_PACKAGE = "kubernetes_asyncio"


@cache
def kube_config() -> Any:
    """Return the module `kubernetes_asyncio.config.kube_config`.

    Its package imports every model of the API on the way: 39 MB and 0.3 s, for a file of credentials. So for the time
    of this import the packages above it are empty ones, which know where their modules are; the two classes that the
    module names of the client are for functions that we do not call. With the whole package loaded already, it is used.
    """
    if _PACKAGE in sys.modules:
        return importlib.import_module(f"{_PACKAGE}.config.kube_config")
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {_PACKAGE!r}", name=_PACKAGE)
    root = found.submodule_search_locations[0]
    shells = {
        _PACKAGE: _shell(_PACKAGE, root),
        f"{_PACKAGE}.client": _shell(f"{_PACKAGE}.client", f"{root}/client"),
        f"{_PACKAGE}.config": _shell(f"{_PACKAGE}.config", f"{root}/config"),
    }
    vars(shells[f"{_PACKAGE}.client"]).update(ApiClient=object, Configuration=SimpleNamespace)
    before = set(sys.modules)
    sys.modules.update(shells)
    try:
        return importlib.import_module(f"{_PACKAGE}.config.kube_config")
    finally:  # whoever imports the package later gets the true one
        for name in [name for name in sys.modules if name.split(".")[0] == _PACKAGE and name not in before]:
            del sys.modules[name]


def _shell(name: str, folder: str) -> ModuleType:
    shell = ModuleType(name)
    shell.__path__ = [folder]
    return shell
