"use strict";
// One model: what its authors say, its scores, where it is right and where it is wrong.
B.detail = function () {
  const select = B.$("detail-model"), body = B.$("detail-body");
  select.addEventListener("change", () => B.set({ model: select.value }));
  const candidates = () => B.rows(B.state.track).filter((r) => r.kind !== "ceiling");
  const options = () => {
    const rows = candidates();
    B.fill(select, rows.map((r) => B.h("option", { value: r.id }, r.rank ? `${r.rank}. ${r.name}` : `${r.name} (${r.kind === "model" ? "extra data" : r.kind}${r.subset ? `, ${B.part(r)}` : ""})`)));
    const first = rows.find((r) => r.ranked) || rows[0];
    if (!rows.some((r) => r.id === B.state.model)) B.set({ model: first.id });
    select.value = B.state.model;
  };

  const about = (row) => {
    const model = B.models.get(row.id);
    if (!model) return B.h("p", { class: "muted" }, "A naive baseline: what anybody gets without a model, computed from the train split by the evaluator.");
    const facts = [
      ["authors", model.authors.map((a) => a.name + (a.affiliation ? ` (${a.affiliation})` : "")).join("; ")],
      ["date, licence", `${model.date}, ${model.license}`],
      ["training data", model.extra_training_data === "none" ? (row.kind === "reference" ? "" : "the track's train split") : `more than the train split: ${model.extra_training_data}`],
      ["prior knowledge", model.prior_knowledge],
      ["parameters", B.count(model.parameters)],
      ["training, prediction", `${B.seconds(row.train_seconds)}, ${B.seconds(row.predict_seconds)} on ${model.hardware}`],
      ["seeds", model.seeds.length ? model.seeds.join(", ") : "none"],
      ["scores by seed", row.seeds ? `skill ${row.seeds.skill.map(B.r2).join(", ")}; R² ${row.seeds.r2.map(B.r2).join(", ")}` : ""],
      ["notes", model.notes],
      ["predictions' SHA-256", row.predictions_sha256],
    ];
    const links = Object.entries(model.links).flatMap(([label, url], i) => (i ? [" · ", B.link(label, url)] : [B.link(label, url)]));
    return B.h("div", {}, model.description ? B.h("p", {}, model.description) : null,
      B.h("dl", {}, facts.filter(([, v]) => v).map(([k, v]) => [B.h("dt", {}, k), B.h("dd", {}, v)]), links.length ? [B.h("dt", {}, "links"), B.h("dd", {}, links)] : null));
  };

  const table = (head, rows) => B.h("div", { class: "scroll" }, B.h("table", { class: "grid-table" },
    B.h("thead", {}, B.h("tr", {}, head.map((t) => B.h("th", {}, t)))),
    B.h("tbody", {}, rows.map((cells) => B.h("tr", {}, cells.map((c) => B.h("td", {}, c)))))));
  const order = ["overall", "AA", "AB", "BB"];
  const scores = (row) => {
    return table(["", ...order], [
      ["Skill", ...order.map((p) => B.h("div", { class: "score" }, B.mean(row, "skill", p), B.h("small", {}, B.range(row.skill_ci95[p]))))],
      ["R²", ...order.map((p) => B.h("div", { class: "score" }, B.mean(row, "r2", p), B.h("small", {}, B.range(row.r2_ci95[p]))))],
      [row.subset ? "R², share of these states' ceiling" : "R², share of its ceiling", ...order.map((p) => B.percent(row.ceiling_share[p]))],
      ...B.metrics.filter((m) => row.metrics[m.name]).map((about) => [B.h("span", { title: about.formula }, about.title + (about.unit ? ` / ${about.unit}` : "")), ...order.map((p) => (p in row.metrics[about.name] ? B.number(row.metrics[about.name][p]) : ""))]),
    ]);
  };
  const both = (values) => ["skill", "r2"].flatMap((key) => order.map((p) => B.short(values[key][p])));
  const breakdown = (row) => {
    const name = { temperature: (v) => `${B.trackName(row.track) === "offgrid" ? "nearest T*" : "T* ="} ${+v}`, phase: (v) => v, converged: (v) => (v === "yes" ? null : "not converged"), states: (v) => (v === "all" ? "all states" : null) };
    return table(["", "states", "skill", ...B.PAIRS, "R²", ...B.PAIRS], Object.keys(name).flatMap((kind) =>
      Object.entries(row.by[kind] || {}).filter(([value]) => name[kind](value)).map(([value, g]) => [name[kind](value), g.n_states, ...both(g)])));
  };

  // Submitted feature attributions against the data's own variance decomposition.
  const explained = (row) => {
    const given = (B.models.get(row.id) || {}).attributions;
    if (!given) return [];
    return [B.h("h3", {}, "Feature attributions against the data's own Sobol indices (mean of AA, AB, BB)"),
      B.h("div", { class: "panel", id: "attributions" }, table(["data's ranking", "Kendall τ", "Spearman ρ", "overlap of shares", "same first feature"],
        Object.entries(given).map(([method, a]) => [method, ...["kendall", "spearman", "overlap"].map((k) => B.number(a[k])), a.same_first ? "yes, in all pairs" : "not in all pairs"])))];
  };

  // A partial reference beside the ranked models, all on the states it covers.
  const alike = (row) => {
    if (!row.subset) return [];
    const { subset } = row, cells = (name, values) => [name, ...both(values)];
    const models = Object.entries(subset.models).map(([id, values]) => ({ row: B.row(B.state.track, id), ...values }));
    models.sort((a, b) => (b.skill.overall ?? -Infinity) - (a.skill.overall ?? -Infinity));
    return [B.h("h3", {}, `Like for like: scores on the same ${B.part(row)}`),
      B.h("p", { class: "muted small" }, "The same evaluator on exactly these states. The models' scores elsewhere on this page are over the whole test set and do not compare with this row."),
      B.h("div", { class: "panel", id: "alike" }, table(["", "skill", ...B.PAIRS, "R²", ...B.PAIRS], [
        cells("Noise ceiling of these states", subset.ceiling), cells(B.h("b", {}, row.name), row),
        ...models.map((m) => cells(B.h("button", { type: "button", class: "model-link", on: { click: () => B.show(m.row.id) } }, m.row.name), m))])),
      B.h("details", { class: "small" }, B.h("summary", {}, "The states"), B.h("p", {}, subset.state_ids.join(", ")))];
  };

  const cases = (row) => {
    const { track } = B.state, all = B.errors(track, row.id), panels = B.h("div", { class: "panels" });
    const wide = body.clientWidth, columns = Math.max(1, Math.min(3, Math.floor((wide + 16) / 346)));
    const width = (wide - 16 * (columns - 1)) / columns - 28;
    const group = (label, some) => some.map(({ position, rmse }) => B.h("div", { class: "panel case" },
      B.h("div", { class: "small" }, B.h("b", {}, `${label}: ${B.PAIRS[position % 3]}`), ` · RMSE ${B.number(rmse)}`),
      B.h("button", { type: "button", class: "link", title: "open in the viewer", on: { click: () => B.view(Math.floor(position / 3), B.PAIRS[position % 3], row.id) } }, B.stateText(Math.floor(position / 3))),
      B.rdf(position, [row], { width, track, height: 170, difference: false })));
    panels.append(...group("worst", all.slice(0, 3)), ...group("best", all.slice(-3).reverse()));
    return panels;
  };

  const draw = () => {
    const { track, model } = B.state, row = B.row(track, model);
    if (!row || row.kind === "ceiling") return;
    const part = row.subset ? `, ${B.part(row)}` : "";
    const place = row.rank ? `rank ${B.rank(row)}` : "not ranked";
    const parts = [
      B.h("h3", {}, `${row.name} on ${B.trackText(track)}: ${place}${part}`), about(row), ...alike(row),
      B.h("div", { class: "two wide-right" }, B.h("div", { class: "panel" }, scores(row)), B.h("div", { class: "panel" }, B.h("figcaption", {}, "Skill and R² by group of states"), breakdown(row))),
    ];
    parts.push(...explained(row));
    if ((B.data.curves.models[row.id] || {})[track]) {
      const width = Math.min(380, (body.clientWidth - (body.clientWidth > 800 ? 32 : 0)) / (body.clientWidth > 800 ? 3 : 1) - 28);
      parts.push(B.h("h3", {}, `Parity: every point of ${row.subset ? "these states" : "the test set"}, stronger colour is more points (logarithmic)`),
        B.h("div", { class: "panels", id: "parity" }, B.PAIRS.map((pair, i) => B.h("div", { class: "panel" }, B.h("figcaption", {}, `${pair}, skill ${B.r2(row.skill[pair])}, R² ${B.r2(row.r2[pair])}${row.seeds ? " (means over seeds; points: the first)" : ""}`), B.parity(track, row.id, i, width)))),
        B.h("h3", {}, "Worst and best curves (dots: data, band ± 2 standard errors)"), cases(row));
    } else parts.push(B.h("p", { class: "muted" }, "The curves of this model are not in this page, which keeps below 4 MB by carrying those of the best models; they are in its predictions file."));
    B.fill(body, parts);
  };
  const again = B.lazy(body, draw);
  B.on(["track"], () => { options(); again(); });
  B.on(["model"], () => { select.value = B.state.model; again(); });
  options();
};
B.show = (id) => { B.set({ model: id }); B.goto(B.$("detail")); };
