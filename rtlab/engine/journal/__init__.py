"""Commands on disk before they are done: an engine that is killed goes on with the same bytes."""

from rtlab.engine.journal.framing import Position
from rtlab.engine.journal.journaled import JournaledEngine, recovered
from rtlab.engine.journal.reading import Reading, commands_from, read_journal
from rtlab.engine.journal.replaying import Replayed, replay_journal
from rtlab.engine.journal.snapshots import KeptSnapshot
from rtlab.engine.journal.verifying import Verdict, verify_journal
from rtlab.engine.journal.writing import Journal, JournalStatistics

__all__ = [
    "Journal",
    "JournalStatistics",
    "JournaledEngine",
    "KeptSnapshot",
    "Position",
    "Reading",
    "Replayed",
    "Verdict",
    "commands_from",
    "read_journal",
    "recovered",
    "replay_journal",
    "verify_journal",
]
