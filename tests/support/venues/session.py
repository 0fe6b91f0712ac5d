"""One client's connection to a loopback venue, and what goes wrong on it when a test wants it to."""

from collections.abc import Callable

MALFORMED = '{"channel":"book","stream":"btcusdt@depth@100ms","data":[{"sym'
NOT_READ = '{"channel":"book","type":7,"stream":8,"sequence_num":"no"}'


class Session:
    """What is sent waits in `out`. `lose` of the next book messages are not sent; `spoil` are sent in a wrong form."""

    def __init__(self, path: str = "") -> None:
        self.path = path
        self.out: list[str] = []
        self.subscribed: set[tuple[str, str]] = set()  # (channel, name)
        self.sequence = -1
        self.seen: dict[str, tuple[dict[int, int], dict[int, int]]] = {}  # by name: what the client was shown
        self.lose = self.spoil = 0
        self.is_mute = False
        self.close: tuple[int, str] | None = None
        self.on_out: Callable[[], None] = lambda: None

    def send(self, payload: str, *, is_book: bool = False) -> None:
        """Send one message, unless a fault takes it."""
        if self.is_mute:
            return
        if is_book and self.lose:
            self.lose -= 1
            return
        if is_book and self.spoil:
            self.spoil -= 1
            payload = (MALFORMED, NOT_READ)[self.spoil % 2]
        self.out.append(payload)
        self.on_out()

    def take(self) -> list[str]:
        taken, self.out = self.out, []
        return taken
