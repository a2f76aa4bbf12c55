"""What settings say of comparison and tracking, as the core takes it."""

from __future__ import annotations

from collections.abc import Callable

from gitopsd.core.project.inheritance import (
    GlobalProject,
    LabelOperator,
    LabelRequirement,
    OwnCluster,
    ProjectInheritance,
)
from gitopsd.core.target.exclusions import Exclusions, KindRule
from gitopsd.core.target.tracking import Tracking
from gitopsd.model.application import IgnoreDifference
from gitopsd.model.ids import ProjectName
from gitopsd.settings import CompareSettings, ResourceSettings, Settings, TrackingSettings


def ignored(settings: CompareSettings) -> tuple[IgnoreDifference, ...]:
    """Return what is ignored in every application."""
    return tuple(
        IgnoreDifference(
            rule.group,
            rule.kind,
            json_pointers=rule.json_pointers,
            jq_path_expressions=rule.jq_path_expressions,
            managed_fields_managers=rule.managed_fields_managers,
        )
        for rule in settings.ignore_differences
    )


def exclusions(settings: ResourceSettings) -> Exclusions:
    """Return the kinds that are neither read nor written."""
    left_out, taken = (
        tuple(KindRule(rule.api_groups, rule.kinds, rule.clusters) for rule in rules)
        for rules in (settings.exclusions, settings.inclusions)
    )
    return Exclusions(left_out, taken)


def tracking(settings: TrackingSettings) -> Tracking:
    """Return how objects say which application they are of."""
    label = "" if settings.method == "annotation" else settings.label
    return Tracking(label, settings.method == "label", settings.installation_id)


def inheritance(settings: Settings, repositories: Callable[[str], tuple[str, ...]]) -> ProjectInheritance:
    """Return what projects have beside what they declare; `repositories` gives the URLs of a project's own."""
    inherited = tuple(
        GlobalProject(
            ProjectName(project.project_name),
            tuple(
                LabelRequirement(label.key, LabelOperator(label.operator), frozenset(label.values))
                for label in project.match_expressions
            ),
        )
        for project in settings.global_projects
    )
    clusters = tuple(
        OwnCluster(cluster.name, cluster.project, cluster.namespaces)
        for cluster in settings.clusters
        if cluster.project
    )
    return ProjectInheritance(inherited, clusters, repositories)
