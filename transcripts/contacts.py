"""People of a call become contacts; nobody twice."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models.functions import Lower

from transcripts.insights import UNKNOWN
from transcripts.models import Account, Contact, Role, Transcript

NOBODY = "Nobody was imported: tick the people first."


@transaction.atomic
def import_people(transcript: Transcript, numbers: Iterable[int] | None = None) -> tuple[int, int]:
    """Make contacts of the call's people, or of those at these places; returns how many are new and known.

    A person is the same if name, organisation and account are; a known one only gains what was unknown before.
    """
    people = (transcript.insights or {}).get("people", [])
    places = range(len(people)) if numbers is None else sorted({n for n in numbers if 0 <= n < len(people)})
    made = [_import(transcript, people[place]) for place in places]
    return made.count(True), made.count(False)


def _import(transcript: Transcript, person: dict[str, str]) -> bool:
    account = _account(transcript)
    name, organization = person["name"][:200], _known(person["organization"])
    contact, created = Contact.objects.get_or_create(
        name__iexact=name,
        organization__iexact=organization,
        account=account,
        defaults={
            "name": name,
            "organization": organization,
            "role": _known(person["role"]),
            "classified_role": _part(person),
            "transcript": transcript,
        },
    )
    if not created:
        contact.role = contact.role or _known(person["role"])
        contact.classified_role = contact.classified_role or _part(person)
        contact.save(update_fields=["role", "classified_role"])
    return created


def known_from(transcript: Transcript) -> set[tuple[str, str]]:
    """Return the identities of those people of the call that are contacts of its account already."""
    people = {identity(person) for person in (transcript.insights or {}).get("people", [])}
    names = Lower("name")
    found = Contact.objects.alias(low=names).filter(account=_account(transcript), low__in=[name for name, _ in people])
    return {(contact.name.lower(), contact.organization.lower()) for contact in found}


def identity(person: dict[str, str]) -> tuple[str, str]:
    """Return what makes a person the same one: name and organisation, in small letters."""
    return person["name"][:200].lower(), _known(person["organization"]).lower()


def chosen(values: Iterable[str]) -> list[int]:
    """Return the places in the list of people that a form has ticked."""
    return [int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 7]


def _account(transcript: Transcript) -> Account | None:
    return transcript.opportunity.account if transcript.opportunity else None


def _known(value: str) -> str:
    return "" if value == UNKNOWN else value[:200]


def _part(person: dict[str, str]) -> str:
    return person["classified_role"] if person["classified_role"] in Role.values else ""


def in_words(new: int, known: int) -> str:
    """Return what an import did, as a sentence."""
    made = f"{new} contact{'s' * (new != 1)} imported" if new else "No new contact"
    return f"{made}; {known} {'was' if known == 1 else 'were'} known already." if known else f"{made}."
