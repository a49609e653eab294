"""All reference pages, by their file names, and their writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from suwen.base.system import explained
from suwen.flow.reference.commands import CommandPage, commands_page
from suwen.flow.reference.functions import functions_page
from suwen.flow.reference.indicators import base_page, indicator_page, indicators_page
from suwen.flow.reference.markdown import page
from suwen.flow.reference.packs import code_map_page, file_name, packs_page, template_page
from suwen.flow.reference.tables import events_page, findings_page, tables_page
from suwen.packs.loader import load_packs, shipped_packs

_FOLDERS = ("template", "code-map", "indicator", "base")


def reference_pages(commands: Sequence[CommandPage]) -> Mapping[str, str]:
    """File name below the reference folder -> its Markdown."""
    packs = load_packs(shipped_packs())
    pages = {
        "commands.md": commands_page(commands),
        "language.md": functions_page(),
        "tables.md": tables_page(),
        "events.md": events_page(),
        "findings.md": findings_page(),
        "packs.md": packs_page(packs),
        "indicators.md": indicators_page(packs),
    }
    pages |= {f"template/{file_name(name)}": template_page(template) for name, template in sorted(packs.templates.items())}
    pages |= {f"code-map/{file_name(name)}": code_map_page(code_map) for name, code_map in sorted(packs.code_maps.items())}
    pages |= {f"indicator/{name}.md": indicator_page(indicator, packs) for name, indicator in sorted(packs.indicators.items())}
    pages |= {f"base/{name}.md": base_page(base, packs) for name, base in sorted(packs.bases.items())}
    return {"README.md": _index(pages), **pages}


def _index(pages: Mapping[str, str]) -> str:
    titles = {name: text.split("\n", 1)[0].removeprefix("# ") for name, text in pages.items()}
    return page("Reference", [f"- [{title}]({name})" for name, title in titles.items()])


def write_reference(folder: Path, commands: Sequence[CommandPage]) -> list[Path]:
    """Write every page into a folder and take away pages of what is gone; gives the paths written."""
    pages = reference_pages(commands)
    with explained(folder):
        for below in _FOLDERS:
            (folder / below).mkdir(parents=True, exist_ok=True)
            for old in (folder / below).glob("*.md"):
                if f"{below}/{old.name}" not in pages:
                    old.unlink()
        for name, text in pages.items():
            (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in pages]
