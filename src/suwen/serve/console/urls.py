"""Addresses of the console."""

from django.urls import path

from suwen.serve.console import overview

urlpatterns = [path("", overview.overview, name="overview")]
