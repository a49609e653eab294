"""The second factor: a time-based code of an authenticator (RFC 6238), or one of the recovery codes, each good once."""

from __future__ import annotations

import hashlib
import secrets

from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from suwen.base.clock import now
from suwen.govern.people.models import RecoveryCode, User

CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def device_of(user: User) -> TOTPDevice | None:
    """The authenticator that an account has enrolled."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def begin(user: User) -> TOTPDevice:
    """The authenticator that an account is about to enrol; the same until it is confirmed."""
    device, _ = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": user.name})
    return device


def confirm(user: User, code: str) -> list[str] | None:
    """Enrol the begun authenticator when its code is right; gives new recovery codes, to be shown once."""
    with transaction.atomic():
        device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
        if device is None or not device.verify_token(_plain(code)):
            return None
        TOTPDevice.objects.filter(user=user, confirmed=True).delete()
        device.confirmed = True
        device.save()
        RecoveryCode.objects.filter(user=user).delete()
        texts = [_recovery_text() for _ in range(CODES)]
        RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(text)) for text in texts)
    return texts


def passes(user: User, code: str) -> TOTPDevice | None:
    """The account's authenticator where the code is right: of the authenticator, or an unused recovery code, which then is used."""
    with transaction.atomic():
        device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
        if device is None:
            return None
        if device.verify_token(_plain(code)):
            return device
        used = RecoveryCode.objects.filter(user=user, digest=_digest(_plain(code)), used_at__isnull=True).update(used_at=now())
    return device if used else None


def forget(user: User) -> None:
    """Take an account's second factor away."""
    TOTPDevice.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()


def _recovery_text() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(12))
    return "-".join(letters[at : at + 4] for at in range(0, 12, 4))


def _plain(code: str) -> str:
    return "".join(c for c in code.strip().lower() if c.isalnum() and c.isascii())


def _digest(text: str) -> str:
    return hashlib.sha256(_plain(text).encode()).hexdigest()
