"""The form of an answer: JSON, or for large ones CSV and Arrow, sent as they are read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from http import HTTPStatus
from threading import BoundedSemaphore

import pyarrow as pa
from django.http import HttpRequest, StreamingHttpResponse

from suwen.serve.api.faults import Fault
from suwen.serve.api.limits import STREAMS
from suwen.serve.api.numbers import plain

RELEASE = "X-Suwen-Release"


class Form(StrEnum):
    """How an answer is written."""

    JSON = "json"
    CSV = "csv"
    ARROW = "arrow"


MEDIA = {Form.JSON: "application/json", Form.CSV: "text/csv", Form.ARROW: "application/vnd.apache.arrow.stream"}
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_STARTS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20\t\r\n")
_BOM = "\ufeff"


def form_of(request: HttpRequest, wanted: str = "") -> Form:
    """The form asked for by the parameter `format`, else by the header Accept. Raises Fault where it asks for none of ours."""
    if wanted:
        return Form(wanted)
    ranked = sorted((_ranked(part) for part in request.headers.get("Accept", "").split(",") if part.strip()), key=lambda pair: -pair[1])
    if not ranked:
        return Form.JSON
    for media, quality in ranked:
        for form, own in MEDIA.items():
            if quality > 0 and (media in ("*/*", own) or media == own.split("/")[0] + "/*"):
                return form
    raise Fault(HTTPStatus.NOT_ACCEPTABLE, "the answer cannot have that form", where="header Accept", expected=" or ".join(MEDIA.values()))


def json_only(request: HttpRequest) -> None:
    """Raises Fault where a request wants something else of an address that has only JSON."""
    if form_of(request) is not Form.JSON:
        raise Fault(HTTPStatus.NOT_ACCEPTABLE, "this address answers in JSON only", where="header Accept", expected=MEDIA[Form.JSON])


def _ranked(part: str) -> tuple[str, float]:
    media, *parameters = (one.strip() for one in part.lower().split(";"))
    quality = next((one.removeprefix("q=") for one in parameters if one.startswith("q=")), "1")
    return media, float(quality) if re.fullmatch(r"[0-9](\.[0-9]{0,3})?", quality) else 0.0


def streamed(form: Form, schema: pa.Schema, batches: Iterator[pa.RecordBatch], *, release: int, name: str, bom: bool = False) -> StreamingHttpResponse:
    """A large answer, sent batch by batch; its release is named in a header, in Arrow's metadata, and in a last column of CSV."""
    chunks = _arrow(schema, batches, release) if form is Form.ARROW else _csv(schema, batches, release, bom)
    response = StreamingHttpResponse(_Held(chunks), content_type=MEDIA[form] + ("; charset=utf-8" if form is Form.CSV else ""))
    response["Content-Disposition"] = f'attachment; filename="{_file_name(name)}-release-{release}.{"csv" if form is Form.CSV else "arrows"}"'
    response[RELEASE] = str(release)
    return response


class _Held:
    """Chunks counted among the long answers while they are sent; the first is made at once, while what fails can still be said."""

    def __init__(self, chunks: Iterator[bytes], places: BoundedSemaphore = STREAMS) -> None:
        self._open = places.acquire(blocking=False)
        if not self._open:
            raise Fault(HTTPStatus.TOO_MANY_REQUESTS, "too many long answers are being sent", do="ask again in a while", headers={"Retry-After": "5"})
        self._chunks, self._places, self._first = chunks, places, b""
        self._first = next(self, b"")

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        try:
            return next(self._chunks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give back the place, once, and what the chunks hold open."""
        if self._open:
            self._open = False
            self._places.release()
            getattr(self._chunks, "close", lambda: None)()

    def __del__(self) -> None:
        self.close()


def _arrow(schema: pa.Schema, batches: Iterable[pa.RecordBatch], release: int) -> Iterator[bytes]:
    sink = io.BytesIO()
    named = schema.with_metadata({**(schema.metadata or {}), b"suwen.release": str(release).encode()})
    with pa.ipc.new_stream(sink, named) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield _taken(sink)
    yield _taken(sink)


def _taken(sink: io.BytesIO) -> bytes:
    chunk = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return chunk


def _csv(schema: pa.Schema, batches: Iterable[pa.RecordBatch], release: int, bom: bool) -> Iterator[bytes]:
    """UTF-8, as RFC 4180 has it; `bom`: with the mark by which spreadsheets know UTF-8."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow([*(neutral(name) for name in schema.names), "release"])
    yield ((_BOM if bom else "") + written.getvalue()).encode()
    texts = [pa.types.is_string(field.type) or pa.types.is_large_string(field.type) for field in schema]
    for batch in batches:
        written = io.StringIO(newline="")
        writer = csv.writer(written, lineterminator="\r\n")
        columns = [_cells(column, is_text) for column, is_text in zip(batch.columns, texts, strict=True)]
        writer.writerows((*row, release) for row in zip(*columns, strict=True))
        yield written.getvalue().encode("utf-8", "replace")


def _cells(column: pa.Array, is_text: bool) -> Sequence[object]:
    values = column.to_pylist()
    if is_text:
        return ["" if value is None else neutral(value) for value in values]
    return ["" if value is None else plain(value) for value in values]


def neutral(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like one (but is no number) stands behind an apostrophe. NUL is replaced."""
    text = text.replace("\0", "\ufffd")
    start = text.lstrip(" \u00a0\u3000\ufeff\u200b")
    return f"'{text}" if start[:1] in _STARTS and start and not _NUMBER.fullmatch(text) else text


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:80]
