"""Alerts: rules over a live feed, and what they say, over the bus to pages and webhooks."""

from rtlab.alerts.alert import ALERTS, Alert, alerts_topic
from rtlab.alerts.rest import Rest
from rtlab.alerts.rules import Loss, Price, Rule, Said, Sight, Silence, Spread, rule_for
from rtlab.alerts.webhook import Webhook

__all__ = [
    "ALERTS",
    "Alert",
    "Loss",
    "Price",
    "Rest",
    "Rule",
    "Said",
    "Sight",
    "Silence",
    "Spread",
    "Webhook",
    "alerts_topic",
    "rule_for",
]
