"""The build environment: what an Application tells its renders about itself, by Argo CD's names."""

from __future__ import annotations

from gitopsd.model.application import Application, Source
from gitopsd.model.cluster import Offered
from gitopsd.model.ids import Revision


def build_environment(
    app: Application, source: Source, revision: Revision, offered: Offered | None = None
) -> dict[str, str]:
    """Return the variables that a render of `source` of `app` at `revision` may ask for.

    `offered` is what the cluster it goes to offers; what is not known has no variable.
    """
    named = revision.partition("@")[0] if source.chart else revision  # of VERSION@DIGEST what a person knows it by
    kube = {"KUBE_VERSION": offered.version, "KUBE_API_VERSIONS": offered.apis} if offered else {}
    return {
        **{name: text for name, text in kube.items() if text},
        "ARGOCD_APP_NAME": app.name,
        "ARGOCD_APP_NAMESPACE": app.destination.namespace,
        "ARGOCD_APP_PROJECT_NAME": app.project,
        "ARGOCD_APP_REVISION": named,
        "ARGOCD_APP_REVISION_SHORT": named[:7],
        "ARGOCD_APP_REVISION_SHORT_8": named[:8],
        "ARGOCD_APP_SOURCE_PATH": "" if source.chart else source.path,
        "ARGOCD_APP_SOURCE_REPO_URL": source.repo_url,
        "ARGOCD_APP_SOURCE_TARGET_REVISION": source.target_revision,
    }
