"""Where a member says `direct`, DuckDB reading the file as it lies gives the same records and values as our own reader."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from suwen.intake.formats.delimited import Member, direct_options, read, survey
from suwen.model.pack import Delimited

_FOLDER = TemporaryDirectory()
FILE = Path(_FOLDER.name, "file.csv")
COLUMNS = ("a", "b", "c")


def written(value: object) -> str:
    """A value as DuckDB's SQL writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return str(value).lower() if isinstance(value, bool | int) else "'" + str(value).replace("'", "''") + "'"


def written_options(member: Member, spec: Delimited = Delimited()) -> str:  # noqa: B008
    return ", ".join(f"{name} = {written(value)}" for name, value in direct_options(member, spec).items())


def by_duckdb(member: Member, spec: Delimited) -> list[tuple[str | None, ...]]:
    return duckdb.sql(f"select * from read_csv('{FILE}', {written_options(member, spec)})").fetchall()


def by_us(member: Member, spec: Delimited) -> list[tuple[str | None, ...]]:
    return [
        tuple(row[name] for name in member.columns)
        for piece in member.pieces
        for batch in read(lambda: FILE.open("rb"), spec, member, piece)
        for row in batch.to_pylist()
    ]


FIELDS = st.sampled_from(
    [
        "",
        "",
        "a",
        "NULL",
        " ",
        " a ",
        "张",
        "\t",
        "#",
        "'",
        "\\",
        "\\N",
        '""',
        '"a"',
        '"NULL"',
        '" "',
        '"x""y"',
        '""""',
        '"\n"',
        '"\r\n"',
        '"{d}"',
        "a'b",
        '"\r"',
        "\ufeff",
        "-",
        '"\\"',
        "0x1",
        "1e5",
        "//",
        '"#"',
        "\x1a",
        "\u2028",
        "\x0b",
        "\x85",
    ]
)


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, Delimited]:
    delimiter = draw(st.sampled_from([",", "|", "\t", ";", "^", "\x01", " "]))
    spec = Delimited(
        delimiter=delimiter,
        quote=draw(st.sampled_from(['"', '"', "none"])),
        encoding="utf-8",
        header=draw(st.booleans()),
        skip_lines=draw(st.sampled_from([0, 0, 0, 1, 2])),
        null=draw(st.sampled_from([("",), ("", "NULL"), ("\\N",)])),
    )
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    rows = draw(st.lists(st.tuples(FIELDS, FIELDS, FIELDS), max_size=6))
    lines = [delimiter.join(row).replace("{d}", delimiter) for row in rows]
    head = ["x,y"] * spec.skip_lines + ([delimiter.join(COLUMNS)] if spec.header else [])
    text = "".join(line + draw(st.sampled_from([end, end, end, end, "\n"])) for line in head) + end.join(lines) + draw(st.sampled_from(["", end, end]))
    mark = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"]))
    return mark + text.encode(), spec


@settings(max_examples=500)
@given(file=files())
@example(file=(b'a,b,c\n,"",\n', Delimited()))
@example(file=(b'a,b,c\n"",,', Delimited()))
def test_direct_means_the_same(file: tuple[bytes, Delimited]) -> None:
    raw, spec = file
    FILE.write_bytes(raw)
    member = survey(lambda: FILE.open("rb"), spec, name="f", columns=COLUMNS) if raw.count(b"\n") >= spec.skip_lines else None
    if member is not None and member.direct:
        assert by_duckdb(member, spec) == by_us(member, spec)


def test_ordinary_files_are_direct() -> None:
    FILE.write_bytes(b'a,b,c\r\n1,"x, ""y""",\r\n2,"",\xe5\xbc\xa0\r\n')
    member = survey(lambda: FILE.open("rb"), Delimited(), name="f")
    assert member.direct
    assert by_duckdb(member, Delimited()) == [("1", 'x, "y"', None), ("2", "", "张")]


def test_records_of_several_lines_are_not_left_to_duckdb() -> None:
    """DuckDB 2.0 reads them wrongly, or not at all, where it cuts a large file inside one."""
    for raw in (b'a,b\n1,"x\ny"\n', b'a,b\n1,2\n1,"\n"\n3,4\n'):
        FILE.write_bytes(raw)
        member = survey(lambda: FILE.open("rb"), Delimited(), name="f")
        assert not member.direct
        assert all(piece.regular for piece in member.pieces)


@pytest.mark.deep
@pytest.mark.parametrize("text", ['x"",""y', "1,2,3", '"",""', "plain text of some length and no more"])
def test_direct_means_the_same_where_duckdb_reads_in_parallel(text: str) -> None:
    """DuckDB cuts large files between threads, perhaps inside quotes."""
    with FILE.open("w", newline="") as file:
        file.write("a,b,c\n")
        for n in range(700_000):
            file.write(f'{n},"{text}","{n % 7}"\n' if n % 3 else f'{n},"{text * 40}",\n')
    member = survey(lambda: FILE.open("rb"), Delimited(), name="f")
    assert member.direct
    assert member.length > 48 << 20
    count = 0
    with duckdb.connect() as connection:
        reader = connection.sql(f"select * from read_csv('{FILE}', {written_options(member)})").to_arrow_reader(50_000)
        theirs = (row for batch in reader for row in zip(*(column.to_pylist() for column in batch.columns), strict=True))
        ours = (
            row
            for piece in member.pieces
            for batch in read(lambda: FILE.open("rb"), Delimited(), member, piece)
            for row in zip(*(column.to_pylist() for column in batch.columns[:-1]), strict=True)
        )
        for left, right in zip(theirs, ours, strict=True):
            assert left == right
            count += 1
    assert count == member.records == 700_000
