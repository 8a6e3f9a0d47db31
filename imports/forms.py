"""The upload form, and the one that says how a file is read and what becomes of its rows."""

from __future__ import annotations

from typing import Any

from django import forms

from common import encoding
from imports import processors
from imports.models import CsvBatch
from imports.reading import delimiters

ACCEPT = ".csv,.tsv,.txt,.psv,.xlsx,.xls"


class UploadForm(forms.Form):
    """One file."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,
        error_messages={"required": "Choose a file."},
        widget=forms.FileInput({"accept": ACCEPT}),
    )


class SetupForm(forms.Form):
    """How a file is read, what becomes of its rows, which header is which column, and at what pace."""

    encoding = forms.ChoiceField(required=False)
    delimiter = forms.ChoiceField(required=False, choices=delimiters.OFFERED)
    sheet = forms.ChoiceField(required=False)
    header_line = forms.IntegerField(
        required=False, min_value=0, max_value=100_000, label="Line with the names", help_text="0 if no line has them."
    )
    processor = forms.ChoiceField(required=False, label="What becomes of the rows")
    batch_size = forms.IntegerField(required=False, min_value=1, max_value=5000, label="Rows at once")
    delay = forms.FloatField(required=False, min_value=0, max_value=3600, label="Seconds between batches")
    row_timeout = forms.FloatField(required=False, min_value=0.05, max_value=3600, label="Seconds for a row")

    def __init__(self, batch: CsvBatch, data: Any = None) -> None:
        super().__init__(data, initial=_values(batch))
        self.batch = batch
        plain = dict(encoding.OFFERED)
        known = batch.encoding and (batch.encoding, plain.get(batch.encoding, batch.encoding.upper()))
        others = [each for each in encoding.OFFERED if each[0] != batch.encoding]
        self._choose("encoding", [known, *others] if known else others)
        self._choose("sheet", [(name, name) for name in batch.sheets])
        every = processors.every()
        self._choose("processor", [("", "Choose…"), *((each.name, each.title) for each in every)])
        for name in ("encoding", "delimiter", "sheet"):
            if (name == "sheet") == (batch.kind == "csv"):
                del self.fields[name]
        self.fields["processor"].widget.attrs["data-submit"] = ""
        self._add_columns()

    def _choose(self, name: str, choices: list[Any]) -> None:
        field: Any = self.fields[name]
        field.choices = choices

    def _add_columns(self) -> None:
        name = self.data.get("processor") if self.is_bound else self.batch.processor
        chosen = next((each for each in processors.every() if each.name == name), None)
        headers = [("", "—"), *((header, header) for header in self.batch.headers)]
        for column in chosen.columns if chosen else ():
            needed = column in chosen.required  # type: ignore[union-attr]
            self.fields[f"column-{column.name}"] = forms.ChoiceField(
                required=False,
                choices=headers,
                label=column.label + (" (needed)" if needed else ""),
                help_text=column.hint,
                initial=self.batch.mapping.get(column.name, ""),
            )

    @property
    def columns(self) -> list[forms.BoundField]:
        """The fields of the columns."""
        return [self[name] for name in self.fields if name.startswith("column-")]

    @property
    def reading(self) -> list[forms.BoundField]:
        """The fields that say how the file is read."""
        return [self[name] for name in ("encoding", "delimiter", "sheet", "header_line") if name in self.fields]

    @property
    def pace(self) -> list[forms.BoundField]:
        """The fields that say how fast."""
        return [self[name] for name in ("batch_size", "delay", "row_timeout")]

    @property
    def mapping(self) -> dict[str, str]:
        """The chosen header of each column that has one."""
        found = {name.removeprefix("column-"): self.cleaned_data.get(name, "") for name in self.fields if "-" in name}
        return {column: header for column, header in found.items() if header}


def _values(batch: CsvBatch) -> dict[str, Any]:
    names = ("encoding", "delimiter", "sheet", "header_line", "processor", "batch_size", "delay", "row_timeout")
    return {name: getattr(batch, name) for name in names}


class FilterForm(forms.Form):
    """What the list is narrowed to."""

    q = forms.CharField(required=False, max_length=200)
    status = forms.CharField(required=False, max_length=20)

    def value(self, name: str) -> str:
        """Return a filter, "" if there is none or it makes no sense."""
        self.is_valid()
        return str(self.cleaned_data.get(name) or "")
