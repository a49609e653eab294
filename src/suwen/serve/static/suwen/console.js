/* Draws the charts that can be looked into, and little else: every page works without it. */
"use strict";

(() => {
  const data = (id) => {
    const held = document.getElementById(id);
    return held ? JSON.parse(held.textContent) : null;
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /** The traces of a course: band between the limits, centre, values, and a ring around those outside. */
  const traces = (course, words) => {
    const line = { color: colour("--ink-3"), width: 1 };
    const found = [];
    if (course.low.length) {
      found.push({ x: course.labels, y: course.low, mode: "lines", connectgaps: true, line: { ...line, dash: "dot", shape: "hvh" }, hoverinfo: "skip", showlegend: false });
      found.push({ x: course.labels, y: course.high, mode: "lines", connectgaps: true, line: { ...line, dash: "dot", shape: "hvh" }, fill: "tonexty", fillcolor: colour("--band"), name: words.limits, hoverinfo: "skip" });
      found.push({ x: course.labels, y: course.labels.map(() => course.centre), mode: "lines", line, name: words.centre, hoverinfo: "skip" });
    }
    const style = `%{x}<br>%{y:,.${course.decimals}f} ${course.unit}<extra></extra>`;
    found.push({ x: course.labels, y: course.values, mode: "lines+markers", name: words.value, line: { color: colour("--data-1"), width: 2 }, marker: { size: 6 }, hovertemplate: style });
    if (course.out.length) {
      const outside = course.out.map((at) => course.labels[at]);
      found.push({ x: outside, y: course.out.map((at) => course.values[at]), mode: "markers", name: words.out, hoverinfo: "skip", marker: { size: 13, symbol: "circle-open", color: colour("--bad"), line: { width: 2 } } });
    }
    return found;
  };

  const layout = (course, width) => ({
    autosize: true,
    height: 300,
    margin: { l: 56, r: 12, t: 8, b: 32 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--ink-2") },
    xaxis: { type: "category", gridcolor: colour("--grid"), linecolor: colour("--line-strong"), nticks: Math.max(2, Math.floor(width / 110)), tickangle: 0, automargin: true, fixedrange: true },
    yaxis: { title: { text: course.unit }, gridcolor: colour("--grid"), zeroline: false, rangemode: "normal", automargin: true, fixedrange: true, separatethousands: true },
    legend: { orientation: "h", y: 1.12, x: 0 },
    hovermode: "closest",
    hoverlabel: { font: { family: getComputedStyle(document.body).fontFamily } },
  });

  const draw = (place) => {
    const course = data(place.dataset.source);
    if (!course || !window.Plotly) return;
    if (!place.dataset.drawn) place.replaceChildren();
    place.dataset.drawn = "yes";
    window.Plotly.react(place, traces(course, data("chart-words")), layout(course, place.clientWidth), { displayModeBar: false, responsive: true });
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", place.dataset.title);
  };
  const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);

  document.addEventListener("DOMContentLoaded", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

  /* A selection of a form that only asks is an answer by itself. */
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form.controls");
    if (form && event.target.matches("select")) form.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.getElementById("hits")?.replaceChildren();
    if (event.key === "/" && !event.target.matches("input, textarea, select")) {
      event.preventDefault();
      document.getElementById("q")?.focus();
    }
  });
})();
