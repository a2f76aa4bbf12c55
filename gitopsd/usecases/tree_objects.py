"""One object of an application's tree, as requests name it."""

from __future__ import annotations

from dataclasses import dataclass

from gitopsd.core.tree.owners import TreeNode, owned
from gitopsd.errors import BadRequest, Conflict, NotFound
from gitopsd.model.ids import AppName
from gitopsd.usecases.backend import Backend


@dataclass(frozen=True, slots=True)
class ObjectName:
    """An object of an application's tree as requests name it; what is "" is not asked for."""

    kind: str = ""
    name: str = ""
    namespace: str = ""
    group: str = ""
    uid: str = ""

    def fits(self, node: TreeNode, *, any_group: bool = False) -> bool:
        """Tell whether `node` is meant; with `any_group` a group of "" is not asked for, too."""
        key = node.live.key
        asked = (
            (self.kind, key.kind), (self.name, key.name), (self.namespace, key.namespace), (self.uid, node.live.uid)
        )  # fmt: skip
        return all(wanted in ("", found) for wanted, found in asked) and (
            not self.kind or self.group == key.group or (any_group and not self.group)
        )


def named_node(backend: Backend, name: AppName, wanted: ObjectName) -> TreeNode:
    """Return the object that is named, to be looked at. Raises NotFound."""
    node = next((each for each in backend.tree(name) if wanted.fits(each)), None)
    if node is None or not (wanted.name or wanted.uid):
        raise absent(name)
    return node


def own_node(backend: Backend, name: AppName, wanted: ObjectName) -> TreeNode:
    """Return the one object that is named, to be written.

    Raises:
        NotFound: the application has none like this.
        BadRequest: it has several.
        Conflict: it is in the tree, and another application's or nobody's.
    """
    nodes = backend.tree(name)
    named = [node for node in nodes if wanted.fits(node)]
    if not named or not (wanted.uid or (wanted.kind and wanted.name)):
        raise absent(name)
    if len(named) > 1:
        where = ", ".join(sorted(node.live.key.namespace for node in named))
        raise BadRequest(f"{name} has several such objects, in {where}", remedy="name the namespace, too")
    if named[0] not in owned(nodes, name):
        raise Conflict(
            f"{named[0].live.key} is not {name}'s own: it is another application's, or was not synced yet",
            remedy=f"sync {name}, or ask the application that it is of",
        )
    return named[0]


def absent(name: AppName) -> NotFound:
    return NotFound(f"{name} has no such object", remedy="see `gitopsd app tree`")
