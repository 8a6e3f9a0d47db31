"""Clients in the admin: the list with Enhance with AI, the form with competitors and runs, and what was written."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from clients import access, editing, events, model
from clients.forms import ClientForm, DomainField
from clients.models import LISTS, TEXTS, AIStatus, Client, ClientUser, Competitor, ContentBrief, Query
from jobs.templatetags.jobs_console import ago, status_badge

TONES = {
    AIStatus.PENDING: "queued",
    AIStatus.PROCESSING: "running",
    AIStatus.COMPLETED: "completed",
    AIStatus.FAILED: "failed",
}


class CompetitorForm(forms.ModelForm):
    """A competitor in the client's form; one that a person changes becomes a person's."""

    domain = DomainField(label="Website")

    class Meta:
        model = Competitor
        fields = ("name", "domain")

    def save(self, commit: bool = True) -> Competitor:
        """Save it as a person's."""
        self.instance.source = Competitor.Source.MANUAL
        rival: Competitor = super().save(commit)
        return rival


class CompetitorInline(admin.StackedInline):
    """The competitors of a client."""

    model = Competitor
    form = CompetitorForm
    fields = (("name", "domain", "source"),)
    readonly_fields = ("source",)
    extra = 0


class ClientAdminForm(ClientForm):
    """The same form, with the mark of AI in the labels."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, names_others=True, **kwargs)
        for name in self.instance.by_model if "name" in self.fields else ():
            label = self.fields[name].label
            self.fields[name].label = format_html('{} <span class="ai" title="Filled by AI">AI</span>', label)


@admin.register(Client)
class ClientAdmin(admin.ModelAdmin):
    """Clients. What somebody changes here is theirs; what a run writes meanwhile is not touched."""

    form = ClientAdminForm
    list_display = ("name", "website", "industry_primary", "state", "enhanced")
    list_filter = ("ai_status", "geographic_focus", "ai_enhanced_at")
    list_per_page = 25
    search_fields = ("name", "domain", "industry_primary", "sub_industry", "ai_error")
    fieldsets = (
        (None, {"fields": ("name", "domain", "keywords")}),
        ("Profile", {"fields": tuple(TEXTS)}),
        ("One entry in each line", {"fields": tuple(LISTS)}),
    )
    inlines = (CompetitorInline,)
    actions = ("enhance_with_ai",)
    change_form_template = "clients/admin/change_form.html"

    @admin.display(description="Website", ordering="domain")
    def website(self, client: Client) -> str:
        """The domain as people read it."""
        return client.shown_domain or "–"

    @admin.display(description="AI", ordering="ai_status")
    def state(self, client: Client) -> SafeString:
        """The status as glyph, word and colour; below it why it failed."""
        badge = status_badge(client.ai_status, TONES[AIStatus(client.ai_status)], client.get_ai_status_display())
        return format_html('{}<div class="reason">{}</div>', badge, client.ai_error) if client.ai_error else badge

    @admin.display(description="Last enhanced", ordering="ai_enhanced_at")
    def enhanced(self, client: Client) -> SafeString | str:
        """When, and how often."""
        count = client.ai_enhancement_count
        return (
            format_html("{} ({} times)", ago(client.ai_enhanced_at), count) if count > 1 else ago(client.ai_enhanced_at)
        )

    def has_enhance_permission(self, request: HttpRequest) -> bool:
        """Whether this person may have clients enhanced."""
        return request.user.has_perm(access.ENHANCE)

    @admin.action(description="Enhance with AI", permissions=["enhance"])
    def enhance_with_ai(self, request: HttpRequest, chosen: QuerySet[Client]) -> None:
        """Have the chosen clients enhanced, and say in words which were left alone."""
        if not model.is_configured():
            messages.warning(request, model.NO_KEY)
            return
        started, left = 0, []
        for pk in chosen.values_list("pk", flat=True):
            try:
                events.request_enhancement(pk, by=str(request.user))
            except events.NotNow as reason:
                left.append(str(reason))
            else:
                started += 1
                self.log_change(request, Client.objects.get(pk=pk), "Enhance with AI")
        if started:
            messages.success(request, f"{started} client{'s are' if started != 1 else ' is'} being enhanced.")
        for words in left[:5]:
            messages.warning(request, words)
        if len(left) > 5:
            messages.warning(request, f"{len(left) - 5} more were left alone for such reasons.")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form with the status, the buttons and the runs."""
        client = self.get_object(request, object_id)
        more: dict[str, Any] = {"subtitle": None}
        if client:
            more |= {"client": client, "title": str(client), "why_not": events.why_not(client)}
            more |= access.rights(request.user, client)
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def save_model(self, request: HttpRequest, client: Client, form: Any, change: bool) -> None:
        """Save only what the person changed, as theirs: a run may be writing the rest right now."""
        if change:
            editing.enter(client.pk, form.changes())
        else:
            client.pk = editing.create(form.cleaned_data).pk
        client.refresh_from_db()


@admin.register(Query)
class QueryAdmin(admin.ModelAdmin):
    """Queries of all clients."""

    list_display = ("text", "keyword", "intent", "client")
    list_filter = ("intent",)
    list_select_related = ("client",)
    search_fields = ("text", "keyword", "client__name")
    raw_id_fields = ("client",)


@admin.register(ContentBrief)
class ContentBriefAdmin(admin.ModelAdmin):
    """Briefs of all clients; they are written by runs."""

    list_display = ("title", "client", "status", "created_at")
    list_filter = ("status",)
    list_select_related = ("client",)
    search_fields = ("title", "client__name", "error")
    fields = ("title", "purpose", "audience")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A brief is started from the page of a client."""
        return False


@admin.register(ClientUser)
class ClientUserAdmin(admin.ModelAdmin):
    """Who of the clients' own people may see what."""

    list_display = ("user", "client", "role", "invited_at")
    list_filter = ("role",)
    list_select_related = ("user", "client")
    search_fields = ("user__email", "user__last_name", "client__name")
    raw_id_fields = ("user", "client")
    readonly_fields = ("invited_at",)
