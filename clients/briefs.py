"""Content briefs: planned, written section by section, each section stored as it comes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from clients import model, prompts, requests
from clients.answers import Outline, Section
from clients.models import Client, ContentBrief
from jobs.errors import NonRetriableError
from jobs.models import Run
from jobs.types import Status as RunStatus

MOST_SECTIONS = 8
Status = ContentBrief.Status


def begin(data: Mapping[str, Any], run_id: str) -> int:
    """Make this run the writer of the event's brief and return that; a brief of another system is stored first."""
    asked = requests.read(requests.BriefRequest, data)
    brief = _stored(asked) if asked.brief_id else _new(asked)
    if brief.run not in (None, UUID(run_id)):
        raise NonRetriableError(f"The brief {brief.pk} is written by another run already.")
    brief.run, brief.status, brief.error = UUID(run_id), Status.WRITING, ""
    brief.save()
    # An event of another system names no brief; from here on its run is shown with the one it writes.
    Run.objects.filter(pk=run_id, subject="").update(subject=brief.subject)
    return brief.pk


def _stored(asked: requests.BriefRequest) -> ContentBrief:
    brief = ContentBrief.objects.select_for_update(no_key=True).filter(pk=asked.brief_id).first()
    if brief is None:
        raise NonRetriableError(f"There is no brief {asked.brief_id}; it may have been deleted.")
    return brief


def _new(asked: requests.BriefRequest) -> ContentBrief:
    if not asked.title:
        raise requests.BadRequest("The event's title is missing, so nobody knows what the brief is about.")
    if asked.client_id and not Client.objects.filter(pk=asked.client_id).exists():
        raise NonRetriableError(f"There is no client {asked.client_id}; it may have been deleted.")
    told = asked.model_dump(include={"client_id", "title", "keywords", "purpose", "audience", "platforms"})
    return ContentBrief(**told)


def plan(brief_id: int) -> dict[str, Any]:
    """Ask the model for the sections."""
    return model.ask(Outline, prompts.OUTLINE, prompts.brief(_known(brief_id))).to_json()


def planned(reply: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the sections of a plan: [{"heading", "purpose"}], those without a heading left out."""
    sections = Outline.model_validate_json(reply["raw"]).sections
    return [{"heading": one.heading, "purpose": one.purpose} for one in sections if one.heading][:MOST_SECTIONS]


def save_plan(brief_id: int, run_id: str, reply: Mapping[str, Any]) -> list[dict[str, str]]:
    """Store how many sections there will be; returns them."""
    sections = planned(reply)
    if not sections:
        raise NonRetriableError("The model's plan has no section with a heading.")
    _count(_owned(brief_id, run_id), reply, planned=len(sections), sections=[])
    return sections


def write(brief_id: int, section: Mapping[str, str]) -> dict[str, Any]:
    """Ask the model for one section."""
    question = f"{prompts.brief(_known(brief_id))}\n\nThe section: {section['heading']}\n{section['purpose']}"
    return model.ask(Section, prompts.SECTION, question).to_json()


def save_section(brief_id: int, run_id: str, section: Mapping[str, str], reply: Mapping[str, Any]) -> int:
    """Add a written section; returns how many there are now."""
    brief, written = _owned(brief_id, run_id), Section.model_validate_json(reply["raw"])
    made = {"heading": section["heading"], "summary": written.summary, "points": written.points}
    _count(brief, reply, sections=[*brief.sections, made])
    return brief.written + 1


def complete(brief_id: int, run_id: str) -> int:
    """Mark the brief as completed; returns its number of sections."""
    brief = _owned(brief_id, run_id)
    brief.status, brief.error = Status.COMPLETED, ""
    brief.save(update_fields=["status", "error"])
    return brief.written


@transaction.atomic
def fail_with(run_id: str, words: str) -> bool:
    """Mark the brief of a failed or cancelled run; False if the run has none, or lives again by now."""
    over = Run.objects.filter(pk=run_id, status__in=[RunStatus.FAILED, RunStatus.CANCELLED]).exists()
    unfinished = ContentBrief.objects.filter(run=run_id).exclude(status=Status.COMPLETED)
    return over and unfinished.update(status=Status.FAILED, error=words) > 0


def _known(brief_id: int) -> ContentBrief:
    brief = ContentBrief.objects.select_related("client").filter(pk=brief_id).first()
    if brief is None:
        raise NonRetriableError(f"There is no brief {brief_id}; it may have been deleted.")
    return brief


def _owned(brief_id: int, run_id: str) -> ContentBrief:
    brief = ContentBrief.objects.select_for_update(no_key=True).filter(pk=brief_id, run=run_id).first()
    if brief is None:
        raise NonRetriableError(f"The brief {brief_id} was deleted meanwhile, or is written by another run.")
    return brief


def _count(brief: ContentBrief, reply: Mapping[str, Any], **changes: Any) -> None:
    tokens = {
        "input_tokens": F("input_tokens") + reply["input_tokens"],
        "output_tokens": F("output_tokens") + reply["output_tokens"],
    }
    told = {"model": reply["model"][:100], "status": Status.WRITING, "error": ""}
    ContentBrief.objects.filter(pk=brief.pk).update(**told, **tokens, **changes)
