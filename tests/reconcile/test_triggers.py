"""Epochs and declarations → keys: whom a commit wakes, and whose revision moves without a pass."""

from __future__ import annotations

from dataclasses import replace

from gitopsd.errors import TooSlow
from gitopsd.model.ids import AppName
from gitopsd.model.manifest import Manifest
from gitopsd.reconcile.ownership import scopes_of
from tests.reconcile.clusters import C1
from tests.reconcile.git import REPO, FakeEpoch, sha
from tests.reconcile.shell import Shell, app, config

ONE = {"apps/a/x": config("x"), "apps/b/y": config("y")}


async def two() -> Shell:
    shell = Shell()
    shell.declare(app("a"), app("b"))
    shell.git.push(ONE)
    await shell.settle()
    shell.line.passes.clear()
    return shell


async def test_commit_has_the_touched_pass_and_the_others_revisions_move() -> None:
    shell = await two()
    shell.git.push({**ONE, "apps/a/x": config("x", "2")})
    await shell.settle(for_s=1.0)

    assert {AppName("a")} == set(shell.line.passes)
    assert (sha(1),) == shell.status("b").revisions
    assert (sha(1),) == shell.status("a").revisions


async def test_file_that_one_commit_adds_and_the_next_one_changes_is_not_missed() -> None:
    # The second walk is done with the look-ups of before the first commit, in which the file is not.
    shell = await two()
    shell.git.push({**ONE, "apps/a/new": config("new")})
    await shell.walk()
    began = shell.barrier.moves
    shell.git.push({**ONE, "apps/a/new": config("new", "2")})
    await shell.walk()
    shell.barrier.passed(AppName("a"), began, {REPO})  # a pass at the first commit ends only now

    assert AppName("a") in shell.line.due


async def test_running_pass_of_an_untouched_application_does_not_leave_it_at_the_revision_before() -> None:
    shell = await two()
    shell.line.passing.add(AppName("b"))
    shell.git.push({**ONE, "apps/a/x": config("x", "2")})
    await shell.walk()

    assert AppName("b") in shell.line.due


async def test_revision_that_a_person_named_does_not_move_with_the_epoch() -> None:
    shell = await two()
    shell.git.push({**ONE, "apps/a/x": config("x", "2")})
    await shell.settle(for_s=1.0)
    told = shell.status("b")
    shell.apps.publish(AppName("b"), replace(told, revisions=(sha(0),)))
    shell.git.push({**ONE, "apps/a/x": config("x", "3")})
    await shell.walk()

    assert (sha(0),) == shell.status("b").revisions


async def test_render_at_a_named_revision_does_not_change_whom_a_commit_touches() -> None:
    shell = await two()
    shell.git.push({**ONE, "apps/a/new": config("new")})
    await shell.settle(for_s=1.0)
    await shell.commands.desired(AppName("a"), sha(0))  # there is no `new` there
    shell.line.passes.clear()
    shell.git.push({**ONE, "apps/a/new": config("new", "2")})
    await shell.settle(for_s=1.0)

    assert AppName("a") in shell.line.passes


async def test_cluster_that_is_listed_or_returns_has_passes_over_its_own_applications() -> None:
    shell = Shell()
    shell.declare(app("a"), app("b", cluster="c2"))
    shell.line.due.clear()
    shell.triggers.cluster(C1)

    assert [AppName("a")] == list(shell.line.due)


async def test_epoch_that_cannot_be_walked_touches_everybody() -> None:
    shell = await two()

    async def too_slow(*_: str) -> None:
        raise TooSlow("the walk took too long", remedy="wait")

    shell.triggers.walk = too_slow
    shell.git.push({**ONE, "README": config("readme")})
    await shell.walk()

    assert {AppName("a"), AppName("b")} == set(shell.line.due)


async def test_application_that_is_gone_is_forgotten_everywhere() -> None:
    shell = await two()
    shell.declare(app("a"))
    await shell.settle(for_s=1.0)
    shell.line.passes.clear()
    shell.git.push({**ONE, "apps/b/y": config("y", "2")})
    await shell.settle(for_s=1.0)

    assert [] == shell.line.passes
    assert [REPO] == shell.polled


async def test_what_another_source_lends_touches_who_read_it_and_nobody_else() -> None:
    shell = Shell()
    lends = {"repoURL": REPO, "targetRevision": "main", "ref": "values"}
    own = {"repoURL": REPO, "targetRevision": "main"}
    shell.declare(*(app(name, sources=[{**own, "path": f"apps/{name}"}, lends]) for name in "ab"))
    shell.git.push(ONE)
    await shell.settle()
    shell.line.passes.clear()

    shell.git.push({**ONE, "elsewhere": config("z")})
    await shell.settle(for_s=1.0)
    assert not shell.line.passes
    shell.git.push({**ONE, "elsewhere": config("z"), "lent/a": config("z", "2")})
    await shell.settle(for_s=1.0)

    assert {AppName("a")} == set(shell.line.passes)
    assert (sha(2), sha(2)) == shell.status("b").revisions


async def test_tag_of_a_prefix_that_moves_touches_who_reads_it() -> None:
    shell = Shell()
    prefixed = {"repoURL": REPO, "targetRevision": "in", "tagPrefix": "ma"}  # the fake's only name is `main`
    shell.declare(*(app(name, source={**prefixed, "path": f"apps/{name}"}) for name in "ab"))
    shell.git.push(ONE)
    await shell.settle()
    shell.line.passes.clear()

    shell.git.push({**ONE, "apps/a/x": config("x", "2")})
    await shell.settle(for_s=1.0)

    assert {AppName("a")} == set(shell.line.passes)
    assert (sha(1),) == shell.status("b").revisions


async def test_prunes_of_a_chart_wait_for_who_reads_that_chart_and_for_nobody_else_of_its_repository() -> None:
    def of_chart(name: str, chart: str) -> Manifest:
        return app(name, source={"repoURL": "https://charts.example", "chart": chart, "targetRevision": "1.*"})

    shell, names = Shell(), ("a", "broken", "same")
    shell.declare(of_chart("a", "web"), of_chart("broken", "db"), of_chart("same", "web"))
    apps = [found for name in names if (found := shell.apps.get(AppName(name)))]
    (repo,) = {each.sources[0].repository for each in apps}

    def awaited() -> tuple[str, ...]:
        return shell.barrier.waits_for(AppName("a"), C1, scopes_of(apps[0]))

    assert ("a", "same") == awaited()
    for found in (apps[0], apps[2]):
        shell.barrier.passed(found.name, shell.barrier.moves, scopes_of(found))
    assert () == awaited()

    shell.triggers.epoch(repo, None, FakeEpoch(0, 0.0))
    assert ("the readers of https://charts.example#web",) == awaited()
    await shell.walk()
    assert ("a", "same") == awaited()
    shell.declare(of_chart("a", "web"))
    shell.barrier.passed(AppName("a"), shell.barrier.moves, scopes_of(apps[0]))
    assert () == awaited()
