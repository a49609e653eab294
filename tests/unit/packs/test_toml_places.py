"""Every key of a TOML file has its line, and what is not TOML is refused with one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.base.errors import Place, SuwenError
from suwen.packs.toml_places import parse_toml, places, read_toml

EXAMPLE = '''\
# a comment = "with a key"
top = "x"
"quoted key" = 1
dotted . "in.ner" = true

[table]          # [not.a.header]
text = """
inside = "not a key"
[nor] a header \\"""
"""
literal = \'\'\'
a = 'b'\'\'\'\'
list = [
  "one",  # two
  [1, 2], { deep = [
     3,
     { deeper = 4 } ] },
]
inline = { a = 1, "b c" = "}]", d.e = 2 }
at = 1979-05-27 07:32:00

[[table.items]]
n = 1
[table.items.sub]
m = 1
[[table.items]]
[[table.items.many]]
[[table.items.many]]
k = 2
[a.b.c]
[a]
z = 0
'''


def test_lines_of_every_form() -> None:
    lines = parse_toml(EXAMPLE.encode(), "x.toml").lines
    expected = {
        ("top",): 2,
        ("quoted key",): 3,
        ("dotted",): 4,
        ("dotted", "in.ner"): 4,
        ("table",): 6,
        ("table", "text"): 7,
        ("table", "literal"): 11,
        ("table", "list"): 13,
        ("table", "list", 0): 14,
        ("table", "list", 1): 15,
        ("table", "list", 1, 1): 15,
        ("table", "list", 2): 15,
        ("table", "list", 2, "deep"): 15,
        ("table", "list", 2, "deep", 0): 16,
        ("table", "list", 2, "deep", 1, "deeper"): 17,
        ("table", "inline", "a"): 19,
        ("table", "inline", "b c"): 19,
        ("table", "inline", "d", "e"): 19,
        ("table", "at"): 20,
        ("table", "items", 0): 22,
        ("table", "items", 0, "n"): 23,
        ("table", "items", 0, "sub"): 24,
        ("table", "items", 0, "sub", "m"): 25,
        ("table", "items", 1): 26,
        ("table", "items", 1, "many", 0): 27,
        ("table", "items", 1, "many", 1): 28,
        ("table", "items", 1, "many", 1, "k"): 29,
        ("a", "b", "c"): 30,
        ("a",): 31,
        ("a", "z"): 32,
    }
    assert {path: lines.get(path) for path in expected} == expected


def test_a_path_that_is_not_written_has_the_place_of_the_part_around_it() -> None:
    document = parse_toml(b"\n[a]\nb = 1\n", "x.toml")
    assert document.place(("a", "nosuch", "deeper")) == Place("x.toml", 2)
    assert document.place(("nosuch",)) == Place("x.toml", 1)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _paths(inner, (*path, key))


KEYS = st.one_of(st.sampled_from(["a", "b", "c-1"]), st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=4))
PLAIN = st.one_of(st.integers(-9, 9), st.booleans(), st.sampled_from(["", "x", "#", '"', "'", "a = 1", "\n[t]\n", "]", "}", "\\", "\n\n", "'''", '"""']))
VALUES = st.recursive(PLAIN, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)), max_leaves=12)


def _text(value: Any, breaks: bool) -> str:
    """A TOML value; lists broken over lines where `breaks`."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"""\n{escaped}"""' if breaks and "\n" in value else '"' + escaped.replace("\n", "\\n") + '"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        gap = "\n  # ]\n  " if breaks else " "
        return "[" + "".join(f"{gap}{_text(item, breaks)}," for item in value) + f"{gap}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_text(key, False)} = {_text(item, False)}" for key, item in value.items()) + " }"
    return str(value)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=3), st.booleans())
def test_the_paths_are_those_of_the_values(top: dict[str, Any], tables: list[dict[str, Any]], breaks: bool) -> None:
    top.pop("list", None)
    lines = [f"{_text(key, False)} = {_text(value, breaks)}" for key, value in top.items()]
    for table in tables:
        lines += ["", "[[list]]", *(f"{_text(key, False)} = {_text(value, breaks)}" for key, value in table.items())]
    text = "\n".join(lines)
    document = parse_toml(text.encode(), "x.toml")
    assert document.data == {**top, **({"list": tables} if tables else {})}
    assert set(document.lines) == set(_paths(document.data))
    for path, line in document.lines.items():
        if len(path) == 1 and path != ("list",):
            assert text.split("\n")[line - 1].startswith(_text(path[0], False))


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a = 1\nb = \nc = 2\n", 2, "invalid value"),
        ("a = 1\n\na = 2\n", 3, "cannot overwrite a value"),
        ('a = 1\nb = "open\n', 2, "illegal character"),
        ("a = [1,\n2\n", 2, "unclosed array"),
        ("[a]\n[a]\n", 2, "cannot declare"),
        ("a = 2020-13-01\n", 1, "not valid TOML"),
        ("a = " + "1" * 5000 + "\n", 0, "not valid TOML"),
        ("a = " + "[" * 5000 + "]" * 5000, 0, "nested too deeply"),
    ],
)
def test_what_is_not_toml_is_refused_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(SuwenError) as caught:
        parse_toml(text.encode(), "x.toml")
    assert caught.value.where == Place("x.toml", line)
    assert what in caught.value.what


@pytest.mark.parametrize("text", ["姓名 = 1\n", "[kind.患者]\n", 'on = { 流水号 = "VID" }\n'])
def test_a_name_that_needs_quotes_is_told_so(text: str) -> None:
    with pytest.raises(SuwenError, match="stands in double quotes"):
        parse_toml(text.encode(), "x.toml")


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b"\xef\xbb\xbfa = 1\n", 1, "byte order mark"),
        (b"a = 1\nb = '\xb9\xfa'\n", 2, "not valid UTF-8"),
        (b"a = 1\n\nb = '\0'\n", 3, "NUL"),
        ("a = 1\n".encode("utf-16"), 1, "NUL"),
        (b"# " + b"x" * (5 * 1024 * 1024), 0, "larger than 5 MB"),
    ],
)
def test_files_that_are_not_utf8_text_of_bounded_size_are_refused(tmp_path: Path, content: bytes, line: int, what: str) -> None:
    (tmp_path / "x.toml").write_bytes(content)
    with pytest.raises(SuwenError) as caught:
        read_toml(tmp_path / "x.toml", "x.toml")
    assert caught.value.where == Place("x.toml", line)
    assert what in caught.value.what


def test_a_folder_or_nothing_where_a_file_should_be(tmp_path: Path) -> None:
    for path, what in ((tmp_path, "a folder stands where a file is expected"), (tmp_path / "none.toml", "no such file")):
        with pytest.raises(SuwenError, match=what):
            read_toml(path)


def test_windows_line_ends() -> None:
    assert places("a = 1\r\nb = [\r\n1]\r\n".replace("\r\n", "\n")) == {("a",): 1, ("b",): 2, ("b", 0): 3}
    assert parse_toml(b"a = 1\r\n\r\n[t]\r\nb = '''x\r\ny'''\r\nc = 2\r\n", "x").lines[("t", "c")] == 6
