"""Clusters, and how fresh what is known of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitopsd.core.rights.resources import PolicyResource
from gitopsd.model.caller import Caller
from gitopsd.usecases.backend import Backend, ClusterState
from gitopsd.usecases.rights import Rights, scoped_object


@dataclass(frozen=True, slots=True)
class ClusterUseCases:
    backend: Backend
    rights: Rights

    def list(self, caller: Caller) -> Sequence[ClusterState]:
        """Return the clusters that the caller may get, sorted by name; policies name them by server."""
        permitted = self.rights.permitted(caller, PolicyResource.CLUSTERS, "get")
        states = self.backend.clusters()
        visible = (state for state in states if permitted(scoped_object(state.project, state.server)))
        return sorted(visible, key=lambda state: state.name)
