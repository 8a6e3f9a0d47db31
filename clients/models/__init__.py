"""The product's tables; all of its SQL is in this package."""

from clients.models.client import SUBJECT, AIStatus, Client, ClientQuerySet, Competitor
from clients.models.content import BRIEF, ClientUser, ContentBrief, Query
from clients.models.fields import ENRICHED, LISTS, TEXTS, By, Focus

__all__ = [
    "BRIEF",
    "ENRICHED",
    "LISTS",
    "SUBJECT",
    "TEXTS",
    "AIStatus",
    "By",
    "Client",
    "ClientQuerySet",
    "ClientUser",
    "Competitor",
    "ContentBrief",
    "Focus",
    "Query",
]
