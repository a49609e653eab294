"""Charts of people: pyramid, deaths and births by age, and how near all figures are to the published ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.plausible.drawing import INK, PUBLISHED, QUIET, SIMULATED, legend_above, sheet, sourced
from bench.plausible.figures import at_start, fertility, mortality
from bench.plausible.published import figures, rows
from bench.plausible.region import Region

_OLDEST = 85  # the last group of the charts has everybody of this age and more


def pyramid(region: Region, folder: Path) -> None:
    """Men to the left, women to the right, five years a bar."""
    sex, age = at_start(region)
    groups = np.arange(0, _OLDEST + 1, 5)
    place = np.minimum(age, _OLDEST) // 5
    published = np.zeros((2, len(groups)))
    for row in rows("by_age"):
        for one, name in enumerate(("people_male", "people_female")):
            published[one, min(int(row["first"]), _OLDEST) // 5] += float(row[name] or 0)
    published = published / published.sum() * 100
    with sheet(folder, "pyramid", 4.9) as figure:
        axes = figure.subplots()
        for one, sign in ((0, -1), (1, 1)):
            own = np.bincount(place[sex == one + 1], minlength=len(groups)) / len(sex) * 100
            axes.barh(groups + 2.5, sign * own, height=4.4, color=SIMULATED, label="simulated" if one == 0 else None)
            axes.stairs(sign * published[one], np.r_[groups, _OLDEST + 5], orientation="horizontal", color=PUBLISHED, lw=2, label=["published", None][one])
        axes.axvline(0, color="white", lw=1.5)
        axes.set_xticks([-4, -2, 0, 2, 4], ["4", "2", "0", "2", "4"])
        axes.set_yticks([*range(0, 81, 10), 85], [*map(str, range(0, 81, 10)), "85+"])
        axes.set(xlabel="share of the population, %", ylabel="age, years", xlim=(-5.6, 5.6), ylim=(0, 90))
        axes.grid(axis="y", visible=False)
        axes.text(-5.5, 84, "men", weight="bold")
        axes.text(5.5, 84, "women", weight="bold", ha="right")
        legend_above(figure, axes)
        sourced(figure, "published: estimate for 2020, UN World Population Prospects 2019")


def deaths(region: Region, folder: Path) -> None:
    """Death rates by age on a scale of powers of ten, one panel a sex."""
    with sheet(folder, "deaths", 5.6) as figure:
        for one, (axes, name) in enumerate(zip(figure.subplots(2, 1, sharex=True, sharey=True), ("male", "female"), strict=True)):
            own = [band for band in mortality(region, one + 1) if band.deaths]
            published = [(int(row["first"]), int(row["last"]), float(row[f"deaths_{name}"]) / 1000) for row in rows("by_age") if int(row["first"]) <= _OLDEST]
            axes.plot(
                [(first + last + 1) / 2 for first, last, _ in published[:-1]] + [90], [rate for *_, rate in published], color=PUBLISHED, label="published"
            )
            middle = [(band.first + band.last + 1) / 2 if band.first < _OLDEST else 90 for band in own]
            rate = np.array([band.deaths / band.years * 1000 for band in own])
            error = 1.96 / np.sqrt([band.deaths for band in own])
            axes.errorbar(
                middle,
                rate,
                yerr=[rate * (1 - np.exp(-error)), rate * (np.exp(error) - 1)],
                fmt="o",
                ms=4.5,
                lw=1.2,
                color=SIMULATED,
                label="simulated, with 95 % limits of chance",
            )
            axes.set(yscale="log", title=("Men", "Women")[one], ylabel="deaths per 1,000 a year", ylim=(0.05, 400), xlim=(-2, 95))
            axes.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
            axes.minorticks_off()
        axes.set_xlabel("age, years (from 85 on together)")
        legend_above(figure, axes, 2)
        sourced(figure, "published: China 2020 to 2025, UN World Population Prospects 2024;\nits last point is the rate at 85 to 89")


def births(region: Region, folder: Path) -> None:
    """The pattern of fertility by the mother's age."""
    with sheet(folder, "births", 3.1) as figure:
        axes = figure.subplots()
        own, published = fertility(region), [float(row["share"]) for row in rows("fertility")]
        places = np.arange(len(own))
        axes.bar(places - 0.2, [value for _, value in own], width=0.38, color=SIMULATED, label="simulated")
        axes.bar(places + 0.2, published, width=0.38, color=PUBLISHED, label="published")
        axes.set_xticks(places, [f"{first}-{first + 4}" for first, _ in own])
        axes.set(xlabel="age of the mother, years", ylabel="share of fertility, %")
        axes.grid(axis="x", visible=False)
        legend_above(figure, axes)
        sourced(figure, "published: China 2023, UN World Population Prospects 2024")


def nearness(found: Mapping[str, float], folder: Path) -> None:
    """Every figure that has a published one, as a multiple of it."""
    shown = [(one.short, found[one.key] / one.value) for one in figures() if one.short and one.value and found[one.key] > 0]
    with sheet(folder, "overview", 0.24 * len(shown) + 1.2) as figure:
        axes = figure.subplots()
        places = np.arange(len(shown))[::-1]
        ratio = np.clip([value for _, value in shown], 0.1, 3)
        axes.set_title("How near the figures come")
        axes.axvspan(0.8, 1.25, color="#e6ecf1", zorder=0)
        axes.axvline(1, color=PUBLISHED, lw=2)
        axes.hlines(places, 1, ratio, color=QUIET, lw=1.4)
        axes.plot(ratio, places, "o", ms=5.5, color=SIMULATED)
        axes.set_yticks(places, [what for what, _ in shown])
        axes.set(xscale="log", xlim=(0.09, 3.3), ylim=(-0.8, len(shown) - 0.2), xlabel="simulated divided by published")
        axes.set_xticks([0.1, 0.2, 0.5, 1, 2, 3], ["0.1", "0.2", "0.5", "1", "2", "3"])
        axes.minorticks_off()
        axes.tick_params(axis="y", length=0, colors=INK)
        sourced(figure, "orange: the published figure; grey: within a quarter of it")
