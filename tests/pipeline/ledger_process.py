"""A process that works on a search of made-up files: ``python ledger_process.py FOLDER TRIALS``.

The figures of a file are a formula of its choice, so that nothing has to be trained.
"""

import os
import sys
import time
from pathlib import Path

from tfedge.pipeline.budget import Budget
from tfedge.pipeline.constraints import Constraint, Measured
from tfedge.pipeline.drop import Drop
from tfedge.pipeline.search.ledger import Ledger
from tfedge.pipeline.search.plan import Plan
from tfedge.pipeline.search.proxies import Curves
from tfedge.pipeline.search.space import Space

ROWS = tuple(
    (
        share,
        {"size_bytes": 1000 + 9000 * share, "gzip_bytes": 800 + 7000 * share, "macs": 1e6 * share},
    )
    for share in (1.0, 0.5, 0.1)
)
CURVES = Curves("made up", "int8", "", ROWS, "", ((0.0, 7800), (0.8, 3000)), ((16, 4000),))


def made_up(choice, budget):
    """Return the figures of a choice: less channels, less size, larger drop; training helps."""
    share = choice["channels"]
    drop = 0.02 * (1 / share - 1) - 0.002 * choice["epochs"]
    size = int(1000 + 9000 * share)
    told = Drop("accuracy", 0.9, 0.9 - drop, drop, drop - 0.02, drop + 0.02, 200)
    limits = [
        Constraint(name, limit, size, size <= limit, "made up")
        for name, limit in budget.limits.items()
    ]
    if budget.accuracy_drop is not None:
        met = drop <= budget.accuracy_drop
        limits.append(Constraint("accuracy_drop", budget.accuracy_drop, drop, met, "made up"))
    return Measured("made up", size, int(0.8 * size), int(1e6 * share), told, tuple(limits))


def work(folder, trials, budget=None, slow=0.0, killed_at=None):
    """Run trials until so many are there; return their places and choices."""
    budget = budget or Budget(accuracy_drop=0.03, trials=trials)
    space = Space("int8", 0.1, 1.0, (0.0,), (0,), 4, False, {})
    ledger, plan = Ledger(folder, ("size_bytes",), "tpe", seed=3), Plan(budget, space, CURVES)
    done = []
    while (taken := ledger.take(space, plan)) is not None:
        if taken.place == killed_at:
            os.kill(os.getpid(), 9)
        time.sleep(slow)
        ledger.complete(taken, made_up(taken.choice, budget), 0.0)
        done.append(taken.place)
    entries = ledger.entries()
    ledger.close()
    return done, entries


if __name__ == "__main__":
    killed = int(sys.argv[3]) if len(sys.argv) > 3 else None
    print(*work(Path(sys.argv[1]), int(sys.argv[2]), slow=0.05, killed_at=killed)[0])
