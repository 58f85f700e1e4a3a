"""Cancellation policies: what a customer gets back, by how long before the start. Pure values.

A policy is frozen into the booking as JSON when it is made, so that it is the one that was shown.
"""

from core.db.base import Json

# The seeds' default: 80 % more than 48 h before, 50 % from 24 to 48 h, nothing later.
STANDARD: Json = {
    "name": "standard",
    "tiers": [
        {"hours_before": 48, "refund_percent": 80},
        {"hours_before": 24, "refund_percent": 50},
        {"hours_before": 0, "refund_percent": 0},
    ],
}

POLICIES: dict[str, Json] = {"standard": STANDARD}
