"""What the settings say is ignored in every application."""

from __future__ import annotations

from gitopsd.core.compare.ignore_rules import Rules, rules_for
from gitopsd.core.target.tracking import ANNOTATION, Tracking
from gitopsd.daemon.rules import ignored, tracking
from gitopsd.model.manifest import ResourceKey
from gitopsd.settings import CompareSettings, IgnoreRule, TrackingSettings

WEBHOOK = ResourceKey("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "", "hook")
ROLE = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "view")


def test_rule_of_the_settings_is_one_of_every_application() -> None:
    rule = IgnoreRule("*WebhookConfiguration", "admissionregistration.k8s.io", ("/a",), (".b",), ("cert-manager",))

    declared = ignored(CompareSettings((rule,)))

    assert Rules((("a",),), ("cert-manager",), (".b",)) == rules_for(declared, WEBHOOK)
    assert not rules_for(declared, ROLE)


def test_tracking_is_by_annotation_unless_the_settings_say_otherwise() -> None:
    label = "app.kubernetes.io/instance"

    assert ANNOTATION == tracking(TrackingSettings())
    assert Tracking(label) == tracking(TrackingSettings("annotation+label"))
    assert Tracking(label, reads_label=True, installation="x") == tracking(TrackingSettings("label", label, "x"))
