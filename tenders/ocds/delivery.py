"""Where a tender is delivered and whom to ask: told by the tender itself in South Africa, by the parties elsewhere."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tenders.ocds import parts, values
from tenders.ocds.dialects import Dialect
from tenders.ocds.parts import Place

_POSTCODE = re.compile(r"\d{3,5}")


def place_of(tender: Mapping[str, Any], party: Mapping[str, Any], inside: Place, dialect: Dialect) -> dict[str, Any]:
    """Return province and delivery location; the buyer's office is no place of delivery."""
    if dialect.extended:
        location = values.line(tender.get("deliveryLocation"), 500)
        return {"province": values.line(tender.get("province"), 100), "delivery_location": location}
    addresses = list(_addresses(tender, inside))
    region = next((address["region"] for address in addresses if address.get("region")), "")
    own = party.get("address") if isinstance(party.get("address"), dict) else {}
    province = values.line(region, 100) or values.line(own.get("region"), 100)
    return {"province": province, "delivery_location": _joined(addresses)}


def _addresses(tender: Mapping[str, Any], inside: Place) -> Iterator[Mapping[str, Any]]:
    for item in parts.list_at(tender, "items", inside):
        listed = item.get("deliveryAddresses") if isinstance(item, dict) else None
        yield from (address for address in listed if isinstance(address, dict)) if isinstance(listed, list) else ()


def _joined(addresses: list[Mapping[str, Any]]) -> str:
    keys = ("streetAddress", "locality", "region", "postalCode", "countryName")
    found = (values.line(address.get(key), 200) for address in addresses for key in keys)
    return values.line(", ".join(dict.fromkeys(filter(None, found))), 500)


def contact_of(tender: Mapping[str, Any], party: Mapping[str, Any], inside: Place) -> dict[str, str]:
    """Return name, e-mail and phone of whom to ask."""
    person = parts.object_at(tender, "contactPerson", inside)
    if not person and isinstance(party.get("contactPoint"), dict):
        person = party["contactPoint"]
    email = values.line(person.get("email"), 254)
    return {
        "contact_name": values.line(person.get("name"), 200),
        "contact_email": email if "@" in email else "",
        "contact_phone": values.line(person.get("telephoneNumber") or person.get("telephone"), 60),
    }


def city_of(tender: Mapping[str, Any], party: Mapping[str, Any], dialect: Dialect) -> str:
    """Return the town: the part before the postal code in South Africa, the buyer's locality elsewhere."""
    if not dialect.extended:
        address = party.get("address")
        return values.line(address.get("locality"), 100) if isinstance(address, dict) else ""
    steps = [part.strip() for part in values.line(tender.get("deliveryLocation"), 500).split(" - ")]
    return steps[-2][:100] if len(steps) >= 2 and _POSTCODE.fullmatch(steps[-1]) else ""
