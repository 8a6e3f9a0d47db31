"""The upload form, and the filters of the list."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from transcripts.models import NoteType, Opportunity, Status

ACCEPT = ".vtt,.srt,.txt,.md,.json,.docx,.pdf"


class FilesInput(forms.FileInput):
    """A file input for any number of files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Gives the uploaded files as a list; what each of them holds is judged one by one, later."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        """Return at least one file."""
        files = [file for file in data or [] if file]
        if not files:
            raise forms.ValidationError("Choose at least one file.", code="required")
        return files


class UploadForm(forms.Form):
    """What people say about the files they upload; only the files are needed."""

    files = FilesField(label="Files")
    title = forms.CharField(max_length=200, required=False, label="Title", help_text="Else the file's name.")
    note_type = forms.ChoiceField(
        choices=NoteType.choices, initial=NoteType.CUSTOMER, required=False, label="Kind of call"
    )
    call_date = forms.DateField(required=False, label="Day of the call", widget=forms.DateInput({"type": "date"}))
    opportunity = forms.ModelChoiceField(
        Opportunity.objects.select_related("account"), required=False, empty_label="None", label="Opportunity"
    )
    source_url = forms.URLField(max_length=500, required=False, assume_scheme="https", label="Link to the recording")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["files"].widget.attrs["accept"] = ACCEPT
        if not self.fields["opportunity"].queryset.exists():
            del self.fields["opportunity"]

    def clean(self) -> dict[str, Any]:
        """A kind that is not given is the usual one."""
        cleaned = super().clean() or {}
        cleaned["note_type"] = cleaned.get("note_type") or NoteType.CUSTOMER
        if len(cleaned.get("files") or []) > 1 and cleaned.get("title"):
            self.add_error("title", "One title does not fit several files; leave it empty.")
        return cleaned


class FilterForm(forms.Form):
    """How the list of calls is narrowed down; a value that does not exist narrows nothing."""

    q = forms.CharField(required=False, max_length=200)
    status = forms.ChoiceField(required=False, choices=[("working", "Working"), *Status.choices])
    kind = forms.ChoiceField(required=False, choices=[("", "All kinds"), *NoteType.choices])
    by = forms.ChoiceField(required=False, choices=[("", "By anyone"), ("me", "Uploaded by me")])

    def value(self, name: str) -> str:
        """Return a filter's value, empty if it is none."""
        self.is_valid()
        return self.cleaned_data.get(name) or ""
