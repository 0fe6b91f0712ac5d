"""Payloads as WebSocket frames, built once and written to every reader that stands at the same point."""

import zlib

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without a wheel
    from websockets.utils import apply_mask

BINARY, TEXT = 0x82, 0x81  # the final frame of a message, unmasked, as a server sends it


COMPRESSED = 0x40  # RSV1: the message is compressed (RFC 7692)
SMALLEST = 64  # bytes; what is shorter is sent as it is


def websocket_frame(payload: bytes, *, text: bool, compressed: bool = False) -> bytes:
    """Give `payload` as one final, unmasked WebSocket frame (RFC 6455, section 5.2)."""
    size = len(payload)
    first = (TEXT if text else BINARY) | (COMPRESSED if compressed else 0)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


def deflate(payload: bytes, bits: int) -> bytes:
    """Give `payload` compressed on its own, as permessage-deflate has it (RFC 7692), in a window of 2**`bits` bytes."""
    squeeze = zlib.compressobj(wbits=-bits)
    return (squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Frames:
    """The frames of recent payloads. At most `limit_bytes` are kept; then all are forgotten and built anew.

    `compressed` frames were built, and spared `saved` bytes to those who were sent them.
    """

    def __init__(self, limit_bytes: int = 1 << 20) -> None:
        self.limit_bytes = limit_bytes
        self.built = self.shared = self.compressed = self.saved = 0
        self._frames: dict[tuple[bool, int], dict[bytes, bytes]] = {}
        self._bytes = 0

    def frame(self, payload: bytes, *, text: bool, bits: int = 0) -> bytes:
        """Give the frame of `payload`: the same object to everyone who asks.

        With `bits` it is compressed, for readers whose window is 2**`bits` bytes, where that makes it shorter.
        """
        frames = self._frames.setdefault((text, bits), {})
        frame = frames.get(payload)
        if frame is not None:
            self.shared += 1
        else:
            frame = self._build(payload, text=text, bits=bits)
            self.built += 1
            self._bytes += len(frame)
            if self._bytes > self.limit_bytes:
                self._forget(len(frame))
            frames[payload] = frame
        if bits:
            self.saved += max(0, len(payload) + 2 - len(frame))
        return frame

    def _build(self, payload: bytes, *, text: bool, bits: int) -> bytes:
        if bits and len(payload) >= SMALLEST:
            squeezed = deflate(payload, bits)
            if len(squeezed) < len(payload):
                self.compressed += 1
                return websocket_frame(squeezed, text=text, compressed=True)
        return websocket_frame(payload, text=text)

    def _forget(self, keep: int) -> None:
        for frames in self._frames.values():
            frames.clear()
        self._bytes = keep


def whole_messages(data: bytes, most: int = 1 << 16) -> list[bytes] | None:
    """Give the payloads of `data` where it is nothing but whole, final, masked, uncompressed frames up to 64 KiB.

    No payload has more than `most` bytes.

    None: it is something else, which a parser that keeps state must see.
    """
    payloads, at, end = [], 0, len(data)
    while at < end:
        if end - at < 6 or data[at] not in (BINARY, TEXT):
            return None
        size, mask = data[at + 1] - 128, at + 2
        if size == 126:
            size, mask = int.from_bytes(data[mask : mask + 2], "big"), mask + 2
        elif not 0 <= size < 126:
            return None
        begin = mask + 4
        at = begin + size
        if at > end or size > most:
            return None
        payloads.append(apply_mask(data[begin:at], data[mask:begin]))
    return payloads
