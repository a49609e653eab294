"""Makes one archive that installs Suwen on a machine without internet: wheels by the lock's hashes, the manual, the examples, and install.sh.

    python requirements/bundle.py [--machine x86_64 ...] [--python 3.11 ...] [--into dist]

Run by `make bundle` from the project's root. Where packages come from is the machine's affair: pip's own settings hold.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
MACHINES, PYTHONS = ("x86_64", "aarch64"), ("3.11", "3.12", "3.13")
# The C libraries that a wheel may ask for: of every Linux since 2018 and later.
GLIBC = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_26", "manylinux_2_24", "manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux2010")
PAGES = ("README.md", "GLOSSARY.md", "CHANGELOG.md", "LICENSE", "NOTICE", "ARCHITECTURE.md")
FOLDERS = ("docs", "examples")


def version() -> str:
    """The version of this project."""
    return re.search(r'__version__ = "([^"]+)"', (ROOT / "src/suwen/__init__.py").read_text("utf-8"))[1]  # type: ignore[index]


def download(wheels: Path, machine: str, python: str) -> None:
    """Every wheel of the lock for one machine and Python; what is there already is not asked for again."""
    tag = "cp" + python.replace(".", "")
    target = [word for libc in GLIBC for word in ("--platform", f"{libc}_{machine}")]
    target += ["--platform", "any", "--python-version", python, "--implementation", "cp", "--abi", tag, "--abi", "abi3", "--abi", "none"]
    # exists-action: the same file of another Python, such as one without compiled parts
    pip(["download", "--require-hashes", "-r", "requirements/run.lock", "--only-binary", ":all:", "--exists-action", "i", "--dest", str(wheels), *target])


def pip(words: list[str]) -> None:
    """Run this environment's pip."""
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words], cwd=ROOT, check=True)


def fill(folder: Path, machines: list[str], pythons: list[str]) -> None:
    """Everything that belongs into the archive, with its hashes."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    for machine in machines:
        for python in pythons:
            print(f"wheels for {machine}, Python {python}", flush=True)
            download(wheels, machine, python)
    pip(["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), "."])
    for page in PAGES:
        shutil.copy2(ROOT / page, folder / page)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "requirements/run.lock", folder / "run.lock")
    shutil.copy2(ROOT / "requirements/install.sh", folder / "install.sh")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n" for path in files(folder)]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def files(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in order."""
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def pack(folder: Path, target: Path) -> None:
    """The folder as an archive: the same files give the same bytes, whoever packs them and when. Wheels are packed already."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as out:
        for path in files(folder):
            entry = out.gettarinfo(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
            entry.uid = entry.gid = entry.mtime = 0
            entry.uname = entry.gname = ""
            entry.mode = 0o755 if path.suffix == ".sh" else 0o644
            with path.open("rb") as stream:
                out.addfile(entry, stream)


def main() -> None:
    """Read the arguments and make the archive."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--machine", action="append", choices=MACHINES, help="default: both")
    parser.add_argument("--python", action="append", choices=PYTHONS, help="default: all three")
    parser.add_argument("--into", type=Path, default=ROOT / "dist", help="the archive's folder")
    asked = parser.parse_args()
    name = f"suwen-{version()}-bundle"
    with tempfile.TemporaryDirectory(prefix="suwen-bundle-") as aside:
        fill(Path(aside) / name, asked.machine or list(MACHINES), asked.python or list(PYTHONS))
        target = asked.into / f"{name}.tar"
        pack(Path(aside) / name, target)
    print(f"{target}: {target.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
