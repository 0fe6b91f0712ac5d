"""What a hostile client sends, from a seed: messages, WebSocket frames and HTTP requests, each with its kind."""

import base64
import json
import os
import random
import struct
import time

import msgspec
from support.tokens import SECRET, token

from rtlab.protocol import Authenticate, Channel, Codec, Pong, Resync, Subscribe, Unsubscribe

CODES = {1012, 4001, 4002, 4003, 4004, 4008, 4009, 4029}
"""The close codes of the table."""
FRAMING = {1000, 1002, 1007, 1009}
"""Those of RFC 6455 for what is no WebSocket, for text that is no UTF-8, for what is too big; and a close's echo."""
CODECS = {name: Codec(name) for name in ("msgpack", "json")}


def unsigned(head: object, fields: object, signature: str = "") -> str:
    def part(one: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode()

    return f"{part(head)}.{part(fields)}.{signature}"


FUTURE = 4e9
BAD_TOKENS = {
    "none": unsigned({"alg": "none"}, {"sub": "eve", "exp": FUTURE, "channels": ["*"]}),
    "unsigned": unsigned({"alg": "HS256"}, {"sub": "eve", "exp": FUTURE, "channels": ["*"]}, "AAAA"),
    "ended": token(exp=1),
    "foreign": token(os.urandom(32), exp=FUTURE),
    "elsewhere": token(iss="eve", exp=FUTURE),
    "other audience": token(aud="eve", exp=FUTURE),
    "early": token(nbf=FUTURE, exp=FUTURE),
    "deep": base64.urlsafe_b64encode(b"[" * 2000).decode() + ".e30.e30",
    "empty": "",
    "dots": "..",
    "long": "x" * 5000,
}


class Hostile:
    """A seeded source of hostile things. `tokens` are good ones, to be replayed."""

    def __init__(self, seed: int, replayed: str) -> None:
        self.rnd, self.replayed = random.Random(seed), replayed

    def message(self, encoding: str) -> tuple[str, bytes]:
        """Give (kind, payload)."""
        kind = self.rnd.choice([name for name in dir(self) if name.startswith("say_")])
        return kind[4:], getattr(self, kind)(encoding)

    # messages

    def _number(self) -> int:
        return self.rnd.choice(
            [0, 1, -1, 2**31, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), self.rnd.getrandbits(40)]
        )

    def _text(self) -> str:
        return self.rnd.choice(
            ["", "book", "*", "BTC-USD", "\x00", "é" * 50, "x" * 5000, "../..", "book/BTC-USD"]
        )

    def _channel(self) -> Channel:
        rnd = self.rnd
        return Channel(
            rnd.choice(["book", "trades", "bars", "ticker", self._text()]),
            rnd.choice(["BTC-USD", "ETH-USD", self._text()]),
            depth=rnd.choice([None, 0, -1, 10, 2**62]),
            interval=rnd.choice([0, 0, 1, 10**9, -5]),
            max_rate=rnd.choice([None, None, 0.0, -1.0, 1e300, 5.0]),
            resume=rnd.choice([None, (0, 0, 0), (2**62, 2**62, 2**62), (1, 2**60, 5)]),
        )

    def _any(self, encoding: str, value: object) -> bytes:
        return (msgspec.msgpack if encoding == "msgpack" else msgspec.json).encode(value)

    def _valid(self, encoding: str) -> bytes:
        rnd = self.rnd
        wish = Subscribe(1, [self._channel() for _ in range(rnd.randrange(1, 4))])
        message = rnd.choice([wish, wish, Unsubscribe(rnd.getrandbits(33)), Resync(rnd.getrandbits(33))])
        return CODECS[encoding].encode(message)

    def say_random(self, encoding: str) -> bytes:
        return self.rnd.randbytes(self.rnd.choice([0, 1, 5, 60, 2000]))

    def say_wish(self, encoding: str) -> bytes:
        return self._valid(encoding)

    def say_truncated(self, encoding: str) -> bytes:
        whole = self._valid(encoding)
        return whole[: self.rnd.randrange(len(whole))]

    def say_changed(self, encoding: str) -> bytes:
        whole = bytearray(self._valid(encoding))
        for _ in range(self.rnd.randrange(1, 4)):
            whole[self.rnd.randrange(len(whole))] = self.rnd.randrange(256)
        return bytes(whole)

    def say_longer(self, encoding: str) -> bytes:
        return self._valid(encoding) + self.rnd.randbytes(self.rnd.randrange(1, 9))

    def say_oversized(self, encoding: str) -> bytes:
        return CODECS[encoding].encode(Subscribe(1, [self._channel()] * self.rnd.choice([200, 900])))[:60_000]

    def say_deep(self, encoding: str) -> bytes:
        count = self.rnd.choice([50, 1100, 30_000])
        if encoding == "json":
            return self.rnd.choice([b"[" * count, b'{"type":' * (count // 8), b"[" * count + b"]" * count])
        return self.rnd.choice(
            [b"\x91" * count, b"\x81\xa1a" * (count // 3), b"\xdd\xff\xff\xff\xff" * (count // 5)]
        )

    def say_wrong_types(self, encoding: str) -> bytes:
        junk = [None, True, 1.5, "x", [], {}, [[]], {"a": 1}, self._number() % 2**63, float("1e308")]
        if encoding == "json":
            name = self.rnd.choice(
                ["Subscribe", "Pong", "Resync", "Unsubscribe", "Authenticate", "Welcome", "eval"]
            )
            fields = ["id", "channels", "key", "nonce", "applied", "token", "extra"]
            return self._any(
                encoding,
                {"type": name, **{one: self.rnd.choice(junk) for one in fields[: self.rnd.randrange(8)]}},
            )
        return self._any(
            encoding,
            [
                self.rnd.choice([1, 2, 3, 4, 5, 16, 99, "1", None]),
                *self.rnd.choices(junk, k=self.rnd.randrange(5)),
            ],
        )

    def say_numbers(self, encoding: str) -> bytes:
        tag = self.rnd.choice([2, 3, 4])
        if encoding == "json":
            name = {2: "Unsubscribe", 3: "Pong", 4: "Resync"}[tag]
            return b'{"type":"%b","key":%d,"nonce":%d,"applied":{"%d":[%d,%d]}}' % (
                name.encode(),
                *(self._number() for _ in range(5)),
            )
        try:
            return msgspec.msgpack.encode(
                [tag, self._number(), {self._number(): [self._number(), self._number()]}]
            )
        except OverflowError:
            return b"\x92\x02\xcf" + b"\xff" * 8

    def say_pong(self, encoding: str) -> bytes:
        applied = {
            self.rnd.getrandbits(3): (self.rnd.randrange(3), self.rnd.getrandbits(62)) for _ in range(3)
        }
        return CODECS[encoding].encode(Pong(self.rnd.getrandbits(5), applied))

    def say_token(self, encoding: str) -> bytes:
        return CODECS[encoding].encode(Authenticate(self.rnd.choice([*BAD_TOKENS.values(), self.replayed])))

    def say_other_encoding(self, encoding: str) -> bytes:
        return self._valid("json" if encoding == "msgpack" else "msgpack")

    # frames

    def frame(
        self, opcode: int, payload: bytes, *, fin: bool = True, masked: bool = True, bits: int = 0
    ) -> bytes:
        """Give one client frame."""
        head = bytes([(0x80 if fin else 0) | bits | opcode])
        size, flag = len(payload), 0x80 if masked else 0
        if size < 126:
            head += bytes([flag | size])
        elif size < 1 << 16:
            head += bytes([flag | 126]) + struct.pack(">H", size)
        else:
            head += bytes([flag | 127]) + struct.pack(">Q", size)
        if not masked:
            return head + payload
        mask = self.rnd.randbytes(4)
        return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))

    def frames(self, encoding: str) -> tuple[str, bytes]:
        """Give (kind, bytes) that no WebSocket server has to bear."""
        rnd, data = self.rnd, 1 if encoding == "json" else 2
        short = rnd.randbytes(rnd.randrange(100))
        made = {
            "unmasked": lambda: self.frame(data, short, masked=False),
            "reserved bit": lambda: self.frame(data, short, bits=rnd.choice([0x40, 0x20, 0x10])),
            "reserved opcode": lambda: self.frame(rnd.choice([3, 7, 11, 15]), short),
            "control frame too long": lambda: self.frame(rnd.choice([8, 9, 10]), bytes(126)),
            "control frame in parts": lambda: self.frame(rnd.choice([9, 10]), b"", fin=False),
            "continuation of nothing": lambda: self.frame(0, short),
            "message in a message": lambda: self.frame(data, b"a", fin=False) + self.frame(data, b"b"),
            "close without a reason": lambda: self.frame(8, b"\x03"),
            "close with a bad code": lambda: self.frame(
                8, struct.pack(">H", rnd.choice([0, 999, 1005, 1006, 5000]))
            ),
            "close with bad text": lambda: self.frame(8, b"\x03\xe8\xff\xfe"),
            "too big": lambda: self.frame(data, bytes(70_000)),
            "announced as huge": lambda: bytes([0x80 | data, 0xFF]) + struct.pack(">Q", 2**62) + bytes(50),
            "size below zero": lambda: bytes([0x80 | data, 0xFF]) + b"\xff" * 8 + bytes(50),
            "endless parts": lambda: self.frame(data, b"", fin=False) + self.frame(0, b"", fin=False) * 1200,
            "flood of pings": lambda: self.frame(9, b"x") * 1200,
            "flood of pongs": lambda: self.frame(10, b"x") * 1200,
            "flood of messages": lambda: self.frame(data, self._valid(encoding)) * 1200,
            "noise": lambda: rnd.randbytes(rnd.randrange(20, 3000)) + self.frame(3, b""),
        }
        kind = rnd.choice(list(made))
        return kind, made[kind]()

    # requests

    def request(self) -> tuple[str, bytes]:
        """Give (kind, bytes) of a handshake that must not succeed; each is a whole request, or no request at all."""
        rnd = self.rnd
        kinds = {
            "noise": lambda: rnd.randbytes(rnd.randrange(1, 500)) + b"\r\n\r\n",
            "no HTTP": lambda: rnd.choice(
                [b"HELLO\r\n\r\n", b"GET /\r\n\r\n", b"\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
            ),
            "TLS": lambda: bytes.fromhex("16030100c8010000c40303") + rnd.randbytes(180) + b"\n",
            "method": lambda: self._upgrade(method=rnd.choice(["POST", "PUT", "CONNECT", "get", "G" * 200])),
            "path": lambda: self._upgrade(
                path=rnd.choice(["/feed", "//", "/../", "*", "http://evil/", "/" + "a" * 9000])
            ),
            "version": lambda: self._upgrade(version="HTTP/" + rnd.choice(["1.0", "2.0", "9.9"])),
            "key": lambda: self._upgrade(key=rnd.choice(["", "short", "!" * 24, "A" * 500])),
            "socket version": lambda: self._upgrade(more={"Sec-WebSocket-Version": "99"}),
            "no upgrade": lambda: self._upgrade(
                more={"Upgrade": rnd.choice(["h2c", "", "websocket, websocket"])}
            ),
            "subprotocol": lambda: self._upgrade(
                more={"Sec-WebSocket-Protocol": rnd.choice(["chat", "rtlab.v9.json", "\x01"])}
            ),
            "origin": lambda: self._upgrade(
                more={"Origin": rnd.choice(["https://evil.example", "null", "http://localhost.evil"])}
            ),
            "token": lambda: self._upgrade(
                more={"Authorization": "Bearer " + rnd.choice(list(BAD_TOKENS.values()))}
            ),
            "replayed token": lambda: self._upgrade(more={"Authorization": "Bearer " + self.replayed}),
            "scheme": lambda: self._upgrade(
                more={"Authorization": rnd.choice(["Basic YTpi", "Bearer", "Digest x=1", " "])}
            ),
            "body": lambda: self._upgrade(
                more={"Content-Length": rnd.choice(["5", "-1", "x", "99999999999"])}
            ),
            "chunks": lambda: self._upgrade(more={"Transfer-Encoding": "chunked"}),
            "many headers": lambda: self._upgrade(more={f"X-{i}": "y" for i in range(300)}),
            "long header": lambda: self._upgrade(more={"X": "y" * rnd.choice([9000, 30_000])}),
            "bad header": lambda: (
                b"GET / HTTP/1.1\r\n" + rnd.choice([b"no colon", b"a b: c", b": x", b"X: \x00"]) + b"\r\n\r\n"
            ),
            "twice": lambda: self._upgrade()[:-2] + b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            "page": lambda: b"GET /metrics HTTP/1.1\r\n\r\n",
        }
        kind = rnd.choice(list(kinds))
        return kind, kinds[kind]()

    def _upgrade(
        self,
        method: str = "GET",
        path: str = "/",
        version: str = "HTTP/1.1",
        key: str = "dGhlIHNhbXBsZSBub25jZQ==",
        more: dict[str, str] | None = None,
    ) -> bytes:
        headers = {
            "Host": "x",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": "rtlab.v1.json",
        } | (more or {})
        lines = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def good(self, encoding: str, bearer: str | None = None) -> bytes:
        """Give a handshake that succeeds."""
        more = {"Sec-WebSocket-Protocol": f"rtlab.v1.{encoding}"}
        return self._upgrade(more=more | ({} if bearer is None else {"Authorization": f"Bearer {bearer}"}))


def secrets(replayed: str) -> list[str]:
    """Give texts that no log may show."""
    return [
        SECRET.decode(),
        *(text.split(".")[1] for text in (replayed, BAD_TOKENS["ended"], BAD_TOKENS["foreign"])),
    ]


def fresh(name: str, channels: list[str]) -> str:
    """Give a good token."""
    return token(jti=name, sub=name, channels=channels, exp=time.time() + 7200)
