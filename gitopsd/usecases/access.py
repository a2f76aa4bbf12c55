"""Applications as one caller may know of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitopsd.core.rights.resources import PolicyResource
from gitopsd.errors import NotFound
from gitopsd.model.application import Application
from gitopsd.model.caller import Caller
from gitopsd.model.ids import AppName
from gitopsd.usecases.backend import Backend
from gitopsd.usecases.rights import ALL_APPLICATIONS, Rights, anything


@dataclass(frozen=True, slots=True)
class ApplicationAccess:
    """Of which applications a caller knows, and what it may do to them.

    One that the caller may not `get` is answered for as one that does not exist, whatever was asked of it.
    """

    backend: Backend
    rights: Rights

    def visible(self, caller: Caller) -> Callable[[Application], bool]:
        """Return what tells of one application after another whether the caller may know of it."""
        permitted = self.rights.permitted(caller, PolicyResource.APPLICATIONS, "get")
        if permitted is anything:
            return anything
        object_of = self.rights.object_of
        return lambda app: permitted(object_of(app))

    def sees_name(self, caller: Caller, name: str) -> bool:
        """Tell whether the caller may read records about `name`; those of what is gone are for who sees everything."""
        app = self.backend.application(AppName(name))
        if app is None:
            return self.rights.allows(caller, PolicyResource.APPLICATIONS, "get", ALL_APPLICATIONS)
        return self.visible(caller)(app)

    def known(self, caller: Caller, name: AppName) -> Application:
        """Return the application, or raise NotFound."""
        app = self.backend.application(name)
        if app is None or not self.visible(caller)(app):
            raise NotFound(f"there is no application {name}", remedy="see `gitopsd app list`")
        return app

    def require(self, caller: Caller, name: AppName, action: str) -> str:
        """Return the right by which the caller may do `action` to the application. Raises NotFound, NotPermitted."""
        app = self.known(caller, name)
        return self.rights.require(caller, PolicyResource.APPLICATIONS, action, self.rights.object_of(app))
