"""Webhooks as the providers send them, with what each says: field names of their public documentation."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Delivery:
    """One request of a provider, without its credential."""

    provider: str
    payload: Any
    declared: str  # how an application may spell the repository
    headers: Mapping[str, str] = field(default_factory=dict)
    refs: tuple[str, ...] = ()

    @property
    def event(self) -> str:
        names = ("X-GitHub-Event", "X-Gitea-Event", "X-Gogs-Event", "X-Event-Key")
        return next((self.headers[name] for name in names if name in self.headers), "")


def credential(delivery: Delivery, secret: bytes, body: bytes) -> dict[str, str]:
    """Return the headers by which the sender of `body` shows that it knows `secret`."""
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    signed = f"sha256={signature}"
    by_name = {
        "github": {"X-Hub-Signature-256": signed},
        "gitea": {"X-Gitea-Signature" if "X-Gitea-Event" in delivery.headers else "X-Gogs-Signature": signature},
        "gitlab": {"X-Gitlab-Token": secret.decode()},
        "bitbucket": {"X-Hub-Signature": signed},
        "bitbucket_server": {"X-Hub-Signature": signed},
        "azure_devops": {"Authorization": f"Basic {base64.b64encode(secret).decode()}"},
        "harbor": {"Authorization": secret.decode()},
        "generic": {"X-Gitopsd-Signature": signed},
    }
    return by_name[delivery.provider]


GITEA = {
    "ref": "refs/heads/main",
    "before": "0" * 40,
    "after": "1" * 40,
    "repository": {
        "full_name": "org/fleet",
        "html_url": "https://gitea.example/org/fleet",
        "ssh_url": "git@gitea.example:org/fleet.git",
        "clone_url": "https://gitea.example/org/fleet.git",
    },
}
PACKAGE = {
    "name": "web",
    "namespace": "org",
    "ecosystem": "CONTAINER",
    "package_type": "CONTAINER",
    "package_version": {
        "container_metadata": {"tag": {"name": "1.2.3", "digest": "sha256:" + "a" * 64}},
        "package_url": "ghcr.io/org/web:1.2.3",
    },
}
GITLAB_PROJECT = {
    "path_with_namespace": "group/fleet",
    "web_url": "https://gitlab.example/group/fleet",
    "git_ssh_url": "ssh://git@gitlab.example:2222/group/fleet.git",
    "git_http_url": "https://gitlab.example/group/fleet.git",
    "default_branch": "main",
}
BITBUCKET_SERVER = {
    "eventKey": "repo:refs_changed",
    "repository": {
        "slug": "fleet",
        "project": {"key": "OPS"},
        "links": {
            "clone": [
                {"href": "ssh://git@bitbucket.example:7999/ops/fleet.git", "name": "ssh"},
                {"href": "https://bitbucket.example/scm/ops/fleet.git", "name": "http"},
            ]
        },
    },
    "changes": [{"ref": {"id": "refs/heads/main", "type": "BRANCH"}, "type": "UPDATE"}],
}
AZURE: dict[str, Any] = {
    "eventType": "git.push",
    "publisherId": "tfs",
    "resource": {
        "refUpdates": [{"name": "refs/heads/main", "oldObjectId": "0" * 40, "newObjectId": "1" * 40}],
        "repository": {"name": "fleet", "remoteUrl": "https://org@dev.azure.com/org/ops/_git/fleet"},
    },
}
HARBOR_RESOURCES = [{"digest": "sha256:" + "a" * 64, "tag": "1.2.3", "resource_url": "harbor.example/ops/web:1.2.3"}]

DELIVERIES = {
    "a push at GitHub": Delivery(
        "github", GITEA, "https://gitea.example/org/fleet", {"X-GitHub-Event": "push"}, ("refs/heads/main",)
    ),
    "a package at ghcr.io": Delivery(
        "github", {"package": PACKAGE}, "oci://ghcr.io/org/web", {"X-GitHub-Event": "package"}, ("1.2.3",)
    ),
    "a package at ghcr.io, by its other event": Delivery(
        "github",
        {"registry_package": PACKAGE},
        "oci://ghcr.io/org/web",
        {"X-GitHub-Event": "registry_package"},
        ("1.2.3",),
    ),
    "a push at Gitea": Delivery(
        "gitea",
        GITEA,
        "git@gitea.example:org/fleet.git",
        {"X-Gitea-Event": "push", "X-Gogs-Event": "push", "X-GitHub-Event": "push"},
        ("refs/heads/main",),
    ),
    "a tag at Gitea": Delivery(
        "gitea",
        {**GITEA, "ref": "v1", "ref_type": "tag"},
        "https://gitea.example/org/fleet",
        {"X-Gitea-Event": "create"},
        ("v1",),
    ),
    "a push at Gogs": Delivery(
        "gitea", GITEA, "https://gitea.example/org/fleet.git", {"X-Gogs-Event": "push"}, ("refs/heads/main",)
    ),
    "a push at GitLab": Delivery(
        "gitlab",
        {"object_kind": "push", "event_name": "push", "ref": "refs/heads/main", "project": GITLAB_PROJECT},
        "git@gitlab.example:group/fleet.git",
        {"X-Gitlab-Event": "Push Hook"},
        ("refs/heads/main",),
    ),
    "a tag at GitLab": Delivery(
        "gitlab",
        {"object_kind": "tag_push", "ref": "refs/tags/v1", "project": GITLAB_PROJECT},
        "https://gitlab.example/group/fleet.git",
        {"X-Gitlab-Event": "Tag Push Hook"},
        ("refs/tags/v1",),
    ),
    "a system hook of GitLab": Delivery(
        "gitlab",
        {"event_name": "repository_update", "refs": ["refs/heads/main", "refs/tags/v1"], "project": GITLAB_PROJECT},
        "https://gitlab.example/group/fleet.git",
        {"X-Gitlab-Event": "System Hook"},
        ("refs/heads/main", "refs/tags/v1"),
    ),
    "a push at Bitbucket": Delivery(
        "bitbucket",
        {
            "push": {"changes": [{"new": {"type": "branch", "name": "main"}, "old": None}, {"old": {"name": "gone"}}]},
            "repository": {
                "full_name": "team/fleet",
                "links": {"html": {"href": "https://bitbucket.org/team/fleet"}},
            },
        },
        "git@bitbucket.org:team/fleet.git",
        {"X-Event-Key": "repo:push", "X-Hook-UUID": "{a}"},
        ("main", "gone"),
    ),
    "a push at Bitbucket Server": Delivery(
        "bitbucket_server",
        BITBUCKET_SERVER,
        "https://bitbucket.example/scm/ops/fleet.git",
        {"X-Event-Key": "repo:refs_changed"},
        ("refs/heads/main",),
    ),
    "a push at Azure DevOps": Delivery(
        "azure_devops", AZURE, "https://dev.azure.com/org/ops/_git/fleet", refs=("refs/heads/main",)
    ),
    "a push at Azure DevOps, had by SSH": Delivery(
        "azure_devops", AZURE, "git@ssh.dev.azure.com:v3/org/ops/fleet", refs=("refs/heads/main",)
    ),
    "an artifact at Harbor": Delivery(
        "harbor",
        {"type": "PUSH_ARTIFACT", "event_data": {"resources": HARBOR_RESOURCES, "repository": {"name": "web"}}},
        "oci://harbor.example/ops/web",
        refs=("1.2.3",),
    ),
    "an artifact at Harbor, as a CloudEvent": Delivery(
        "harbor",
        {"specversion": "1.0", "type": "harbor.artifact.pushed", "data": {"resources": HARBOR_RESOURCES}},
        "oci://harbor.example/ops/web",
        refs=("1.2.3",),
    ),
    "a program's word": Delivery(
        "generic",
        {"repository": "https://git.example/org/fleet.git", "ref": "refs/heads/main"},
        "ssh://git@git.example/org/fleet",
        refs=("refs/heads/main",),
    ),
    "a program's word of many": Delivery(
        "generic", {"repositories": ["https://git.example/a", "oci://git.example/b"]}, "oci://git.example/b"
    ),
}
