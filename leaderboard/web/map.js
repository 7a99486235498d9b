"use strict";
// Where a model fails: the error of its curves in every test state, T* against ε_AB, one panel for each C_B and S.
// A state off the grid is drawn at its nearest values; where several meet, the cell has their mean.
B.map = function () {
  const select = B.$("map-model"), box = B.$("map-plot");
  select.addEventListener("change", () => B.set({ model: select.value }));
  B.segmented("map-pair", [["overall", "mean of the three"], ...B.PAIRS.map((p) => [p, p])], "mapPair");
  const options = () => {
    B.fill(select, B.withCurves(B.state.track).map((r) => B.h("option", { value: r.id }, B.named(r))));
    select.value = B.state.model;
  };

  const draw = () => {
    const { track, model, mapPair } = B.state, row = B.row(track, model);
    if (!row || !(B.data.curves.models[model] || {})[track]) return void B.fill(box, B.h("p", { class: "muted" }, "The curves of this row are not in this page."));
    const pairs = mapPair === "overall" ? [0, 1, 2] : [B.PAIRS.indexOf(mapPair)];
    const states = [...new Set(B.covered(track, model).test.map((p) => Math.floor(p / 3)))];
    const one = (index) => ({ index, error: d3.mean(pairs, (p) => B.curveError(track, model, 3 * index + p)) });
    const cells = d3.groups(states, (index) => JSON.stringify(B.nearest(index))).map(([at, here]) => {
      const members = here.map(one).sort((a, b) => b.error - a.error);
      return { ...JSON.parse(at), members, index: members[0].index, error: d3.mean(members, (m) => m.error), unsettled: members.every((m) => B.unsettled(m.index)) };
    });
    const off = states.some((index) => !B.onGrid(index));
    const what = mapPair === "overall" ? "mean of AA, AB and BB" : mapPair;
    B.$("map-caption").textContent = `Curve error, 1 − skill, of ${B.named(row)} on ${B.trackText(track)} (${what})${off ? "; each state at the nearest values of the grid, mean where several meet" : ""}`;
    const width = box.clientWidth, wide = width > 700, temperatures = [...new Set(cells.map((c) => c.T))].sort((a, b) => b - a), { C_B, S, eps_AB } = B.data.grid;
    // Empty cells, so that every panel is there though no state of it is held out.
    const everywhere = B.data.state_ids.map((_, i) => i).filter(B.onGrid).map(B.stateOf).filter((s) => temperatures.includes(s.T));
    const range = [B.css("--e0"), B.css("--e1"), B.css("--e2")];
    const about = (m) => `${B.stateText(m.index)}\n${B.phase(m.index)}${B.unsettled(m.index) ? ", not converged: not scored" : ""}\ncurve error ${m.error.toFixed(3)}`;
    const text = (c) => `${c.members.map(about).join("\n")}\nclick: open ${c.members.length > 1 ? "the first " : ""}in the viewer`;
    const plot = Plot.plot({
      width, height: 74 + S.length * (temperatures.length * (wide ? 17 : 15) + 14), marginLeft: wide ? 46 : 36, marginRight: wide ? 52 : 40, marginTop: 44, marginBottom: 40, style: { fontSize: wide ? "11.5px" : "9px" },
      ariaLabel: `curve errors of ${row.name} by state`,
      fx: { domain: C_B, label: "C_B →", padding: 0.06 }, fy: { domain: S, label: "↑ S", padding: 0.12, reverse: true },
      x: { type: "band", domain: eps_AB, label: "ε_AB →", padding: 0.04, tickSize: 0, tickFormat: (v) => (wide || v === 0.2 || v === 0.8 ? String(v) : "") },
      y: { type: "band", domain: temperatures, label: null, padding: 0.06, tickSize: 0, tickFormat: (v) => String(v) },
      color: { type: "linear", domain: [0, 0.5, 1], range, interpolate: "rgb" },
      marks: [
        Plot.cell(everywhere, { fx: "C_B", fy: "S", x: "eps_AB", y: "T", fill: "none", stroke: "var(--line)", strokeOpacity: 0.6, inset: 0.5 }),
        Plot.cell(cells, { fx: "C_B", fy: "S", x: "eps_AB", y: "T", fill: "error", className: "cells" }),
        Plot.dot(cells.filter((c) => c.unsettled), { fx: "C_B", fy: "S", x: "eps_AB", y: "T", symbol: "times", r: 3, stroke: "var(--ink)", strokeWidth: 1.6, className: "unsettled" }),
        Plot.tip(cells, Plot.pointer({ fx: "C_B", fy: "S", x: "eps_AB", y: "T", title: text })),
      ],
    });
    plot.addEventListener("click", () => { if (plot.value) B.view(plot.value.index, mapPair === "overall" ? "all" : mapPair, model); });
    const scale = B.h("div", { class: "scale small muted" }, "0: perfect", B.h("span", { style: { background: `linear-gradient(to right, ${range.join(", ")})` } }), "1: no better than g = 1", B.h("i", {}, "× not converged, not scored; rows of a panel: T*"));
    B.fill(box, scale, plot);
  };
  const again = B.lazy(box, draw);
  B.on(["track"], () => { options(); again(); });
  B.on(["model"], () => { select.value = B.state.model; again(); });
  B.on(["mapPair"], again);
  options();
};
