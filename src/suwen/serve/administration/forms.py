"""Forms of running a region: inviting people, giving roles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from suwen.govern.policy.actions import Role
from suwen.govern.policy.decisions import role_name


class Invite(forms.Form):
    """A new account."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}))
    full_name = forms.CharField(max_length=120, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class Bind(forms.Form):
    """A role over an organisation and what lies below it, for a time."""

    role = forms.ChoiceField()
    unit = forms.ChoiceField(required=False)
    first = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, units: Iterable[tuple[str, str]], language: str, *args: Any) -> None:
        super().__init__(*args)
        self.fields["role"].choices = [(role.value, role_name(role, language)) for role in Role]
        self.fields["role"].initial = Role.VIEWER.value  # who chooses nothing gives least
        self.fields["unit"].choices = list(units)


class Purpose(forms.Form):
    """What identities are opened for."""

    purpose = forms.CharField(max_length=300, widget=forms.TextInput(attrs={"autocomplete": "off"}))
