"use strict";
// The table of models: one row each, naive baselines and the noise ceiling among them, visibly different.
B.table = function () {
  const narrow = () => window.innerWidth < 800;
  const score = (name, subset) => (cell) => {
    const row = cell.getData(), ci = (row[`${name}_ci95`] || {})[subset], known = ci && ci[0] !== null;
    const title = [known && `95 % interval ${B.range(ci)}`, row.seeds && `mean ± standard deviation over ${row.seeds.skill.length} seeds`].filter(Boolean).join("; ");
    return B.h("div", { class: "score", title }, B.r2(row[name][subset]), row.seeds ? B.h("small", { class: "sd" }, `± ${B.spread(row.seeds[`${name}_sd`][subset])}`) : null,
      known ? B.h("small", {}, ci.map(B.short).join("…")) : null);
  };
  const rank = (cell) => {
    const row = cell.getData();
    if (row.rank_interval) {
      const title = "best and worst rank that the paired bootstrap of the skill allows";
      return B.h("b", { title }, B.rank(row));
    }
    return B.h("span", { class: "muted" }, "–");
  };
  const prior = (row) => { const known = (B.models.get(row.id) || {}).prior_knowledge; return known && known !== "none" ? known : ""; };
  const badges = (row) => [
    row.kind === "naive" && B.h("span", { class: "badge naive", title: "a prediction that needs no model" }, "naive baseline"),
    row.kind === "ceiling" && B.h("span", { class: "badge ceiling", title: "what the exact curves would be expected to score, given the data's errors" }, "ceiling"),
    row.subset && B.h("span", { class: "badge warn part", title: "its scores are of these states alone and do not compare with the other rows; its details show the models on the same states" }, B.part(row)),
    row.kind === "reference" && B.h("span", { class: "badge note", title: "shown for orientation, not ranked" }, "reference"),
    row.kind === "model" && !row.ranked && B.h("span", { class: "badge note", title: "trained on more than the track's train split, not ranked" }, "extra data"),
    prior(row) && B.h("span", { class: "badge note prior", title: "prior knowledge: the physics that the model starts from" }, prior(row)),
    row.seeds && B.h("span", { class: "badge note", title: "scores are means over the seeds, ± their standard deviation; pictures show the first" }, `${row.seeds.skill.length} seeds`),
    row.kind === "model" && row.beats_naive === false && B.h("span", { class: "badge warn", title: "its skill is not above that of the best naive baseline" }, "below a naive baseline"),
  ];
  const name = (cell) => {
    const row = cell.getData(), model = B.models.get(row.id);
    const label = row.kind === "ceiling" ? B.h("b", {}, row.name)
      : B.h("button", { type: "button", class: "model-link", on: { click: () => B.show(row.id) } }, row.name);
    const by = model ? model.authors.slice(0, 2).map((a) => a.name).join(", ") + (model.authors.length > 2 ? " et al." : "") : "";
    return B.h("div", { class: "model-cell" }, label, badges(row), by ? B.h("small", {}, by) : null);
  };
  const links = (cell) => {
    const model = B.models.get(cell.getData().id);
    const items = Object.entries(model ? model.links : {}).map(([label, url]) => B.link(label, url));
    return B.h("div", { class: "wrap-cell" }, items.flatMap((item, i) => (i ? [" · ", item] : [item])));
  };
  const plain = (format) => (cell) => B.h("span", {}, format(cell.getValue()));
  // Undefined values stay at the end whichever way the column is sorted.
  const numeric = (a, b, rowA, rowB, column, direction) => {
    const last = direction === "asc" ? Infinity : -Infinity, at = (v) => (typeof v === "number" ? v : last);
    const x = at(a), y = at(b);
    return x === y ? 0 : x - y;
  };
  const column = (title, field, formatter, extra) => ({
    title, field, formatter, sorter: numeric, headerSortStartingDir: "desc", hozAlign: "right", headerHozAlign: "right",
    headerWordWrap: true, minWidth: 76, ...extra,
  });

  const formula = "1 − mean over curves of min(1, Σ|p − y| / Σ|y − 1|), r ≥ 0.8 σ: every curve counts the same";
  const columns = () => {
    const first = [
      ...(narrow() ? [{ formatter: "responsiveCollapse", width: 34, minWidth: 34, headerSort: false, responsive: 0, resizable: false, hozAlign: "center" }] : []),
      { title: narrow() ? "#" : "Rank", headerTooltip: "rank interval by skill: paired bootstrap over mixtures, 95 %", field: "rank", formatter: rank, sorter: numeric, width: narrow() ? 46 : 62, responsive: 0, headerSortStartingDir: "asc", hozAlign: "center", headerHozAlign: "center" },
      { title: "Model", field: "name", formatter: name, sorter: "string", minWidth: narrow() ? 104 : 186, widthGrow: 3, responsive: 0 },
    ];
    const pairs = (name, title, rest) => ["overall", ...B.PAIRS].map((key, i) => column(
      `${title} ${key}`, `${name}.${key}`, score(name, key), { responsive: i ? rest : 0, minWidth: narrow() ? 84 : 88, cssClass: `${name}-${key}`, ...(name === "skill" ? { headerTooltip: formula } : {}) }));
    const skill = pairs("skill", "Skill", 3), r2 = pairs("r2", "R²", 2);
    const within = (phase) => column(`Skill, ${phase}`, `by.phase.${phase}.skill.overall`, plain(B.r2), { responsive: 4, minWidth: phase === "demixed" ? 78 : 116 });
    if (B.state.columns === "metrics") {
      // What is the same for every row says nothing about a model.
      const rows = B.rows(B.state.track).filter((r) => r.metrics && !r.subset), telling = B.metrics.filter((m) => new Set(rows.map((r) => (r.metrics[m.name] || {}).overall)).size > 1);
      return [...first, skill[0], r2[0], ...telling.map((about, i) => column(
        about.title + (about.unit ? ` / ${about.unit}` : "") + ({ higher: " ↑", lower: " ↓" }[about.better] || ""), `metrics.${about.name}.overall`, plain(B.number),
        { headerTooltip: about.formula, responsive: 2 + i, headerSortStartingDir: about.better === "higher" ? "desc" : "asc", minWidth: 106 }))];
    }
    if (B.state.columns === "cost") {
      return [
        ...first, skill[0], r2[0],
        column("Share of ceiling, skill", "skill_share", plain(B.percent), { responsive: 3, minWidth: 96, headerTooltip: "overall skill divided by the skill that the exact curves would be expected to reach" }),
        column("Share of ceiling, R²", "ceiling_share.overall", plain(B.percent), { responsive: 3, minWidth: 96, headerTooltip: "R² overall divided by its noise ceiling. The ceiling is what the exact curves would score on average over repeated simulations; above 100 % is the luck of this one, or noise that was learnt from its neighbours" }),
        column("CRPS ↓", "metrics.crps.overall", plain(B.number), { responsive: 5, headerSortStartingDir: "asc", headerTooltip: "of g_std, where the model gives it" }),
        column("Parameters", "parameters", plain(B.count), { responsive: 5, minWidth: 100 }),
        column("Training", "train_seconds", plain(B.seconds), { responsive: 4, headerSortStartingDir: "asc", headerTooltip: "wall-clock, as reported by the authors" }),
        column("Prediction", "predict_seconds", plain(B.seconds), { responsive: 5, headerSortStartingDir: "asc", minWidth: 92, headerTooltip: "whole test set, as reported by the authors" }),
        { title: "Date", field: "date", formatter: plain((v) => v || ""), sorter: "string", responsive: 6, minWidth: 100, headerSortStartingDir: "desc" },
        { title: "Links", field: "links", formatter: links, headerSort: false, responsive: 6, minWidth: 72 },
      ];
    }
    return [...first, ...skill, within("homogeneous"), within("demixed"), ...r2];
  };

  const text = (row) => {
    const model = B.models.get(row.id) || {};
    return [row.id, row.name, row.kind, model.hardware, model.prior_knowledge, model.description, ...(model.authors || []).flatMap((a) => [a.name, a.affiliation])].join(" ").toLowerCase();
  };
  const keep = (row) => {
    const words = B.$("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!B.$("show-naive").checked && ["naive", "ceiling"].includes(row.kind)) return false;
    if (!B.$("show-unranked").checked && !row.ranked && ["model", "reference"].includes(row.kind)) return false;
    return words.every((word) => text(row).includes(word));
  };
  const collapsed = (cells) => {
    const list = B.h("dl");
    for (const { title, value: shown } of cells) {
      if (!title) continue;
      list.append(B.h("dt", {}, title), B.h("dd", {}, shown instanceof Node ? shown : String(shown ?? "")));
    }
    return list;
  };

  const share = (row) => {
    const ceiling = row.subset ? row.subset.ceiling.skill : B.rows(row.track).find((r) => r.kind === "ceiling").skill;
    return row.kind === "ceiling" || row.skill.overall === null || !ceiling.overall ? null : row.skill.overall / ceiling.overall;
  };
  let table = null, wasNarrow = narrow();
  const make = () => {
    if (table) table.destroy();
    table = new Tabulator("#table", {
      data: B.rows(B.state.track).map((r) => ({ ...r, skill_share: share(r) })), columns: columns(), layout: "fitColumns", index: "id",
      responsiveLayout: narrow() ? "collapse" : false, responsiveLayoutCollapseStartOpen: false, responsiveLayoutCollapseFormatter: collapsed,
      initialSort: [{ column: B.state.order === "r2" ? "r2.overall" : "skill.overall", dir: "desc" }], placeholder: "No model matches", renderVertical: "basic", columnHeaderVertAlign: "bottom",
      rowFormatter: (row) => {
        const { kind } = row.getData(), classes = row.getElement().classList;
        classes.toggle("naive-row", kind === "naive");
        classes.toggle("ceiling-row", kind === "ceiling");
      },
    });
    B.tabulator = table;
    table.on("tableBuilt", () => table.setFilter(keep));
  };
  const note = () => {
    const rows = B.rows(B.state.track), parts = rows.some((r) => r.subset), { bootstrap } = B.data.header;
    const units = rows.find((r) => r.kind === "ceiling").n_compositions;
    B.$("table-note").textContent = [
      `Small figures: 95 % intervals, ± the standard deviation over seeds where a model enters several; ${bootstrap.resamples.toLocaleString("en-US")} bootstrap resamples over ${units} mixtures (C_B, S, ε_AB). Scores are over the converged test states: ${rows.find((r) => r.kind === "ceiling").n_scored_states} of ${B.data.tracks[B.state.track].n_test}.`,
      "Ranks are by skill. A rank interval runs from 1 + the models that are significantly better to the models that are not significantly worse.",
      ...(parts ? ["A row that says “n of m states” is scored, and measured against the ceiling, on these alone: its details show the models on the same states."] : []),
      "Times, parameters and hardware are the authors' own figures. Select a name for details.",
    ].join(" ");
  };
  B.segmented("columns", [["main", "Scores"], ["cost", "Cost"], ["metrics", "Other metrics"]], "columns");
  B.segmented("order", [["skill", "Rank by skill"], ["r2", "Order by R² (the paper's metric)"]], "order");
  for (const id of ["search", "show-naive", "show-unranked"]) B.$(id).addEventListener("input", () => table.refreshFilter());
  B.on(["track", "columns", "order"], () => { make(); note(); });
  window.addEventListener("resize", () => { if (narrow() !== wasNarrow) { wasNarrow = narrow(); make(); } });
  make();
  note();
};
