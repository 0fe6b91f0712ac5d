"""One instrument as a gateway follows it: which entries it may fold, and when it has to load the state again.

    LOADING   nothing may be folded: a state is wanted that is further on than what is held
    IN STEP   each entry must begin where the instrument stands, or before (then only the rest of it is folded)

Told apart: an entry that begins later (the stream was trimmed, or lost entries), one of a newer epoch (another
engine, or one that could not prove what it continues), one that contradicts what is held (two histories under one
epoch: this must never be, and is counted). All three bring LOADING.
"""

from rtlab.book import InstrumentState, load_state
from rtlab.store.entry import Entry, StoredState
from rtlab.store.keys import Point


class Tail:
    """Follows one instrument; `point` is where it stands."""

    def __init__(self, state: InstrumentState) -> None:
        self.state = state
        self.point = Point(0, 0)
        self.chain = 0
        self.is_loading = True
        self.loads = self.gaps = self.epochs = self.contradictions = 0
        self._must_replace = False  # what is held is wrong: any state is better

    def load(self, stored: StoredState) -> bool:
        """Take a state from the store; False when it is not further on than what is held."""
        point = Point(stored.epoch, stored.position)
        if point <= self.point and not self._must_replace:
            return False
        load_state(self.state, stored.state)
        self.epochs += 0 < self.point.epoch < point.epoch
        self.point, self.chain = point, stored.chain
        self.is_loading = self._must_replace = False
        self.loads += 1
        return True

    def take(self, end: Point, entry: Entry) -> bool:
        """Fold what is new in an entry that ends at `end`; False when nothing was."""
        if self.is_loading or end <= self.point:
            return False
        if end.epoch > self.point.epoch:
            self.is_loading = True
            return False
        position = self.point.position
        if entry.before > position or not entry.steps:
            self.gaps += 1
            self.is_loading = True
            return False
        if entry.before == position and entry.chain_before != self.chain:
            self._contradict()
            return False
        return self._fold(end, entry)

    def _fold(self, end: Point, entry: Entry) -> bool:
        state, at, position = self.state, entry.before, self.point.position
        for step in entry.steps:
            if at >= position:
                state.fold(step)
            elif at + step.changes > position:
                break  # it began before where we stand and ends after it: no step of ours does
            at += step.changes
        if at != end.position:
            self._contradict()
            return False
        self.point, self.chain = end, entry.chain
        return True

    def _contradict(self) -> None:
        self.contradictions += 1
        self.is_loading = self._must_replace = True
