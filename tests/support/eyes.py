"""Browser tabs without a browser: raw WebSockets that open a page of Panel's, and answer as its charts would."""

import asyncio
import html
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import websockets

SERVER = Path(__file__).with_name("eyes_server.py")


class Served:
    """A server of eyes_server.py: its address, and what it tells of itself."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.process, self.url = process, process.stdout.readline().strip()

    def told(self) -> dict:
        self.process.stdin.write("tell\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def served(kind: str) -> Iterator[Served]:
    command = [sys.executable, str(SERVER), kind]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as process:
        try:
            yield Served(process)
            process.stdin.close()
            assert process.wait(30) == 0
        finally:
            process.kill()


class Tab:
    """One tab: `open` it, then `run` reads and answers; `lags` are the ages of what was pushed, in ms."""

    def __init__(self, url: str, width: int = 900) -> None:
        self.url, self.width, self.mount = url, width, f"tab{id(self)}"
        self.lags: list[float] = []
        self.pushes = self.answers = self.points = 0
        self.newest: float | None = None
        self.asleep = self.closed = False
        self._painted: asyncio.Task | None = None
        self._untold = 0

    async def open(self) -> None:
        page = await asyncio.to_thread(lambda: urlopen(self.url).read().decode())
        token = re.search(r'"token"\s*:\s*"([^"]+)"', html.unescape(page))[1]
        address = self.url.replace("http", "ws") + "/ws"
        # without a bound a tab that nobody reads any more still hears the end of its connection
        self.socket = await websockets.connect(
            address, subprotocols=["bokeh", token], max_size=None, max_queue=None
        )
        await self._message()  # ACK
        await self._send("PULL-DOC-REQ", {})
        while "doc" not in (content := (await self._message())[1]):
            pass
        text = json.dumps(content)
        self.chart = self._id_of(text, "Overlay")
        self.beat = self._id_of(text, "Beat")

    @staticmethod
    def _id_of(text: str, name: str) -> str | None:
        before = text.partition(f'"class_name": "{name}"')
        ids = re.findall(r'"id": "(p[0-9a-f-]+)", "attributes"', before[0]) if before[1] else []
        return ids[-1] if ids else None

    async def greet(self) -> None:
        await self._tell(
            {"type": "event", "name": "document_ready", "values": {"type": "map", "entries": []}}
        )
        if self.chart:
            await self.say(self.chart, type="hello", renderer="SwiftShader", width=self.width + 80)
            ask = {"x0": 0.0, "x1": await self._span(), "width": self.width, "live": True}
            await self.say(self.chart, type="ask", view=0, hidden=[], **ask)
        if self.beat:
            await self.say(self.beat, ready=self.mount)

    async def _span(self) -> float:
        # the figure comes with the answer to the hello; its range is what is shown at first
        while True:
            content = json.dumps((await self._message())[1])
            if found := re.search(r'"Range1d"[^{]*\{"start": ([0-9.]+), "end": ([0-9.]+)', content):
                return float(found[2]) - float(found[1])

    async def say(self, model: str, **message: object) -> None:
        data = {"type": "map", "entries": [[key, value] for key, value in message.items()]}
        data["entries"] += [["mount", self.mount]]
        values = {"type": "map", "entries": [["model", {"id": model}], ["data", data]]}
        await self._tell({"type": "event", "name": "data_event", "values": values})

    async def _tell(self, event: dict) -> None:
        sent = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": event}
        await self._send("PATCH-DOC", {"events": [sent]})

    async def run(self) -> None:
        try:
            await self._read()
        except websockets.ConnectionClosedOK:
            if not self.closed:
                raise

    async def _read(self) -> None:
        while True:
            while self.asleep:
                await asyncio.sleep(0.02)
            buffers, content = await self._message()
            for event in content.get("events", []):
                data = self._data(event)
                if data.get("type") == "columns":
                    self._take(data, len(buffers))
                elif "sent" in data:
                    self._paint(self.beat, painted=data["sent"])

    @staticmethod
    def _data(event: dict) -> dict:
        values = event.get("msg_data", {}).get("values", {}) if event.get("kind") == "MessageSent" else {}
        data = dict(values.get("entries", [])).get("data", {})
        return dict(data.get("entries", [])) if isinstance(data, dict) else {}

    def _take(self, data: dict, buffers: int) -> None:
        if data["answer"]:
            self.answers += 1
        else:
            self.pushes += 1
            self.lags.append(time.time() * 1000 - data["last"])
        self.newest = data.get("last")
        self.points += sum(sum(line) for line in data["lines"])
        self._paint(self.chart, type="painted", drawing=data["drawing"], shown=self.points, dropped=0)

    def _paint(self, model: str, **answer: object) -> None:
        async def later() -> None:
            if self._untold < 4:
                await asyncio.sleep(0.15)
            self._untold, self._painted = 0, None
            if not self.closed:
                await self.say(model, **answer)

        self._untold += 1
        if self._painted is not None:
            self._painted.cancel()
        self._painted = asyncio.get_running_loop().create_task(later())

    async def _send(self, kind: str, content: object) -> None:
        for part in ({"msgid": "1", "msgtype": kind}, {}, content):
            await self.socket.send(json.dumps(part))

    async def _message(self) -> tuple[list[bytes], dict]:
        header = json.loads(await self.socket.recv())
        await self.socket.recv()
        content = json.loads(await self.socket.recv())
        buffers = []
        for _ in range(header.get("num_buffers", 0)):
            await self.socket.recv()
            buffers.append(await self.socket.recv())
        return buffers, content

    async def close(self) -> None:
        self.closed = True
        if self._painted is not None:
            self._painted.cancel()
        await self.socket.close()


def p95(lags: list[float]) -> float:
    return float(np.percentile(lags, 95))
