"""The part of an opportunity's history that is written from its calls: one entry per call, newest first."""

import re
from datetime import date

from django.db import transaction

from transcripts.models import NoteType, Opportunity, Transcript

MARK = "--- Auto-generated from calls ---"
HISTORIES = {
    NoteType.CUSTOMER: "customer_history",
    NoteType.INTERNAL: "internal_history",
    NoteType.PROSPECT: "prospect_history",
}
# An entry is this line and the indented lines below it; the number is the transcript's, whatever its day or title.
_HEAD = re.compile(r"^\[(\d{4}-\d{2}-\d{2}) · call (\d+)\]")
_MOST = 5


def update(transcript_id: int) -> bool:
    """Write the call's own entry into its opportunity's history in place of an earlier one; False without one."""
    transcript = Transcript.objects.get(pk=transcript_id)
    move(transcript, opportunities={transcript.opportunity_id})
    return transcript.opportunity_id is not None


@transaction.atomic
def move(transcript: Transcript, *, opportunities: set[int | None]) -> None:
    """Leave the call's entry in exactly one history: the one of its kind, on its opportunity.

    `opportunities` are those that may hold an entry of it, the present one included.
    """
    # In one order, so that two calls that change places do not wait for each other.
    for opportunity in Opportunity.objects.select_for_update().filter(pk__in=opportunities - {None}).order_by("pk"):
        for kind, field in HISTORIES.items():
            belongs = opportunity.pk == transcript.opportunity_id and kind == transcript.note_type
            entry = entry_of(transcript) if belongs and transcript.insights else None
            setattr(opportunity, field, replaced(getattr(opportunity, field), call=transcript.pk, entry=entry))
        opportunity.save(update_fields=list(HISTORIES.values()))


@transaction.atomic
def drop(call: int, opportunity_id: int | None) -> None:
    """Take a call's entry out of its opportunity's histories."""
    for opportunity in Opportunity.objects.select_for_update().filter(pk=opportunity_id):
        for field in HISTORIES.values():
            setattr(opportunity, field, replaced(getattr(opportunity, field), call=call, entry=None))
        opportunity.save(update_fields=list(HISTORIES.values()))


def replaced(history: str, *, call: int, entry: str | None) -> str:
    """Return the history with this call's entry put in place, or taken out where `entry` is None.

    What people wrote above the mark stays as it is; so does anything below it that belongs to no entry.
    """
    notes, entries = _split(history)
    kept = [known for known in entries if _call_of(known) != call]
    if entry is not None:
        kept.append(entry)
    if not kept:
        return notes
    kept.sort(key=_order, reverse=True)
    above = f"{notes.rstrip()}\n\n" if notes.strip() else ""
    return above + "\n\n".join([MARK, *kept]) + "\n"


def entry_of(transcript: Transcript) -> str:
    """Return the entry of a parsed call."""
    insights = transcript.insights
    lines = [f"[{transcript.held_on:%Y-%m-%d} · call {transcript.pk}] {_line(transcript.title)}"]
    for label, area in (("Pain", "pain_points"), ("Goal", "goals"), ("Objection", "objections")):
        lines += [f"  {label}: {_line(item)}" for item in insights[area][:_MOST]]
    lines += [f"  Competitor: {_line(item['competitor'])}" for item in insights["competition_mentions"][:_MOST]]
    lines += [f"  Next step: {_line(item)}" for item in insights["next_steps"][:_MOST]]
    if (mood := insights["call_sentiment"]["overall"]) != "unknown":
        lines.append(f"  Mood: {mood}")
    return "\n".join(lines)


def _split(history: str) -> tuple[str, list[str]]:
    """Return the notes above the mark and the entries below it; lines below it that are none join the notes."""
    lines = history.splitlines()
    at = next((number for number, line in enumerate(lines) if line.strip() == MARK), None)
    if at is None:
        return history, []
    notes, entries = lines[:at], []
    for line in lines[at + 1 :]:
        if _HEAD.match(line):
            entries.append([line])
        elif entries and (line.startswith("  ") or not line.strip()):
            entries[-1].append(line)
        elif line.strip():
            notes.append(line)
    return "\n".join(notes), ["\n".join(entry).rstrip() for entry in entries]


def _call_of(entry: str) -> int:
    head = _HEAD.match(entry)
    return int(head[2]) if head else 0


def _order(entry: str) -> tuple[date, int]:
    head = _HEAD.match(entry)
    return (date.fromisoformat(head[1]), int(head[2])) if head else (date.min, 0)


def _line(text: str) -> str:
    return " ".join(text.split())
