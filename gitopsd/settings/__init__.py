"""Every setting, parsed once and frozen ever after: one YAML file, with environment overrides."""

from __future__ import annotations

from gitopsd.settings.changes import Changes, changed
from gitopsd.settings.loading import load, problems
from gitopsd.settings.problem import Problem
from gitopsd.settings.schema import (
    ApiSettings,
    ClusterSettings,
    CompareSettings,
    DeclarationSource,
    DriftSettings,
    GitHubApp,
    GitSettings,
    HealthCustomization,
    HealthSettings,
    Held,
    IgnoreRule,
    KustomizeVersion,
    LogSettings,
    PluginSettings,
    RedisSettings,
    RenderSettings,
    RepoCredentials,
    ScriptSettings,
    Secret,
    Settings,
    SyncSettings,
    ToolSettings,
    WorkerSettings,
)

__all__ = [
    "ApiSettings",
    "Changes",
    "ClusterSettings",
    "CompareSettings",
    "DeclarationSource",
    "DriftSettings",
    "GitHubApp",
    "GitSettings",
    "HealthCustomization",
    "HealthSettings",
    "Held",
    "IgnoreRule",
    "KustomizeVersion",
    "LogSettings",
    "PluginSettings",
    "Problem",
    "RedisSettings",
    "RenderSettings",
    "RepoCredentials",
    "ScriptSettings",
    "Secret",
    "Settings",
    "SyncSettings",
    "ToolSettings",
    "WorkerSettings",
    "changed",
    "load",
    "problems",
]
