"use strict";
// Any state, any pair, the data with its error band, and the models that predicted it.
B.viewer = function () {
  const selects = {};
  B.fill(B.$("viewer-state"), B.FEATURES.map(([key, label]) => {
    selects[key] = B.h("select", { id: `viewer-${key}`, on: { change: () => B.set({ view: B.indexOf(Object.fromEntries(B.FEATURES.map(([k]) => [k, +selects[k].value]))) }) } },
      B.data.grid[key].map((v) => B.h("option", { value: v }, v)));
    return B.h("label", {}, label, selects[key]);
  }));
  const others = B.data.state_ids.map((id, i) => [id, i]).filter(([, i]) => !B.onGrid(i));
  const off = B.h("select", { id: "viewer-offgrid", on: { change: () => { if (off.value !== "") B.set({ view: +off.value }); } } },
    B.h("option", { value: "" }, "–"), others.map(([id, i]) => B.h("option", { value: i }, id)));
  if (others.length) B.$("viewer-state").append(B.h("label", {}, "off the grid", off));
  B.segmented("viewer-pair", [["all", "all pairs"], ...B.PAIRS.map((p) => [p, p])], "viewPair");

  const chosen = () => B.withCurves(B.state.track).filter((r) => B.state.overlay.includes(r.id));
  const chips = () => {
    const { track, overlay } = B.state;
    B.fill(B.$("viewer-models"), B.withCurves(track).map((row) => {
      const on = overlay.includes(row.id);
      return B.h("button", {
        type: "button", class: "chip", "aria-pressed": String(on), title: B.named(row), "data-id": row.id,
        on: { click: () => B.set({ overlay: on ? overlay.filter((id) => id !== row.id) : [...overlay, row.id] }) },
      }, B.h("span", { class: "dot", style: on ? { background: B.colour(track, row.id) } : {} }), B.h("span", { class: "name" }, row.name));
    }));
  };
  const walk = (direction) => () => {
    const { states } = B.data.tracks[B.state.track], at = B.state.view;
    const next = direction > 0 ? states.find((s) => s > at) ?? states[0] : states.findLast((s) => s < at) ?? states[states.length - 1];
    B.set({ view: next });
  };
  B.$("viewer-prev").addEventListener("click", walk(-1));
  B.$("viewer-next").addEventListener("click", walk(1));

  const box = B.$("viewer-plots");
  const draw = () => {
    const { track, view, viewPair } = B.state, held = B.data.tracks[track].rowOf.has(3 * view);
    const state = B.stateOf(view), here = (r) => B.covered(track, r.id).rowOf.has(3 * view);
    const models = chosen().filter(here), absent = held ? chosen().filter((r) => !here(r)) : [];
    for (const [key] of B.FEATURES) selects[key].value = B.onGrid(view) ? state[key] : "";
    off.value = B.onGrid(view) ? "" : view;
    const name = B.trackText(track), role = B.onGrid(view) || B.trackName(track) === "offgrid" ? `a training state of the ${name} track` : `not a state of the ${name} track`;
    if (!B.known(view)) {
      B.$("viewer-note").textContent = `${B.data.state_ids[view]}: not simulated in this regime.`;
      return void B.fill(box);
    }
    B.$("viewer-note").textContent = `${B.data.state_ids[view]}: ` + (held ? `a test state of the ${name} track. Dots: data; band: ± 2 standard errors; lines: models.` : `${role}, so no predictions. Dots: data; band: ± 2 standard errors.`) +
      ` Phase: ${B.phase(view)}. ${B.unsettled(view) ? `Not converged, so not scored (${B.unsettled(view)}).` : "Converged."}` +
      absent.map((r) => ` ${B.named(r)} does not cover it.`).join("");
    const pairs = viewPair === "all" ? [0, 1, 2] : [B.PAIRS.indexOf(viewPair)];
    const fit = Math.max(1, Math.min(pairs.length, Math.floor((box.clientWidth + 16) / 346)));
    const width = (box.clientWidth - 16 * (fit - 1)) / fit - 28;
    B.fill(box, pairs.map((p) => B.h("div", { class: "panel", "data-pair": B.PAIRS[p] },
      B.h("figcaption", {}, `${B.PAIRS[p]} at ${B.stateText(view)}`),
      B.rdf(3 * view + p, models, { width, track, height: pairs.length === 1 ? 330 : 230, difference: models.length > 0 }))));
  };
  const again = B.lazy(box, draw);
  B.on(["track"], () => {
    const here = B.withCurves(B.state.track).map((r) => r.id), { states } = B.data.tracks[B.state.track];
    const kept = B.state.overlay.filter((id) => here.includes(id));
    B.set({ overlay: kept.length ? kept : B.defaultOverlay(B.state.track), view: states.includes(B.state.view) ? B.state.view : states[0] });
    chips(); again();
  });
  B.on(["overlay"], () => { chips(); again(); });
  B.on(["view", "viewPair"], again);
  chips();
  const left = B.data.rows.filter((r) => r.kind !== "ceiling" && !(B.data.curves.models[r.id] || {})[r.track]).length;
  B.$("viewer-quantised").textContent = "Curves travel in this page as scaled integers: data in 16 bits (error below 1/131,000 of the curve's maximum), standard errors in 8 bits " +
    "(below 1/510 of their maximum), models as 8-bit differences from the data (below 0.4 % of the model's largest difference on that curve). Scores are computed from the submitted numbers." +
    (left ? ` The curves of ${left} low-ranked entries are left out to keep the page below 4 MB.` : "");
};
B.defaultOverlay = function (track) {
  const rows = B.withCurves(track), best = rows.filter((r) => r.ranked).slice(0, 2), naive = rows.find((r) => r.kind === "naive");
  return [...best, ...(naive ? [naive] : [])].map((r) => r.id);
};
B.view = function (view, viewPair, id) {
  B.set({ view, viewPair, overlay: B.state.overlay.includes(id) ? B.state.overlay : [id, ...B.state.overlay] });
  B.goto(B.$("viewer"));
};
