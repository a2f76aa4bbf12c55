"""Documents that are right, for fuzzing to change: what people declare, servers answer and webhooks send."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]

GIT = "https://git.example/fleet.git"
APPLICATION: Document = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Application",
    "metadata": {
        "name": "shop",
        "namespace": "argocd",
        "labels": {"team": "shop"},
        "annotations": {"argocd.argoproj.io/refresh": "hard", "link.argocd.argoproj.io/a": "https://a.example"},
        "finalizers": ["resources-finalizer.argocd.argoproj.io"],
    },
    "spec": {
        "project": "default",
        "source": {
            "repoURL": GIT,
            "path": "apps/shop",
            "targetRevision": "1.x",
            "helm": {
                "valueFiles": ["values.yaml", "../env/*.yaml"],
                "parameters": [{"name": "a.b[0]", "value": "1", "forceString": True}],
                "fileParameters": [{"name": "a", "path": "b"}],
                "valuesObject": {"a": [1, {"b": None}]},
                "kubeVersion": "1.30",
                "apiVersions": ["v1"],
            },
        },
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": ["CreateNamespace=true", "Prune=confirm"],
            "retry": {"limit": 3, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}},
            "managedNamespaceMetadata": {"labels": {"a": "b"}},
        },
        "ignoreDifferences": [
            {"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"], "jqPathExpressions": [".a[]"]},
            {"kind": "*", "managedFieldsManagers": ["hpa"]},
        ],
        "info": [{"name": "a", "value": "b"}],
        "revisionHistoryLimit": 10,
    },
}
DIRECTORY: Document = {
    **APPLICATION,
    "spec": {
        **APPLICATION["spec"],
        "source": {
            "repoURL": GIT,
            "path": ".",
            "directory": {
                "recurse": True,
                "include": "*.{yaml,json}",
                "exclude": "[!a-z]*",
                "jsonnet": {"tlas": [{"name": "a", "value": "1", "code": True}], "libs": ["lib"]},
            },
        },
    },
}
KUSTOMIZED: Document = {
    **APPLICATION,
    "spec": {
        "project": "default",
        "destination": {"name": "prod"},
        "sources": [
            {"repoURL": GIT, "ref": "values"},
            {
                "repoURL": GIT,
                "path": ".",
                "kustomize": {
                    "images": ["a=b:1"],
                    "replicas": [{"name": "web", "count": 2}],
                    "patches": [{"patch": "- op: remove\n  path: /a", "target": {"kind": "Deployment"}}],
                    "commonLabels": {"a": "b"},
                    "components": ["../c"],
                },
            },
        ],
    },
}
PROJECT: Document = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "team"},
    "spec": {
        "sourceRepos": ["https://git.example/*", "!https://git.example/secret"],
        "sourceNamespaces": ["team-*"],
        "destinations": [{"server": "*", "namespace": "team-*"}, {"name": "prod", "namespace": "!kube-system"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        "namespaceResourceBlacklist": [{"group": "", "kind": "Secret"}],
        "orphanedResources": {"warn": True, "ignore": [{"group": "", "kind": "Secret", "name": "a*"}]},
        "syncWindows": [
            {
                "kind": "allow",
                "schedule": "0 22 * * 1-5",
                "duration": "1h30m",
                "applications": ["*-prod"],
                "timeZone": "Europe/Berlin",
            }
        ],
        "signatureKeys": [{"keyID": "4AEE18F83AFDEB23"}],
        "destinationServiceAccounts": [
            {"server": "*", "namespace": "*", "defaultServiceAccount": "team:deployer"},
        ],
    },
}
CHART_INDEX: Document = {
    "apiVersion": "v1",
    "entries": {
        "web": [
            {"name": "web", "version": "1.2.3", "digest": "a" * 64, "urls": ["web-1.2.3.tgz"]},
            {"name": "web", "version": "1.3.0-rc.1", "urls": ["https://charts.example/web-1.3.0-rc.1.tgz"]},
        ]
    },
}
KUSTOMIZATION: Document = {
    "resources": ["../base", "https://git.example/a//b?ref=v1", "a.yaml"],
    "components": ["c"],
    "patches": [{"path": "p.yaml", "target": {"kind": "Deployment"}}],
    "configMapGenerator": [{"name": "a", "files": ["k=v.txt"], "envs": ["e.env"]}],
    "helmCharts": [{"name": "web", "repo": "https://charts.example", "version": "1.2.3", "valuesFile": "v.yaml"}],
    "helmGlobals": {"chartHome": "charts"},
    "generators": ["g.yaml"],
    "openapi": {"path": "o.json"},
    "replacements": [{"path": "r.yaml"}],
}
RESOURCES: Document = {
    "kind": "APIResourceList",
    "groupVersion": "apps/v1",
    "resources": [
        {"name": "deployments", "kind": "Deployment", "namespaced": True, "verbs": ["get", "list"]},
        {"name": "deployments/status", "kind": "Deployment", "namespaced": True, "verbs": ["get"]},
    ],
}
SCHEMA: Document = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "properties": {"a": {"$ref": "#/$defs/a"}, "b": {"type": "string", "pattern": "^a+$"}},
    "$defs": {"a": {"$ref": "#"}},
}
MANIFEST: Document = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "annotations": {"argocd.argoproj.io/sync-wave": "1"}},
    "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "a", "image": "b"}]}}},
}


def _kubeconfig(user: Document) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": "http://api.example:6443", "proxy-url": "http://p.example"}}],
        "users": [{"name": "it", "user": user}],
    }


KUBECONFIGS = (
    _kubeconfig({"token": "t", "as": "ann", "as-groups": ["a"], "as-user-extra": {"k": ["v"]}}),
    _kubeconfig({"username": "ann", "password": "none"}),
    _kubeconfig({"tokenFile": "nowhere"}),
    _kubeconfig({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "login", "args": ["a"]}}),
    _kubeconfig({"client-certificate-data": "YQ==", "client-key-data": "YQ=="}),
)


def _secret(kind: str, data: Document) -> Document:
    labels = {"argocd.argoproj.io/secret-type": kind}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "labels": labels}, "stringData": data}


CREDENTIALS = (
    _secret("repository", {"url": GIT, "username": "ann", "password": "none", "type": "git", "insecure": "true"}),
    _secret("repo-creds", {"url": "https://git.example/org", "githubAppID": "1", "githubAppInstallationID": "2"}),
    _secret(
        "cluster",
        {
            "name": "prod",
            "server": "https://api.example:6443",
            "config": '{"bearerToken":"t","tlsClientConfig":{"caData":"YQ==","insecure":false}}',
            "namespaces": "a,b",
        },
    ),
    {**_secret("cluster", {}), "data": {"server": "aHR0cHM6Ly9hLmV4YW1wbGU=", "config": "e30="}},
)
