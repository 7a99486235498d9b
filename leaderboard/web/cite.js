"use strict";
// Downloads and citation.
B.cite = function () {
  const { header } = B.data, version = header.dataset_version;
  const bibtex = [
    "@misc{binlj_rdf,",
    "  title        = {{binlj-rdf}: radial distribution functions of binary {Lennard-Jones} mixtures, a dataset and benchmark},",
    "  author       = {{The binlj-rdf authors}},",
    `  howpublished = {Dataset and benchmark, version ${version}},`,
    `  note         = {Evaluator ${header.evaluator_version}; data SHA-256 ${header.dataset_sha256.slice(0, 16)}}`,
    "}",
    "",
    "@article{hashmi2025explainable,",
    "  title   = {An Explainable {ML} Model for Binary {LJ} Fluids},",
    "  author  = {Hashmi, Israrul H. and Karmakar, Rahul and Maniteja, Marripelli and Ayush, Kumar and Patra, Tarak K.},",
    "  journal = {Soft Matter},",
    "  year    = {2025},",
    "  doi     = {10.1039/D5SM00198F}",
    "}",
  ].join("\n");
  B.$("bibtex").textContent = bibtex;
  B.$("copy-bibtex").addEventListener("click", async (event) => {
    const button = event.target;
    try { await navigator.clipboard.writeText(bibtex); button.textContent = "Copied"; } catch {
      getSelection().selectAllChildren(B.$("bibtex")); button.textContent = "Selected; press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy BibTeX"; }, 2500);
  });
  const sentence = () => {
    const { track, model } = B.state, row = B.row(track, model);
    if (!row) return;
    B.$("cite-sentence").textContent = `To quote a number: “${row.name} reaches skill ${B.r2(row.skill.overall)} (95 % interval ${B.range(row.skill_ci95.overall)}) and R² = ${B.r2(row.r2.overall)} (95 % interval ${B.range(row.r2_ci95.overall)}; AA ${B.r2(row.r2.AA)}, AB ${B.r2(row.r2.AB)}, BB ${B.r2(row.r2.BB)}) ` +
      `on ${row.subset ? `${row.subset.n_states} of the ${row.subset.of_states} test states of ` : ""}the ${B.trackText(track)} track of binlj-rdf ${version}.” To cite the benchmark and the paper it comes from:`;
  };
  B.on(["track", "model"], sentence);
  sentence();

  const save = (name, type, text) => {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const anchor = B.h("a", { href: url, download: name });
    document.body.append(anchor); anchor.click(); anchor.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  };
  const { rows, models } = B.data;
  B.json = () => JSON.stringify({ ...header, models, rows }, null, 1);
  B.csv = () => {
    const pairs = ["overall", ...B.PAIRS], columns = [];
    for (const key of ["track", "rank", "id", "name", "kind", "ranked", "date", "prior_knowledge", "parameters", "train_seconds", "predict_seconds"]) columns.push([key, (r) => (key === "prior_knowledge" ? (B.models.get(r.id) || {})[key] : r[key])]);
    columns.push(["n_seeds", (r) => (r.seeds ? r.seeds.skill.length : undefined)], ["skill_sd", (r) => (r.seeds ? r.seeds.skill_sd.overall : undefined)], ["r2_sd", (r) => (r.seeds ? r.seeds.r2_sd.overall : undefined)]);
    columns.push(["n_states", (r) => (r.subset || { n_states: B.data.tracks[r.track].n_test }).n_states], ["of_states", (r) => B.data.tracks[r.track].n_test]);
    columns.push(["rank_best", (r) => (r.rank_interval || [])[0]], ["rank_worst", (r) => (r.rank_interval || [])[1]]);
    for (const p of pairs) columns.push([`skill_${p}`, (r) => r.skill[p]], [`skill_${p}_low`, (r) => r.skill_ci95[p][0]], [`skill_${p}_high`, (r) => r.skill_ci95[p][1]]);
    for (const p of pairs) columns.push([`r2_${p}`, (r) => r.r2[p]], [`r2_${p}_low`, (r) => r.r2_ci95[p][0]], [`r2_${p}_high`, (r) => r.r2_ci95[p][1]], [`ceiling_share_${p}`, (r) => (r.ceiling_share || {})[p]]);
    for (const { name: m } of B.metrics) columns.push([m, (r) => ((r.metrics || {})[m] || {}).overall]);
    columns.push(["predictions_sha256", (r) => r.predictions_sha256], ["dataset_version", () => version], ["evaluator_version", () => header.evaluator_version]);
    // A spreadsheet runs text that starts like a formula; an apostrophe in front keeps it text.
    const cell = (v) => {
      if (v === null || v === undefined) return "";
      if (typeof v !== "string") return String(v);
      const safe = /^[=+\-@\t\r]/.test(v) ? `'${v}` : v;
      return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    return [columns.map(([k]) => k).join(","), ...rows.map((r) => columns.map(([, get]) => cell(get(r))).join(","))].join("\r\n") + "\r\n";
  };
  B.$("download-csv").addEventListener("click", () => save("binlj-leaderboard.csv", "text/csv", B.csv()));
  B.$("download-json").addEventListener("click", () => save("binlj-leaderboard.json", "application/json", B.json()));
  B.fill(B.$("facts"), [["dataset", version], ["data SHA-256", header.dataset_sha256], ["evaluator", header.evaluator_version], ["intervals", `${header.bootstrap.resamples} bootstrap resamples, seed ${header.bootstrap.seed}, by ${header.bootstrap.unit}`]]
    .flatMap(([k, v]) => [B.h("dt", {}, k), B.h("dd", {}, v)]));
  B.$("footer").textContent = "Drawn with " + B.data.libraries.map((l) => `${l.name} ${l.version} (${l.license})`).join(", ") + ". Nothing on this page comes from the network.";
};
