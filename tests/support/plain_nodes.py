"""The analytics once more, row by row in plain Python, from their definitions: what the columnar folds must equal.

Each takes rows of a leg as lists and gives rows. Nothing here is quick, and nothing is shared with the folds.
"""

import math
from collections.abc import Iterable

Row = tuple[int, ...]


def in_windows(rows: Iterable[Row], interval: int) -> list[tuple[int, Row]]:
    """(start of the window, row) of the rows that are not late."""
    found, newest = [], None
    for row in rows:
        start = row[0] // interval * interval if interval else 0
        if newest is None or start >= newest:
            newest = start
            found.append((start, row))
    return found


def twap(rows: list[Row], interval: int) -> list[tuple[int, int, int]]:
    """(start, area, elapsed) at each price in time."""
    found: list[tuple[int, int, int]] = []
    area = elapsed = 0
    last: tuple[int, int] | None = None
    window = None
    for start, (ts, price, *_) in in_windows(rows, interval):
        if start != window:
            area = elapsed = 0
        if last is not None:
            now = max(ts, last[0])
            since = max(last[0], start) if interval else last[0]
            area, elapsed = area + last[1] * (now - since), elapsed + now - since
            last = (now, price)
        else:
            last = (ts, price)
        window = start
        found.append((start, area, elapsed))
    return found


def volatility(rows: list[Row], interval: int) -> list[float]:
    """The root of the sum of squared log returns at each price."""
    found, total, last, window = [], 0.0, None, None
    for start, (_, price, *_) in in_windows(rows, interval):
        if start != window:
            total, window = 0.0, start
        if last is not None:
            total += math.log(price / last) ** 2
        last = price
        found.append(math.sqrt(total))
    return found


def tick_signs(prices: list[int]) -> list[int]:
    """The sign of the last change of price."""
    found, sign = [], 0
    for number, price in enumerate(prices):
        if number and price != prices[number - 1]:
            sign = 1 if price > prices[number - 1] else -1
        found.append(sign)
    return found


def ema(values: list[float], period: int) -> list[float]:
    """Seeded by the mean of the first `period`."""
    found: list[float] = []
    for number, value in enumerate(values):
        if number == period - 1:
            found.append(sum(values[:period]) / period)
        elif number >= period:
            found.append(found[-1] * (1 - 2 / (period + 1)) + value * 2 / (period + 1))
    return found


def rsi(values: list[float], period: int) -> list[float]:
    """Wilder's, by his own words: the averages are (before * (n - 1) + now) / n."""
    found, gains, losses = [], [], []
    gain = loss = 0.0
    for number in range(1, len(values)):
        change = values[number] - values[number - 1]
        up, down = max(change, 0.0), max(-change, 0.0)
        if number <= period:
            gains.append(up)
            losses.append(down)
            gain, loss = sum(gains) / period, sum(losses) / period
        else:
            gain, loss = (gain * (period - 1) + up) / period, (loss * (period - 1) + down) / period
        if number >= period:
            found.append(50.0 if gain + loss == 0 else 100.0 if loss == 0 else 100 - 100 / (1 + gain / loss))
    return found


def bands(values: list[float], period: int) -> list[tuple[float, float]]:
    """(mean, population deviation) of the last `period` values."""
    found = []
    for end in range(period, len(values) + 1):
        part = values[end - period : end]
        mean = math.fsum(part) / period
        found.append((mean, math.sqrt(math.fsum((one - mean) ** 2 for one in part) / period)))
    return found


def ordered(legs: list[list[Row]], lateness: int) -> tuple[list[tuple[int, Row]], int]:
    """All rows that were in time on their leg, by (time, leg, arrival); how many were late."""
    found, late = [], 0
    for leg, rows in enumerate(legs):
        newest = None
        for number, row in enumerate(rows):
            if newest is not None and row[0] < newest - lateness:
                late += 1
            else:
                found.append((row[0], leg, number, row))
            newest = row[0] if newest is None else max(newest, row[0])
    return [(leg, row) for _, leg, _, row in sorted(found)], late


def asof(quotes: list[Row], trades: list[Row]) -> list[tuple[Row, Row | None]]:
    """Each trade with the quote that stood."""
    standing, found = None, []
    for leg, row in ordered([quotes, trades], 0)[0]:
        if leg == 0:
            standing = row
        else:
            found.append((row, standing))
    return found


def basket(legs: list[list[Row]], weights: list[float]) -> list[tuple[int, float]]:
    """(time, value) at each price once every leg has one."""
    prices: dict[int, int] = {}
    found = []
    for leg, (ts, price, *_) in ordered(legs, 0)[0]:
        prices[leg] = price
        if len(prices) == len(legs):
            found.append((ts, math.fsum(weight * prices[n] for n, weight in enumerate(weights))))
    return found


def correlation(legs: list[list[Row]], interval: int, period: int) -> list[tuple[int, float]]:
    """(start, correlation of the first two legs) of each step that ended, from the period-th return on."""
    prices: dict[int, int] = {}
    steps: list[tuple[int, tuple[int, ...]]] = []
    for leg, (ts, price, *_) in ordered(legs, 0)[0]:
        start = ts // interval * interval
        prices[leg] = price
        if len(prices) == len(legs):
            standing = tuple(prices[n] for n in range(len(legs)))
            if steps and steps[-1][0] == start:
                steps[-1] = (start, standing)
            else:
                steps.append((start, standing))
    returns = [
        (start, [math.log(new / old) for new, old in zip(now, steps[number][1], strict=True)])
        for number, (start, now) in enumerate(steps[1:])
    ]
    found = []
    for end in range(period, len(returns) + 1):
        part = [one for _, one in returns[end - period : end]]
        found.append((returns[end - 1][0], pearson([one[0] for one in part], [one[1] for one in part])))
    return found[:-1] if found and steps[-1][0] == found[-1][0] else found  # the last step is still open


def pearson(left: list[float], right: list[float]) -> float:
    """Nan where one of them does not vary."""
    mean_left, mean_right = math.fsum(left) / len(left), math.fsum(right) / len(right)
    both = math.fsum((a - mean_left) * (b - mean_right) for a, b in zip(left, right, strict=True))
    scale = math.fsum((a - mean_left) ** 2 for a in left) * math.fsum((b - mean_right) ** 2 for b in right)
    return both / math.sqrt(scale) if scale > 0 else math.nan
