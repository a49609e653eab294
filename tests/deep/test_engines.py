"""The engines at length: every code point, texts, numbers and days by the hundred thousand, expressions grown anew each time, all examples of packs."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from suwen.engine.port import Engine
from suwen.flow.check_indicators import run_indicator_examples
from suwen.flow.examples import run_examples
from suwen.model.functions import FUNCTIONS, TYPES, Value
from suwen.model.region import Settings
from suwen.packs.loader import load_packs, shipped_packs
from tests.spec.engines import Asked, asked, compared, compiling, smallest
from tests.spec.evaluation import Column, compiled
from tests.spec.grown import TYPES_OF_COLUMNS, Grower, columns, plain_calls, values

pytestmark = [pytest.mark.deep, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(7200)]

ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC", "Asia/Kolkata")
ROUNDS, AT_ONCE, ROWS = 60, 60, 200
SHIPPED = load_packs(shipped_packs())
SURROGATES = range(0xD800, 0xE000)
Engines = tuple[Engine, Engine]


@pytest.fixture(scope="module")
def engines(duckdb: Engine, spark: Engine) -> Iterator[Engines]:
    with compiling(spark, True):
        yield duckdb, spark


@pytest.fixture
def dice() -> random.Random:
    """Anew each time; a failure says by which seed."""
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")  # shown by pytest with what fails
    return random.Random(seed)


def alike(engines: Engines, texts: Sequence[str], given: Mapping[str, Column], zone: str = "Asia/Shanghai") -> None:
    types = {name: column.type for name, column in given.items()}
    found = compared(engines, [one for text in texts for one in asked(text, types, zone)], given)
    assert {text: ({name: column.values[at] for name, column in given.items() if name in text}, *came) for text, (at, *came) in found.items()} == {}


def test_every_code_point(engines: Engines) -> None:
    points = Column("text", [chr(point) for point in range(0x110000) if point not in SURROGATES])
    cased = ["upper(x)", "lower(x)", "upper('a' || x || 'b')", "lower('A' || x)", "lower('A' || x || 'Z')"]
    blank = ["text(x)", "is_blank(x)", "integer(x)", "integer('1' || x)", "number('1' || x)", "half_width(x)", "digits(x)", "length(x)"]
    alike(engines, [*cased, *blank, "replace(x, '\\', '')", "x < '5'", "date_of('2023-01-05' || x, 'iso')"], {"x": points})


def test_numbers_in_texts(engines: Engines, dice: random.Random) -> None:
    def one() -> str:
        letters = "0123456789." if dice.random() < 0.5 else "0123456789+-.,eE<>=≤１． _"
        return "".join(dice.choice(letters) for _ in range(dice.choice((1, 2, 3, 5, 9, 18, 30))))

    alike(engines, [f"{name}(x)" for name in ("integer", "number", "money", "comparator", "comparator_concept")], {"x": Column("text", drawn(one, 150_000))})


def drawn(one: Callable[[], Value], count: int) -> list[Value]:
    return [one() for _ in range(count)]


def of_types(dice: random.Random, count: int, **types: str) -> dict[str, Column]:
    return {name: Column(type_, drawn(lambda type_=type_: values(dice, type_), count)) for name, type_ in types.items()}  # type: ignore[misc]


def test_arithmetic(engines: Engines, dice: random.Random) -> None:
    sums = ["a * b", "a + b", "a - b", "a + i", "i * j", "i + j", "i - j", "m * i", "i * m", "m + m", "m + i", "a < i", "m = a"]
    rest = ["divide(a, b)", "divide(i, j)", "divide(m, a)", "integer_divide(i, j)", "remainder(i, j)", "absolute(a)", "absolute(i)", "round_to_integer(a)"]
    rounded = [f"round_half_up(a, {places})" for places in range(9)]
    alike(engines, [*sums, *rest, *rounded], of_types(dice, 100_000, a="number", b="number", i="integer", j="integer", m="money"))


def test_days_and_times_in_texts(engines: Engines, dice: random.Random) -> None:
    forms = [f"{name}(x, '{form}')" for name in ("date_of", "time_of", "local_time") for form in FUNCTIONS[name].forms]
    alike(engines, forms, {"x": Column("text", drawn(lambda: nearly(dice, spelled(dice)), 100_000))}, "America/New_York")


def spelled(dice: random.Random) -> str:
    moment = values(dice, "time") or datetime(2023, 1, 5, 9, 5)
    assert isinstance(moment, datetime)
    y, m, d, h, mi, s = moment.year, moment.month, dice.choice((moment.day, 29, 30, 31)), moment.hour, moment.minute, moment.second
    second = f":{s:02}" + dice.choice(("", f".{dice.randrange(10 ** dice.randint(1, 9))}"))
    offset = dice.choice(("Z", "+08:00", "-0500", "+14", "-12:30", "+1459", "-00:00", ""))
    day = dice.choice(
        (f"{y}-{m:02}-{d:02}", f"{y}-{m}-{d}", f"{y}/{m}/{d}", f"{y}.{m}.{d}", f"{y}年{m}月{d}日", f"{m}/{d}/{y}", f"{d}/{m}/{y}", f"{y}{m:02}{d:02}")
    )
    twelve, bare = f"{h % 12 or 12}:{mi:02} {'AP'[h // 12]}M", f"{h:02}{mi:02}{s:02}"
    parted = (f" {h}:{mi:02}", f" {h:02}:{mi:02}{second}", f"T{h:02}:{mi:02}{second}{offset}", f" {h}时{mi:02}分{s:02}秒", f"{h}时{mi:02}分", f" {twelve}")
    clock = dice.choice((*parted, bare, bare[:4], bare + offset.replace(":", ""), ""))
    return day + clock


def nearly(dice: random.Random, text: str) -> str:
    letters = list(text)
    for _ in range(dice.choice((0, 0, 1, 2))):
        at, letter = dice.randrange(len(letters) + 1), dice.choice("0123456789-/. :TZ年月日时分秒AMP+\u3000")
        letters[at : at + dice.randrange(2)] = [letter] if dice.random() < 0.7 else []
    return "".join(letters)


@pytest.mark.parametrize("zone", ZONES)
def test_local_time(engines: Engines, dice: random.Random, zone: str) -> None:
    first = datetime(1850, 1, 1)
    instants = [f"{(first + timedelta(seconds=dice.randrange(351 * 365 * 86_400))).isoformat()}Z" for _ in range(50_000)]
    alike(engines, ["local_time(x, 'iso')"], {"x": Column("text", instants)}, zone)


def test_the_calendar(engines: Engines, dice: random.Random) -> None:
    two = [f"{name}(a, b)" for name in ("years_between", "months_between", "days_between", "age_days")]
    one = [f"{name}(a)" for name in ("iso_week", "day_of_week", "date_text", "start_of_day", "year_of", "month_of", "day_of")]
    timed = ["time_text(t)", "minutes_between(t, u)", "hour_of(t)", "minute_of(t)", "date_of_time(t)", "add_days(a, n)", "add_days(a, remainder(n, 130000))"]
    alike(engines, [*two, *one, *timed], of_types(dice, 100_000, a="date", b="date", t="time", u="time", n="integer"))


def test_every_call_over_many_values(engines: Engines, dice: random.Random) -> None:
    alike(engines, [grown.text for grown in plain_calls()], columns(dice, 5_000), dice.choice(ZONES))


def test_grown_expressions(engines: Engines, dice: random.Random) -> None:
    """Compiled by Spark into Java in every fourth round, worked out as they stand in others, which is sooner done for few rows."""
    grower, count = Grower(dice), 0
    for number in range(ROUNDS):
        given, zone = columns(dice, ROWS), dice.choice(ZONES)
        grown = [grower.grow(dice.choice(TYPES), 1 + number % 3) for _ in range(AT_ONCE)]
        listed = [one for each in grown for one in asked(each.text, TYPES_OF_COLUMNS, zone)]
        with compiling(engines[1], number % 4 == 0):
            found = compared(engines, listed, given)
        assert not found, (zone, [smallest(engines, each, given, zone) for each in grown if each.text in found] or found)
        count += len(listed)
    print(f"{count} expressions over {ROWS} rows")


def test_long_texts_are_read_in_time(engines: Engines) -> None:
    """A pattern of Java's that tried every way would not end within this test."""
    long = ["1" * 200_000, "1," * 100_000, "1,234" * 40_000, " " * 200_000 + "x", "1" * 100_000 + "." + "1" * 100_000 + "x", "<" * 200_000]
    texts = ["integer(x)", "number(x)", "money(x)", "comparator(x)", "text(x)", "date_of(x, 'iso')", "time_of(x, 'zh')", "id_card_valid(x)", "upper(x)"]
    listed = [Asked(text, (one := compiled(text, {"x": "text"})).tree, one.type) for text in texts]
    assert compared(engines, listed, {"x": Column("text", long)}) == {}


@pytest.mark.parametrize("template", SHIPPED.templates)
def test_the_examples_of_a_template_hold_on_spark(template: str, spark: Engine, spark_settings: Settings) -> None:
    assert [str(problem) for problem in run_examples(SHIPPED, [template], spark_settings)] == []


@pytest.mark.parametrize("code", SHIPPED.indicators)
def test_the_examples_of_an_indicator_hold_on_spark(code: str, spark: Engine, spark_settings: Settings) -> None:
    assert [str(problem) for problem in run_indicator_examples(SHIPPED, [code], spark_settings)] == []
