"""The reference pages: those in docs/reference are up to date, and leave nothing out."""

import re
from collections.abc import Mapping
from pathlib import Path
from posixpath import dirname, normpath

import pytest
import typer

from suwen.cli.main import app
from suwen.cli.pages import command_pages
from suwen.flow.reference import reference_pages, write_reference
from suwen.flow.reference.functions import shown
from suwen.flow.reference.markdown import cell, code
from suwen.model.cdm import TABLES
from suwen.model.event import GENERIC
from suwen.model.extension import EXTENSION_TABLES
from suwen.model.finding import FINDINGS
from suwen.model.functions import FUNCTIONS, OPERATORS, SPECIAL
from suwen.model.state import TABLES as STATE_TABLES
from suwen.packs.loader import load_packs, shipped_packs

COMMANDS = "new status land run releases ledger query trace check docs feed-add feed-list quarantine-list quarantine-show quarantine-export quarantine-replay"


@pytest.fixture(scope="module")
def pages() -> Mapping[str, str]:
    return reference_pages(command_pages(typer.main.get_command(app)))


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


def test_the_pages_in_the_project_are_those_of_today(pages: Mapping[str, str], root: Path) -> None:
    folder = root / "docs" / "reference"
    there = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.md")}
    stale = sorted(name for name in {*there, *pages} if there.get(name) != pages.get(name))
    assert not stale, f"run `make docs`: {', '.join(stale)}"


def test_every_command_and_option_is_there(pages: Mapping[str, str]) -> None:
    found = headings(pages["commands.md"])
    assert {f"suwen {name.replace('-', ' ')}" for name in [*COMMANDS.split(), "vocabulary-load", "vocabulary-show"]} <= set(found)
    for command in command_pages(typer.main.get_command(app)):
        assert command.help and all(option.help for option in command.options), command.name
        assert command.name in found and all(code(option.name) in pages["commands.md"] for option in command.options)


def test_every_function_stands_with_all_its_examples(pages: Mapping[str, str]) -> None:
    text = pages["language.md"]
    assert {*FUNCTIONS, *SPECIAL} <= set(headings(text))
    for function in FUNCTIONS.values():
        assert function.signature in text and function.en in text and function.zh in text
        for example in function.examples:
            assert cell(code(f"{function.name}({', '.join(shown(value) for value in example.args)})")) in text
    assert all(code(operator.symbol) in text for operator in OPERATORS)


def test_every_finding_code_in_both_languages(pages: Mapping[str, str]) -> None:
    for finding in FINDINGS.values():
        assert f"| `{finding.code}` |" in pages["findings.md"]
        assert cell(finding.message_en) in pages["findings.md"] and cell(finding.message_zh) in pages["findings.md"]


def test_every_table_and_column(pages: Mapping[str, str]) -> None:
    found = headings(pages["tables.md"])
    assert {*TABLES, *EXTENSION_TABLES, *(name.replace("/", ".") for name in STATE_TABLES)} <= set(found)
    assert all(f"| `{column.name}` |" in pages["tables.md"] for table in (*TABLES.values(), *EXTENSION_TABLES.values()) for column in table.columns)
    assert all(f"| `{name}` |" in pages["events.md"] for name in GENERIC)


def test_every_template_and_code_map_of_every_pack(pages: Mapping[str, str]) -> None:
    packs = load_packs(shipped_packs())
    for name, template in packs.templates.items():
        text = pages[f"template/{name.replace('/', '-')}.md"]
        assert {*template.kinds, *template.targets, *(example.name for example in template.examples)} <= set(headings(text))
        assert all(cell(code(e.text)) in text for target in template.targets.values() for e in target.columns.values())
    for system, code_map in packs.code_maps.items():
        assert all(cell(code(entry.source_code)) in pages[f"code-map/{system}.md"] for entry in code_map.entries)
    assert all(f"[{name}]" in pages["packs.md"] for name in (*packs.templates, *packs.code_maps))


def test_every_indicator_point_base_and_breakdown(pages: Mapping[str, str]) -> None:
    packs = load_packs(shipped_packs())
    for code_, indicator in packs.indicators.items():
        text = pages[f"indicator/{code_}.md"]
        assert {f"{one} {point.title['en']}" for one, point in indicator.points.items()} <= set(headings(text))
        assert {example.name for example in indicator.examples} <= set(headings(text))
        assert all(said in text for language in ("en", "zh") for said in (indicator.title[language], indicator.definition[language]))
        assert f"[{code_}](indicator/{code_}.md)" in pages["indicators.md"] and f"[{code_}]" in pages["packs.md"]
    for name, base in packs.bases.items():
        assert cell(code(base.keep.text if base.keep else "")) in pages[f"base/{name}.md"]
    assert all(one.title["zh"] in pages["indicators.md"] for one in packs.breakdowns.values())


def test_links_lead_somewhere(pages: Mapping[str, str]) -> None:
    for name, text in pages.items():
        for target, anchor in re.findall(r"\]\(([^)#]+)(#[^)]+)?\)", text):
            meant = normpath(f"{dirname(name)}/{target}").lstrip("/")
            assert meant in pages, f"{name} leads to {target}"
            assert not anchor or anchor in {f"#{slug(heading)}" for heading in headings(pages[meant])}, f"{name} leads to {target}{anchor}"
        anchors = {heading.lower() for heading in headings(text)}
        assert {anchor for anchor in re.findall(r"\]\(#([^)]+)\)", text)} <= anchors


def slug(heading: str) -> str:
    """A heading's anchor as Markdown readers make it: small letters and digits, blanks as dashes, other marks gone."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_tables_are_whole(pages: Mapping[str, str]) -> None:
    for name, text in pages.items():
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(widths) == 1, f"{name}: {block.splitlines()[0]}"


def test_writing_takes_away_pages_of_what_is_gone(tmp_path: Path) -> None:
    (tmp_path / "template").mkdir()
    (tmp_path / "template" / "gone.md").write_text("old")
    (tmp_path / "mine.md").write_text("kept")
    written = write_reference(tmp_path, [])
    assert not (tmp_path / "template" / "gone.md").exists() and (tmp_path / "mine.md").exists() and all(path.exists() for path in written)


@pytest.mark.parametrize(("text", "written"), [("a", "`a`"), ("", ""), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a``b", "```a``b```"), ("a\nb", "`a b`")])
def test_code_keeps_its_backticks(text: str, written: str) -> None:
    assert code(text) == written
