"""A manifest names folders below its own, and what lies in them is theirs: links lead out of neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from suwen.base.errors import SuwenError
from suwen.flow import manifest
from suwen.flow.manifest import Listed, Outcome, land_manifest, read_manifest
from tests.unit.flow.test_land import region

HEADER = "feed,as_of,mode,window_from,window_to,folder\n"


def test_a_folder_whose_links_go_round(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(SuwenError, match=r"m[.]csv:2: the folder does not lie below"):
        _listed(tmp_path, "round")


def test_a_manifest_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "LARGEST", 60)
    with pytest.raises(SuwenError, match="larger than"):
        _listed(tmp_path, "sent")


def test_a_file_that_is_a_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()
    (tmp_path / "secret").write_text("s", encoding="utf-8")
    (tmp_path / "sent" / "people.csv").symlink_to("../secret")
    (attempt,) = land_manifest(region(tmp_path / "r"), _listed(tmp_path, "sent"))
    assert attempt.outcome is Outcome.REFUSED
    assert attempt.error is not None and attempt.error.what == "the file is a link out of the delivery's folder"


def _listed(folder: Path, named: str) -> list[Listed]:
    (folder / "m.csv").write_text(f"{HEADER}h1,2025-01-01,snapshot,,,{named}\n", encoding="utf-8")
    return read_manifest(folder / "m.csv")


def test_a_line_that_says_otherwise_than_its_files_landed_with(tmp_path: Path) -> None:
    found = region(tmp_path)
    folder = tmp_path / "files" / "d1"
    folder.mkdir(parents=True)
    (folder / "p_20250101.csv").write_text("id,name\n1,a\n", "utf-8")
    listing = tmp_path / "files" / "deliveries.csv"

    def landed(mode: str) -> list[Outcome]:
        listing.write_text(f"feed,as_of,mode,window_from,window_to,folder\n{next(iter(found.feeds))},2025-01-01,{mode},,,d1\n", "utf-8")
        attempts = list(land_manifest(found, read_manifest(listing)))
        errors.extend(attempt.error for attempt in attempts if attempt.error is not None)
        return [attempt.outcome for attempt in attempts]

    errors: list[SuwenError] = []
    assert landed("snapshot") == [Outcome.LANDED], errors
    assert landed("snapshot") == [Outcome.KNOWN]
    assert landed("append") == [Outcome.REFUSED]
    assert "mode snapshot, and this line says mode append" in str(errors[0]) and "withdraw" in str(errors[0])
