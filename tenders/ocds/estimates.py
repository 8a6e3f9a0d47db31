"""The range a value lies in, where the tender states a rule that implies it.

South Africa's preference point systems: 80/20 applies up to R50 million, 90/10 above it (Preferential Procurement
Regulations, 2022).
"""

import re
from decimal import Decimal
from typing import Any, Protocol

POINTS = "preference points"
_BOUNDARY = Decimal(50_000_000)
_80_20 = re.compile(r"\b80\s*[/:]\s*20\b")
_90_10 = re.compile(r"\b90\s*[/:]\s*10\b")


class _Tender(Protocol):
    currency: str
    description: str
    special_conditions: str
    value: Any


def of(tender: _Tender) -> dict[str, tuple[Decimal, str]]:
    """Return the bounds that the stated preference points imply; nothing where both or neither are stated."""
    if tender.value or tender.currency not in ("", "ZAR"):
        return {}
    said = f"{tender.description} {tender.special_conditions}"
    small, large = bool(_80_20.search(said)), bool(_90_10.search(said))
    if small == large:
        return {}
    return {"value_high": (_BOUNDARY, POINTS)} if small else {"value_low": (_BOUNDARY, POINTS)}
