"""What was awarded to whom."""

from collections.abc import Mapping
from typing import Any

from tenders.ocds import values

MOST_AWARDS = 200


def awarded(release: Mapping[str, Any]) -> dict[str, Any]:
    """Return the awards as a page shows them, and the names of all suppliers; what is odd in them is passed over."""
    listed = release.get("awards")
    awards = [award for award in listed if isinstance(award, dict)] if isinstance(listed, list) else []
    found = [_award(award) for award in awards[:MOST_AWARDS]]
    return {"awards": found, "suppliers": ", ".join(dict.fromkeys(filter(None, (each["suppliers"] for each in found))))}


def _award(award: Mapping[str, Any]) -> dict[str, str]:
    amount, currency = values.money(award.get("value"))
    listed = award.get("suppliers")
    suppliers = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    names = (values.line(supplier.get("name"), 300) for supplier in suppliers)
    return {
        "title": values.line(award.get("title"), 200),
        "status": values.line(award.get("status"), 40),
        "suppliers": ", ".join(dict.fromkeys(filter(None, names))),
        "value": f"{amount:,.2f} {currency}".strip() if amount is not None else "",
    }
