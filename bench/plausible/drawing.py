"""How the charts look and are written: one width that a telephone shows unscaled, two colours with a meaning, files that are the same for the same data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SIMULATED, PUBLISHED, APART, QUIET, INK = "#1769aa", "#d9660f", "#7b3fa0", "#8a949e", "#20262c"  # APART: what was put in, or is ill
WIDTH = 5.2  # inches: about 390 pixels wide the letters have still some 10 pixels
_LOOK = {
    "svg.hashsalt": "suwen",
    "svg.fonttype": "path",
    "font.size": 10.0,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": "#e3e7ea",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
    "lines.linewidth": 1.8,
}


@contextmanager
def sheet(folder: Path, name: str, height: float) -> Iterator[Figure]:
    """A figure of the common width, written as `<name>.svg` when the block ends."""
    with mpl.rc_context(_LOOK):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        yield figure
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})


def sourced(figure: Figure, text: str) -> None:
    """A line under the charts that names where the published figures come from."""
    figure.supxlabel(text, fontsize=8.5, color="#59636d", x=0.01, ha="left")


def legend_above(figure: Figure, axes: Axes, columns: int = 3) -> None:
    """One legend over all panels, from the handles of one."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=columns, borderaxespad=0.2, handlelength=1.6, columnspacing=1.4)
