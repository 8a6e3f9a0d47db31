"""The portals that tenders come from, one adapter each."""

from tenders.sources.base import Page, Place, Source
from tenders.sources.uk_contracts_finder import ContractsFinder
from tenders.sources.uk_find_a_tender import FindATender
from tenders.sources.za_etenders import ZaEtenders

_ALL: tuple[Source, ...] = (ZaEtenders(), FindATender(), ContractsFinder())
BY_ID = {source.id: source for source in _ALL}


class UnknownSource(ValueError):
    """No source has this id."""


def get(source_id: object) -> Source:
    """Return a source by its id; raises UnknownSource, naming those there are."""
    try:
        return BY_ID[str(source_id)]
    except KeyError:
        known = ", ".join(BY_ID)
        raise UnknownSource(f"There is no source “{str(source_id)[:60]}”; there are {known}.") from None


def name_of(source_id: str) -> str:
    """Return a source's name for people."""
    found = BY_ID.get(source_id)
    return found.name if found else "A file"


__all__ = ["BY_ID", "Page", "Place", "Source", "UnknownSource", "get", "name_of"]
