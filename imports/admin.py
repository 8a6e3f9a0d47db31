"""Imports and their rows in the admin: lists with filters, and the same verbs as on the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString

from imports import access, uploads, verbs
from imports.models import CsvBatch, CsvRow, counts_of
from imports.templatetags.imports import import_badge, row_badge
from jobs.templatetags.jobs_console import ago


class ReadOnly(admin.ModelAdmin):
    """What comes from files is looked at, not edited."""

    list_per_page = 25

    def has_add_permission(self, request: HttpRequest) -> bool:
        """It comes by upload."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only runs change it."""
        return False


@admin.register(CsvBatch)
class CsvBatchAdmin(ReadOnly):
    """Files that were uploaded; each links to its page, where everything about it is."""

    list_display = ("original_filename", "state", "processor", "rows", "uploaded", "sent_by")
    list_filter = ("status", "processor", "uploaded_at")
    search_fields = ("original_filename", "error", "sha256__startswith")
    actions = ("pause", "resume", "cancel", "retry")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CsvBatch]:
        """Leave the previews in the database."""
        return super().get_queryset(request).defer("checked", "headers")

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Whether this person may press the verbs."""
        return request.user.has_perm(access.RUN)

    @admin.display(description="Status", ordering="status")
    def state(self, batch: CsvBatch) -> SafeString:
        """The status as glyph, word and colour; below it what went wrong."""
        badge = import_badge(batch)
        return format_html('{}<div class="reason">{}</div>', badge, batch.error) if batch.error else badge

    @admin.display(description="Rows")
    def rows(self, batch: CsvBatch) -> str:
        """How many are done, of how many."""
        counts = counts_of([batch.pk])[batch.pk]
        return f"{counts.processed:,} of {counts.to_process:,}" if counts.total else ""

    @admin.display(description="Uploaded", ordering="uploaded_at")
    def uploaded(self, batch: CsvBatch) -> Any:
        """When it came in."""
        return ago(batch.uploaded_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the import's own page, which has its progress, its rows and its runs."""
        batch = self.get_object(request, object_id)
        if batch is None or not self.has_view_permission(request, batch):
            return super().change_view(request, object_id, form_url, extra_context)
        return redirect(batch)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name the files alone: to list 100,000 rows, and ask for each whether it may go, would help nobody."""
        names = [f"{batch} with its rows and its file" for batch in objs]
        return names, {"imports": len(names)}, set(), []

    def delete_model(self, request: HttpRequest, batch: CsvBatch) -> None:
        """Delete an import with its rows and its file; one under way is cancelled first."""
        if batch.is_live:
            verbs.cancel(batch.pk, by=request.user)
        uploads.remove(batch)

    def delete_queryset(self, request: HttpRequest, batches: QuerySet[CsvBatch]) -> None:
        """Do the same for many."""
        for batch in batches:
            self.delete_model(request, batch)

    @admin.action(description="Pause", permissions=["run"])
    def pause(self, request: HttpRequest, chosen: QuerySet[CsvBatch]) -> None:
        """Pause the chosen imports."""
        self._press(request, chosen, "Pause", lambda batch: verbs.pause(batch.pk))

    @admin.action(description="Resume", permissions=["run"])
    def resume(self, request: HttpRequest, chosen: QuerySet[CsvBatch]) -> None:
        """Resume the chosen imports."""
        self._press(request, chosen, "Resume", lambda batch: verbs.resume(batch.pk, by=str(request.user)))

    @admin.action(description="Cancel", permissions=["run"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[CsvBatch]) -> None:
        """Cancel the chosen imports."""
        self._press(request, chosen, "Cancel", lambda batch: verbs.cancel(batch.pk, by=request.user))

    @admin.action(description="Retry failed rows", permissions=["run"])
    def retry(self, request: HttpRequest, chosen: QuerySet[CsvBatch]) -> None:
        """Try the failed rows of the chosen imports again."""
        self._press(request, chosen, "Retry", lambda batch: verbs.retry(batch.pk, by=str(request.user)))

    def _press(
        self, request: HttpRequest, chosen: QuerySet[CsvBatch], verb: str, call: Callable[[CsvBatch], Any]
    ) -> None:
        done = 0
        for batch in chosen:
            try:
                call(batch)
            except verbs.NotPossible as reason:
                messages.warning(request, str(reason))
            else:
                done += 1
                self.log_change(request, batch, verb)
        if done:
            messages.success(request, f"{verb}: {done} import{'' if done == 1 else 's'}.")


@admin.register(CsvRow)
class CsvRowAdmin(ReadOnly):
    """Rows of all files."""

    list_display = ("line", "batch", "state", "attempts", "error")
    list_filter = ("status",)
    list_select_related = ("batch",)
    search_fields = ("error", "batch__original_filename")
    ordering = ("-pk",)
    fields = ("batch", "number", "status", "attempts", "data", "answer", "result", "error")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A row goes with its file."""
        return False

    @admin.display(description="Line", ordering="number")
    def line(self, row: CsvRow) -> str:
        """Where it begins in its file."""
        return f"Line {row.number:,}"

    @admin.display(description="Status", ordering="status")
    def state(self, row: CsvRow) -> SafeString:
        """The status as glyph, word and colour."""
        return row_badge(row)
