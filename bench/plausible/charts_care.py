"""Charts of care: reportable diseases, length of stay, laboratory, costs and hospitals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bench.plausible.drawing import APART, PUBLISHED, QUIET, SIMULATED, legend_above, sheet, sourced
from bench.plausible.figures import Measured, aimed_at, measured, nights, reported, reporting_hours, share, taken, weekly
from bench.plausible.published import diseases, figures
from bench.plausible.region import Region
from suwen.simulate.course import CHECK_UP, DAY_CASE, INPATIENT, OUTPATIENT

_WEEKS = ("influenza", "hand, foot and mouth disease", "mumps", "dysentery")
_SEASONS = ("influenza", "hand, foot and mouth disease", "other infectious diarrhoea", "pulmonary tuberculosis", "scarlet fever", "mumps")
_ENOUGH = 60  # cards from which a season can be seen
_BEFORE = (2017, 2018, 2019)
_FEES = {  # groups of fee items, in the order of the bars
    "drugs": ("D23", "D23x01", "D24", "D25"),
    "blood products": ("D26", "D27", "D28", "D29", "D30"),
    "laboratory, pathology": ("D15", "D16"),
    "imaging, diagnostics": ("D17", "D18"),
    "operations, anaesthesia": ("D20", "D20x01", "D20x02"),
    "consumables": ("D31", "D32", "D33"),
    "treatment, rehabilitation": ("D12", "D19", "D19x01", "D21", "D22"),
    "service, bed, nursing": ("D11", "D13", "D14", "D34"),
}


def weeks(region: Region, folder: Path) -> None:
    """Cards by week of onset, with those of injected outbreaks apart."""
    by_name = {disease.name: disease for disease in diseases()}
    with sheet(folder, "weeks", 7.0) as figure:
        panels = figure.subplots(len(_WEEKS), 1, sharex=True)
        for axes, name in zip(panels, _WEEKS, strict=True):
            natural, injected = weekly(region, by_name[name])
            edges = np.datetime64(int(region.settings.first), "D") + 7 * np.arange(len(natural) + 1)
            axes.stairs(natural, edges, fill=True, color=SIMULATED, label="without outbreaks")
            axes.stairs(natural + injected, edges, baseline=natural, fill=True, color=APART, label="injected outbreaks")
            axes.set(title=name.capitalize(), ylabel="cards a week", ylim=(0, max(1, int((natural + injected).max())) * 1.1))
            axes.grid(axis="x", visible=False)
        years = np.arange(edges[0].astype("datetime64[Y]") + (edges[0] > edges[0].astype("datetime64[Y]")), edges[-1].astype("datetime64[Y]") + 1)
        panels[-1].set_xticks(years.astype("datetime64[D]"), years.astype(str))
        legend_above(figure, panels[0], 2)
        sourced(figure, "simulated; week of onset. A year stands at its first day.")


def seasons(region: Region, folder: Path) -> None:
    """Each month's share of the year."""
    found = {one.disease.name: one for one in reported(region)}
    with sheet(folder, "seasons", 6.4) as figure:
        panels = figure.subplots(3, 2, sharex=True).ravel()
        for place, (axes, name) in enumerate(zip(panels, _SEASONS, strict=True)):
            one, months = found[name], np.arange(12)
            axes.plot(months, one.disease.shares((2023,)), color=PUBLISHED, lw=1.2, ls=(0, (2, 1.5)), label="reported 2023")
            axes.plot(months, one.disease.shares(_BEFORE), color=PUBLISHED, lw=4, alpha=0.75, label="reported 2017 to 2019")
            axes.plot(months, aimed_at(region, one.disease), color=SIMULATED, label="simulator's weights")
            seen = one.months if one.natural_cards >= _ENOUGH else [np.nan] * 12
            axes.plot(months, seen, "o", color=SIMULATED, ms=4.5, label="simulated cards")
            axes.set_title(name.replace("hand, foot and mouth disease", "hand, foot and mouth").capitalize())
            axes.set_xticks(months[::3], ["Jan", "Apr", "Jul", "Oct"])
            axes.set_ylim(0)
            if place % 2 == 0:
                axes.set_ylabel("% of the year")
        legend_above(figure, panels[0], 2)
        sourced(
            figure,
            "published: China CDC, cases by month of report; simulated: by month of onset,\nwithout injected outbreaks, where there are 60 cards or more",
        )


def delays(region: Region, folder: Path) -> None:
    """How many cards are sent within how many hours of the diagnosis, by class of the disease."""
    hours, classes = reporting_hours(region), region.knowledge.conditions.reportable[region.card["condition"]]
    limits = np.arange(0, 85)
    with sheet(folder, "delays", 3.1) as figure:
        axes = figure.subplots()
        for place, name, style in ((2, "class B", "-"), (3, "class C", (0, (4, 1.5)))):
            sent = [share(hours[classes == place] <= hour) for hour in limits]
            axes.plot(limits, sent, color=SIMULATED, ls=style, label=f"simulated, {name}")
        axes.axvline(24, color=PUBLISHED, lw=2, label="statutory limit")
        axes.set(xlim=(0, 84), ylim=(0, 101), xlabel="hours from diagnosis to report", ylabel="cards sent, %")
        axes.set_xticks(range(0, 85, 12))
        legend_above(figure, axes)


def stays(region: Region, folder: Path) -> None:
    """Length of stay: how often each, and means by department."""
    published = next(one.value for one in figures() if one.key == "stay_hospital")
    own, departments = taken(region, (INPATIENT,), (2, 3)), region.knowledge.departments
    days, length = nights(own), 41
    with sheet(folder, "stays", 8.0) as figure:
        upper, lower = figure.subplots(2, 1, height_ratios=(2, 4.2))
        counts = np.bincount(np.minimum(days, length - 1), minlength=length)
        upper.bar(np.arange(length), counts / max(1, counts.sum()) * 100, width=0.85, color=SIMULATED)
        upper.axvline(days.mean(), color=SIMULATED, lw=2, ls=(0, (4, 1.5)), label=f"simulated mean {days.mean():.1f}")
        upper.axvline(published, color=PUBLISHED, lw=2, label=f"published mean {published}")
        upper.set(title="Hospitals of levels 2 and 3", xlabel="nights (the last bar: 40 and more)", ylabel="% of stays", xlim=(-0.7, 40.7))
        upper.legend(loc="upper right")
        upper.grid(axis="x", visible=False)
        number = np.bincount(own["department_out"], minlength=len(departments.codes))
        shown = np.flatnonzero(number >= max(10, len(days) // 400))
        means = np.array([days[own["department_out"] == one].mean() for one in shown])
        order = np.argsort(means)
        lower.hlines(np.arange(len(shown)), 0, means[order], color="#cfd8df", lw=1.4)
        lower.plot(means[order], np.arange(len(shown)), "o", color=SIMULATED, ms=5.5)
        lower.axvline(published, color=PUBLISHED, lw=2)
        lower.set_yticks(np.arange(len(shown)), [departments.names_en[one] for one in shown[order]], fontsize=8.5)
        lower.set(title="Mean by department at discharge", xlabel="nights", xlim=(0, max(12, means.max() * 1.08) if len(means) else 12))
        lower.grid(axis="y", visible=False)
        sourced(figure, "published: all hospitals 2023, National Health Commission;\nby department no figure was found")


def laboratory(region: Region, folder: Path) -> None:
    """Items in health and in one disease each, with the reference interval."""
    items = list(measured(region))
    with sheet(folder, "laboratory", 7.2) as figure:
        panels = figure.subplots(3, 2).ravel()
        for axes, item in zip(panels, items, strict=True):
            _panel(axes, item)
        handles = [
            Patch(color=SIMULATED, label="well"),
            Patch(color=APART, alpha=0.65, label="with the disease"),
            Patch(color="#fbe3d0", label="reference interval"),
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=3, borderaxespad=0.2, handlelength=1.4)
        sourced(
            figure,
            "intervals: WS/T 404, WS/T 405 as generally known; glucose: common use.\nHeight: share of the group. Values beyond the axis are in the last bar.",
        )


def _panel(axes: Axes, item: Measured) -> None:
    ends = [np.percentile(values, [1, 99]) for values in (item.well, item.ill) if len(values)]
    low, high = min([end[0] for end in ends] + [(item.low or 1) * 0.9]), max([end[1] for end in ends] + [(item.high or 1) * 1.15])
    wide = high / low > 8
    edges = np.geomspace(low, high, 32) if wide else np.linspace(low, high, 32)
    axes.axvspan(item.low if item.low is not None else low, item.high if item.high is not None else high, color="#fbe3d0", zorder=0)
    for values, colour, alpha in ((item.well, SIMULATED, 1.0), (item.ill, APART, 0.65)):
        if len(values):
            axes.hist(np.clip(values, low, high), bins=edges, weights=np.full(len(values), 100 / len(values)), color=colour, alpha=alpha)
    if wide:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
    axes.set_title(item.item)
    axes.set_xlabel(f"{item.unit}; {item.group};\n{item.disease}", fontsize=8.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)


def costs(found: Mapping[str, float], region: Region, folder: Path) -> None:
    """What a visit and a discharge cost by level, and of what it is made up."""
    published = {one.key: one.value for one in figures()}
    names = {"1": "centres (level 1)", "2": "hospitals, level 2", "3": "hospitals, level 3", "hospital": "hospitals, both"}
    with sheet(folder, "costs", 6.6) as figure:
        panels = figure.subplots(3, 1, height_ratios=(1, 1, 2))
        for axes, key, title in ((panels[0], "visit", "An outpatient visit"), (panels[1], "discharge", "A discharge")):
            places = np.arange(len(names))[::-1]
            own = [found[f"{key}_{name}"] for name in names]
            known = [(place, published[f"{key}_{name}"]) for place, name in zip(places, names, strict=True) if published[f"{key}_{name}"]]
            axes.barh(places, own, height=0.55, color=SIMULATED, label="simulated")
            axes.plot([value for _, value in known], [place for place, _ in known], "D", ms=7, color=PUBLISHED, mec="white", mew=1, ls="", label="published")
            axes.set_yticks(places, list(names.values()))
            axes.set(title=title, xlabel="yuan")
            axes.xaxis.set_major_locator(MaxNLocator(5))
            axes.xaxis.set_major_formatter("{x:,.0f}")
            axes.grid(axis="y", visible=False)
        _composition(panels[2], region)
        legend_above(figure, panels[0])
        sourced(figure, "published: National Health Commission; both levels 2023, single levels\npublic hospitals in the first quarter of 2022")


def _composition(axes: Axes, region: Region) -> None:
    kinds = {"outpatient": (OUTPATIENT,), "stay": (INPATIENT, DAY_CASE), "check-up": (CHECK_UP,)}
    places = np.arange(len(_FEES))[::-1]
    for turn, (name, kind) in enumerate(kinds.items()):
        fen = region.fee[list(kind)].sum(axis=0)
        parts = [fen[[region.fees.index(code) for code in codes]].sum() / max(1, fen.sum()) * 100 for codes in _FEES.values()]
        axes.barh(places + 0.27 - 0.27 * turn, parts, height=0.25, color=(SIMULATED, "#6aa5d1", "#b9d5ea")[turn], label=name)
    axes.set_yticks(places, list(_FEES))
    axes.set(title="Of what it is made up (simulated)", xlabel="% of the charges")
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower right")


def hospitals(region: Region, folder: Path) -> None:
    """Visits and stays a year of each hospital."""
    count, years = len(region.hospitals), region.settings.days / 365.25
    kind, where = region.visit["kind"], region.visit["hospital"]
    seen = {"outpatient and emergency visits": kind <= 1, "stays": (kind == INPATIENT) | (kind == DAY_CASE)}
    order = np.lexsort((-np.bincount(where, minlength=count), -region.hospitals.level))
    shades = {3: SIMULATED, 2: "#6aa5d1", 1: "#b9d5ea"}
    with sheet(folder, "hospitals", 4.4) as figure:
        for axes, (name, mask) in zip(figure.subplots(2, 1, sharex=True), seen.items(), strict=True):
            numbers = np.bincount(where[mask], minlength=count)[order] / years
            levels = region.hospitals.level[order]
            for level, shade in shades.items():
                own = np.flatnonzero(levels == level)
                axes.bar(own, numbers[own], width=0.8, color=shade, edgecolor=QUIET, linewidth=0.4, label=f"level {level}")
            axes.set(title=name.capitalize(), ylabel="a year", xticks=[])
            axes.yaxis.set_major_formatter("{x:,.0f}")
            axes.grid(axis="x", visible=False)
        legend_above(figure, axes)
        sourced(figure, "one bar a hospital; sizes are invented")
