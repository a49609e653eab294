"""An indicator of one's own begun: a file in the region's pack that can be tried as it stands."""

from __future__ import annotations

from pathlib import Path

from suwen.base.errors import SuwenError
from suwen.flow.region import explained, region_packs, toml_text
from suwen.model.region import Region
from suwen.packs.indicator import CODE
from suwen.packs.loader import PACK_FILE
from suwen.packs.names import DASHED
from suwen.packs.problem import nearest

_PACK = 'name = {name}\ntitle = {{ en = "Declarations of this region", zh = "本区域的声明" }}\nowner = "this region"\n'
_TEXT = """\
# An indicator of one's own. Try it, as often as you like: suwen indicator try {file}
# It is in force from the next run on, which fills it back over all that has landed.

code = "{code}"
title = {{ en = "What it counts, in a few words", zh = "指标名称" }}
definition = {{ en = "Which rows count, and when.", zh = "哪些记录计入，何时计入。" }}
owner = "this region"
unit = {{ en = "cases", zh = "例" }}
direction = "monitor"   # higher or lower is better, target: a band, monitor: neither
period = "month"
numerator = ["{code}.01"]   # points that are added up
# denominator = ["{code}.02"]   # with it the value is a ratio, times the factor
# factor = 100
decimals = 0

[source]
citation = "our own"
version = "1"
standing = "to be checked"

[point."{code}.01"]
title = {{ en = "The rows that count", zh = "计入的记录" }}
definition = {{ en = "Rows of the base {base}.", zh = "基础总体 {base} 的记录。" }}
kind = "count"   # count; sum or median of a value; distinct: persons
base = "{base}"
# keep = "year_of(visit_start_date) >= 2024"   # a condition on the base's columns

# Two examples at least, one at a boundary: rows of the repository, and what the hand reckons from them.
[[example]]
name = "where nobody reports the value is missing"
given.visit_occurrence = []
expect = [{{ unit = "H1", period = "2024-03", value = "" }}]

[[example]]
name = "so it is in a leap year"
boundary = "leap day"
given.visit_occurrence = []
expect = [{{ unit = "H1", period = "2024-02-29", value = "" }}]
"""


def new_indicator(region: Region, code: str, base: str, pack: str, category: str) -> Path:
    """Write the file of a new indicator; gives its path. Raises SuwenError where a name is wrong or taken; then nothing is written."""
    packs = region_packs(region)
    if not CODE.fullmatch(code):
        raise SuwenError(f'"{code[:60]}" is no code of an indicator', expected="two to four capitals and two digits, such as MY01")
    if code in packs.indicators:
        raise SuwenError(f"there is an indicator {code} already", where=packs.indicators[code].place, expected="a code that none has")
    for name, option in ((pack, "--pack"), (category, "--category")):
        if not DASHED.fullmatch(name):
            raise SuwenError(f'"{name[:60]}" is no name', where=option, expected="small letters, digits and dashes")
    if not packs.bases:
        raise SuwenError("no pack in use declares a base", where="region.toml", expected="a pack with bases, such as cn", do='packs = ["cn"]')
    chosen = base or min(packs.bases)
    if chosen not in packs.bases:
        raise SuwenError(f'there is no base "{chosen[:60]}"', where="--base", expected="one of the packs in use", do=nearest(chosen, packs.bases))
    folder = region.pack_folder / pack
    path = folder / "indicator" / category / f"{code}.toml"
    if path.exists():
        raise SuwenError("the file is there already", where=str(path), expected="a code without a file")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (folder / PACK_FILE).exists():
            (folder / PACK_FILE).write_text(_PACK.format(name=toml_text(pack)), encoding="utf-8")
        path.write_text(_TEXT.format(code=code, base=chosen, file=path.name), encoding="utf-8")
    return path
