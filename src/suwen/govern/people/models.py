"""Who may come in, as what, with which tokens and openings."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone

from suwen.govern.policy.actions import Role
from suwen.govern.policy.actors import WHOLE

LANGUAGES = [("en", "English"), ("zh-hans", "中文")]
THEMES = [("auto", "as the system"), ("light", "light"), ("dark", "dark")]


class User(AbstractBaseUser):
    """A person with an account; `name` is what they sign in with, in small letters."""

    name = models.CharField(max_length=120, unique=True)
    full_name = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=8, choices=LANGUAGES, default="", blank=True)
    theme = models.CharField(max_length=5, choices=THEMES, default="auto")
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=120, blank=True)

    USERNAME_FIELD = "name"
    objects = BaseUserManager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.full_name or self.name


class RoleBinding(models.Model):
    """A role of a person over an organisation and all below it, for a time. `unit` "": the whole region."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="bindings")
    role = models.CharField(max_length=20, choices=[(role.value, role.value) for role in Role])
    unit = models.CharField(max_length=60, blank=True, default=WHOLE)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    granted_by = models.CharField(max_length=120)
    granted_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ("unit", "role")
        constraints = (models.UniqueConstraint(fields=("user", "role", "unit", "valid_from"), name="role_once"),)


class AccessToken(models.Model):
    """What a program shows instead of a password. Only the hash is kept; `scope`: the actions it may be used for, with commas between."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    label = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=400)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)

    @property
    def actions(self) -> list[str]:
        """The actions it may be used for."""
        return str(self.scope).split(",")


class IdentityOpening(models.Model):
    """Names and numbers opened by a person for a stated purpose, over an organisation or one subject in it, until a moment."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="openings")
    unit = models.CharField(max_length=60, blank=True)
    subject = models.CharField(max_length=120, blank=True)
    purpose = models.CharField(max_length=300)
    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    until = models.DateTimeField()

    class Meta:
        ordering = ("-opened_at",)


class RecoveryCode(models.Model):
    """A code that replaces the second factor once; only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)


class Failures(models.Model):
    """How often in a row an account or an address failed to prove itself; `locked_until`: no attempt counts before."""

    kind = models.CharField(max_length=8)
    key = models.CharField(max_length=120)
    number = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kind", "key"), name="failures_once"),)
