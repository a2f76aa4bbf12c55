from __future__ import annotations

import asyncio

import pytest

from gitopsd.errors import Overloaded
from gitopsd.trust.passwords import MOST_WAITING, PasswordHashes


async def test_a_password_fits_its_hash_alone() -> None:
    passwords = PasswordHashes()
    hashed = await passwords.hash("correct horse")

    assert hashed.startswith("$argon2id$")
    assert hashed != await passwords.hash("correct horse")
    assert await passwords.fits("correct horse", hashed)
    for password, stored in (("wrong", hashed), ("nobody", None), ("correct horse", "no hash"), ("\ud800", hashed)):
        assert not await passwords.fits(password, stored)


async def test_many_at_once_are_refused_and_take_one_turn_after_the_other() -> None:
    passwords = PasswordHashes()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(passwords.hash("one of many")) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await passwords.hash("one too many")

    assert MOST_WAITING == len({task.result() for task in waiting})
    assert await passwords.hash("afterwards")
