"""What is installed: locks without addresses that agree with each other and the declaration, and a wheel that lacks nothing."""

import re
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.markers import Marker
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "requirements" / f"{name}.lock" for name in ("run", "dev", "spark")]
BUILD_FILES = [
    *LOCKS,
    ROOT / "Makefile",
    ROOT / "pyproject.toml",
    *(ROOT / "requirements" / name for name in ("setup.sh", "bundle.py", "install.sh")),
    ROOT / ".ci" / "run",
]
ADDRESS = re.compile(
    r"""[a-z+]+://                                                    # an address of any scheme
      | --(index-url|extra-index-url|find-links|trusted-host)\b       # an option that names an index or a host
      | (?<![\w./$)])/(root|home|Users|opt|mnt|work|var|tmp)/         # a folder of one machine
    """,
    re.VERBOSE,
)
# Every Python and machine that the locks promise to serve.
PLACES = [(python, machine) for python in ("3.11", "3.12", "3.13") for machine in ("x86_64", "aarch64")]


@pytest.fixture(scope="module")
def project() -> dict[str, list[Requirement]]:
    """What pyproject.toml asks for, by the lock that must hold it."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = {name: [Requirement(text) for text in texts] for name, texts in declared["optional-dependencies"].items()}
    run = [Requirement(text) for text in declared["dependencies"]]
    return {"run": run, "dev": run + extras["dev"], "spark": run + extras["dev"] + extras["spark"]}


def pins(lock: Path, python: str = "3.11", machine: str = "x86_64") -> dict[str, str]:
    """Name -> version of what the lock installs on Linux with this Python and machine."""
    lines = [line.removesuffix("\\") for line in lock.read_text("utf-8").splitlines() if line[:1].isalnum()]
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
    }
    wanted = [pin for pin in map(Requirement, lines) if (pin.marker or Marker("python_version > '0'")).evaluate(environment)]
    assert len({pin.name for pin in wanted}) == len(wanted), f"{lock.name}: a package twice on Python {python}"
    return {pin.name: str(pin.specifier).removeprefix("==") for pin in wanted}


@pytest.mark.parametrize("path", BUILD_FILES, ids=lambda path: path.name)
def test_build_files_name_no_host_and_no_folder_of_one_machine(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert not [f"{path.name}:{number}" for number, line in enumerate(lines, 1) if ADDRESS.search(line)]


@pytest.mark.parametrize("line", ["--index-url x", "a @ git+ssh://b/c", "https://a.example/simple", "cp /home/anne/x .", "mount /opt/x/y"])
def test_an_address_is_seen(line: str) -> None:
    assert ADDRESS.search(line)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_carries_hashes(lock: Path) -> None:
    blocks = re.split(r"\n(?=\w)", lock.read_text("utf-8").rstrip())
    assert blocks
    assert not [block.split()[0] for block in blocks if "--hash=sha256:" not in block]


@pytest.mark.parametrize(("python", "machine"), PLACES)
def test_locks_hold_what_is_declared_and_agree(project: dict[str, list[Requirement]], python: str, machine: str) -> None:
    run, dev, spark = (pins(lock, python, machine) for lock in LOCKS)
    assert run.items() <= dev.items() <= spark.items()
    for name, of in zip(("run", "dev", "spark"), (run, dev, spark), strict=True):
        missing = [str(wanted) for wanted in project[name] if not wanted.specifier.contains(of.get(wanted.name, "0"))]
        assert not missing, f"requirements/{name}.lock does not hold {missing}: run `make lock`"


def test_the_wheel_holds_every_file_of_the_source(tmp_path: Path) -> None:
    wheel = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path)))
    packed = set(zipfile.ZipFile(wheel).namelist())
    source = [path for path in (ROOT / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert any(path.suffix == ".csv" for path in source)
    assert not [path.name for path in source if path.relative_to(ROOT / "src").as_posix() not in packed]
    assert any(name.endswith("/licenses/LICENSE") for name in packed)
