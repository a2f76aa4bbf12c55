"""One pass after another over fakes: what the world is like in the end, and what is said of it."""

from __future__ import annotations

from tests.control.shell import Shell, app, config, config_key


async def test_what_git_holds_becomes_live_and_what_it_drops_goes() -> None:
    shell = Shell()
    shell.declare(app("shop"))
    shell.git.push({"apps/shop/a": config("a"), "apps/shop/b": config("b")})
    await shell.settle()

    assert {"a", "b"} == shell.names()
    assert "Synced" == shell.sync_status("shop")

    shell.git.push({"apps/shop/a": config("a", "2")})
    await shell.settle()

    assert {"a"} == shell.names()
    assert "2" == shell.world.objects[config_key("a")]["data"]["value"]
    assert "Synced" == shell.sync_status("shop")
