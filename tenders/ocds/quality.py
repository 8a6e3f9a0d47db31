"""The data quality score: how much of what a bidder needs a tender tells, from 0 to 100."""

from collections.abc import Mapping
from typing import Any

POINTS = {
    "province": 15,
    "detailed_category": 15,
    "contact_email": 15,
    "organ_type": 15,
    "documents": 10,
    "contact_name": 5,
    "contact_phone": 5,
    "delivery_location": 5,
    "tender_type": 5,
    "briefing_venue": 3,
    "special_conditions": 3,
    "city": 2,
    "value": 2,
}


def score(fields: Mapping[str, Any]) -> int:
    """Return the sum of the points of the fields that are filled; an estimated range counts as a value."""
    points = sum(worth for name, worth in POINTS.items() if fields.get(name))
    if not fields.get("value") and (fields.get("value_low") or fields.get("value_high")):
        points += POINTS["value"]
    return points
