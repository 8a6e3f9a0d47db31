"""The forms: a client as people edit it, its competitors, what is written for it, and who is invited."""

import re
from typing import Any

from django import forms

from clients.domains import LONGEST_GIVEN, NoDomain, normalised
from clients.models import ENRICHED, LISTS, AIStatus, Client, ClientUser, ContentBrief, Query
from clients.requests import MOST_KEYWORDS, lines

MOST_LINES = 20
TAKEN = "{} cannot be used here; ask whoever looks after this page."
# Characters; far more than the lines that fit.
LONGEST_TEXT = 20_000


class LinesField(forms.CharField):
    """A list, one entry in each line; `commas` separate as well where entries have none of their own."""

    def __init__(self, *, commas: bool = False, most: int = MOST_LINES, **kwargs: Any) -> None:
        self.separator = re.compile(r"[\n,;]" if commas else r"\n")
        self.most = most
        super().__init__(widget=forms.Textarea({"rows": 3}), max_length=LONGEST_TEXT, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        """Return the lines, each once; a list is taken as it is, and a text only up to its length."""
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise forms.ValidationError(f"This has {len(value):,} characters; at most {LONGEST_TEXT:,} fit.")
        if value and not isinstance(value, str | list):
            raise forms.ValidationError("Write a list of texts, or one text.")
        return lines(value if isinstance(value, list) else self.separator.split(value or ""))

    def validate(self, value: list[str]) -> None:
        """Refuse more lines than anybody reads."""
        super().validate(value)
        if len(value) > self.most:
            raise forms.ValidationError(f"These are {len(value)} entries; at most {self.most} fit.")

    def run_validators(self, value: Any) -> None:
        """Validators are for texts."""


class DomainField(forms.CharField):
    """A domain, however it is written."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_GIVEN, **kwargs)

    def clean(self, value: Any) -> str:
        """Return it normalised."""
        try:
            domain = normalised(super().clean(value))
        except NoDomain as reason:
            raise forms.ValidationError(str(reason)) from None
        return domain


class ClientForm(forms.ModelForm):
    """What people say about a client. A field that they change becomes theirs; one that they empty is nobody's."""

    domain = DomainField(required=False, label="Website", help_text="As in example.com; any address of it will do.")
    keywords = LinesField(required=False, commas=True, most=MOST_KEYWORDS, help_text="One in each line.")

    class Meta:
        model = Client
        fields = ("name", "domain", "keywords", *ENRICHED)
        labels = ENRICHED

    def __init__(self, *args: Any, names_others: bool = False, **kwargs: Any) -> None:
        """Take whether the person may be told which other client has a name or a website."""
        super().__init__(*args, **kwargs)
        self.names_others = names_others
        if not self.fields:  # the admin's form for people who may only look
            return
        if not names_others:
            self.fields["name"].error_messages["unique"] = TAKEN.format("This name")
        for name, label in LISTS.items():
            self.fields[name] = LinesField(required=False, label=label)
        filled = self.instance.filled_by
        for name in ENRICHED:
            field = self.fields[name]
            field.by_model = filled.get(name) == "model"  # type: ignore[attr-defined]

    def clean_domain(self) -> str:
        """Refuse another client's domain, by that client's name for those who may know it."""
        domain: str = self.cleaned_data["domain"]
        other = Client.objects.filter(domain=domain).exclude(pk=self.instance.pk).first() if domain else None
        if other is not None:
            known = f"“{other}” has the website {domain} already."
            raise forms.ValidationError(known if self.names_others else TAKEN.format(domain))
        return domain

    def changes(self) -> dict[str, Any]:
        """Return only what was changed: a run may be writing the rest right now."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class CompetitorForm(forms.Form):
    """A competitor, as a person names it."""

    name = forms.CharField(max_length=200, required=False, label="Competitor")
    domain = DomainField(label="Its website")


class QueriesForm(forms.Form):
    """For which keywords queries are written, how many, and of which kinds."""

    keywords = LinesField(commas=True, most=MOST_KEYWORDS, label="Keywords", help_text="One in each line.")
    count = forms.IntegerField(min_value=1, max_value=20, initial=3, label="Queries for each")
    intents = forms.MultipleChoiceField(
        choices=Query.Intent.choices, required=False, widget=forms.CheckboxSelectMultiple, label="Intents"
    )


class BriefForm(forms.ModelForm):
    """What a brief is about."""

    purpose = forms.CharField(required=False, max_length=LONGEST_TEXT, widget=forms.Textarea({"rows": 2}))
    audience = forms.CharField(required=False, max_length=LONGEST_TEXT, widget=forms.Textarea({"rows": 2}))
    keywords = LinesField(required=False, commas=True, most=MOST_KEYWORDS, help_text="One in each line.")
    platforms = LinesField(required=False, commas=True, help_text="Such as Blog or LinkedIn, one in each line.")

    class Meta:
        model = ContentBrief
        fields = ("title", "purpose", "audience", "keywords", "platforms")


class UserForm(forms.Form):
    """Somebody who is invited."""

    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    email = forms.EmailField(max_length=150, label="E-mail")
    role = forms.ChoiceField(choices=ClientUser.Role.choices)


class FilterForm(forms.Form):
    """How the list is narrowed down; a value that does not exist narrows nothing."""

    q = forms.CharField(required=False, max_length=200)
    status = forms.ChoiceField(required=False, choices=AIStatus.choices)
    sort = forms.ChoiceField(
        required=False,
        choices=[("", "By name"), ("enhanced", "Enhanced last"), ("stale", "Enhanced longest ago"), ("new", "Newest")],
    )

    def value(self, name: str) -> str:
        """Return a filter's value, empty if it is none."""
        self.is_valid()
        return self.cleaned_data.get(name) or ""
