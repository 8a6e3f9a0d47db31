"""The filters of the public list, the saved search, and what the admin's buttons ask for."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from tenders import listing, sources
from tenders.models import SavedSearch
from tenders.requests import MOST_ENRICHED

CLOSING = [("", "Closing any time"), ("3", "Within 3 days"), ("7", "Within 7 days"), ("30", "Within 30 days")]
SORTS = [("", "Newest first"), ("closing", "Closing soon first")]
DATE = {"type": "date"}
MOST_SEARCHES = 20


class FilterForm(forms.Form):
    """How the list is narrowed down; a value that makes no sense is told and narrows nothing."""

    q = forms.CharField(required=False, max_length=200, label="Words")
    source = forms.ChoiceField(required=False, label="Source")
    province = forms.CharField(required=False, max_length=100, label="Province or region")
    category = forms.CharField(required=False, max_length=200, label="Category")
    buyer = forms.CharField(required=False, max_length=200, label="Buyer")
    type_class = forms.ChoiceField(required=False, label="Kind")
    closing = forms.TypedChoiceField(required=False, choices=CLOSING, coerce=int, empty_value=None, label="Closing")
    value_from = forms.DecimalField(required=False, min_value=0, max_digits=18, label="Value from")
    value_to = forms.DecimalField(required=False, min_value=0, max_digits=18, label="Value to")
    sort = forms.ChoiceField(required=False, choices=SORTS, label="Order")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(source.id, source.name) for source in sources.BY_ID.values()]
        self.fields["source"].choices = [("", "All sources"), *named, ("file", "Files")]
        self.fields["type_class"].choices = [("", "All kinds"), *listing.classes()]

    def filters(self) -> listing.Filters:
        """Return the filters as values."""
        self.is_valid()
        return listing.Filters(**{name: value for name, value in self.cleaned_data.items() if value not in (None, "")})


class SavedSearchForm(forms.ModelForm):
    """A search to be told about."""

    class Meta:
        model = SavedSearch
        fields = ["name", "q", "category", "province", "buyer", "value_from", "value_to"]

    def clean(self) -> dict[str, Any]:
        """A search without anything to look for would mail every tender; mails go to the person's own address only."""
        cleaned = super().clean() or {}
        owner = self.instance.owner
        if not owner.email:
            raise forms.ValidationError("Your account has no mail address; ask whoever runs this site to enter it.")
        if SavedSearch.objects.filter(owner=owner).count() >= MOST_SEARCHES:
            raise forms.ValidationError(f"You keep {MOST_SEARCHES} searches, the most that one person may; delete one.")
        if not any(cleaned.get(name) not in (None, "") for name in self.Meta.fields[1:]) and not self.errors:
            raise forms.ValidationError("Say what to look for: words, category, province, buyer or value.")
        return cleaned


class JobForm(forms.Form):
    """A job of one source."""

    source = forms.ChoiceField(label="Source")
    max_enrichment = forms.IntegerField(
        required=False, initial=100, min_value=0, max_value=MOST_ENRICHED, label="Look up at most"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [(source.id, source.name) for source in sources.BY_ID.values()]

    def data_of_event(self) -> dict[str, Any]:
        """Return what the event says."""
        given = self.cleaned_data
        most = given.get("max_enrichment")
        return {"source": given["source"], "maxEnrichment": 100 if most is None else most}


class BackfillForm(JobForm):
    """A span of the past."""

    from_date = forms.DateField(label="From", widget=forms.DateInput(DATE))
    to_date = forms.DateField(label="To", widget=forms.DateInput(DATE))
    fetch = forms.BooleanField(required=False, initial=True, label="Read the portal as well")

    def clean(self) -> dict[str, Any]:
        """A span goes forward and ends by today."""
        cleaned = super().clean() or {}
        start, until = cleaned.get("from_date"), cleaned.get("to_date")
        if start and until and start > until:
            self.add_error("from_date", f"From {start} is after to {until}.")
        if until and until > timezone.now().date() + timedelta(days=1):
            self.add_error("to_date", f"{until} has not come yet.")
        return cleaned

    def data_of_event(self) -> dict[str, Any]:
        """Return what the event says."""
        given = self.cleaned_data
        span = {"fromDate": given["from_date"].isoformat(), "toDate": given["to_date"].isoformat()}
        return super().data_of_event() | span | {"fetch": given["fetch"]}


class FileForm(forms.Form):
    """A package to import."""

    file = forms.FileField(label="OCDS package", help_text="A release or record package, JSON, at most 60 MB.")

    def clean_file(self) -> Any:
        """Larger files take the command line, which reads them from disk."""
        file = self.cleaned_data["file"]
        if file.size > 60 * 1024 * 1024:
            raise forms.ValidationError(
                f"{file.name} has {file.size // 1024**2} MB; up to 60 MB come in here, larger ones by "
                "`manage.py tenders_import FILE`."
            )
        return file
