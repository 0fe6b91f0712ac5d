"""When a book is asked for again: at once, then ever later, one question at a time, never before the venue allows."""

FIRST_S, CAP_S = 0.25, 30.0
ANSWER_S = 5.0  # a question that was not answered by then is lost


class Asking:
    """The questions for one book's snapshot. Every `now` is in ns, monotonic."""

    def __init__(self) -> None:
        self.tries = 0
        self.is_out = False
        self._next_at = 0
        self._asked_at = 0

    def is_due(self, now: int) -> bool:
        """Tell whether the snapshot may be asked for now."""
        if self.is_out and now - self._asked_at > ANSWER_S * 1e9:
            self.failed(now)
        return not self.is_out and now >= self._next_at

    def asked(self, now: int) -> None:
        """Note that it was asked for."""
        self.is_out, self._asked_at = True, now

    def failed(self, now: int, retry_after_s: float = 0.0) -> None:
        """It did not come, or it was of no use: wait twice as long as last time, and as long as the venue asks."""
        wait = max(min(CAP_S, FIRST_S * 2.0 ** min(self.tries, 16)), retry_after_s)
        self.tries += 1
        self.is_out, self._next_at = False, now + int(wait * 1e9)

    def done(self) -> None:
        """It came, and the book is in step."""
        self.tries, self.is_out, self._next_at = 0, False, 0

    def reset(self) -> None:
        """The connection is another one: what was asked is not answered any more; the venue's pauses still count."""
        self.is_out = False
