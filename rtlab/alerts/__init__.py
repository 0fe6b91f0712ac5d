"""Alerts: rules over a live feed, and what they say, over the bus to pages and webhooks."""

from rtlab.alerts.alert import ALERTS, Alert, alerts_topic
from rtlab.alerts.rules import Loss, Price, Rule, Sight, Silence, Spread, rule_for
from rtlab.alerts.webhook import Webhook

__all__ = [
    "ALERTS",
    "Alert",
    "Loss",
    "Price",
    "Rule",
    "Sight",
    "Silence",
    "Spread",
    "Webhook",
    "alerts_topic",
    "rule_for",
]
