"""Where source records lie: from (receipt, record) to the file, line and bytes that arrived."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suwen.base.errors import SuwenError
from suwen.flow.stores import landing_of
from suwen.intake.archive import Refusal
from suwen.intake.formats.delimited import Location, Member, locate_many
from suwen.intake.formats.delimited.dialect import Dialect
from suwen.intake.formats.delimited.rows import skip_to, split, unended
from suwen.intake.landing import Landing
from suwen.intake.register import Receipts
from suwen.intake.survey_store import opener, survey_receipt
from suwen.model.pack import Kind, Template
from suwen.model.receipt import Receipt
from suwen.model.region import Region


@dataclass(frozen=True)
class RecordPlace:
    """One source record: its receipt and number, the file (and archive member) it stands in, its 1-based line, and its bytes with offset and length.

    `object` is the landed file, from the region's folder. In a packed file offset and length count unpacked bytes. `texts`: the bytes cut into the
    file's columns (null as the template says); empty where they cannot be. `delimiter`, `quote` ("": none): how they were cut.
    """

    feed: str
    kind: str
    receipt: int
    record: int
    file: str
    object: str
    member: str
    codec: str
    line: int
    offset: int
    length: int
    encoding: str
    raw: bytes
    texts: Mapping[str, str | None]
    delimiter: str
    quote: str

    @property
    def text(self) -> str:
        """The record's bytes as text, without its line end; what cannot be decoded is shown by a replacement character."""
        return self.raw.decode(self.encoding, "replace").removesuffix("\n").removesuffix("\r")


class Places:
    """Finds records of a region's receipts; surveys are kept from the run, so that finding reads little."""

    def __init__(self, region: Region) -> None:
        self.region, self.landing = region, landing_of(region)
        register = self.landing.register()
        self.receipts = Receipts(register, np.ones(len(register), np.bool_))

    def receipt(self, number: int) -> Receipt:
        """A receipt by its number. Raises SuwenError where there is none."""
        if number not in self.receipts:
            raise SuwenError(f"there is no receipt {number}", where=str(self.region.landing), do="restore landing from its copy")
        return self.receipts[number]

    def members(self, receipt: Receipt, template: Template) -> tuple[Member, ...]:
        """The files in a receipt as the template's reader surveyed them; none where it is refused."""
        found = survey(self.region, self.landing, receipt, template)
        return () if isinstance(found, Refusal) else found

    def find(self, template: Template, number: int, records: Sequence[int]) -> Iterator[RecordPlace]:
        """The places of records of one receipt, in ascending order without repeats."""
        receipt = self.receipt(number)
        wanted = sorted(set(records))
        for member in self.members(receipt, template):
            inside = [record for record in wanted if member.first_record <= record < member.first_record + member.records]
            if inside:
                yield from self._in_member(template, receipt, member, inside)

    def _in_member(self, template: Template, receipt: Receipt, member: Member, records: list[int]) -> Iterator[RecordPlace]:
        kind = kind_of(template, member.name)
        open_stream = opener(self.landing, receipt, member)
        shown = self.landing.shown(receipt).removeprefix(f"{self.region.folder}/")
        with open_stream() as stream:
            at = 0
            for place in locate_many(open_stream, member, records):
                skip_to(stream, at, place.byte_offset)
                raw = stream.read(place.byte_length)
                at = place.byte_offset + place.byte_length
                texts = texts_of(raw, member, template.reader.null)
                yield _place(receipt, member, kind.name if kind else "", shown, place, raw, texts)


def _place(receipt: Receipt, member: Member, kind: str, shown: str, place: Location, raw: bytes, texts: Mapping[str, str | None]) -> RecordPlace:
    inner = member.name if member.name != receipt.name else ""
    where = (receipt.name, shown, inner, member.codec, place.line, place.byte_offset, place.byte_length, member.encoding)
    return RecordPlace(receipt.feed, kind, receipt.sequence, place.record, *where, raw, texts, member.delimiter, member.quote)


def texts_of(raw: bytes, member: Member, null: Sequence[str]) -> Mapping[str, str | None]:
    """A record's bytes cut into the columns of its file; nothing where they cannot be."""
    try:
        fields = split(unended(raw.decode(member.encoding)), Dialect(member.encoding, member.delimiter, member.quote))
    except UnicodeDecodeError:
        return {}
    if fields is None or len(fields) != len(member.columns):
        return {}
    absent = {"", *null}
    return {column: None if text in absent and not quoted else text for column, (text, quoted) in zip(member.columns, fields, strict=True)}


def survey(
    region: Region, landing: Landing, receipt: Receipt, template: Template, progress: Callable[[int], None] = lambda _: None
) -> tuple[Member, ...] | Refusal:
    """The files in a receipt as the template's reader finds them, kept for the next who asks; or why the receipt is refused."""
    return survey_receipt(
        landing, receipt, template.reader, lambda name: columns_of(template, name), piece_bytes=region.settings.piece_mb << 20, progress=progress
    )


def kind_of(template: Template, name: str) -> Kind | None:
    """The one kind whose patterns fit a file's base name; None for no or several kinds."""
    fitting = kinds_of(template, name)
    return fitting[0] if len(fitting) == 1 else None


def kinds_of(template: Template, name: str) -> list[Kind]:
    """Every kind whose patterns fit a file's base name; a good template has one."""
    base = name.rsplit("/", 1)[-1].lower()
    return [kind for kind in template.kinds.values() if any(fnmatch.fnmatchcase(base, pattern.lower()) for pattern in kind.files)]


def columns_of(template: Template, name: str) -> tuple[str, ...]:
    """The columns of a file without header, by its kind."""
    kind = kind_of(template, name)
    return (*kind.columns, *kind.optional) if kind else ()
