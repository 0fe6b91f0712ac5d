import numpy as np
import pandas as pd
from support.frames import random_quotes, random_trades

from rtlab.pipelines.analytics import AsofFold


def test_the_join_equals_merge_asof():
    t, q = random_trades(1, 3000), random_quotes(2, 2000)
    t[:, 0] -= t[0, 0]
    q[:, 0] -= q[0, 0] - 50_000_000
    t[::7, 0] = np.sort(q[: len(t[::7]), 0])  # some at the very time of a quote
    t = t[np.argsort(t[:, 0], kind="stable")]
    seq, fold = np.arange(1, len(t) + 1), AsofFold()
    parts = [
        fold.fold_trades(t[:, 0], seq, *t[:, 1:].T),
        fold.fold_quotes(q[:, 0], *q[:, 2:].T),
        fold.finish(),
    ]
    names = ["bid", "bid_lots", "ask", "ask_lots"]
    left = pd.DataFrame({"ts": t[:, 0], "seq": seq})
    right = pd.DataFrame(q[:, 2:], columns=names).assign(ts=q[:, 0])
    expected = pd.merge_asof(left, right, on="ts").fillna(0).astype(np.int64)
    assert (expected.bid == 0).any()
    for name in ("seq", *names):
        assert np.concatenate([getattr(one, name) for one in parts]).tolist() == expected[name].tolist()


def test_trades_wait_no_longer_than_the_limit():
    fold = AsofFold(limit=10)
    t = random_trades(1, 25)
    joined = fold.fold_trades(t[:, 0], np.arange(25), *t[:, 1:].T)
    assert joined.seq.tolist() == list(range(15))
    assert fold.forced == 15
