"""Entries of the audit, each sealed with the hash of the one before."""

from __future__ import annotations

from django.db import models


class Entry(models.Model):
    """One thing that was done, opened or refused. No column holds a personal value of a patient; triggers refuse changes and removals."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=120, db_index=True)
    via = models.CharField(max_length=12)
    address = models.CharField(max_length=45, blank=True)
    event = models.CharField(max_length=40, db_index=True)
    unit = models.CharField(max_length=60, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    code = models.CharField(max_length=8, blank=True)
    purpose = models.CharField(max_length=300, blank=True)
    before = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)

    class Meta:
        ordering = ("-number",)


class Head(models.Model):
    """The one row that says where the chain ends; locked while an entry is added."""

    number = models.BigIntegerField(default=0)
    seal = models.CharField(max_length=64, default="")
