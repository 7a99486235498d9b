"use strict";
// Pictures of RDFs: data with its error band, models over it, and what separates them.
B.rdf = function (position, models, { width, track, height = 210, difference = true, title = "" }) {
  const r = B.data.r, truth = B.truth(position), pair = B.PAIRS[position % 3];
  const points = r.map((x, i) => ({ r: x, g: truth.g[i], low: truth.g[i] - 2 * truth.err[i], high: truth.g[i] + 2 * truth.err[i], err: truth.err[i] }));
  const lines = models.map((row) => ({ row, d: B.difference(track, row.id, position) })).filter((l) => l.d);
  const common = { width, marginLeft: 46, marginRight: 8, style: { fontSize: "12px" }, x: { domain: [0, 10], label: null, ticks: Math.min(10, width / 60), grid: true } };
  const curve = (l, value) => Plot.line(Array.from(l.d, (d, i) => ({ r: r[i], v: value(i, d) })), { x: "r", y: "v", stroke: B.colour(track, l.row.id), strokeWidth: 1.6, strokeDasharray: B.dash(l.row), className: "model-line" });
  const top = Plot.plot({
    ...common, height, marginTop: 22, marginBottom: difference ? 18 : 36, ariaLabel: `g(r) of ${pair} at ${B.stateText(Math.floor(position / 3))}`,
    x: { ...common.x, label: difference ? null : "r / σ_AA →", tickFormat: difference ? () => "" : undefined },
    y: { label: title || `↑ g_${pair}(r)`, grid: true, nice: true, zero: true },
    marks: [
      Plot.ruleY([1], { stroke: "var(--line)" }),
      Plot.areaY(points, { x: "r", y1: "low", y2: "high", fill: "var(--band)", fillOpacity: 0.45, className: "band" }),
      Plot.line(points, { x: "r", y: "g", stroke: "var(--ink)", strokeWidth: 0.7, strokeOpacity: 0.5, className: "data-line" }),
      Plot.dot(points, { x: "r", y: "g", r: width > 600 ? 2.4 : 1.7, fill: "var(--ink)", className: "data-dots" }),
      ...lines.map((l) => curve(l, (i, d) => truth.g[i] + d)),
      Plot.ruleX(points, Plot.pointerX({ x: "r", stroke: "var(--muted)", strokeOpacity: 0.5 })),
      Plot.tip(points, Plot.pointerX({ x: "r", y: "g", title: (p) => {
        const i = points.indexOf(p);
        return [`r = ${p.r.toFixed(2)}`, `data ${p.g.toFixed(3)} ± ${p.err.toPrecision(2)}`, ...lines.map((l) => `${l.row.name} ${(p.g + l.d[i]).toFixed(3)}`)].join("\n");
      } })),
    ],
  });
  if (!difference) return [top];
  const bottom = Plot.plot({
    ...common, height: Math.round(height * 0.55), marginTop: 18, marginBottom: 36, ariaLabel: "difference of the models from the data",
    x: { ...common.x, label: "r / σ_AA →" }, y: { label: "↑ model − data", grid: true, nice: true, ticks: 4 },
    marks: [
      Plot.areaY(points, { x: "r", y1: (p) => -2 * p.err, y2: (p) => 2 * p.err, fill: "var(--band)", fillOpacity: 0.45, className: "band" }),
      Plot.ruleY([0], { stroke: "var(--ink)" }),
      ...lines.map((l) => curve(l, (i, d) => d)),
    ],
  });
  return [top, bottom];
};

// Root mean square difference of each test curve, worst first.
B.errors = function (track, id) {
  const key = `rms|${id}|${track}`;
  if (!B.cache.has(key)) {
    const all = B.covered(track, id).test.map((position) => {
      const d = B.difference(track, id, position);
      return { position, rmse: Math.sqrt(d.reduce((sum, v) => sum + v * v, 0) / d.length) };
    });
    B.cache.set(key, all.sort((a, b) => b.rmse - a.rmse || a.position - b.position));
  }
  return B.cache.get(key);
};

// Prediction against data of one pair, binned: 20,000 points say more as counts than as dots.
B.parity = function (track, id, pairIndex, width) {
  const points = [];
  for (const position of B.covered(track, id).test) {
    if (position % 3 !== pairIndex) continue;
    const { g } = B.truth(position), d = B.difference(track, id, position);
    for (let i = 0; i < B.bins; i++) points.push([g[i], g[i] + d[i]]);
  }
  const low = Math.min(0, d3.min(points, (p) => p[1])), high = Math.max(d3.max(points, (p) => p[0]), d3.max(points, (p) => p[1])) * 1.03;
  return Plot.plot({
    width, height: width, marginLeft: 44, marginRight: 10, marginTop: 22, marginBottom: 38, style: { fontSize: "12px" },
    ariaLabel: `prediction against data, ${B.PAIRS[pairIndex]}`,
    x: { domain: [low, high], label: "g, data →", grid: true, ticks: 5 }, y: { domain: [low, high], label: "↑ g, predicted", grid: true, ticks: 5 },
    color: { type: "log", range: [B.css("--h0"), B.css("--h1")], interpolate: "rgb" },
    marks: [
      Plot.hexagon(points, Plot.hexbin({ fill: "count" }, { x: "0", y: "1", binWidth: 7, className: "parity" })),
      Plot.line([[low, low], [high, high]], { stroke: "var(--ink)", strokeWidth: 1, strokeDasharray: "4 3" }),
      Plot.tip(points, Plot.pointer(Plot.hexbin({ title: "count" }, { x: "0", y: "1", binWidth: 7, title: (p) => `${p.length} points` }))),
    ],
  });
};
