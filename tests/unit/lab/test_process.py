import asyncio
import os
import signal
import subprocess
import sys

import pytest

from rtlab.errors import AddressError
from rtlab.lab.process import ServerProcess


def _gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] == "Z"


async def _until_gone(pid):
    async with asyncio.timeout(20):
        while not _gone(pid):
            await asyncio.sleep(0.05)


async def test_the_server_tells_its_address_and_ends_when_it_is_closed():
    server = ServerProcess(["--port", "0"])
    url = await server.start()
    pid = server.pid
    assert url.startswith("ws://127.0.0.1:")
    await server.close()
    assert _gone(pid)
    assert server.pid is None
    await server.close()


async def test_a_server_that_cannot_start_says_why(capfd):
    blocked = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = blocked.sockets[0].getsockname()[1]
    with pytest.raises(AddressError, match=rf"ended before it served.*{port}"):
        await ServerProcess(["--port", str(port)]).start()
    blocked.close()
    assert "Traceback" not in capfd.readouterr().err


OWNER = """
import asyncio, sys
from rtlab.lab.process import ServerProcess
async def main():
    server = ServerProcess(["--port", "0"])
    await server.start()
    print(server.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
async def test_the_server_ends_with_an_owner_that_was_killed():
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True) as owner:
        pid = int(await asyncio.to_thread(owner.stdout.readline))
        assert not _gone(pid)
        owner.send_signal(signal.SIGKILL)
        await _until_gone(pid)
