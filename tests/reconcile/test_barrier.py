"""The prune barrier alone: whom a delete waits for, and who is told when it need not any more."""

from __future__ import annotations

import pytest

from gitopsd.model.ids import AppName, ClusterId, RepoUrl
from gitopsd.reconcile.ownership import EVERYWHERE, Barrier

A, B = AppName("a"), AppName("b")
C1, C2 = ClusterId("c1"), ClusterId("c2")
R1, R2 = RepoUrl("https://git.example.org/one.git"), RepoUrl("https://git.example.org/two.git")
READERS = AppName(f"the readers of {R1}")


@pytest.fixture
def woken() -> list[AppName]:
    return []


@pytest.fixture
def barrier(woken: list[AppName]) -> Barrier:
    return Barrier(woken.append)


def waits(barrier: Barrier, app: AppName = A, *, cluster: ClusterId = C1, repo: RepoUrl = R1) -> tuple[AppName, ...]:
    return barrier.waits_for(app, cluster, frozenset({repo}))


def test_prune_waits_until_it_is_known_whom_an_epoch_touches(barrier: Barrier) -> None:
    move = barrier.moved(R1)

    assert (READERS,) == waits(barrier)
    barrier.walked(R1, move, {})
    assert () == waits(barrier)


def test_prune_waits_for_a_touched_application_until_it_has_passed(barrier: Barrier) -> None:
    barrier.walked(R1, barrier.moved(R1), {B: C1})

    assert (B,) == waits(barrier)
    barrier.passed(B, barrier.moves, {R1})
    assert () == waits(barrier)


def test_pass_that_began_before_the_epoch_does_not_count(barrier: Barrier) -> None:
    mark = barrier.moves
    barrier.walked(R1, barrier.moved(R1), {B: C1})
    barrier.passed(B, mark, {R1})

    assert (B,) == waits(barrier)


def test_pass_that_began_after_the_epoch_and_before_its_walk_counts(barrier: Barrier) -> None:
    move = barrier.moved(R1)
    barrier.passed(B, barrier.moves, {R1})

    assert {} == barrier.walked(R1, move, {B: C1})
    assert () == waits(barrier)


def test_epoch_that_leaves_an_application_alone_says_nothing_of_the_next_one(barrier: Barrier) -> None:
    first, second = barrier.moved(R1), barrier.moved(R1)
    barrier.walked(R1, first, {})

    assert (READERS,) == waits(barrier)
    barrier.walked(R1, second, {B: C1})
    assert (B,) == waits(barrier)


def test_who_has_not_passed_one_epoch_looks_again_at_the_next(barrier: Barrier) -> None:
    # Where it looked is known of the epoch before both, and says nothing of what the first one brought.
    barrier.walked(R1, barrier.moved(R1), {B: C1})
    mark = barrier.moves

    assert {B: C1} == barrier.walked(R1, barrier.moved(R1), {})
    barrier.passed(B, mark, {R1})
    assert (B,) == waits(barrier)


def test_new_reader_is_waited_for(barrier: Barrier) -> None:
    barrier.joined(B, C1, {R1})

    assert (B,) == waits(barrier)


def test_pass_of_the_declaration_before_does_not_count(barrier: Barrier) -> None:
    mark = barrier.moves
    barrier.joined(B, C1, {R1})
    barrier.passed(B, mark, {R1})

    assert (B,) == waits(barrier)


def test_application_that_moves_to_another_cluster_is_waited_for_there(barrier: Barrier) -> None:
    barrier.joined(B, C1, {R1})
    barrier.joined(B, C2, {R1})

    assert () == waits(barrier)
    assert (B,) == waits(barrier, cluster=C2)


def test_other_repositories_and_clusters_are_not_waited_for(barrier: Barrier) -> None:
    barrier.joined(B, C1, {R1})

    assert () == waits(barrier, cluster=C2)
    assert () == waits(barrier, repo=R2)


def test_whose_place_is_not_known_is_waited_for_in_every_cluster(barrier: Barrier) -> None:
    barrier.joined(B, EVERYWHERE, {R1})

    assert (B,) == waits(barrier, cluster=C2)


def test_prune_waits_for_its_own_application_too(barrier: Barrier) -> None:
    barrier.walked(R1, barrier.moved(R1), {A: C1})

    assert (A,) == waits(barrier)


def test_who_waited_is_woken_once_when_the_last_one_has_passed(barrier: Barrier, woken: list[AppName]) -> None:
    barrier.walked(R1, barrier.moved(R1), {B: C1, AppName("c"): C1})
    waits(barrier)
    barrier.passed(B, barrier.moves, {R1})

    assert [] == woken
    barrier.passed(AppName("c"), barrier.moves, {R1})
    barrier.passed(AppName("c"), barrier.moves, {R1})
    assert [A] == woken


def test_who_waited_is_woken_when_the_walk_finds_nobody(barrier: Barrier, woken: list[AppName]) -> None:
    move = barrier.moved(R1)
    waits(barrier)
    barrier.walked(R1, move, {})

    assert [A] == woken


def test_who_waited_is_woken_when_the_other_is_gone(barrier: Barrier, woken: list[AppName]) -> None:
    barrier.joined(B, C1, {R1})
    waits(barrier)
    barrier.gone(B, {R1})

    assert [A] == woken


def test_credentials_in_a_url_are_not_told(barrier: Barrier) -> None:
    repo = RepoUrl("https://user:geheim@git.example.org/one.git")
    barrier.moved(repo)

    assert "geheim" not in str(waits(barrier, repo=repo))


def test_claim_waits_for_who_had_no_pass_and_is_told_then(barrier: Barrier, woken: list[AppName]) -> None:
    barrier.walked(R1, barrier.moved(R1), {A: C1, B: C1})
    barrier.passed(A, barrier.moves, {R1})

    assert barrier.claim(A, C1, frozenset({R1}))
    assert not barrier.claim(A, C2, frozenset({R1})), "nobody is late in the other cluster"
    assert barrier.claim(A, C1, frozenset({R1, R2}))
    barrier.tried(B, barrier.moves, {R1})
    assert [A] == woken
    assert not barrier.claim(A, C1, frozenset({R1}))
    assert (B,) == waits(barrier), "a prune waits until it is known what b wants"


def test_claim_waits_for_a_pass_that_began_after_the_epoch(barrier: Barrier, woken: list[AppName]) -> None:
    mark = barrier.moves
    barrier.walked(R1, barrier.moved(R1), {B: C1})
    barrier.tried(B, mark, {R1})

    assert barrier.claim(A, C1, frozenset({R1}))
    assert [] == woken


def test_claim_waits_until_it_is_known_whom_an_epoch_touches(barrier: Barrier, woken: list[AppName]) -> None:
    move = barrier.moved(R1)

    assert barrier.claim(A, C1, frozenset({R1}))
    barrier.walked(R1, move, {})
    assert [A] == woken


def test_who_is_gone_claims_nothing(barrier: Barrier, woken: list[AppName]) -> None:
    barrier.walked(R1, barrier.moved(R1), {B: C1})
    barrier.claim(A, C1, frozenset({R1}))
    barrier.gone(A, {R1})
    barrier.passed(B, barrier.moves, {R1})

    assert [] == woken
