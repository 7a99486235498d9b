"use strict";
// R² with intervals for every row, and accuracy against cost. Both on a scale where equal steps are equal
// factors of what is left unexplained, 1 − R²; ticks are labelled with R² itself.
B.ERROR_MIN = 1e-6;
B.unexplained = (r2) => (r2 === null || r2 === undefined ? null : Math.max(1 - r2, B.ERROR_MIN));
B.R2_TICKS = [-99, -9, -3, -1, 0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99995, 0.99999];

B.r2scale = function (rows, subset, pixels, spacing, label) {
  const all = rows.flatMap((r) => [r.r2[subset], ...((r.r2_ci95 || {})[subset] || [])]).map(B.unexplained).filter((v) => v !== null);
  const domain = [Math.max(...all) * 1.25, Math.min(...all) / 1.25];
  const perPixel = pixels / Math.log(domain[0] / domain[1]);
  const ticks = [];
  for (const r2 of B.R2_TICKS) {
    const e = 1 - r2;
    if (e > domain[0] || e < domain[1]) continue;
    if (!ticks.length || Math.log(ticks[ticks.length - 1] / e) * perPixel >= spacing) ticks.push(e);
  }
  return { type: "log", domain, ticks, tickFormat: (e) => String(+(1 - e).toPrecision(6)).replace("-", "−"), label, grid: true };
};

// 1, 10, 100, then 10⁴; nothing at the steps between, which a logarithmic axis also asks for.
B.power = function (v) {
  const n = Math.round(Math.log10(v));
  if (Math.abs(v / 10 ** n - 1) > 1e-9) return "";
  if (n >= -2 && n <= 3) return String(+v.toPrecision(1));
  return "10" + [...String(n)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[+c])).join("");
};

B.accuracy = function () {
  const xs = { train_seconds: "training time / s", predict_seconds: "prediction time, whole test set / s", parameters: "fitted parameters" };
  B.segmented("acc-pair", B.SUBSETS, "pair");
  B.fill(B.$("acc-x"), Object.entries(xs).map(([key, label]) => B.h("option", { value: key }, label)));
  B.$("acc-x").addEventListener("change", (event) => B.set({ x: event.target.value }));
  const nice = (subset) => (subset === "overall" ? "R² overall" : `R² of g_${subset}`);
  const tip = (row, subset) => [B.named(row), `R² ${B.r2(row.r2[subset])}`, B.range((row.r2_ci95 || {})[subset]),
    row.train_seconds !== undefined ? `training ${B.seconds(row.train_seconds)}, prediction ${B.seconds(row.predict_seconds)}, ${B.count(row.parameters)} parameters` : null].filter(Boolean).join("\n");

  const forest = () => {
    const { track, pair } = B.state, box = B.$("forest");
    const rows = B.rows(track).filter((r) => r.r2[pair] !== null).sort((a, b) => b.r2[pair] - a.r2[pair]);
    B.$("forest-caption").textContent = `${nice(pair)} with 95 % intervals, ${track}`;
    const width = box.clientWidth, left = Math.min(230, width * 0.42);
    // A long name is cut, never what says that the row covers only some of the states.
    const letters = Math.floor((left - 12) / 6.1), cut = (text, n) => (text.length > n ? text.slice(0, Math.max(n, 2) - 1) + "…" : text);
    const names = new Map(rows.map((r) => { const part = r.subset ? ` (${letters > 30 ? B.part(r) : B.part(r).replace(" states", "")})` : ""; return [r.id, cut(r.name, letters - part.length) + part]; }));
    const models = rows.filter((r) => r.kind !== "ceiling"), ceiling = rows.filter((r) => r.kind === "ceiling");
    const e = (r) => B.unexplained(r.r2[pair]);
    B.fill(box, Plot.plot({
      width, height: 46 + 24 * rows.length, marginLeft: left, marginRight: 14, marginBottom: 38, style: { fontSize: "12px" },
      ariaLabel: `${nice(pair)} of every row with its 95 % interval`,
      x: B.r2scale(rows, pair, width - left - 14, 40, `${nice(pair)} →`),
      y: { type: "band", domain: rows.map((r) => r.id), label: null, tickSize: 0, tickFormat: (id) => names.get(id) },
      marks: [
        Plot.ruleX(ceiling, { x: e, stroke: "var(--ceiling)", strokeWidth: 1.5, strokeDasharray: "4 3" }),
        Plot.ruleY(rows, { y: "id", x1: (r) => B.unexplained(r.r2_ci95[pair][0]), x2: (r) => B.unexplained(r.r2_ci95[pair][1]), stroke: (r) => B.colour(track, r.id), strokeWidth: 2.2, className: "ci" }),
        Plot.dot(models, { y: "id", x: e, r: 4.5, symbol: (r) => (r.kind === "naive" ? "diamond" : "circle"), fill: (r) => (r.kind === "naive" || r.subset ? "var(--card)" : B.colour(track, r.id)), stroke: (r) => B.colour(track, r.id), strokeWidth: 1.6, className: "dots" }),
        Plot.dot(ceiling, { y: "id", x: e, r: 4.5, symbol: "star", fill: "var(--ceiling)" }),
        Plot.tip(rows, Plot.pointerY({ y: "id", x: e, title: (r) => tip(r, pair) })),
      ],
    }));
  };

  const tradeoff = () => {
    const { track, pair, x } = B.state, box = B.$("tradeoff");
    const rows = B.rows(track).filter((r) => r.r2[pair] !== null && !r.subset);  // cost is of a whole test set
    const models = rows.filter((r) => r[x] !== undefined);
    const lines = rows.filter((r) => r.kind === "naive" || r.kind === "ceiling").filter((r) => r.kind === "ceiling" || r.r2[pair] >= Math.min(...models.map((m) => m.r2[pair])) - 0.5);
    B.$("tradeoff-caption").textContent = `${nice(pair)} against ${xs[x].split(" /")[0]}, ${track}`;
    if (!models.length) return void B.fill(box, B.h("p", { class: "muted" }, "No model on this track yet."));
    const positive = models.map((r) => r[x]).filter((v) => v > 0);
    const least = positive.length ? Math.min(...positive) / 3 : 1;
    const at = (r) => Math.max(r[x], least), e = (r) => B.unexplained(r.r2[pair]);
    const width = box.clientWidth, height = Math.max(360, Math.min(520, 46 + 24 * rows.length)), margin = { marginLeft: 56, marginRight: 18, marginTop: 26, marginBottom: 40 };
    // Whole powers of ten at both ends, so that at least two ticks carry a number.
    const ends = [Math.min(...models.map(at)) / 1.3, Math.max(...models.map(at)) * 1.3].map(Math.log10);
    const xdomain = [10 ** Math.floor(ends[0]), 10 ** Math.ceil(ends[1])];
    const base = {
      width, height, ...margin, style: { fontSize: "12px" }, ariaLabel: `${nice(pair)} against ${xs[x]}`,
      x: { type: "log", domain: xdomain, label: `${xs[x]} →`, grid: true, ticks: Math.max(3, width / 110), tickFormat: B.power },
      y: B.r2scale([...models, ...lines], pair, height - 66, 24, `↑ ${nice(pair)}`),
      marks: [],
    };
    const scales = Plot.plot(base), X = scales.scale("x").apply, Y = scales.scale("y").apply;
    // Labels go where they cover nothing; what finds no place still shows when pointed at.
    const taken = models.map((r) => [X(at(r)) - 6, Y(e(r)) - 6, X(at(r)) + 6, Y(e(r)) + 6]);
    const free = (b) => b[0] > margin.marginLeft && b[2] < width - 4 && b[1] > 8 && b[3] < height - margin.marginBottom && taken.every((t) => b[2] < t[0] || b[0] > t[2] || b[3] < t[1] || b[1] > t[3]);
    const labels = [];
    const place = (row, text, px, py, options) => {
      const w = 6.8 * text.length, tall = 13;
      for (const [dx, dy, anchor] of options) {
        const x0 = anchor === "start" ? px + dx : anchor === "end" ? px + dx - w : px + dx - w / 2;
        const spot = [x0, py + dy - tall / 2, x0 + w, py + dy + tall / 2];
        if (!free(spot)) continue;
        taken.push(spot);
        labels.push({ row, text, px, py, dx, dy, anchor });
        return;
      }
    };
    const short = (n) => (n.length > 26 ? n.slice(0, 25) + "…" : n);
    for (const r of models) place(r, short(r.name), X(at(r)), Y(e(r)), [[9, 0, "start"], [-9, 0, "end"], [0, -13, "middle"], [0, 13, "middle"], [8, 14, "start"], [8, -14, "start"]]);
    for (const r of lines) place(r, short(r.name), width - margin.marginRight, Y(e(r)), [[0, -8, "end"], [0, 9, "end"], [-150, -8, "end"], [-150, 9, "end"]]);
    const textMark = (l) => Plot.text([l], { frameAnchor: "top-left", dx: l.px + l.dx - margin.marginLeft, dy: l.py + l.dy - margin.marginTop, text: (d) => d.text, textAnchor: l.anchor, lineAnchor: "middle",
      fill: l.row.kind === "ceiling" ? "var(--ceiling)" : l.row.kind === "naive" ? "var(--naive)" : "currentColor", fontSize: 11.5 });
    B.fill(box, Plot.plot({
      ...base,
      marks: [
        Plot.ruleY(lines, { y: e, stroke: (r) => (r.kind === "ceiling" ? "var(--ceiling)" : "var(--naive)"), strokeWidth: 1.3, strokeDasharray: "5 4" }),
        Plot.ruleX(models, { x: at, y1: (r) => B.unexplained(r.r2_ci95[pair][0]), y2: (r) => B.unexplained(r.r2_ci95[pair][1]), stroke: (r) => B.colour(track, r.id), strokeWidth: 1.6, strokeOpacity: 0.7 }),
        Plot.dot(models, { x: at, y: e, r: 5, fill: (r) => B.colour(track, r.id), stroke: "var(--card)", className: "dots" }),
        ...labels.map(textMark),
        Plot.tip(models, Plot.pointer({ x: at, y: e, title: (r) => tip(r, pair) })),
      ],
    }));
  };
  const again = [B.lazy(B.$("forest"), forest), B.lazy(B.$("tradeoff"), tradeoff)];
  B.on(["track", "pair"], () => again.forEach((run) => run()));
  B.on(["x"], () => again[1]());
};
