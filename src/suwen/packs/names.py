"""The forms of names in packs; each refusal says what form was expected."""

from __future__ import annotations

import re

from suwen.packs.section import Section

WORD = re.compile(r"[a-z][a-z0-9_]*")
DASHED = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
VENDOR_PRODUCT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*")
LONGEST = 60

FORMS = {
    WORD: "small letters, digits and _, beginning with a letter",
    DASHED: "small letters and digits in parts joined by -",
    VENDOR_PRODUCT: "vendor/product, in small letters and digits, parts joined by -",
}


def check_name(section: Section, key: str, name: str, form: re.Pattern[str]) -> bool:
    """Whether a name written at `key` ("" for the section's own) has the form; reports it if not. Blank names were reported before."""
    if name and (not form.fullmatch(name) or len(name) > LONGEST):
        section.problem(key, f'"{name[:LONGEST]}" is not a good name', expected=f"{FORMS[form]}, at most {LONGEST} characters")
        return False
    return bool(name)


def check_columns(section: Section, key: str, names: tuple[str, ...]) -> None:
    """Column names of a source: any text without control characters; those beginning with _ are ours; engines do not tell capitals apart."""
    seen: dict[str, str] = {}
    for name in names:
        if name.startswith("_"):
            section.problem_at(key, name, f'column "{name}" begins with _', expected="a name that does not begin with _, which marks Suwen's own columns")
        if name != name.strip() or not name.isprintable():
            section.problem_at(
                key, name, f'column "{name.strip()}" has spaces around it or control characters', do="write it as in the file's header, without them"
            )
        if name.lower() in seen:
            section.problem_at(key, name, f'column "{name}" differs from "{seen[name.lower()]}" only by capitals', do="remove one")
        seen.setdefault(name.lower(), name)
