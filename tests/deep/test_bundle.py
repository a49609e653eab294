"""The archive for networks without internet: made, unpacked, installed and used with the network cut; a damaged one installs nothing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CUT = ["unshare", "--user", "--map-root-user", "--net"]  # a network of its own, in which there is nothing, not even this machine
PROOF = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"

pytestmark = [
    pytest.mark.deep,
    pytest.mark.skipif(
        shutil.which("unshare") is None or subprocess.run([*CUT, "true"], capture_output=True, check=False).returncode != 0,
        reason="this system does not let the network be cut",
    ),
]


def cut(words: list[str], cwd: Path, code: int = 0) -> str:
    """What a command prints without a network and without anything of this environment but its Python."""
    where = f"{Path(sys.base_prefix) / 'bin'}:/usr/bin:/bin"
    done = subprocess.run([*CUT, *words], cwd=cwd, env={"PATH": where, "HOME": str(cwd)}, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked archive, with the wheels of this machine and Python alone."""
    folder = tmp_path_factory.mktemp("bundle")
    words = [sys.executable, "requirements/bundle.py", "--machine", platform.machine(), "--python", PYTHON, "--into", str(folder)]
    subprocess.run(words, cwd=ROOT, check=True, env=os.environ)
    (archive,) = folder.glob("*.tar")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    archive.unlink()
    return next(path for path in folder.iterdir() if path.is_dir())


def test_it_installs_and_works_without_a_network(bundle: Path, tmp_path: Path) -> None:
    assert "unreachable" in cut([sys.executable, "-c", PROOF], tmp_path, 1)
    said = cut(["sh", str(bundle / "install.sh"), str(tmp_path / "suwen")], tmp_path)
    assert "installed into" in said
    suwen = str(tmp_path / "suwen" / "bin" / "suwen")
    cut([suwen, "simulate", "made", "--hospitals", "1", "--persons", "20", "--years", "1"], tmp_path)
    cut([suwen, "land", "--manifest", "made/exports/deliveries.csv", "--region", "made/region"], tmp_path)
    assert "release 1" in cut([suwen, "run", "--region", "made/region"], tmp_path)
    assert "persons" in cut([suwen, "query", "--region", "made/region", "select count(*) as persons from person"], tmp_path)
    assert "release 1" in cut([suwen, "backup", "kept", "--region", "made/region"], tmp_path)
    assert (bundle / "docs" / "guide" / "production.md").exists() and (bundle / "examples" / "production" / "suwen.service").exists()


def test_a_damaged_one_installs_nothing(bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path / "copy")
    wheel = next((tmp_path / "copy" / "wheels").glob("plotly-*"))
    os.truncate(wheel, wheel.stat().st_size - 1)
    assert "damaged" in cut(["sh", str(tmp_path / "copy" / "install.sh"), str(tmp_path / "suwen")], tmp_path, 2)
    assert not (tmp_path / "suwen").exists()


def test_a_folder_that_is_taken_is_refused(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").touch()
    assert "not empty" in cut(["sh", str(bundle / "install.sh"), str(tmp_path / "taken")], tmp_path, 2)
    assert "no folder" in cut(["sh", str(bundle / "install.sh")], tmp_path, 2)
