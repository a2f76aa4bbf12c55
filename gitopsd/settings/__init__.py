"""Every setting, parsed once and frozen ever after: one YAML file, with environment overrides."""

from __future__ import annotations

from gitopsd.settings.changes import Changes, changed
from gitopsd.settings.loading import load, problems
from gitopsd.settings.problem import Problem
from gitopsd.settings.schema import (
    ApiSettings,
    ClusterSettings,
    DeclarationSource,
    GitSettings,
    LogSettings,
    RedisSettings,
    RenderSettings,
    RepoCredentials,
    Secret,
    Settings,
    SyncSettings,
    WorkerSettings,
)

__all__ = [
    "ApiSettings",
    "Changes",
    "ClusterSettings",
    "DeclarationSource",
    "GitSettings",
    "LogSettings",
    "Problem",
    "RedisSettings",
    "RenderSettings",
    "RepoCredentials",
    "Secret",
    "Settings",
    "SyncSettings",
    "WorkerSettings",
    "changed",
    "load",
    "problems",
]
