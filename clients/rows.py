"""What becomes of a row of a file: a client is created or updated, or enhanced as well."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from clients import enriching, events, mirror, model, records
from clients.domains import NoDomain, normalised
from clients.models import LISTS, TEXTS, Client, Focus, storing
from clients.models.fields import LONGEST
from clients.requests import lines
from imports.processors import Column, Row, RowError, each_row, many_rows

# A row has a minute; an answer that came later would be paid for and lost.
SECONDS_TO_ANSWER = 50.0
NAME = Column("name", "Name", ("client", "client name", "company", "company name", "account", "account name", "kunde"))
OPTIONAL = (
    Column("domain", "Website", ("domain", "url", "site", "homepage", "web", "website url", "domain name", "email")),
    Column("keywords", "Keywords", ("keyword", "tags", "topics"), "Several with commas or semicolons"),
    Column("industry_primary", "Primary industry", ("industry", "sector", "branche")),
    Column("industry_secondary", "Secondary industry"),
    Column("sub_industry", "Sub-industry", ("subindustry", "niche")),
    Column("business_model", "Business model", ("model",)),
    Column("geographic_focus", "Geographic focus", ("focus", "reach"), "global, regional or local"),
    *(Column(name, label, hint="Several with semicolons") for name, label in LISTS.items()),
)


@many_rows("clients.import", title="Clients: create or update", required=[NAME], optional=OPTIONAL)
def import_clients(rows: Sequence[Row]) -> list[Any]:
    """Create clients, or update those with the same website or name; empty cells change nothing."""
    read = [_read(row) for row in rows]
    good = [values for values in read if not isinstance(values, RowError)]
    known = storing.locked([v["name"] for v in good], [v["domain"] for v in good if v.get("domain")])
    register = _Register(known)
    entered = [values if isinstance(values, RowError) else register.enter(values) for values in read]
    storing.write(register.changed())
    return [one if isinstance(one, RowError) else {"client": one[0].pk, "outcome": one[1]} for one in entered]


class _Register:
    """The clients that a set of rows is about, found by website or name as the rows come."""

    def __init__(self, known: Sequence[Client]) -> None:
        self.by_name = {client.name: client for client in known}
        self.by_domain = {client.domain: client for client in known if client.domain}
        self._changed: dict[int, Client] = {}

    def enter(self, values: dict[str, Any]) -> tuple[Client, str] | RowError:
        """Enter a row's values as a person's; a later row about the same client finds what this one has left."""
        name, domain = values["name"], values.get("domain", "")
        named, client = self.by_name.get(name), self.by_domain.get(domain) or self.by_name.get(name)
        if client is not None and named is not None and client is not named:
            return RowError(f"“{name}” is another client than the one with the website {domain}; correct one of them.")
        is_new = client is None
        client = client or Client()
        before = client.name, client.domain
        changed = client.enter(values)
        if changed:
            self._changed[id(client)] = client
            self.by_name.pop(before[0], None)
            self.by_domain.pop(before[1], None)
        self.by_name[client.name] = client
        if client.domain:
            self.by_domain[client.domain] = client
        return client, "created" if is_new else "updated" if changed else "unchanged"

    def changed(self) -> list[Client]:
        """Return what has to be written."""
        return list(self._changed.values())


def _read(row: Row) -> dict[str, Any] | RowError:
    """Return what a row says, without what it leaves empty."""
    try:
        domain = normalised(row.data.get("domain"))
    except NoDomain as reason:
        return RowError(str(reason))
    texts = {name: " ".join(row.data.get(name, "").split()) for name in ("name", *TEXTS)}
    texts["geographic_focus"] = texts["geographic_focus"].lower()
    lists = {name: lines(_split(row.data.get(name, ""), ";\n")) for name in LISTS}
    lists["keywords"] = lines(_split(row.data.get("keywords", ""), ",;\n"))
    if words := _wrong(texts):
        return RowError(words)
    return {name: value for name, value in {**texts, "domain": domain, **lists}.items() if value}


def _wrong(texts: dict[str, str]) -> str:
    for name, text in texts.items():
        if len(text) > LONGEST:
            return f"The {name.replace('_', ' ')} has {len(text)} characters; at most {LONGEST} fit."
    if (focus := texts["geographic_focus"]) not in ("", *Focus.values):
        return f"The geographic focus “{focus[:60]}” is none of {', '.join(Focus.values)}."
    return ""


def _split(text: str, separators: str) -> list[str]:
    for separator in separators:
        text = text.replace(separator, "\n")
    return text.split("\n")


def _no_key() -> str:
    return "" if model.is_configured() else model.NO_KEY


def _ask(row: Row) -> dict[str, Any]:
    """Create or update the client, then pay for the answer about it."""
    with transaction.atomic():
        (entered,) = import_clients([row])
    if isinstance(entered, RowError):
        raise entered
    client = Client.objects.get(pk=entered["client"])
    if events.live_run(client) is not None:
        raise RowError(f"“{client}” is being enhanced right now; retry this row once that has ended.")
    try:
        return {**entered, "reply": enriching.ask_about(client, at_most=SECONDS_TO_ANSWER)}
    except (model.ModelUnavailable, model.ModelRefused, model.ModelMisconfigured) as reason:
        records.fail(client.pk, str(reason))
        # What these say is meant for people, whichever of them it is.
        raise RowError(str(reason)) from reason


@each_row(
    "clients.enhance",
    title="Clients: create or update, and enhance with AI",
    required=[NAME],
    optional=OPTIONAL,
    ask=_ask,
    unavailable=_no_key,
)
def enhance_client(row: Row, answer: dict[str, Any]) -> dict[str, Any]:
    """Create or update a client and have a model fill what the file leaves empty; each answer is paid for once."""
    client, reply = answer["client"], answer["reply"]
    found = enriching.process(reply, *enriching.facts_of(client))
    filled = enriching.update(client, None, found["fields"], reply)
    rivals = enriching.add_competitors(client, None, found)
    if mirror.is_configured():
        events.request_mirror(client)
    return {
        "client": client,
        "outcome": answer["outcome"],
        "enhanced": bool(filled),
        "competitorsAdded": rivals["added"],
        "competitorsFailed": len(rivals["failed"]),
    }
