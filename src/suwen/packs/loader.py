"""Loading packs: every declaration read and checked in shape, all mistakes told at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from suwen.base.errors import Place, SuwenError
from suwen.model.indicator import Base, Breakdown, Indicator
from suwen.model.pack import CodeMap, LocalConcept, Pack, Template
from suwen.packs.base import read_base
from suwen.packs.breakdown import read_breakdown
from suwen.packs.code_map import read_code_map
from suwen.packs.concept import check_concepts, check_mapped, check_ranges, read_concepts, read_range
from suwen.packs.formula import check_formulas
from suwen.packs.indicator import read_indicator
from suwen.packs.names import DASHED, check_name
from suwen.packs.problem import Problems, nearest
from suwen.packs.section import Section
from suwen.packs.source_file import decode, read_bytes
from suwen.packs.template import read_template
from suwen.packs.toml_places import Document, parse_toml

SHIPPED = Path(__file__).parent
PACK_KEYS = ("name", "title", "owner", "concept_ids")
PACK_FILE = "pack.toml"


@dataclass(frozen=True)
class Override:
    """A declaration of a later pack that takes the place of an earlier one of the same name."""

    what: str
    name: str
    earlier: Place
    later: Place

    def __str__(self) -> str:
        return f'{self.what} "{self.name}" of {self.later} takes the place of {self.earlier}'


@dataclass(frozen=True)
class Packs:
    """All declarations in force, later packs laid over earlier ones.

    `contents`: sha256 -> the bytes it was taken over, for every file read (a code map: its TOML and CSV parted by a NUL).
    """

    packs: Mapping[str, Pack]
    templates: Mapping[str, Template]
    code_maps: Mapping[str, CodeMap]
    concepts: Mapping[int, LocalConcept]
    bases: Mapping[str, Base] = field(default_factory=dict)
    indicators: Mapping[str, Indicator] = field(default_factory=dict)
    breakdowns: Mapping[str, Breakdown] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def shipped_packs() -> tuple[str, ...]:
    """The names of the packs that come with Suwen."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob(f"*/{PACK_FILE}")))


def load_packs(names: Sequence[str], folders: Sequence[Path] = ()) -> Packs:
    """Load the named packs, then every pack of the extra folders over them.

    A name is one of ours or of a pack in the folders. A folder is a pack itself (it holds pack.toml) or holds packs; one that does not
    exist holds none. Raises PackErrors with every mistake found.
    """
    problems, contents = Problems(), dict[str, bytes]()
    laid_over = [found for root in folders for found in _pack_folders(root, problems)]
    ours = [_Folder(SHIPPED / name, f"suwen/packs/{name}", name) for name in dict.fromkeys(names) if name in shipped_packs()]
    read = [_read_pack(folder, problems, contents) for folder in [*ours, *laid_over]]
    known = {pack.name for pack in read} | set(shipped_packs())
    for name in names:
        if name not in known:
            problems.add(
                Place(name), f'unknown pack "{name}"', expected="a pack that comes with Suwen or stands in the region's packs folder", do=nearest(name, known)
            )
    packs = _join(read, problems, contents)
    problems.raise_if_any()
    return packs


@dataclass(frozen=True)
class _Folder:
    """A pack's folder: where, its name in errors, and the name the pack must have ("": any)."""

    path: Path
    shown: str
    name: str = ""


def _pack_folders(root: Path, problems: Problems) -> list[_Folder]:
    if not root.exists():
        return []
    if not root.is_dir():
        problems.add(Place(str(root)), "a file stands where a folder of packs is expected", do="give a folder that holds pack.toml, or folders with one each")
        return []
    if (root / PACK_FILE).exists():
        return [_Folder(root, str(root))]
    return [_Folder(path, str(path), path.name) for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")]


def _read_pack(folder: _Folder, problems: Problems, contents: dict[str, bytes]) -> Pack:
    """One folder of declarations."""
    reading = _Reading(folder, problems, contents)
    head = reading.head()
    templates = reading.each("template", reading.whole(read_template), lambda t: (t.name, t.place), "template")
    code_maps = reading.each("standard", reading.code_map, lambda m: (m.system, m.place), "code map")
    concepts = reading.concepts(head.concept_ids)
    check_concepts(concepts, problems)
    bases = reading.each("base", reading.whole(read_base), lambda b: (b.name, b.place), "base")
    indicators = reading.each("indicator/*", reading.whole(read_indicator), lambda i: (i.code, i.place), "indicator")
    breakdowns = reading.each("breakdown", reading.whole(read_breakdown), lambda b: (b.name, b.place), "breakdown")
    return replace(head, templates=templates, code_maps=code_maps, concepts=concepts, bases=bases, indicators=indicators, breakdowns=breakdowns)


T = TypeVar("T")


@dataclass(frozen=True)
class _Reading:
    """The files of one pack folder, read one by one."""

    folder: _Folder
    problems: Problems
    contents: dict[str, bytes]

    def head(self) -> Pack:
        shown = f"{self.folder.shown}/{PACK_FILE}"
        try:
            document = parse_toml(read_bytes(self.folder.path / PACK_FILE, shown), shown)
        except SuwenError as error:
            self.problems.add_error(error, shown)
            return Pack(self.folder.path.name, Place(shown), {}, "", None)
        self.contents[document.sha256] = document.content
        top = Section(document, (), document.data, self.problems, PACK_KEYS)
        name = top.text("name")
        if check_name(top, "name", name, DASHED) and self.folder.name not in ("", name):
            top.problem("name", f'pack "{name}" stands in a folder named "{self.folder.name}"', do="give both the same name")
        return Pack(name, top.place("concept_ids"), top.titles(), top.text("owner"), read_range(top))

    def files(self, folder: str, suffix: str) -> list[tuple[Path, str]]:
        """The files of a folder; `*` in its name stands for any folder."""
        found = sorted(path for path in self.folder.path.glob(f"{folder}/*{suffix}") if not any(part.startswith(".") for part in path.parts[-2:]))
        return [(path, f"{self.folder.shown}/{path.relative_to(self.folder.path).as_posix()}") for path in found]

    def each(self, folder: str, read: Callable[[Path, str], T], named: Callable[[T], tuple[str, Place]], what: str) -> dict[str, T]:
        """Every TOML file of a folder by the name it gives itself; no name twice."""
        found: dict[str, T] = {}
        for path, shown in self.files(folder, ".toml"):
            try:
                declared = read(path, shown)
            except SuwenError as error:
                self.problems.add_error(error, shown)
                continue
            name, place = named(declared)
            if name in found:
                self.problems.add(place, f'{what} "{name}" is also declared at {named(found[name])[1]}', do="rename or remove one")
            found.setdefault(name, declared)
        return found

    def whole(self, read: Callable[[Document, Problems], T]) -> Callable[[Path, str], T]:
        """A reader of files that are one document each, whose content is kept."""

        def read_file(path: Path, shown: str) -> T:
            document = parse_toml(read_bytes(path, shown), shown)
            self.contents[document.sha256] = document.content
            return read(document, self.problems)

        return read_file

    def code_map(self, path: Path, shown: str) -> CodeMap:
        code_map, content = read_code_map(parse_toml(read_bytes(path, shown), shown), path.parent, self.problems)
        self.contents[code_map.sha256] = content
        return code_map

    def concepts(self, reserved: tuple[int, int] | None) -> tuple[LocalConcept, ...]:
        concepts: list[LocalConcept] = []
        for path, shown in self.files("concept", ".csv"):
            try:
                content = read_bytes(path, shown)
                self.contents[hashlib.sha256(content).hexdigest()] = content
                concepts.extend(read_concepts(decode(content, shown, bom_allowed=True), shown, reserved, self.problems))
            except SuwenError as error:
                self.problems.add_error(error, shown)
        for path, shown in self.files("standard", ".csv"):
            if not path.with_suffix(".toml").exists():
                self.problems.add(Place(shown), "a CSV of codes without its header", expected=f"{path.stem}.toml beside it, with name, title, owner and source")
        return tuple(concepts)


def _join(read: Sequence[Pack], problems: Problems, contents: Mapping[str, bytes]) -> Packs:
    packs: dict[str, Pack] = {}
    templates: dict[str, Template] = {}
    code_maps: dict[str, CodeMap] = {}
    concepts: dict[int, LocalConcept] = {}
    bases: dict[str, Base] = {}
    indicators: dict[str, Indicator] = {}
    breakdowns: dict[str, Breakdown] = {}
    overrides: list[Override] = []
    for pack in read:
        packs[pack.name] = _over(packs[pack.name], pack) if pack.name in packs else pack
        _lay("template", templates, pack.templates, overrides)
        _lay("code map", code_maps, pack.code_maps, overrides)
        _lay("base", bases, pack.bases, overrides)
        _lay("indicator", indicators, pack.indicators, overrides)
        _lay("breakdown", breakdowns, pack.breakdowns, overrides)
        concepts.update({concept.concept_id: concept for concept in pack.concepts})
    check_ranges(packs.values(), problems)
    for code_map in code_maps.values():
        check_mapped(code_map, packs.values(), concepts, code_map.place.file.removesuffix(".toml") + ".csv", problems)
    check_formulas(bases, indicators, problems)
    return Packs(packs, templates, code_maps, concepts, bases, indicators, breakdowns, tuple(overrides), dict(contents))


Declared = TypeVar("Declared", Template, CodeMap, Base, Indicator, Breakdown)


def _lay(what: str, below: dict[str, Declared], above: Mapping[str, Declared], overrides: list[Override]) -> None:
    for name, declared in above.items():
        if name in below:
            overrides.append(Override(what, name, below[name].place, declared.place))
        below[name] = declared


def _over(below: Pack, above: Pack) -> Pack:
    """A pack laid over one of the same name: its own declarations win, the rest stays."""
    return replace(
        above,
        concept_ids=above.concept_ids or below.concept_ids,
        templates={**below.templates, **above.templates},
        code_maps={**below.code_maps, **above.code_maps},
        concepts=(*below.concepts, *above.concepts),
        bases={**below.bases, **above.bases},
        indicators={**below.indicators, **above.indicators},
        breakdowns={**below.breakdowns, **above.breakdowns},
    )
