"""A caller that hangs up stops what is being fetched for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from cds_service.errors import CallerGone
from cds_service.http.hanging_up import unless_hung_up


def request(*messages: str) -> Request:
    """A request from which these messages come, and then nothing."""
    left = list(messages)

    async def receive() -> dict[str, Any]:
        if left:
            return {"type": left.pop(0)}
        await asyncio.Event().wait()
        raise AssertionError

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def test_work_that_is_done_is_the_result() -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    async def call() -> str:
        result = await unless_hung_up(request(), work())
        assert len(asyncio.all_tasks()) == 1
        return result

    assert asyncio.run(call()) == "done"


def test_an_error_of_the_work_is_raised() -> None:
    async def work() -> str:
        raise ValueError("of the work")

    with pytest.raises(ValueError, match="of the work"):
        asyncio.run(unless_hung_up(request(), work()))


@pytest.mark.parametrize("messages", [["http.disconnect"], ["http.request", "http.disconnect"]])
def test_a_caller_that_hangs_up_ends_the_work(messages: list[str]) -> None:
    ended: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def call() -> None:
        with pytest.raises(CallerGone):
            await unless_hung_up(request(*messages), work())
        assert ended == [True]
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(call())
