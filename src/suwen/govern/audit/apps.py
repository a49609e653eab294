"""The app of the audit."""

from django.apps import AppConfig


class Audit(AppConfig):
    """What was opened, refused and changed, by whom."""

    name = "suwen.govern.audit"
    label = "audit"
