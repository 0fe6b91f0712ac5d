"""Let a journaled engine fill the file system of a folder, and say what became of it as a line of JSON.

python full_disk.py FOLDER. Then room is made, and it goes on.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.journals import assert_never_killed, journaled, stream

from rtlab.errors import JournalError

BATCH, MOST = 50, 100_000
BALLAST = 200_000


def fill(folder: Path) -> dict[str, object]:
    rows, acknowledged = stream(MOST), 0
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(BALLAST))
    with journaled(folder / "journal") as engine:
        try:
            while acknowledged < MOST:
                engine.process(rows[acknowledged : acknowledged + BATCH])
                acknowledged += BATCH
        except JournalError as error:
            problem = error
        assert engine.engine.statistics().commands == acknowledged, "what was refused was not done"
        again = ""
        try:
            engine.process(rows[:1])
        except JournalError as error:
            again = str(error)
        assert again == str(problem)
    ballast.unlink()
    with journaled(folder / "journal") as engine:
        recovered = engine.engine.statistics().commands
        torn = engine.journal.statistics().torn_bytes
        engine.process(rows[recovered : recovered + BATCH])
        assert_never_killed(engine.engine, recovered + BATCH)
    return {"problem": str(problem), "acknowledged": acknowledged, "recovered": recovered, "torn": torn}


if __name__ == "__main__":
    print(json.dumps(fill(Path(sys.argv[1]))))
