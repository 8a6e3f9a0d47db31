"""Transcripts in the admin: the list with Retry Parsing, the insights page with its runs, accounts and contacts."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import QuerySet
from django.forms import DateInput
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from jobs.templatetags.jobs_console import ago, status_badge
from transcripts import access, contacts, history, records, removal, retries
from transcripts.models import Account, Contact, Opportunity, Status, Transcript
from transcripts.views.calls import people_of, seen_run

TONES = {Status.PENDING: "queued", Status.PARSING: "running", Status.COMPLETED: "completed", Status.FAILED: "failed"}


class ParsedByFilter(admin.SimpleListFilter):
    """Narrows the list to what a model found, what was found without one, or neither."""

    title = "parsed by"
    parameter_name = "parser"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [("model", "A model"), ("local", "Locally"), ("none", "Not yet")]

    def queryset(self, request: HttpRequest, calls: QuerySet[Transcript]) -> QuerySet[Transcript]:
        """Narrow the list down."""
        match self.value():
            case "model":
                return calls.exclude(parsed_by__in=["", "local"])
            case "local":
                return calls.filter(parsed_by="local")
            case "none":
                return calls.filter(parsed_by="")
        return calls


@admin.register(Transcript)
class TranscriptAdmin(admin.ModelAdmin):
    """Calls come in by upload and by event; here people sort them, retry them and read what was found."""

    list_display = ("title", "state", "note_type", "opportunity", "uploaded")
    list_filter = ("status", "note_type", ParsedByFilter, "uploaded_at", "opportunity__account")
    list_select_related = ("opportunity__account",)
    list_per_page = 25
    search_fields = ("title", "filename", "error", "gong_call_id", "opportunity__name", "opportunity__account__name")
    fields = ("title", "opportunity", "note_type", "call_date", "source_url")
    formfield_overrides = {
        models.URLField: {"assume_scheme": "https"},
        # The browser's own calendar; Django's writes styles into the page, which our policy forbids.
        models.DateField: {"widget": DateInput({"type": "date"}, "%Y-%m-%d")},
    }
    actions = ("retry_parsing",)
    change_list_template = "transcripts/admin/change_list.html"
    change_form_template = "transcripts/admin/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Transcript]:
        """Leave the long texts in the database."""
        return super().get_queryset(request).defer("text", "raw_answer")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A call comes in by upload, never as an empty row."""
        return False

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whether this person may parse again."""
        return request.user.has_perm(access.RETRY)

    @admin.display(description="Status", ordering="status")
    def state(self, call: Transcript) -> SafeString:
        """The status as glyph, word and colour; below it why it failed."""
        badge = status_badge(call.status, TONES[Status(call.status)], call.get_status_display())
        return format_html('{}<div class="reason">{}</div>', badge, call.error) if call.error else badge

    @admin.display(description="Uploaded", ordering="uploaded_at")
    def uploaded(self, call: Transcript) -> SafeString:
        """When it came in."""
        return ago(call.uploaded_at)

    @admin.action(description="Retry Parsing", permissions=["retry"])
    def retry_parsing(self, request: HttpRequest, calls: QuerySet[Transcript]) -> None:
        """Start a new parse of the chosen calls, and say in words which were left alone."""
        started, left = 0, []
        for call in calls:
            try:
                retries.retry(call.pk, by=str(request.user), seen_run=call.run)
            except retries.NothingToRetry as reason:
                left.append(str(reason))
            else:
                started += 1
                self.log_change(request, call, "Retry Parsing")
        if started:
            messages.success(request, f"{started} call{'s are' if started != 1 else ' is'} parsed again.")
        for words in left[:5]:
            messages.warning(request, words)
        if len(left) > 5:
            messages.warning(request, f"{len(left) - 5} more were left alone for such reasons.")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, with Retry all stuck where there are any."""
        records.settle_abandoned()
        stuck = Transcript.objects.stuck().count() if self.has_retry_permission(request) else 0
        return super().changelist_view(request, {"stuck": stuck, "title": "Transcripts", **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the insights, the people, and the runs that found them."""
        records.settle_abandoned()
        call = self.get_object(request, object_id)
        more = {"call": call, "people": people_of(call), **access.rights(request.user)} if call else {}
        more |= {"title": str(call), "subtitle": None}
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def save_model(self, request: HttpRequest, call: Transcript, form: Any, change: bool) -> None:
        """Save, and let the history entry follow the call to its opportunity and kind."""
        with transaction.atomic():
            before = Transcript.objects.values_list("opportunity", flat=True).get(pk=call.pk)
            # Only what the form holds: a run may be writing the rest right now.
            call.save(update_fields=form.changed_data or None if change else None)
            if form.changed_data:
                history.move(call, opportunities={before, call.opportunity_id})

    def delete_model(self, request: HttpRequest, call: Transcript) -> None:
        """Delete the call with its file and its history entry."""
        removal.remove(call)

    def delete_queryset(self, request: HttpRequest, calls: QuerySet[Transcript]) -> None:
        """Do the same for many."""
        for call in calls:
            removal.remove(call)

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the buttons."""
        own = [
            ("retry-stuck/", self.retry_stuck, "retry_stuck"),
            ("<int:pk>/retry/", self.retry, "retry"),
            ("<int:pk>/contacts/", self.import_contacts, "contacts"),
        ]
        wrapped = [
            path(route, require_POST(self.admin_site.admin_view(view)), name=f"transcripts_transcript_{word}")
            for route, view, word in own
        ]
        return [*wrapped, *super().get_urls()]

    def retry(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Parse one call again."""
        call = self._permitted(request, pk, access.RETRY)
        again = call.status == Status.COMPLETED
        try:
            retries.retry(pk, by=str(request.user), seen_run=seen_run(request), completed_too=again)
        except retries.NothingToRetry as reason:
            messages.warning(request, str(reason))
        else:
            self.log_change(request, call, "Retry Parsing")
            messages.success(request, f"“{call}” is parsed again.")
        return self._back(pk)

    def retry_stuck(self, request: HttpRequest) -> HttpResponse:
        """Parse all calls again whose run is gone without a verdict."""
        if not self.has_retry_permission(request):
            raise PermissionDenied
        started = retries.retry_stuck(by=str(request.user))
        words = (
            f"{started} stuck call{'s are' if started != 1 else ' is'} parsed again."
            if started
            else "No call is stuck."
        )
        messages.success(request, words)
        return redirect("admin:transcripts_transcript_changelist")

    def import_contacts(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make contacts of the chosen people."""
        call = self._permitted(request, pk, access.ADD_CONTACT)
        chosen = contacts.chosen(request.POST.getlist("person"))
        if chosen:
            words = contacts.in_words(*contacts.import_people(call, chosen))
            self.log_change(request, call, f"Import as contacts: {words}")
            messages.success(request, words)
        else:
            messages.warning(request, contacts.NOBODY)
        return self._back(pk, "#people")

    def _permitted(self, request: HttpRequest, pk: int, permission: str) -> Transcript:
        if not (request.user.has_perm(permission) and self.has_view_or_change_permission(request)):
            raise PermissionDenied
        return get_object_or_404(Transcript, pk=pk)

    def _back(self, pk: int, fragment: str = "") -> HttpResponseRedirect:
        return redirect(reverse("admin:transcripts_transcript_change", args=[pk]) + fragment)


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):
    """Companies."""

    search_fields = ("name",)


@admin.register(Opportunity)
class OpportunityAdmin(admin.ModelAdmin):
    """Sales, with the histories that calls write to."""

    list_display = ("name", "account", "next_step")
    list_filter = ("account",)
    list_select_related = ("account",)
    search_fields = ("name", "account__name")


@admin.register(Contact)
class ContactAdmin(admin.ModelAdmin):
    """People imported from calls."""

    list_display = ("name", "organization", "role", "classified_role", "account", "transcript")
    list_filter = ("classified_role", "account")
    list_select_related = ("account", "transcript")
    search_fields = ("name", "organization", "role")
    raw_id_fields = ("transcript",)
