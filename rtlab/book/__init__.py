"""Shared state of a market, folded from events or venue increments, that can say what changed since a sequence."""

from rtlab.book.update import WHOLE, AnyUpdate, Update

__all__ = ["WHOLE", "AnyUpdate", "Update"]
