"""How commands end: exit codes, and that no foreign message, which may hold a value of a record, is ever shown or kept."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from suwen.base.errors import Defect, Place, SuwenError
from suwen.cli.faults import ended
from suwen.cli.main import main
from suwen.packs.problem import PackErrors, Problem

SECRET = "Zhang San 110101199003078515"


def raising(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


def test_a_mistake_of_the_user_ends_with_2_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    error = SuwenError("no such thing", where=Place("feeds/a.toml", 3), expected="another", do="write it so")
    assert ended(raising(error), as_json=False) == 2
    assert capsys.readouterr().err == "feeds/a.toml:3: no such thing\n  expected: another\n  to do: write it so\n"
    assert ended(raising(error), as_json=True) == 2
    assert json.loads(capsys.readouterr().err) == {
        "errors": [{"what": "no such thing", "where": "feeds/a.toml:3", "expected": "another", "do": "write it so", "code": ""}]
    }


def test_of_several_mistakes_all_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    error = PackErrors([Problem(Place("a.toml", 1), "one"), Problem(Place("b.toml", 2), "two")])
    assert ended(raising(error), as_json=True) == 2
    assert [found["where"] for found in json.loads(capsys.readouterr().err)["errors"]] == ["a.toml:1", "b.toml:2"]


def kept_file(told: str) -> Path:
    found = re.search(r"\S+suwen-defect-\S+\.txt", told)
    assert found
    return Path(found[0])


@pytest.mark.parametrize(
    "error", [ValueError(SECRET), KeyError(SECRET), OSError(5, SECRET), RuntimeError(SECRET), UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET)]
)
def test_a_foreign_exception_ends_with_70_and_shows_none_of_its_words(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise KeyError(SECRET) from ValueError(SECRET)
    except KeyError as cause:
        error.__cause__ = cause
    assert ended(raising(error), as_json=False) == 70
    told = capsys.readouterr()
    assert told.out == "" and type(error).__name__ in told.err and "Traceback" not in told.err
    kept = kept_file(told.err)
    assert "KeyError" in kept.read_text() and "test_faults.py" in kept.read_text()
    assert not [word for word in SECRET.split() if word in told.err + kept.read_text()]
    kept.unlink()


def test_what_the_system_refuses_is_told_with_its_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(PermissionError(13, SECRET, "lake/x")), as_json=False) == 2
    told = capsys.readouterr().err
    assert told.startswith("lake/x: the system refused: permission denied") and "to do:" in told and "Zhang" not in told


def test_our_own_defects_say_what_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(Defect("the books of cdr/person do not balance")), as_json=False) == 70
    told = capsys.readouterr().err
    assert "the books of cdr/person do not balance" in told
    kept_file(told).unlink()


def test_an_interrupt_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(KeyboardInterrupt()), as_json=False) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--version"], 0, ""),
        (["--help"], 0, ""),
        (["land", "--help"], 0, ""),
        ([], 2, ""),
        (["lend"], 2, "No such command 'lend'"),
        (["feed"], 2, ""),
        (["feed", "ad"], 2, "No such command 'ad'"),
        (["land"], 2, "no feed was named"),
        (["simulate"], 2, "Missing argument"),
        (["query"], 2, "Missing argument"),
        (["trace", "person"], 2, "Missing argument"),
        (["land", "a", "b", "--nothing"], 2, "No such option"),
        (["quarantine", "show", "--limit", "0"], 2, "--limit"),
        (["quarantine", "show", "--limit", "x"], 2, "--limit"),
        (["status"], 2, "there is no region.toml here"),
        (["check", "--region", "nowhere"], 2, "there is no region.toml here"),
        (["land", "a", "b", "--as-of", "yesterday"], 2, "region.toml"),
    ],
)
def test_what_is_typed_wrong_ends_with_2(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == code
    told = capsys.readouterr()
    assert said in told.err and "Traceback" not in told.out + told.err
    assert told.out or told.err


def test_where_nobody_reads_any_more_it_ends_quietly(root: Path, tmp_path: Path) -> None:
    code = """
import sys
from suwen.cli.faults import ended

def command():
    for n in range(200000):
        sys.stdout.write(f"{n}\\n")
    return 0

sys.exit(ended(command, False))
"""
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def shell(root: Path, line: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    """A line of the shell in which `suwen` stands for the command; its last word is the exit code of the first command of a pipe."""
    command = f"{sys.executable} -m suwen.cli.main"
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    return subprocess.run(
        ["bash", "-c", line.replace("suwen", command, 1) + "; exit ${PIPESTATUS[0]}"], capture_output=True, env=environment, cwd=folder, check=False
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("suwen docs --help | false", 141),
        ("suwen docs --output . >&-", 0),
        ("suwen status 2>&-", 2),
        ("suwen status 2>/dev/full", 2),
        ("suwen docs --output . >/dev/full", 2),
        ("suwen query - <&-", 2),
    ],
)
def test_odd_streams_change_the_exit_code_only(root: Path, tmp_path: Path, line: str, code: int) -> None:
    done = shell(root, line, tmp_path)
    assert done.returncode == code, done.stderr
    assert not any(word in done.stderr for word in (b"Traceback", b"defect", b"Exception"))
