"""Template tags of the house: texts by their English."""

from __future__ import annotations

from django import template

from suwen.govern.texts.catalogue import t

register = template.Library()
register.simple_tag(t, name="t")
