"""`suwen simulate --defects`: a profile that is wrong is told in one message with its place, exit code 2, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from suwen.cli.main import main

SMALL = ("--hospitals", "2", "--persons", "40", "--years", "1")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[rates]\nbroken-lin = 0.1\n", "p.toml:2: unknown kind of defect 'broken-lin'|did you mean 'broken-line'"),
        (b"[rates]\nbroken-line = 2\n", "p.toml:2: broken-line = 2 is no rate|a number from 0 to 1"),
        (b'[rates]\nbroken-line = "often"\n', "p.toml:2: broken-line = 'often' is no rate|a number from 0 to 1"),
        (b"[rates]\nbroken-line = inf\n", "p.toml:2: broken-line = inf is no rate"),
        (b"broken-line = 0.1\n", "p.toml:1: 'broken-line' is nothing that a profile has|tables [rates] and [daily]"),
        (b"rates = 3\n", "p.toml:1: 'rates' is no table"),
        (b"\n[[rates]]\nbroken-line = 0.1\n", "p.toml:2: 'rates' is no table"),
        (b"defects: many\n", "p.toml:1: the profile is not TOML|[rates]"),
        (b"[rates]\nbroken-line = 0.1\nbroken-line = 0.2\n", "p.toml:3: the profile is not TOML: Cannot overwrite a value"),
        (b"PK\x03\x04\x00\x00", "p.toml:1: the profile is not TOML"),
        (b"\x1f\x8b\x08\x00\xff\xfe", "p.toml: the profile is not UTF-8"),
        (b"[rates]\nbroken-line = 1e-12\n", "p.toml:2: broken-line = 1e-12 is too small a rate|1e-9"),
        (b"x = " + b"[" * 50_000 + b"]" * 50_000, "p.toml: the profile is nested too deeply"),
        (b"[rates]\nbroken-line = 1" + b"0" * 5_000 + b"\n", "p.toml: the profile is nested too deeply or has too long a number"),
        (b"#\n" * 600_000, "p.toml: the profile is larger than 1 MB"),
    ],
    ids=[
        "unknown",
        "too much",
        "text",
        "infinite",
        "no table",
        "a number",
        "an array",
        "not TOML",
        "twice",
        "NUL bytes",
        "binary",
        "tiny",
        "deep",
        "long",
        "huge",
    ],
)
def test_a_wrong_profile(content: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.toml").write_bytes(content)
    _refused(tmp_path, told, capsys, "--defects", str(tmp_path / "p.toml"))


def test_no_such_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _refused(tmp_path, "none.toml: the profile cannot be read: No such file", capsys, "--defects", str(tmp_path / "none.toml"))


def test_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _refused(tmp_path, "the profile cannot be read: Is a directory", capsys, "--defects", str(tmp_path))


def test_clean_and_with_defects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.toml").write_text("[rates]\nbroken-line = 0.1\n", encoding="utf-8")
    _refused(tmp_path, "--defects: a clean region has no defects|not both", capsys, "--clean", "--defects", str(tmp_path / "p.toml"))


def _refused(folder: Path, told: str, capsys: pytest.CaptureFixture[str], *options: str) -> None:
    before = sorted(folder.iterdir())
    assert main(["simulate", str(folder / "province"), *SMALL, *options]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert all(part in said.err for part in told.split("|")), said.err
    assert "Traceback" not in said.err
    assert sorted(folder.iterdir()) == before
