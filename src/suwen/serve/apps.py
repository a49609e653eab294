"""The app of pages: templates and static files."""

from django.apps import AppConfig


class Serve(AppConfig):
    """Pages and the server process."""

    name = "suwen.serve"
    label = "serve"
