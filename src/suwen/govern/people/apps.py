"""The app of people."""

from django.apps import AppConfig


class People(AppConfig):
    """Accounts and what they may do."""

    name = "suwen.govern.people"
    label = "people"
