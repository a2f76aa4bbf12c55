"""Whether a caller may do something, in the words of Argo CD's policies: resource, action, object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gitopsd.core.project.declaring_rights import ARGOCD_NAMESPACE
from gitopsd.core.rights.resources import PolicyResource
from gitopsd.errors import NotPermitted
from gitopsd.model.application import Application
from gitopsd.model.caller import Caller, SignIn

ALL_APPLICATIONS = "*/*"  # the object that only a policy over all applications of all projects fits


class RightsPolicy(Protocol):
    def permitted(self, subjects: Sequence[str], resource: str, action: str) -> Callable[[str], bool]:
        """Return what tells of an object whether one of `subjects` may do `action` to it, and none is denied it."""
        ...


def anything(_: object) -> bool:
    """Permit whatever it is."""
    return True


class Rights:
    """What callers may do: the holder of the static token everything, and without a policy nobody else anything."""

    def __init__(self, policy: RightsPolicy | None = None, home: str = ARGOCD_NAMESPACE) -> None:
        self._policy = policy
        self._home = home  # Argo CD's own namespace
        self.version = 0  # grows with each new policy
        self.on_refused: Callable[[Caller, str], None] = lambda _caller, _right: None  # of what would change something

    def change(self, policy: RightsPolicy) -> None:
        """Go by `policy` from now on, in streams too."""
        self._policy = policy
        self.version += 1

    def object_of(self, app: Application) -> str:
        """Return what policies call an application: one that is declared in a namespace of its own has that in it."""
        namespace = f"{app.namespace}/" if app.namespace not in ("", self._home) else ""
        return f"{app.project}/{namespace}{app.name}"

    def permitted(self, caller: Caller, resource: PolicyResource, action: str) -> Callable[[str], bool]:
        """Return what tells of one object after another whether `caller` may, as a list needs it."""
        if caller.sign_in is SignIn.BREAK_GLASS:
            return anything
        if self._policy is None:
            return lambda _: False
        return self._policy.permitted(caller.subjects, resource, action)

    def allows(self, caller: Caller, resource: PolicyResource, action: str, name: str) -> bool:
        """Tell whether `caller` may do `action` to the object `name`."""
        return self.permitted(caller, resource, action)(name)

    def require(self, caller: Caller, resource: PolicyResource, action: str, name: str) -> str:
        """Return the right as the audit log has it, or raise NotPermitted where `caller` has it not.

        What is there and what is not are refused in the same words.
        """
        right = f"{resource}, {action}, {name}"
        if not self.allows(caller, resource, action, name):
            if action != "get":
                self.on_refused(caller, right)
            raise NotPermitted(
                f"permission denied: {right}, sub: {caller.account}",
                remedy="ask whoever writes the policy for this right",
            )
        return right


def scoped_object(project: str, name: str) -> str:
    """Return what policies call a cluster or a repository, which may be of a project."""
    return f"{project}/{name}" if project else name
