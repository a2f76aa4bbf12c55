"""What tests of in whose name and their neighbours share."""

from __future__ import annotations

from tests.e2e.daemon import Json
from tests.e2e.world import World

RBAC = "/apis/rbac.authorization.k8s.io/v1"


RIGHTS = ["get", "create", "patch", "delete"]


def project(shop: World) -> Json:
    spec = {
        "sourceRepos": ["*"],
        "destinations": [{"name": "*", "server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        "destinationServiceAccounts": [{"server": "here", "namespace": "*", "defaultServiceAccount": "deployer"}],
    }
    meta = {"name": shop.name("team"), "namespace": "argocd"}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": meta, "spec": spec}


async def deployer(shop: World) -> None:
    """Make an account that may write ConfigMaps of this test's namespace, and nothing else."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": RIGHTS}]
    subject = {"kind": "ServiceAccount", "name": "deployer", "namespace": shop.namespace}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"}
    meta = {"metadata": {"name": "deployer"}}
    (await shop.here.post(shop.path("", "serviceaccounts").rstrip("/"), meta)).ok()
    (await shop.here.post(shop.path("", "roles", RBAC).rstrip("/"), {**meta, "rules": rules})).ok()
    binding = {**meta, "roleRef": ref, "subjects": [subject]}
    (await shop.here.post(shop.path("", "rolebindings", RBAC).rstrip("/"), binding)).ok()
