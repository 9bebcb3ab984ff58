"""Which connections calls take, over real sockets."""

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest

from connectors.lanes import Lanes


class Server:
    """Answers with the number of the connection a call came through; "/slow" once ``go_on`` is set, "/cut" never."""

    def __init__(self):
        self.connections, self.waiting, self.go_on = 0, asyncio.Semaphore(0), asyncio.Event()

    async def serve(self, reader, writer):
        self.connections += 1
        number = self.connections
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if b"/slow" in head:
                    self.waiting.release()
                    await self.go_on.wait()
                body = str(number).encode()
                length = len(body) + (b"/cut" in head)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (length, body))
                await writer.drain()
                if b"/cut" in head:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def calling():
    """A server, and a function that calls it."""
    handler = Server()
    server = await asyncio.start_server(handler.serve, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, httpx.AsyncClient(transport=Lanes()) as client:

        async def call(path="/"):
            return int((await client.get(address + path)).text)

        yield handler, call


async def one_after_the_other():
    async with calling() as (_, call):
        return [await call() for _ in range(5)]


async def at_once_then_at_once():
    async with calling() as (handler, call):
        found = []
        for _ in range(2):
            handler.go_on.clear()
            calls = [asyncio.create_task(call("/slow")) for _ in range(3)]
            for _ in calls:
                await handler.waiting.acquire()
            handler.go_on.set()
            found.append({await one for one in calls})
        return found


async def after(broken):
    """What calls get before and after one that ``broken`` breaks off."""
    async with calling() as (handler, call):
        before = await call()
        await broken(handler, call)
        return before, [await call() for _ in range(2)]


async def cut_off(_handler, call):
    with pytest.raises(httpx.RemoteProtocolError):
        await call("/cut")


async def given_up(handler, call):
    slow = asyncio.create_task(call("/slow"))
    await handler.waiting.acquire()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow


def test_calls_one_after_the_other_share_a_connection():
    assert asyncio.run(one_after_the_other()) == [1] * 5


def test_calls_at_once_have_a_connection_each_and_those_are_used_again():
    assert asyncio.run(at_once_then_at_once()) == [{1, 2, 3}] * 2


@pytest.mark.parametrize("broken", [cut_off, given_up])
def test_a_call_that_broke_leaves_nothing_of_it_to_the_next(broken):
    assert asyncio.run(after(broken)) == (1, [2, 2])


async def given_up_after_any_number_of_steps(most):
    """What calls bring that are given up after 0, 1, ... turns of the event loop, each followed by a whole one."""
    found = []
    async with calling() as (_, call):
        for steps in range(most):
            await call()
            one = asyncio.create_task(call())
            for _ in range(steps):
                await asyncio.sleep(0)
            one.cancel()
            found += await asyncio.gather(one, return_exceptions=True)
            async with asyncio.timeout(5):
                await call()
    return found


def test_a_call_may_be_given_up_at_any_moment():
    """The last moments are those in which it is over but for its connection's being free again."""
    first, *_, last = asyncio.run(given_up_after_any_number_of_steps(60))
    assert isinstance(first, asyncio.CancelledError)
    assert isinstance(last, int)
