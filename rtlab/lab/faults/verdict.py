"""Is every book equal, and was anything lost silently? Gives problems in words; none means that a run holds."""

from collections.abc import Iterable, Mapping

from rtlab.book import WHOLE, BookView, TapeView
from rtlab.lab.faults.auditor import Auditor
from rtlab.lab.faults.stage import Here
from rtlab.lab.faults.truth import Truth
from rtlab.protocol import Subscription


def problems_of(auditors: Mapping[int, Auditor], truth: Truth) -> list[str]:
    """Say what is wrong with what readers hold (against the truth) and with their accounts.

    The truth goes forward only, so subscriptions are looked at by where they stand.
    """
    problems = [problem for number, auditor in auditors.items() for problem in _reader(number, auditor)]
    accounts = [(number, account) for number, one in auditors.items() for account in one.accounts.values()]
    for number, account in sorted(accounts, key=lambda pair: pair[1].subscription.view.seq):
        account.close()
        where = f"reader {number}'s {_name(account.subscription)}"
        if not account.adds_up:
            problems.append(f"{where}: the account does not add up: {account.sums}")
        different = difference(account.subscription, truth)
        if different:
            problems.append(f"{where} at {account.subscription.view.seq}: {different}")
    return problems


def difference(subscription: Subscription, truth: Truth) -> str:
    """Say how a book or a tape differs from the truth where it stands; empty when it does not."""
    view, symbol = subscription.view, subscription.instrument
    if isinstance(view, BookView):
        bids, asks = truth.book(symbol, view.seq)
        depth = min(view.held, subscription.asked.depth or WHOLE)
        if (view.bids(), view.asks()) != (bids[:depth], asks[:depth]):
            return f"the book is not the engine's at depth {depth}"
    elif isinstance(view, TapeView):
        totals = truth.totals(symbol, view.seq)
        if tuple(view.totals) != tuple(totals):
            return f"trades and lots {tuple(view.totals)} are not the engine's {tuple(totals)}"
    return ""


def problems_of_server(auditors: Iterable[Auditor], stage: Here) -> list[str]:
    """Say where the server's counters of the open connections differ from what came on them.

    Every message that it counts as sent has come, and every row that it counts as dropped was announced; of the
    heads of its tables, those that it counts neither as merged nor as unsaid have come, each as a message. Tickers and
    bars, which are not told twice by the truth, hold what the server's own hold.
    """
    watched = list(auditors)
    served = [reader.subscriber for reader in stage.gateway.readers()]
    pairs = {
        "messages sent": (sum(s.messages for s in served), sum(a.messages for a in watched)),
        "heads sent": (sum(s.heads - s.merged - s.unsaid for s in served), sum(a.tables for a in watched)),
        "rows dropped": (sum(s.dropped for s in served), sum(a.dropped for a in watched)),
    }
    problems = [
        f"the server counts {ours:,} {what}, the readers {theirs:,}"
        for what, (ours, theirs) in pairs.items()
        if ours != theirs
    ]
    for subscription in (a.subscription for one in watched for a in one.accounts.values()):
        source = stage.market.source(
            subscription.channel, subscription.instrument, subscription.asked.interval
        )
        view = subscription.view
        if view.digest(view.held) != source.digest(view.held):
            problems.append(f"a {_name(subscription)} is not the server's")
    return problems


def _reader(number: int, auditor: Auditor) -> list[str]:
    found = auditor.client.statistics().reader
    wrong = {
        "gaps": found.gaps,
        "wrong checksums": found.checksum_failures,
        "messages that nobody accounts for": auditor.unexplained,
    }
    return [f"reader {number}: {count} {what}" for what, count in wrong.items() if count]


def _name(subscription: Subscription) -> str:
    return f"{subscription.channel} of {subscription.instrument} ({subscription.asked.depth or 'whole'})"
