"use strict";
// Scores by earlier versions, and numbers that are quoted and not recomputed. Each version has an address of its own.
B.history = function () {
  const { versions, quoted } = B.data.history, order = ["overall", "AA", "AB", "BB"], box = B.$("history-body");
  const cell = (value, ci) => B.h("td", {}, B.h("div", { class: "score" }, B.r2(value), ci && ci[0] !== null ? B.h("small", {}, B.range(ci)) : null));
  const table = (rows, skill) => B.h("div", { class: "scroll" }, B.h("table", { class: "grid-table" },
    B.h("thead", {}, B.h("tr", {}, ["", ...(skill ? ["rank", "skill"] : []), ...order.map((p) => `R² ${p}`)].map((t) => B.h("th", {}, t)))),
    B.h("tbody", {}, rows.map((r) => B.h("tr", {}, B.h("td", {}, r.name + (r.states ? ` (${r.states})` : "")),
      skill ? [B.h("td", {}, B.rank(r)), cell((r.skill || {}).overall, (r.skill_ci95 || {}).overall)] : null,
      order.map((p) => cell(r.r2[p], (r.r2_ci95 || {})[p])))))));
  const tracks = (rows, skill) => Object.keys(B.data.tracks).flatMap((track) => {
    const some = rows.filter((r) => r.track === track);
    return some.length ? [B.h("h3", {}, B.trackText(track)), table(some, skill)] : [];
  });
  const parts = versions.map((v) => B.h("details", { id: `history-${v.name}`, class: "panel" },
    B.h("summary", {}, B.h("b", {}, `Data ${v.dataset_version}`), `, evaluator ${v.evaluator_version}`),
    B.h("p", { class: "muted small" }, `Address of these scores: #history-${v.name}. Data SHA-256 ${v.dataset_sha256}. They do not change any more.`),
    tracks(v.rows, v.rows.some((r) => r.skill))));
  if (quoted) {
    parts.push(B.h("details", { id: "history-quoted", class: "panel", open: true },
      B.h("summary", {}, B.h("b", {}, quoted.title), `, quoted from ${quoted.source}`),
      B.h("p", { class: "muted small" }, quoted.note, " ", B.link(`doi:${quoted.doi}`, `https://doi.org/${quoted.doi}`)), tracks(quoted.rows, false)));
  }
  B.fill(box, parts);
  B.$("history").hidden = !parts.length;
  B.jump = () => {
    const asked = location.hash.startsWith("#history-") && B.$(decodeURIComponent(location.hash.slice(1)));
    if (asked && box.contains(asked)) { asked.open = true; B.goto(asked); }
  };
};
