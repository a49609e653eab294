"""Which entries of the audit to show."""

from __future__ import annotations

from django import forms
from django.db.models import QuerySet
from django.utils.http import urlencode

from suwen.govern.audit.models import Entry


class Filter(forms.Form):
    """By actor, event, unit and days; what is left out or cannot be read does not narrow."""

    actor = forms.CharField(max_length=120, required=False)
    event = forms.CharField(max_length=40, required=False)
    unit = forms.CharField(max_length=60, required=False)
    first = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def entries(self) -> QuerySet[Entry]:
        """The entries that fit."""
        self.is_valid()
        wanted = {name: value for name, value in self.cleaned_data.items() if value}
        names = {"actor": "actor", "event": "event", "unit": "unit", "first": "at__date__gte", "last": "at__date__lte"}
        return Entry.objects.filter(**{names[name]: value for name, value in wanted.items()})

    def query(self) -> str:
        """The filter as part of an address."""
        return urlencode({name: value for name, value in self.cleaned_data.items() if value})
