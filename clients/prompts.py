"""What the model is told, in words."""

from collections.abc import Sequence

from clients.models import Client, ContentBrief, Query

ENRICH = (
    "You describe a company for people who write for it. Answer from what you know about it; where you do not know "
    "something, leave it empty instead of guessing. Lists hold at most 3 short entries. Name up to 5 direct "
    "competitors, each with the domain of its website; never the company itself. geographic_focus is global, regional, "
    "local or empty."
)
QUERIES = (
    "You write queries that people put to a search engine or a chatbot when they look for what a company offers. "
    "Each is one natural question or phrase in the keyword's own language and has one intent of those allowed."
)
OUTLINE = "You plan a brief for somebody who will write content: 4 to 8 sections in a sensible order."
SECTION = (
    "You write one section of a brief for somebody who will write content: a summary of two or three sentences and "
    "up to 6 points to cover. Stay with the section's purpose; the other sections are written separately."
)


def about(client: Client) -> str:
    """Return what the model is told of a client: only what people entered, so that it does not repeat itself."""
    facts = {"Name": client.name, "Website": client.domain, "Keywords": ", ".join(client.keywords)}
    entered = [name for name, by in client.filled_by.items() if by == "person"]
    facts |= {name.replace("_", " ").capitalize(): _words(getattr(client, name)) for name in entered}
    return "\n".join(f"{label}: {value}" for label, value in facts.items() if value)


def queries(client: Client, keyword: str, count: int, intents: Sequence[str]) -> str:
    """Return the question for the queries of one keyword."""
    allowed = ", ".join(intents or Query.Intent.values)
    described = {
        name: _words(getattr(client, name)) for name in ("industry_primary", "target_audience", "key_products")
    }
    known = "\n".join(f"{name.replace('_', ' ').capitalize()}: {value}" for name, value in described.items() if value)
    return f"{about(client)}\n{known}\n\nKeyword: {keyword}\nHow many: {count}\nIntents: {allowed}"


def brief(brief: ContentBrief) -> str:
    """Return what the model is told of a brief."""
    facts = {
        "Title": brief.title,
        "Purpose": brief.purpose,
        "Audience": brief.audience,
        "Platforms": ", ".join(brief.platforms),
        "Keywords": ", ".join(brief.keywords),
    }
    told = "\n".join(f"{label}: {value}" for label, value in facts.items() if value)
    return f"{told}\n\nThe client:\n{about(brief.client)}" if brief.client else told


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
