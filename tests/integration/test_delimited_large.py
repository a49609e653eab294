"""Two gibibytes within one: landing, survey, reading and locating keep to a bounded memory, whatever the lines are like."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import resource, sys
from datetime import UTC, date, datetime
from pathlib import Path
from suwen.intake.formats.delimited import bytes_of, locate_many, read_pieces
from suwen.intake.landing import Landing
from suwen.intake.survey_store import opener, survey_receipt
from suwen.model.pack import Delimited
from suwen.model.receipt import Mode

landing = Landing(Path(sys.argv[2]))
delivery = landing.land("h1", [Path(sys.argv[1])], as_of=date(2024, 1, 1), mode=Mode.APPEND, received_at=datetime(2024, 1, 1, tzinfo=UTC))
spec = Delimited(delimiter="|", encoding=sys.argv[3])
(member,) = survey_receipt(landing, delivery.receipts[0], spec)
stream = opener(landing, delivery.receipts[0], member)
rejected = rows = 0
for piece, batches in read_pieces(stream, spec, member):
    for batch in batches:
        rows += batch.num_rows
        rejected += batch.num_rows - batch["_issues"].null_count
places = list(locate_many(stream, member, [1, member.records // 2, member.records]))
assert [bytes_of(stream, place).count(b"|") for place in places] == [3, 3, 3]
assert rows == member.records
regular = sum(piece.regular for piece in member.pieces)
print(member.length, member.records, rejected, regular, len(member.pieces), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.deep
@pytest.mark.parametrize(("encoding", "size"), [("utf-8", 2 << 30), ("gb18030", 512 << 20)])
def test_memory_is_bounded(tmp_path: Path, encoding: str, size: int) -> None:
    """The file holds a line of 100 MB and a quote never closed in its midst, each costing one record."""
    block = "".join(f"{n:09d}|张三|急性上呼吸道感染，未特指|2024-01-01\n" for n in range(20_000)).encode(encoding)
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.write("编号|姓名|诊断|日期\n".encode(encoding))
        written = 0
        while written < size:
            if written < size // 2 <= written + len(block):
                file.write(b"x" * (100 << 20) + b'\n1|"never closed|b|c\n')
            written += file.write(block)
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path), str(tmp_path / "landing"), encoding], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    length, records, rejected, regular, pieces, peak = map(int, done.stdout.split())
    print(done.stdout)
    assert length == path.stat().st_size >= size
    assert records == written // len(block) * 20_000 + 2
    assert rejected == 2
    assert pieces - regular <= 3
    assert peak < 1 << 20, "ru_maxrss is in KiB"
