"""Payloads as WebSocket frames, built once and written to every reader that stands at the same point."""

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without a wheel
    from websockets.utils import apply_mask

BINARY, TEXT = 0x82, 0x81  # the final frame of a message, unmasked, as a server sends it


def websocket_frame(payload: bytes, *, text: bool) -> bytes:
    """Give `payload` as one final, unmasked WebSocket frame (RFC 6455, section 5.2)."""
    size = len(payload)
    first = TEXT if text else BINARY
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload


class Frames:
    """The frames of recent payloads. At most `limit_bytes` are kept; then all are forgotten and built anew."""

    def __init__(self, limit_bytes: int = 1 << 20) -> None:
        self.limit_bytes = limit_bytes
        self.built = 0
        self.shared = 0
        self._frames: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})
        self._bytes = 0

    def frame(self, payload: bytes, *, text: bool) -> bytes:
        """Give the frame of `payload`: the same object to everyone who asks."""
        frames = self._frames[text]
        frame = frames.get(payload)
        if frame is not None:
            self.shared += 1
            return frame
        frame = websocket_frame(payload, text=text)
        self.built += 1
        self._bytes += len(frame)
        if self._bytes > self.limit_bytes:
            self._forget(len(frame))
        frames[payload] = frame
        return frame

    def _forget(self, keep: int) -> None:
        for frames in self._frames:
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
