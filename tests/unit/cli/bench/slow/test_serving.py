import asyncio
import contextlib

from rtlab.cli.bench.load import Load
from rtlab.cli.bench.slow.readers import Trickle
from rtlab.cli.bench.slow.serving import serve, serve_plainly


class Words:
    """The owner of a server that runs in the test's own loop."""

    def __init__(self):
        self.heard, self.said = asyncio.Queue(), asyncio.Queue()

    def send(self, word):
        self.heard.put_nowait(word)

    async def receive(self):
        return await self.said.get()


async def told_by(work, *arguments, plain):
    """Serve one reader that takes what comes until its book is there; give what the server tells at the end."""
    words = Words()
    server = asyncio.create_task(work(words, Load(5_000, 20.0), *arguments))
    with await asyncio.to_thread(Trickle, await words.heard.get(), plain=plain) as reader:
        words.said.put_nowait("go")
        async with asyncio.timeout(20):
            while reader.read(4096) is None:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.1)
        words.said.put_nowait("enough")
        told = await words.heard.get()
        server.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await server
        return reader.port, told


async def test_our_server_tells_what_each_reader_cost():
    port, account = await told_by(serve, 10.0, plain=False)
    assert account.served[port].unanswered > 0
    assert (account.evicted, account.given_up) == (0, 0)


async def test_the_plain_server_tells_its_longest_queue():
    _, longest = await told_by(serve_plainly, plain=True)
    assert longest > 0
