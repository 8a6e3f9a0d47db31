"""How pages show a pull request: its state, its size, what its reviews say, and who wrote."""

from __future__ import annotations

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from jobs.templatetags.jobs_console import ago, status_badge, status_word
from pulls.models import Comment, Contributor, PullRequest, Review

register = template.Library()
_VERDICTS = {
    "APPROVED": ("completed", "Approved"),
    "CHANGES_REQUESTED": ("failed", "Changes requested"),
    "COMMENTED": ("running", "Commented"),
    "DISMISSED": ("cancelled", "Dismissed"),
    "PENDING": ("waiting", "Pending"),
}


@register.simple_tag
def pull_badge(pull: PullRequest) -> SafeString:
    """Open, draft, merged or closed as glyph, word and colour."""
    if pull.merged_at:
        return status_badge("merged", "completed", "Merged")
    if pull.state != "open":
        return status_badge("closed", "cancelled", "Closed")
    return status_badge("draft", "queued", "Draft") if pull.draft else status_badge("open", "running", "Open")


@register.simple_tag
def verdict(state: str) -> SafeString:
    """What reviews say; nothing where there are none."""
    if not state:
        return mark_safe('<span class="muted">No review</span>')
    tone, words = _VERDICTS.get(state, ("queued", state.replace("_", " ").capitalize()))
    return status_word(tone, words)


@register.simple_tag
def review_verdict(review: Review) -> SafeString:
    """What one review says."""
    return verdict(review.state)


@register.simple_tag
def size_of(pull: PullRequest) -> SafeString:
    """The size with its lines; unknown until the details are captured."""
    if pull.changed_lines is None:
        return mark_safe('<span class="muted" title="The details are not captured yet">Unknown</span>')
    words = f"{pull.additions:,} added, {pull.deletions:,} deleted"
    return format_html(
        '<span class="pill" title="{}">{}</span> <span class="lines">+{} −{}</span>',
        words,
        pull.size,
        f"{pull.additions:,}",
        f"{pull.deletions:,}",
    )


@register.simple_tag
def who(person: Contributor | None) -> SafeString | str:
    """A person, marked if it is a bot. An account that is gone is a ghost, as GitHub calls it."""
    if person is None:
        return mark_safe('<span class="muted" title="This account is gone">ghost</span>')
    return (
        format_html("{} {}", person.username, mark_safe('<span class="pill">bot</span>'))
        if person.is_bot
        else (person.username)
    )


@register.simple_tag
def pulls_of(person: Contributor) -> str:
    """The address of somebody's pull requests."""
    return f"{reverse('pulls:list')}?author={person.username}"


@register.simple_tag
def remark(comment: Comment) -> SafeString:
    """A comment with its author and time. A tag and no partial: a page may have 500 of them."""
    edited = comment.updated_at != comment.created_at
    return format_html(
        '<article class="remark"><p class="under"><span class="strong">{}</span> <span class="muted">{}{}</span></p>'
        '<div class="said">{}</div></article>',
        who(comment.author),
        ago(comment.created_at),
        format_html(", edited {}", ago(comment.updated_at)) if edited else "",
        comment.body,
    )
