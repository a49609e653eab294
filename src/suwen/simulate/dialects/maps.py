"""The code maps of the fictional systems: their own codes beside the standard ones, as CSV files of a pack (`python -m suwen.simulate.dialects.maps FOLDER`).

A test holds the files of the pack to be these.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from suwen.simulate.catalogue import Catalogue, read_catalogue
from suwen.simulate.dialects.values import numbered, prefixed
from suwen.simulate.knowledge import read_knowledge

COLUMNS = ("source_code", "source_name", "concept_id", "vocabulary", "code")
NO_CONCEPT = "0"
# words for results, and the SNOMED CT qualifiers chosen for them
QUALIFIERS = {
    "260385009": ("阴性", "阴性(-)", "-"),
    "10828004": ("阳性", "阳性(+)", "+"),
    "260408008": ("弱阳性", "弱阳性(±)", "±"),
    "260415000": ("未检出",),
}


def code_maps(catalogue: Catalogue) -> Mapping[str, str]:
    """The text of each map's CSV by its name; one without a standard code has concept 0, which says so."""
    drugs, labs, vitals = catalogue.drugs, catalogue.labs, catalogue.vitals
    atc = [(name, "ATC", code) for name, code in zip(drugs.names_zh, drugs.atc, strict=True)]
    loinc = [(name, "LOINC", code) for name, code in zip(labs.names_zh, labs.loinc, strict=True)]
    units = {
        shown: ucum
        for measures in (labs, vitals)
        for shown, ucum in [
            *zip(measures.unit_shown, measures.unit, strict=True),
            *zip(measures.unit, measures.unit, strict=True),
            *zip(measures.other_unit, measures.other_unit, strict=True),
        ]
        if shown and ucum
    }
    answers = {word: "" for several in labs.answers for word in several} | {word: code for code, words in QUALIFIERS.items() for word in words}
    return {
        "region-drug": _text(zip(drugs.codes, *zip(*atc, strict=True), strict=True)),
        "yunhai-region-drug": _text(zip(prefixed("YP", drugs.codes), *zip(*atc, strict=True), strict=True)),
        "chenxi-drug": _text(zip(numbered("XY", drugs.codes), *zip(*atc, strict=True), strict=True)),
        "region-item": _text(zip(labs.codes, *zip(*loinc, strict=True), strict=True)),
        "qiming-item": _text(zip(numbered("", labs.codes), *zip(*loinc, strict=True), strict=True)),
        "region-vital": _text((code, name, "LOINC", standard) for code, name, standard in zip(vitals.codes, vitals.names_zh, vitals.loinc, strict=True)),
        "region-unit": _text((shown, shown, "UCUM", ucum) for shown, ucum in sorted(units.items())),
        "region-answer": _text((word, word, "SNOMED", code) for word, code in sorted(answers.items())),
    }


def _text(entries: Iterable[tuple[str, ...]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for code, name, vocabulary, standard in entries:
        writer.writerow((code, name, "", vocabulary, standard) if standard else (code, name, NO_CONCEPT, "", ""))
    return stream.getvalue()


def main(folder: Path) -> None:
    """Write the maps into a folder."""
    for name, text in code_maps(read_catalogue(read_knowledge().conditions)).items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
