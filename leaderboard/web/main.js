"use strict";
// Start: read the data and the address, build the parts, keep the address in step.
(function () {
  B.load();
  const parse = () => {
    const asked = new URLSearchParams(location.hash.slice(1)), state = {};
    if (asked.get("track") in B.data.tracks) state.track = asked.get("track");
    const track = state.track || B.state.track;
    if (B.row(track, asked.get("model")) && asked.get("model") !== "noise-ceiling") state.model = asked.get("model");
    const view = B.data.state_ids.indexOf(asked.get("state"));
    if (view >= 0) state.view = view;
    if (["all", ...B.PAIRS].includes(asked.get("curves"))) state.viewPair = asked.get("curves");
    return state;
  };
  Object.assign(B.state, { track: "extrapolation", pair: "overall", x: "train_seconds", columns: "main", order: "skill", mapPair: "overall", viewPair: "all", model: "" });
  Object.assign(B.state, parse());
  B.state.overlay = B.defaultOverlay(B.state.track);
  B.state.view ??= B.data.tracks[B.state.track].states[2];
  B.theme();

  const notes = {
    extrapolation: (t) => `Train on T* 0.8, 1.0, 1.2 (${t.n_train} states); predict T* 0.6 and 1.4 (${t.n_test} states, ${3 * t.n_test} RDFs).`,
    interpolation: (t) => `Train on ${t.n_train} states of the whole grid; predict the other ${t.n_test} (${3 * t.n_test} RDFs).`,
    offgrid: (t) => `Train on all ${t.n_train} states of the grid; predict ${t.n_test} others inside its ranges, none of a training mixture (${3 * t.n_test} RDFs).`,
  };
  const regimeNotes = { equilibrium: "", mixed: " The curves are those of the first 70 τ after random mixing, not of equilibrium; the paper's numbers come back here." };
  const tile = (value, label) => B.h("div", { class: "tile" }, B.h("b", {}, value), B.h("span", {}, label));
  const intro = () => {
    const { track } = B.state, rows = B.rows(track), t = B.data.tracks[track];
    B.$("lead").textContent = `${B.data.state_ids.length} states of a binary Lennard-Jones mixture at P* = 1, three radial distribution functions each, from molecular dynamics. A model sees temperature, composition, size ratio and cross-attraction, and predicts g(r).`;
    B.$("track-note").textContent = notes[B.trackName(track)](t) + regimeNotes[B.regimeOf(track)];
    const first = (kind) => rows.filter((r) => r.kind === kind && r.skill.overall !== null).sort((a, b) => b.skill.overall - a.skill.overall)[0];
    const best = rows.find((r) => r.rank === 1), naive = first("naive"), ceiling = rows.find((r) => r.kind === "ceiling");
    B.fill(B.$("tiles"), [
      best && tile(B.r2(best.skill.overall), `highest skill: ${best.name}`),
      naive && tile(B.r2(naive.skill.overall), `best naive baseline: ${naive.name}`),
      tile(B.r2(ceiling.skill.overall), "noise ceiling of the skill: what exact curves would score"),
      tile(String(rows.filter((r) => r.kind === "model").length), `models on this track, ${B.data.header.dataset_version ? "data " + B.data.header.dataset_version : ""}`),
    ].filter(Boolean));
  };
  const titles = { extrapolation: "Extrapolation", interpolation: "Interpolation", offgrid: "Off-grid" };
  const there = (regime) => Object.keys(titles).filter((t) => B.inRegime(t, regime) in B.data.tracks);
  const regime = () => B.regimeOf(B.state.track), name = () => B.trackName(B.state.track);
  B.segmented("track", () => there(regime()).map((t) => [t, titles[t]]), "track", name, (t) => ({ track: B.inRegime(t, regime()) }));
  const regimes = [["equilibrium", "Equilibrium"], ["mixed", "After mixing"]].filter(([r]) => there(r).length);
  if (regimes.length < 2) B.$("regime").remove();
  else B.segmented("regime", regimes, "track", regime, (r) => ({ track: B.inRegime(there(r).includes(name()) ? name() : there(r)[0], r) }));
  B.on(["track"], intro);
  intro();
  B.table();
  B.accuracy();
  B.detail();
  B.map();
  B.viewer();
  B.history();
  B.cite();

  for (const anchor of document.querySelectorAll("[data-jump]")) {
    anchor.addEventListener("click", (event) => {
      event.preventDefault();
      const target = anchor.getAttribute("href").slice(1);
      B.goto(target ? B.$(target) : document.body);
    });
  }
  const remember = () => {
    const { track, model, view, viewPair } = B.state;
    const hash = new URLSearchParams({ track, model, state: B.data.state_ids[view], curves: viewPair }).toString();
    history.replaceState(null, "", `#${hash}`);
  };
  B.on(["track", "model", "view", "viewPair"], remember);
  window.addEventListener("hashchange", () => { B.set(parse()); B.jump(); });
  B.jump();
  document.documentElement.dataset.ready = "yes";
})();
