"use strict";
// The page's data: scores as they are in results.json, curves unpacked from scaled integers on demand.
B.PAIRS = ["AA", "AB", "BB"];
B.SUBSETS = [["overall", "overall"], ["AA", "AA"], ["AB", "AB"], ["BB", "BB"]];
B.FEATURES = [["T", "T*"], ["C_B", "C_B"], ["S", "S"], ["eps_AB", "ε_AB"]];

B.load = function () {
  const data = JSON.parse(B.$("data").textContent);
  B.data = data;
  // Skill, R² and their ceilings have places of their own; these are the other metrics of the evaluator.
  B.metrics = data.header.metrics.filter((m) => !["skill", "skill_ceiling", "r2", "noise_ceiling", "ceiling_share"].includes(m.name));
  B.models = new Map(data.models.map((m) => [m.id, m]));
  B.bins = data.r.length;
  B.cache = new Map();
  for (const [name, track] of Object.entries(data.tracks)) {
    track.name = name;
    track.rowOf = new Map(track.test.map((position, i) => [position, i]));
    track.states = [...new Set(track.test.map((position) => Math.floor(position / 3)))].sort((a, b) => a - b);
  }
};

// A track's regime and its name without it; in_regime joins the two.
B.regimeOf = (track) => (track.startsWith("mixed_") ? "mixed" : "equilibrium");
B.trackName = (track) => track.replace(/^mixed_/, "");
B.inRegime = (name, regime) => (regime === "mixed" ? `mixed_${name}` : name);
B.trackText = (track) => (B.regimeOf(track) === "mixed" ? "mixed-regime " : "") + B.trackName(track);
B.published = (key) => B.data.curves[B.regimeOf(B.state.track)][key];

B.rows = (track) => B.data.rows.filter((row) => row.track === track);
B.row = (track, id) => B.data.rows.find((row) => row.track === track && row.id === id);
B.withCurves = (track) => B.rows(track).filter((row) => (B.data.curves.models[row.id] || {})[track]);

// The test curves a row has: of the whole test set, or of the states of a partial reference.
B.covered = function (track, id) {
  const whole = B.data.tracks[track], { subset } = B.row(track, id) || {}, key = `covered|${id}|${track}`;
  if (!subset) return whole;
  if (!B.cache.has(key)) {
    const states = new Set(subset.state_ids), test = whole.test.filter((position) => states.has(B.data.state_ids[Math.floor(position / 3)]));
    B.cache.set(key, { test, rowOf: new Map(test.map((position, i) => [position, i])) });
  }
  return B.cache.get(key);
};
// "20 of 100 states" for a partial reference: it goes wherever such a row's name stands beside a score.
B.part = (row) => (row.subset ? `${row.subset.n_states} of ${row.subset.of_states} states` : "");
B.named = (row) => (row.subset ? `${row.name} (${B.part(row)})` : row.name);

// Colours follow the order on the track, so that a model keeps its colour in every picture of it.
B.colour = function (track, id) {
  const row = B.row(track, id);
  if (!row) return "var(--muted)";
  if (row.kind === "ceiling") return "var(--ceiling)";
  const same = B.rows(track).filter((r) => r.kind !== "ceiling" && (r.kind === "naive") === (row.kind === "naive"));
  const i = same.findIndex((r) => r.id === id);
  return row.kind === "naive" ? `var(--c${(7 - (i % 8))})` : `var(--c${i % 8})`;
};
B.dash = (row) => (row.kind === "naive" ? "5 4" : null);

B.bytes = function (text) {
  const raw = atob(text), out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out.buffer;
};
B.unpack = function (key, packed, kind) {
  if (!B.cache.has(key)) {
    const [Type, top] = { u1: [Uint8Array, 255], u2: [Uint16Array, 65535], i1: [Int8Array, 127] }[kind];
    B.cache.set(key, { q: new Type(B.bytes(packed.q)), scale: new Float32Array(B.bytes(packed.scale)), top });
  }
  return B.cache.get(key);
};
B.line = function (unpacked, row) {
  const step = unpacked.scale[row] / unpacked.top;
  return Float64Array.from(unpacked.q.subarray(row * B.bins, (row + 1) * B.bins), (v) => v * step);
};

// Data of one curve in the regime of the track: position = 3 × state + pair; first the grid in its order, then the
// states off it, where the regime has them.
B.truth = (position) => ({ g: B.line(B.packed("g", "u2"), position), err: B.line(B.packed("stderr", "u1"), position) });
B.packed = (key, kind) => B.unpack(`${B.regimeOf(B.state.track)}|${key}`, B.published(key), kind);
B.known = (state) => 3 * state < B.packed("g", "u2").scale.length;
// A model's difference from the data on one test curve, or null where it has none.
B.difference = function (track, id, position) {
  const packed = (B.data.curves.models[id] || {})[track];
  const row = B.covered(track, id).rowOf.get(position);
  return packed && row !== undefined ? B.line(B.unpack(`${id}|${track}`, packed, "i1"), row) : null;
};

// The evaluator's capped error of one curve, min(1, Σ|p − y| / Σ|y − 1|) over r ≥ 0.8 σ_ij, to 1/510.
B.curveError = function (track, id, position) {
  const key = `errors|${id}|${track}`;
  if (!B.cache.has(key)) B.cache.set(key, new Uint8Array(B.bytes(B.data.curves.models[id][track].errors)));
  return B.cache.get(key)[B.covered(track, id).rowOf.get(position)] / 255;
};
B.facts = () => B.data.states[B.regimeOf(B.state.track)];
B.phase = (state) => (B.facts().demixed[state] === "1" ? "demixed" : "homogeneous");
// Why a state has not converged, or nothing.
B.unsettled = (state) => B.facts().reasons[state];

B.stateOf = function (index) {
  const [T, C_B, S, eps_AB] = B.data.state_ids[index].split("-").map((part) => parseFloat(part.slice(1)));
  return { T, C_B, S, eps_AB };
};
B.onGrid = (index) => index < B.FEATURES.reduce((n, [key]) => n * B.data.grid[key].length, 1);
// The state of the grid whose every parameter is the nearest, the lower of two.
B.nearest = function (index) {
  const state = B.stateOf(index), near = (values, x) => values[d3.minIndex(values, (v) => Math.round(1e6 * Math.abs(v - x)))];
  return Object.fromEntries(B.FEATURES.map(([key]) => [key, near(B.data.grid[key], state[key])]));
};
B.indexOf = function (state) {
  const { T, C_B, S, eps_AB } = B.data.grid;
  return ((T.indexOf(state.T) * C_B.length + C_B.indexOf(state.C_B)) * S.length + S.indexOf(state.S)) * eps_AB.length + eps_AB.indexOf(state.eps_AB);
};
B.stateText = (index) => { const s = B.stateOf(index); return `T* ${s.T}, C_B ${s.C_B}, S ${s.S}, ε_AB ${s.eps_AB}`; };
