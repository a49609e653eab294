"""A region's folder: made, opened, given feeds; every mistake in its files is named with file and line, and nothing is half done."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from suwen.base.errors import SuwenError
from suwen.flow.region import add_feed, create, open_region, region_lock
from suwen.model.receipt import Mode
from suwen.model.region import Region

TEMPLATE = """\
name = "toy/letters"
title = { en = "Letters", zh = "信" }
owner = "tests"
[source]
citation = "tests"
version = "1"
standing = "verified"
[kind.people]
files = ["people*.csv"]
columns = ["id", "sex"]
key = ["id"]
[target.location]
from = "people"
table = "location"
columns = { address_1 = "text(sex)" }
[[example]]
name = "one"
given.people = [{ id = "1", sex = "F" }]
expect.location = [{ address_1 = "F" }]
"""
PACK = 'name = "toy"\ntitle = { en = "Toy", zh = "玩具" }\nowner = "tests"\n'
HEADER = "organisation_id,name_en,name_zh,parent,level,kind,division,zone,valid_from,valid_to\n"


@pytest.fixture
def region(tmp_path: Path) -> Region:
    """A region whose only pack is its own, with one template."""
    create(tmp_path / "region", ["core"], "Test", "Asia/Shanghai")
    folder = tmp_path / "region"
    (folder / "packs" / "toy" / "template").mkdir(parents=True)
    (folder / "packs" / "toy" / "pack.toml").write_text(PACK, "utf-8")
    (folder / "packs" / "toy" / "template" / "letters.toml").write_text(TEMPLATE, "utf-8")
    (folder / "region.toml").write_text('name = "Test"\nzone = "Asia/Shanghai"\npacks = ["toy"]\n', "utf-8")
    return open_region(folder)


def refusal(action: object, *args: object, **more: object) -> str:
    with pytest.raises(SuwenError) as caught:
        action(*args, **more)  # type: ignore[operator]
    return str(caught.value)


def test_a_new_region_opens_as_it_was_asked_for(tmp_path: Path) -> None:
    made = create(tmp_path / "new" / "here", ["core"], 'A "quoted" name', "Europe/Berlin")
    assert (made.name, made.zone, made.packs) == ('A "quoted" name', "Europe/Berlin", ("core",))
    assert made == open_region(tmp_path / "new" / "here")
    assert sorted(path.name for path in made.folder.iterdir()) == ["feeds", "lake", "landing", "organisations.csv", "packs", "region.toml"]
    assert made.lake == made.folder / "lake"
    assert made.settings.threads >= 1


def test_a_folder_with_anything_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    assert "not empty" in refusal(create, tmp_path, ["core"])
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    assert "a file" in refusal(create, tmp_path / "letter.txt", ["core"])


@pytest.mark.parametrize(
    ("packs", "zone", "said"), [(["cor"], "UTC", 'unknown pack "cor"'), ([], "UTC", "no pack"), (["core"], "Mars/Base", "unknown time zone")]
)
def test_a_region_that_could_not_open_is_not_made(tmp_path: Path, packs: list[str], zone: str, said: str) -> None:
    assert said in refusal(create, tmp_path / "x", packs, "", zone)
    assert not (tmp_path / "x").exists()


def test_a_feed_of_an_unknown_organisation_adds_the_organisation(region: Region) -> None:
    after, note = add_feed(region, "h1-lis", "toy/letters", "H001", "snapshot", r"(?P<date>\d{8})")
    assert "H001" in note and "organisations.csv" in note
    feed = after.feeds["h1-lis"]
    assert (feed.template, feed.organisation, feed.mode, feed.as_of) == ("toy/letters", "H001", Mode.SNAPSHOT, r"(?P<date>\d{8})")
    assert after.organisations["H001"].zone == after.zone_of(feed) == "Asia/Shanghai"
    again, note = add_feed(after, "h1-his", "toy/letters", "H001")
    assert note == "" and again.feeds["h1-his"].mode is Mode.APPEND and len(again.organisations) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "H1"}, "not a good name"),
        ({"name": "../x"}, "not a good name"),
        ({"template": "toy/leters"}, 'did you mean "toy/letters"?'),
        ({"organisation": "a,b"}, "not an organisation's id"),
        ({"mode": "snapshots"}, 'did you mean "snapshot"?'),
        ({"as_of": "("}, "not a regular expression"),
        ({"as_of": "[0-9]{8}"}, "does not name the date"),
    ],
)
def test_a_wrong_feed_leaves_nothing_behind(region: Region, change: dict[str, str], said: str) -> None:
    wanted = {"name": "h1", "template": "toy/letters", "organisation": "H001", "mode": "snapshot", "as_of": ""} | change
    assert said in refusal(add_feed, region, **wanted)
    assert list((region.folder / "feeds").iterdir()) == [] and open_region(region.folder).organisations == {}


def test_a_feed_is_not_overwritten(region: Region) -> None:
    region, _ = add_feed(region, "h1", "toy/letters", "H001")
    assert "there is a feed" in refusal(add_feed, region, "h1", "toy/letters", "H001")


REGION = 'name = "Test"\nzone = "UTC"\npacks = ["toy"]\n'
MISTAKES = {
    "not TOML": ("region.toml", REGION + "x = \n", "region.toml:4: not valid TOML"),
    "unknown key": ("region.toml", REGION + 'lak = "x"\n', 'region.toml:4: unknown key "lak"'),
    "no name": ("region.toml", 'zone = "UTC"\npacks = ["toy"]\n', 'missing "name"'),
    "unknown zone": ("region.toml", REGION.replace("UTC", "Mars/Base"), 'region.toml:2: unknown time zone "Mars/Base"'),
    "zone out of the tree": ("region.toml", REGION.replace("UTC", "../../etc/passwd"), "region.toml:2: unknown time zone"),
    "unknown pack": ("region.toml", REGION.replace('"toy"', '"core", "toi"'), 'region.toml:3: unknown pack "toi"'),
    "no packs": ("region.toml", REGION.replace('"toy"', ""), 'region.toml:3: "packs" is empty'),
    "memory": ("region.toml", REGION + '[engine]\nmemory = "lots"\n', "region.toml:5:"),
    "threads": ("region.toml", REGION + "[engine]\nthreads = 0\n", 'region.toml:5: "threads" is out of range'),
    "bits": ("region.toml", REGION + "[ids]\nbits = 64\n", "region.toml:5: ids have at most 63 bits"),
    "organisation's header": ("organisations.csv", HEADER.replace("zone", "zoone"), 'organisations.csv:1: the header lacks the column "zone"'),
    "organisation twice": ("organisations.csv", HEADER + "A,,,,,,,,,\nA,,,,,,,,,\n", 'organisations.csv:3: organisation "A" stands already in line 2'),
    "parent": ("organisations.csv", HEADER + "A,,,B,,,,,,\n", 'organisations.csv:2: parent "B" is not there'),
    "own parent": ("organisations.csv", HEADER + "A,,,A,,,,,,\n", 'organisations.csv:2: organisation "A" lies below itself'),
    "circle": ("organisations.csv", HEADER + "A,,,C,,,,,,\nB,,,A,,,,,,\nC,,,B,,,,,,\n", 'organisations.csv:4: organisation "C" lies below itself'),
    "organisation's zone": ("organisations.csv", HEADER + "A,,,,,,,Asia/Shangri-La,,\n", "organisations.csv:2: unknown time zone"),
    "date": ("organisations.csv", HEADER + "A,,,,,,,,20-1-1,\n", 'organisations.csv:2: valid_from "20-1-1" is not a date'),
    "dates turned": ("organisations.csv", HEADER + "A,,,,,,,,2020-02-01,2020-01-31\n", "organisations.csv:2: valid_to is before valid_from"),
    "id": ("organisations.csv", HEADER + "a b,,,,,,,,,\n", 'organisations.csv:2: "a b" is not an organisation\'s id'),
    "fields": ("organisations.csv", HEADER + "A,,\n", "organisations.csv:2: the row has 3 fields"),
    "not UTF-8": ("organisations.csv", HEADER.encode() + "A,人民医院一,,,,,,,,\n".encode("gb18030"), "organisations.csv:2: the file is not valid UTF-8"),
    "feed of nobody": ("feeds/a.toml", 'template = "toy/letters"\norganisation = "Z"\nmode = "append"\n', 'feeds/a.toml:2: organisation "Z" is not in'),
    "feed's mode": ("feeds/a.toml", 'template = "toy/letters"\norganisation = "Z"\nmode = "all"\n', 'feeds/a.toml:3: unknown mode "all"'),
    "feed's pattern": (
        "feeds/a.toml",
        'template = "toy/letters"\norganisation = "Z"\nmode = "append"\nas_of = "(?P<day>.)"\n',
        "feeds/a.toml:4: the pattern does not",
    ),
    "feed's name": ("feeds/A b.toml", 'template = "toy/letters"\norganisation = "Z"\nmode = "append"\n', 'feeds/A b.toml:1: "A b" is not a good name'),
    "feed's key": ("feeds/a.toml", 'template = "x/y"\norganisation = "Z"\nmode = "append"\nkey = 1\n', 'feeds/a.toml:4: unknown key "key"'),
    "collision's id": ("collisions.csv", "id,key_md5,replacement\nx,00000000000000000000000000000000,1\n", "collisions.csv:2: an id is not a whole number"),
    "collision's md5": ("collisions.csv", "id,key_md5,replacement\n1,abc,2\n", "collisions.csv:2: key_md5 is not an md5"),
    "collision twice": ("collisions.csv", "id,key_md5,replacement\n" + f"1,{'0' * 32},2\n" * 2, "collisions.csv:3: the key stands twice"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_named_with_file_and_line(region: Region, case: str) -> None:
    file, content, said = MISTAKES[case]
    (region.folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert said in refusal(open_region, region.folder)


def test_all_mistakes_are_told_at_once(region: Region) -> None:
    (region.folder / "region.toml").write_text(REGION.replace("UTC", "Mars/Base") + "x = 1\n", "utf-8")
    (region.folder / "organisations.csv").write_text(HEADER + "A,,,B,,,,,,\n", "utf-8")
    assert refusal(open_region, region.folder).count("\nregion.toml:") + refusal(open_region, region.folder).count("organisations.csv:") >= 2


def test_where_there_is_no_region_it_says_how_to_make_one(tmp_path: Path) -> None:
    assert "suwen new" in refusal(open_region, tmp_path)
    assert "suwen new" in refusal(open_region, tmp_path / "nowhere")


def test_an_organisation_changes_with_time(region: Region) -> None:
    rows = "A,Old,旧,,district,,,,2020-01-01,2021-12-31\nA,New,新,,hospital,,,Asia/Urumqi,2022-01-01,\n"
    (region.folder / "organisations.csv").write_text("\ufeff" + HEADER + rows, "utf-8")
    found = open_region(region.folder)
    assert found.organisations["A"].name_en == "New" and [one.valid_from for one in found.history] == [date(2020, 1, 1), date(2022, 1, 1)]


def test_collisions_are_read(region: Region) -> None:
    (region.folder / "collisions.csv").write_text(f"id,key_md5,replacement\n7,{'a' * 32},8\n", "utf-8")
    found = open_region(region.folder).collisions
    assert [(one.id, one.key_md5, one.replacement, one.place.line) for one in found] == [(7, "a" * 32, 8, 2)]


def test_one_writer_at_a_time(region: Region) -> None:
    with region_lock(region):
        assert "another run is at work" in refusal(region_lock(region).__enter__)
    with region_lock(region), pytest.raises(SuwenError), region_lock(region):
        pass


def test_a_waiting_writer_starts_when_the_first_ends_and_a_dead_one_holds_nothing(region: Region, root: Path) -> None:
    code = "import sys, time; from pathlib import Path; from suwen.flow.region import open_region, region_lock\n"
    code += "with region_lock(open_region(Path(sys.argv[1]))): print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(region.folder)], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(root / "src")}
    )
    said: list[str] = []

    def kill(message: str) -> None:
        said.append(message)
        holder.kill()

    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with holder, region_lock(region, wait=True, message=kill):
        assert len(said) == 1 and "waiting" in said[0]


def test_a_large_tree_is_checked_quickly(region: Region) -> None:
    chain = "".join(f"A{n},,,{f'A{n - 1}' if n else ''},,,,,,\n" for n in range(20_000))
    (region.folder / "organisations.csv").write_text(HEADER + chain, "utf-8")
    assert len(open_region(region.folder).organisations) == 20_000
    strays = "".join(f"A{n},,,B{n},,,,,,\n" for n in range(5_000))
    (region.folder / "organisations.csv").write_text(HEADER + strays, "utf-8")
    assert 'parent "B0" is not there' in refusal(open_region, region.folder)


def test_who_lies_below_a_circle_is_not_said_to_be_in_it(region: Region) -> None:
    (region.folder / "organisations.csv").write_text(HEADER + "A,,,B,,,,,,\nB,,,A,,,,,,\nC,,,B,,,,,,\n", "utf-8")
    said = refusal(open_region, region.folder)
    assert said.count("lies below itself") == 2 and '"C"' not in said


@pytest.mark.parametrize("name", ["a%41", "a\\b", "a\nb", "a\udcffb"])
def test_a_path_that_would_be_read_as_another_is_refused(tmp_path: Path, name: str) -> None:
    assert "the path of the lake" in refusal(create, tmp_path / name, ["core"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("before", "after"), [('"Test"', '"Test"\nlanding = "a\\u0000b"'), ('"Test"', '"Test"\nlake = "a\\u0000b"')])
def test_a_path_with_a_nul_is_refused(region: Region, before: str, after: str) -> None:
    path = region.folder / "region.toml"
    path.write_text(path.read_text("utf-8").replace(before, after), "utf-8")
    assert "expected:" in refusal(open_region, region.folder)


def test_a_folder_whose_links_go_in_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for action in (open_region, lambda folder: create(folder, ["core"])):
        assert "cannot be reached" in refusal(action, tmp_path / "loop")


@pytest.mark.parametrize("pattern", ["(?P<date>.{1,99999999999})", "(" * 3000 + "(?P<date>x)" + ")" * 3000, "(?P<date>x)\udcff"])
def test_a_pattern_that_no_one_can_use_is_refused(region: Region, pattern: str) -> None:
    assert "the pattern" in refusal(add_feed, region, "new", "toy/letters", "H1", Mode.APPEND, pattern)
    assert not list((region.folder / "feeds").iterdir())
