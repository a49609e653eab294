"""The format of a region's landing and lake: what is written where, by a number that each of them carries in its file `format.json`.

1  as of the first version; without a file
2  the file itself; releases that were removed are noted, packs are listed by what was in force, hashes of files are noted; ids tell the keys of
   organisations apart by a part of their own, and dispositions are parted by kind and target
"""

from __future__ import annotations

FORMAT = 2
FIRST = 1
FORMAT_FILE = "format.json"
