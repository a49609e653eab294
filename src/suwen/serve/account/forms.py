"""Forms of signing in and of one's own account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import get_language

from suwen.govern.people.models import LANGUAGES, THEMES
from suwen.govern.people.tokens import SCOPES
from suwen.govern.policy.decisions import action_name
from suwen.govern.texts.catalogue import t


class SignIn(forms.Form):
    """Name and password."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}))
    password = forms.CharField(max_length=1000, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))


class Code(forms.Form):
    """A code of the second factor."""

    code = forms.CharField(max_length=20, widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "spellcheck": "false"}))


class Preferences(forms.Form):
    """Language and colours."""

    language = forms.ChoiceField(choices=LANGUAGES)
    theme = forms.ChoiceField(choices=lambda: [(value, t(name)) for value, name in THEMES])


class NewPassword(forms.Form):
    """The present password, and the new one twice."""

    present = forms.CharField(max_length=1000, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))
    new = forms.CharField(max_length=1000, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))
    again = forms.CharField(max_length=1000, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def __init__(self, user: Any, *args: Any) -> None:
        super().__init__(*args)
        self.user = user

    def clean_present(self) -> str:
        """The present password, when it is right."""
        present: str = self.cleaned_data["present"]
        if not self.user.check_password(present):
            raise forms.ValidationError(t("This is not the present password."))
        return present

    def clean_new(self) -> str:
        """The new password, when the rules allow it."""
        new: str = self.cleaned_data["new"]
        validate_password(new, self.user)
        return new

    def clean(self) -> dict[str, Any]:
        """Both new ones must be the same."""
        held: dict[str, Any] = super().clean() or {}
        if "new" in held and held.get("again") != held["new"]:
            self.add_error("again", t("The two new passwords are not the same."))
        return held


class NewToken(forms.Form):
    """What a token is for, what it may do, and for how many days."""

    label = forms.CharField(max_length=80)
    scope = forms.MultipleChoiceField(
        choices=lambda: [(one.value, action_name(one, get_language() or "en")) for one in SCOPES], widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(min_value=1, max_value=366, initial=90)
