"""The order of kinds, stages and waves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitopsd.core.target.order import KINDS, group_of, kind_rank, task_order
from gitopsd.model.manifest import ResourceKey
from gitopsd.model.operation import SyncPhase, Task, TaskVerb


def task(
    kind: str, verb: TaskVerb = TaskVerb.APPLY, wave: int = 0, group: str = "", phase: SyncPhase = SyncPhase.SYNC
) -> Task:
    key = ResourceKey(group, kind, "prod", "x")
    return Task(key, verb, phase, wave, kind_rank(key))


def test_custom_kinds_come_after_all_of_kubernetes() -> None:
    car = ResourceKey("example.org", "Car", "prod", "x")

    assert max(kind_rank(ResourceKey("", kind, "", "x")) for kind in KINDS) < kind_rank(car)


def test_custom_kind_of_a_well_known_name_is_a_custom_kind() -> None:
    assert kind_rank(ResourceKey("example.org", "Car", "", "x")) == kind_rank(
        ResourceKey("example.org", "Namespace", "", "x")
    )
    assert kind_rank(ResourceKey("networking.k8s.io", "Ingress", "", "x")) == KINDS.index("Ingress")


def test_wave_counts_before_kind_and_phase_before_wave() -> None:
    early = task("Deployment", wave=-1)
    late = task("Namespace", wave=0)
    first = task("Job", wave=9, phase=SyncPhase.PRE_SYNC)

    assert [first, early, late] == sorted([late, early, first], key=task_order)


def test_prunes_run_the_other_way_round_after_all_applies() -> None:
    kinds = ["Namespace", "CustomResourceDefinition", "ConfigMap", "Deployment"]
    applies = sorted(map(task, kinds), key=task_order)
    prunes = sorted((task(kind, TaskVerb.PRUNE) for kind in kinds), key=task_order)

    assert [each.key for each in applies] == [each.key for each in reversed(prunes)]
    assert max(map(group_of, applies)) < min(map(group_of, prunes))


@given(
    st.lists(
        st.builds(task, st.sampled_from(KINDS), st.sampled_from(TaskVerb), st.integers(-2, 2)), unique_by=task_order
    )
)
def test_order_is_that_of_the_groups(tasks: list[Task]) -> None:
    groups = [group_of(each) for each in sorted(tasks, key=task_order)]

    assert sorted(groups) == groups
