"""Secrets and the control database are for their owner alone, or nothing starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from suwen.base.errors import SuwenError
from suwen.flow.region import create, open_region
from suwen.govern.secrets import SECRETS_FILE, region_secrets
from suwen.govern.settings import CONTROL_FILE, private_file


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_secrets_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    made = region_secrets(tmp_path)
    assert mode(tmp_path / SECRETS_FILE) == 0o600
    assert region_secrets(tmp_path) == made and made.signing_key != made.audit_key
    assert made.signing_key not in repr(made)


@pytest.mark.parametrize("open_to", [0o640, 0o604, 0o660, 0o601])
def test_secrets_that_others_may_read_are_refused(tmp_path: Path, open_to: int) -> None:
    region_secrets(tmp_path)
    (tmp_path / SECRETS_FILE).chmod(open_to)
    with pytest.raises(SuwenError, match=f"others may read this file \\(mode {open_to:04o}\\)"):
        region_secrets(tmp_path)


@pytest.mark.parametrize("text", ["signing_key = ", 'signing_key = "short"\naudit_key = "short"\n', ""])
def test_damaged_secrets_are_refused(tmp_path: Path, text: str) -> None:
    region_secrets(tmp_path)
    (tmp_path / SECRETS_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(SuwenError, match="restore it from a copy"):
        region_secrets(tmp_path)


def test_the_control_database_and_what_lies_beside_it_are_for_the_owner_alone(tmp_path: Path) -> None:
    path = private_file(tmp_path / CONTROL_FILE)
    assert mode(path) == 0o600
    beside = tmp_path / f"{CONTROL_FILE}-wal"
    beside.touch(0o644)
    beside.chmod(0o644)
    with pytest.raises(SuwenError, match=r"control\.db-wal"):
        private_file(path)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('public = "http://suwen.example"', "not the address of a site"),
        ('public = "https://[::1"', "not the address of a site"),
        ('access = "all"', "not a word that it may be"),
        ('second_factor = "some"', "not a word that it may be"),
        ("port = -1", "out of range"),
        ('unknown = "x"', "unknown key"),
    ],
)
def test_mistakes_in_the_servers_settings_are_told(tmp_path: Path, text: str, what: str) -> None:
    create(tmp_path / "r", ["core"])
    setting = tmp_path / "r" / "region.toml"
    setting.write_text(setting.read_text("utf-8") + f"\n[server]\n{text}\n", encoding="utf-8")
    with pytest.raises(SuwenError, match=what):
        open_region(tmp_path / "r")
