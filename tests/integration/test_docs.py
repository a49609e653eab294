"""The written pages: their commands run and print what stands beneath them, their links lead somewhere, their words are those of the code.

A block marked `sh run` is run in a folder of its own page, `sh run exit 2` must end so; a block marked `text output` that follows is what it prints, `…`
standing for anything. What a command that ends well prints is its standard output, what one that fails prints its standard error.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import pytest

from suwen import __version__
from suwen.cli.main import main
from suwen.flow.quarantine import HELD
from suwen.model.finding import FINDINGS, Severity, Stage
from suwen.model.receipt import Mode, State
from suwen.repository.versions import STATES

ROOT = Path(__file__).parents[2]
WRITTEN = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
RUN = ["README.md", "docs/guide/write-a-template.md", "docs/guide/write-an-indicator.md", "docs/guide/deliveries.md", "docs/guide/operate.md"]
_FENCE = re.compile(r"^```\w+ ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEREDOC = re.compile(r"<<'?(\w+)'?$")
OURS = "suwen "
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """Commands of a page, the exit code they end with, and what they print ("" where the page does not say)."""

    line: int
    commands: str
    code: int
    output: str


def blocks(text: str) -> list[Block]:
    found: list[Block] = []
    for fence in _FENCE.finditer(text):
        if run := re.fullmatch(r"run(?: exit (\d+))?", fence[1]):
            found.append(Block(text.count("\n", 0, fence.start()) + 1, fence[2], int(run[1] or 0), ""))
        elif fence[1] == "output":
            found[-1] = replace(found[-1], output=fence[2])
    return found


def statements(commands: str) -> Iterator[str]:
    """The commands of a block in turn: each of ours with its quotes closed, and what stands between them for the shell as one."""
    lines, shell = iter(commands.splitlines()), ""
    for line in lines:
        statement = line
        fed = _HEREDOC.search(line)
        while fed and not statement.endswith(f"\n{fed[1]}"):
            statement += "\n" + next(lines)
        while not fed and not _closed(statement):
            statement += "\n" + next(lines)
        if not statement.startswith(OURS):
            shell += statement + "\n"
            continue
        if shell.strip():
            yield shell
        shell = ""
        yield statement
    if shell.strip():
        yield shell


def _closed(statement: str) -> bool:
    try:
        shlex.split(statement)
    except ValueError:
        return False
    return not statement.endswith("\\")


def matches(expected: str, printed: str) -> bool:
    """Whether a page's output is what was printed, however wide the columns: `…` within a line is any text, on a line of its own any lines."""
    parts = ["(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in _narrowed(expected)]
    return re.fullmatch("".join(parts), "".join(f"{line}\n" for line in _narrowed(printed))) is not None


def _narrowed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.mark.parametrize("page", RUN)
def test_commands_of_a_page_do_what_it_says(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    wrong: list[str] = []
    for block in blocks((ROOT / page).read_text("utf-8")):
        codes = [_run(statement) for statement in statements(block.commands)]
        out, error = capfd.readouterr()
        if codes[-1] != block.code or any(codes[:-1]):
            wrong.append(f"{page}:{block.line} ended with {codes}\n{error}")
        printed = error if block.code else out
        if block.output and not matches(block.output, printed):
            wrong.append(f"{page}:{block.line} printed\n{printed}")
    assert not wrong, "\n".join(wrong)


def _run(statement: str) -> int:
    """Ours in this process, which spares a start for each; everything else by the shell."""
    if statement.startswith(OURS):
        words = shlex.split(statement.replace("\\\n", ""))[1:]
        return main([path for word in words for path in _expanded(word)])
    return subprocess.run(["sh", "-ec", statement], check=False, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}).returncode


def _expanded(word: str) -> list[str]:
    """File names for a pattern of them, as a shell gives them."""
    return sorted(map(str, Path().glob(word))) if re.fullmatch(r"[\w./*-]*\*[\w./*-]*", word) else [word]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = _FENCE.sub("", page.read_text("utf-8"))
    broken = [link for link in _LINK.findall(text) if not link.startswith(("https://", "http://")) and not _leads(page, link)]
    assert not broken


def _leads(page: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and ROOT in (target, *target.parents) and (not heading or heading in _headings(target))


def _headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual hosts make them."""
    titles = re.findall(r"^#+ +(.+?) *$", _FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", *(f"docs/decisions/{page.name}" for page in (ROOT / "docs" / "decisions").glob("*.md"))])
def test_modules_that_are_named_are_there(page: str) -> None:
    text, source = (ROOT / page).read_text("utf-8"), ROOT / "src" / "suwen"
    named = re.findall(r"\b(?:base|model|packs|engine|intake|repository|flow|cli)/[\w/]+\.py", text)
    assert not [name for name in named if not (source / name).exists()]


def test_every_guide_and_decision_is_listed() -> None:
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text("utf-8")
    missing = [page.name for page in (ROOT / "docs" / "decisions").glob("*.md") if page.name != "README.md" and f"({page.name})" not in listed]
    readme = (ROOT / "README.md").read_text("utf-8")
    assert not missing + [page.name for page in (ROOT / "docs" / "guide").glob("*.md") if f"docs/guide/{page.name}" not in readme]


def test_every_guide_with_commands_is_run() -> None:
    pages = [page.relative_to(ROOT).as_posix() for page in WRITTEN if blocks(page.read_text("utf-8"))]
    assert sorted(pages) == sorted(RUN)


def test_a_command_that_prints_otherwise_is_found() -> None:
    assert matches("a …\n…\nlast\n", "a b\nx\ny\nlast\n")
    assert matches("…\n", "") and not matches("a\n", "a\nb\n") and not matches("a.c\n", "abc\n")
    told = "a <<'END'\nsuwen x\nEND\nb\nsuwen q \"c\nd\"\n\ne \\\n f"
    assert list(statements(told)) == ["a <<'END'\nsuwen x\nEND\nb\n", 'suwen q "c\nd"', "\ne \\\n f\n"]


def _terms() -> set[str]:
    """The words explained in the glossary: the first cell of each row."""
    rows = re.findall(r"^\| (.+?) \|", (ROOT / "GLOSSARY.md").read_text("utf-8"), re.MULTILINE)
    return {word.strip().strip("`*") for row in rows for word in row.split(",")}


@pytest.mark.parametrize(
    "words",
    [
        lambda: set(STATES) | {HELD},
        lambda: {mode.value for mode in Mode},
        lambda: {state.value for state in State},
        lambda: set(get_args(Stage)),
        lambda: set(get_args(Severity)),
        lambda: {one.stage for one in FINDINGS.values()},
    ],
    ids=["states of records", "modes", "states of deliveries", "finding stages", "finding severities", "stages in use"],
)
def test_the_glossary_explains_the_words_of_the_code(words: Callable[[], set[str]]) -> None:
    assert not words() - _terms()


def test_every_term_stands_in_both_languages() -> None:
    rows = [line for line in (ROOT / "GLOSSARY.md").read_text("utf-8").splitlines() if line.startswith("| ") and not line.startswith("| term")]
    assert len(rows) > 60
    assert not [row for row in rows if len(row.split(" | ")) != 3 or not re.search(r"[\u4e00-\u9fff]", row.split(" | ")[1])]


def test_the_changes_name_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## {re.escape(__version__)}\b|^## Unreleased\b", text, re.MULTILINE)


@pytest.mark.deep
def test_the_demonstration_runs_and_fits_a_screen(tmp_path: Path) -> None:
    """In a copy of what it needs, with `suwen` from this environment."""
    binary = tmp_path / "bin"
    binary.mkdir()
    (binary / "suwen").write_text(f'#!/bin/sh\nPYTHONPATH={ROOT / "src"} exec {shlex.quote(os.sys.executable)} -m suwen.cli.main "$@"\n')  # type: ignore[attr-defined]
    (binary / "suwen").chmod(0o755)
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "examples").symlink_to(ROOT / "examples")
    env = {"PATH": f"{binary}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "examples/demo.sh"], cwd=tmp_path / "project", env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 100 and sum(line.startswith("== ") for line in lines) == 10
