"use strict";
// Scores with intervals for every row, and score against cost. The skill is drawn as it is; R² on a scale where equal
// steps are equal factors of what is left unexplained, 1 − R², with ticks that are labelled with R² itself.
B.R2_TICKS = [-99, -9, -3, -1, 0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99995, 0.99999];
B.SCORES = {
  skill: { title: "skill", of: (pair) => `skill of g_${pair}`, at: (v) => v },
  r2: { title: "R²", of: (pair) => `R² of g_${pair}`, at: (v) => -Math.log10(Math.max(1 - v, 1e-6)) },
};
B.scoreAxis = function (metric, values, pixels, spacing, label) {
  const { at } = B.SCORES[metric], known = values.filter((v) => v !== null && v !== undefined);
  if (metric === "skill") return { domain: [Math.min(0, ...known), 1], label, grid: true, ticks: Math.max(3, pixels / 60), tickFormat: (v) => String(v).replace("-", "−") };
  const low = at(Math.min(...known)) - 0.1, high = at(Math.max(...known)) + 0.1, ticks = [];
  for (const v of B.R2_TICKS) {
    if (at(v) < low || at(v) > high) continue;
    if (!ticks.length || ((at(v) - ticks[ticks.length - 1]) * pixels) / (high - low) >= spacing) ticks.push(at(v));
  }
  return { domain: [low, high], ticks, tickFormat: (e) => String(+(1 - 10 ** -e).toPrecision(6)).replace("-", "−"), label, grid: true };
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
  B.segmented("acc-order", [["skill", "Skill"], ["r2", "R² (the paper's metric)"]], "order");
  B.segmented("acc-pair", B.SUBSETS, "pair");
  B.fill(B.$("acc-x"), Object.entries(xs).map(([key, label]) => B.h("option", { value: key }, label)));
  B.$("acc-x").addEventListener("change", (event) => B.set({ x: event.target.value }));
  const nice = (metric, subset) => (subset === "overall" ? `${B.SCORES[metric].title} overall` : B.SCORES[metric].of(subset));
  const capital = (text) => text[0].toUpperCase() + text.slice(1);
  const ci = (row, metric, subset) => (row[`${metric}_ci95`] || {})[subset] || [null, null];
  const line = (row, metric, subset) => `${B.SCORES[metric].title} ${B.mean(row, metric, subset)}, 95 % interval ${B.range(ci(row, metric, subset)) || "–"}`;
  const tip = (row, metric, subset) => [B.named(row), line(row, metric, subset), line(row, metric === "skill" ? "r2" : "skill", subset),
    row.train_seconds !== undefined ? `training ${B.seconds(row.train_seconds)}, prediction ${B.seconds(row.predict_seconds)}, ${B.count(row.parameters)} parameters` : null].filter(Boolean).join("\n");
  const chosen = () => {
    const { track, pair, order: metric } = B.state;
    const value = (r) => r[metric][pair], at = (r) => B.SCORES[metric].at(value(r));
    const end = (i) => (r) => B.SCORES[metric].at(ci(r, metric, pair)[i] ?? value(r));
    const rows = B.rows(track).filter((r) => value(r) !== null).sort((a, b) => value(b) - value(a));
    return { track, pair, metric, value, at, low: end(0), high: end(1), rows };
  };
  const shown = ({ metric, pair, value }, rows) => rows.flatMap((r) => [value(r), ...ci(r, metric, pair)]);

  const forest = () => {
    const c = chosen(), { track, pair, metric, at, rows } = c, box = B.$("forest");
    B.$("forest-caption").textContent = `${capital(nice(metric, pair))} with 95 % intervals, ${B.trackText(track)}`;
    const width = box.clientWidth, left = Math.min(230, width * 0.42);
    // A long name is cut, never what says that the row covers only some of the states.
    const letters = Math.floor((left - 12) / 6.1), cut = (text, n) => (text.length > n ? text.slice(0, Math.max(n, 2) - 1) + "…" : text);
    const names = new Map(rows.map((r) => { const part = r.subset ? ` (${letters > 30 ? B.part(r) : B.part(r).replace(" states", "")})` : ""; return [r.id, cut(r.name, letters - part.length) + part]; }));
    const models = rows.filter((r) => r.kind !== "ceiling"), ceiling = rows.filter((r) => r.kind === "ceiling");
    B.fill(box, Plot.plot({
      width, height: 46 + 24 * rows.length, marginLeft: left, marginRight: 14, marginBottom: 38, style: { fontSize: "12px" },
      ariaLabel: `${nice(metric, pair)} of every row with its 95 % interval`,
      x: B.scoreAxis(metric, shown(c, rows), width - left - 14, 40, `${nice(metric, pair)} →`),
      y: { type: "band", domain: rows.map((r) => r.id), label: null, tickSize: 0, tickFormat: (id) => names.get(id) },
      marks: [
        Plot.ruleX(ceiling, { x: at, stroke: "var(--ceiling)", strokeWidth: 1.5, strokeDasharray: "4 3" }),
        Plot.ruleY(rows, { y: "id", x1: c.low, x2: c.high, stroke: (r) => B.colour(track, r.id), strokeWidth: 2.2, className: "ci" }),
        Plot.dot(models, { y: "id", x: at, r: 4.5, symbol: (r) => (r.kind === "naive" ? "diamond" : "circle"), fill: (r) => (r.kind === "naive" || r.subset ? "var(--card)" : B.colour(track, r.id)), stroke: (r) => B.colour(track, r.id), strokeWidth: 1.6, className: "dots" }),
        Plot.dot(ceiling, { y: "id", x: at, r: 4.5, symbol: "star", fill: "var(--ceiling)" }),
        Plot.tip(rows, Plot.pointerY({ y: "id", x: at, title: (r) => tip(r, metric, pair) })),
      ],
    }));
  };

  const tradeoff = () => {
    const c = chosen(), { track, pair, metric, value, at: e } = c, { x } = B.state, box = B.$("tradeoff");
    const rows = c.rows.filter((r) => !r.subset);  // cost is of a whole test set
    const models = rows.filter((r) => r[x] !== undefined);
    const lines = [...rows.filter((r) => r.kind === "ceiling"), ...rows.filter((r) => r.kind === "naive").slice(0, 1)];
    B.$("tradeoff-caption").textContent = `${capital(nice(metric, pair))} against ${xs[x].split(" /")[0]}, ${B.trackText(track)}`;
    if (!models.length) return void B.fill(box, B.h("p", { class: "muted" }, "No model on this track yet."));
    const positive = models.map((r) => r[x]).filter((v) => v > 0);
    const least = positive.length ? Math.min(...positive) / 3 : 1;
    const at = (r) => Math.max(r[x], least);
    const width = box.clientWidth, height = Math.max(360, Math.min(520, 46 + 24 * c.rows.length)), margin = { marginLeft: 56, marginRight: 18, marginTop: 26, marginBottom: 40 };
    // Whole powers of ten at both ends, so that at least two ticks carry a number.
    const ends = [Math.min(...models.map(at)) / 1.3, Math.max(...models.map(at)) * 1.3].map(Math.log10);
    const xdomain = [10 ** Math.floor(ends[0]), 10 ** Math.ceil(ends[1])];
    const base = {
      width, height, ...margin, style: { fontSize: "12px" }, ariaLabel: `${nice(metric, pair)} against ${xs[x]}`,
      x: { type: "log", domain: xdomain, label: `${xs[x]} →`, grid: true, ticks: Math.max(3, width / 110), tickFormat: B.power },
      y: B.scoreAxis(metric, shown(c, [...models, ...lines]), height - 66, 24, `↑ ${nice(metric, pair)}`),
      marks: [],
    };
    const scales = Plot.plot(base), X = scales.scale("x").apply, Y = scales.scale("y").apply;
    // Labels go where they cover no dot, interval, line or other label; what finds no place still shows when pointed at.
    const box4 = (px, y1, y2, r) => [px - r, Math.min(y1, y2) - r, px + r, Math.max(y1, y2) + r];
    const taken = models.flatMap((r) => [box4(X(at(r)), Y(e(r)), Y(e(r)), 6), box4(X(at(r)), Y(c.low(r)), Y(c.high(r)), 2)]);
    for (const r of lines) taken.push([margin.marginLeft, Y(e(r)) - 1, width, Y(e(r)) + 1]);
    const free = (b) => b[0] > margin.marginLeft && b[2] < width - 4 && b[1] > 8 && b[3] < height - margin.marginBottom && taken.every((t) => b[2] < t[0] || b[0] > t[2] || b[3] < t[1] || b[1] > t[3]);
    const labels = [];
    const place = (row, text, px, py, options) => {
      const w = 6.4 * text.length, tall = 13;
      for (const [dx, dy, anchor] of options) {
        const x0 = anchor === "start" ? px + dx : anchor === "end" ? px + dx - w : px + dx - w / 2;
        const spot = [x0, py + dy - tall / 2, x0 + w, py + dy + tall / 2];
        if (!free(spot)) continue;
        taken.push(spot);
        labels.push({ row, text, px, py, dx, dy, anchor });
        return;
      }
    };
    const short = (n) => (n.length > 26 ? n.slice(0, 25) + "…" : n), plain = [-9, 9], heights = [0, 14, -14, 24, -24, 36, -36, 48, -48];
    for (const r of lines) place(r, short(r.name), width - margin.marginRight, Y(e(r)), [[0, -9, "end"], [0, 10, "end"], [-170, -9, "end"], [-170, 10, "end"], [-260, -9, "end"]]);
    for (const r of models) place(r, short(r.name), X(at(r)), Y(e(r)), heights.flatMap((dy) => [...plain.map((dx) => [dx, dy, dx > 0 ? "start" : "end"]), ...(Math.abs(dy) > 12 ? [[0, dy, "middle"]] : [])]));
    const textMark = (l) => Plot.text([l], { frameAnchor: "top-left", dx: l.px + l.dx - margin.marginLeft, dy: l.py + l.dy - margin.marginTop, text: (d) => d.text, textAnchor: l.anchor, lineAnchor: "middle",
      fill: l.row.kind === "ceiling" ? "var(--ceiling)" : l.row.kind === "naive" ? "var(--naive)" : B.colour(track, l.row.id), stroke: "var(--card)", strokeWidth: 4, fontSize: 11.5, className: "labels" });
    B.fill(box, Plot.plot({
      ...base,
      marks: [
        Plot.ruleY(lines, { y: e, stroke: (r) => (r.kind === "ceiling" ? "var(--ceiling)" : "var(--naive)"), strokeWidth: 1.3, strokeDasharray: "5 4" }),
        Plot.ruleX(models, { x: at, y1: c.low, y2: c.high, stroke: (r) => B.colour(track, r.id), strokeWidth: 1.6, strokeOpacity: 0.7 }),
        Plot.dot(models, { x: at, y: e, r: 5, fill: (r) => B.colour(track, r.id), stroke: "var(--card)", className: "dots" }),
        ...labels.map(textMark),
        Plot.tip(models, Plot.pointer({ x: at, y: e, title: (r) => tip(r, metric, pair) })),
      ],
    }));
  };
  const again = [B.lazy(B.$("forest"), forest), B.lazy(B.$("tradeoff"), tradeoff)];
  B.on(["track", "pair", "order"], () => again.forEach((run) => run()));
  B.on(["x"], () => again[1]());
};
