"""The ignore rules of the settings, as applications write theirs."""

from __future__ import annotations

from gitopsd.model.application import IgnoreDifference
from gitopsd.settings import CompareSettings

AGGREGATED = IgnoreDifference(
    "rbac.authorization.k8s.io", "ClusterRole", jq_path_expressions=("select(.aggregationRule) | .rules",)
)


def ignored(settings: CompareSettings) -> tuple[IgnoreDifference, ...]:
    """Return what is ignored in every application."""
    written = tuple(
        IgnoreDifference(
            rule.group,
            rule.kind,
            json_pointers=rule.json_pointers,
            jq_path_expressions=rule.jq_path_expressions,
            managed_fields_managers=rule.managed_fields_managers,
        )
        for rule in settings.ignore_differences
    )
    return (*written, AGGREGATED) if settings.ignore_aggregated_roles else written
