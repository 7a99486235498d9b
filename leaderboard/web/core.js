"use strict";
// Shared by all parts of the page: the namespace, DOM building without HTML strings, formats, state, theme.
const B = {};

// Elements are built from text nodes and a short list of attributes; nothing is ever parsed as HTML.
B.h = function (tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [type, run] of Object.entries(value)) node.addEventListener(type, run);
    else if (key === "class") node.className = value;
    else if (key === "style") for (const [name, v] of Object.entries(value)) node.style.setProperty(name, v);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
};
B.$ = (id) => document.getElementById(id);
B.fill = (node, ...children) => { node.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== false)); return node; };

// Links were checked on the way in; a second look costs nothing.
B.link = function (label, url) {
  if (!/^https:\/\/[A-Za-z0-9]/.test(String(url))) return B.h("span", {}, label);
  return B.h("a", { href: url, rel: "noopener noreferrer nofollow", target: "_blank", title: url }, label);
};

B.r2 = (v) => (v === null || v === undefined ? "–" : v < -99 ? "< −99" : v.toFixed(v > 0.99 ? 4 : v > -0.9995 ? 3 : v > -9.995 ? 2 : 0)).replace("-", "−");
B.number = function (v) {
  if (v === null || v === undefined) return "–";
  const a = Math.abs(v);
  const text = a === 0 ? "0" : a >= 1e5 || a < 1e-3 ? v.toExponential(2) : v.toPrecision(a >= 1 ? 4 : 3);
  return text.replace("-", "−");
};
// For narrow columns: two decimals, three above 0.9.
B.short = (v) => (v === null || v === undefined ? "–" : v < -99 ? "<−99" : (v + 1e-12).toFixed(v > 0.9 ? 3 : v > -9.995 ? 2 : 0)).replace("-", "−").replace(/^−(0\.?0*)$/, "$1");
B.percent = (v) => (v === null || v === undefined ? "–" : v < -9.9 ? "< −990 %" : (100 * v).toFixed(v > 0.99 && v < 1 ? 2 : v < -1 ? 0 : 1) + " %").replace("-", "−");
B.seconds = function (v) {
  if (v === null || v === undefined) return "–";
  if (v < 0.0005) return v === 0 ? "0 s" : "< 1 ms";
  if (v < 0.9995) return String(+(1000 * v).toPrecision(v < 0.1 ? 2 : 3)) + " ms";
  if (v < 120) return v.toPrecision(3) + " s";
  return v < 7200 ? (v / 60).toFixed(1) + " min" : (v / 3600).toFixed(1) + " h";
};
B.count = (v) => (v === null || v === undefined ? "–" : v >= 1e9 ? (v / 1e9).toPrecision(3) + " G" : v >= 1e6 ? (v / 1e6).toPrecision(3) + " M"
  : v.toLocaleString("en-US").replaceAll(",", "\u202f"));
// An en dash between two positive numbers; words where a minus sign is near.
B.rank = (row) => (row.rank_interval ? (row.rank_interval[0] === row.rank_interval[1] ? String(row.rank_interval[0]) : row.rank_interval.join("–")) : "–");
// A score, with its standard deviation where it is a mean over seeds.
B.spread = (v) => (v === null ? "–" : v > 99 ? "> 99" : v.toFixed(3));
B.mean = (row, name, subset) => B.r2(row[name][subset]) + (row.seeds ? ` ± ${B.spread(row.seeds[`${name}_sd`][subset])}` : "");
B.range = (ci) => (ci && ci[0] !== null ? B.r2(ci[0]) + (ci[0] < 0 ? " to " : "–") + B.r2(ci[1]) : "");

// Scroll to a part, and again while the parts above it are drawn and grow, until the reader moves.
B.goto = function (node) {
  node.scrollIntoView();
  const stop = () => { observer.disconnect(); for (const type of B.MOVES) window.removeEventListener(type, stop); };
  const observer = new ResizeObserver(() => node.scrollIntoView({ behavior: "instant" }));
  observer.observe(document.body);
  for (const type of B.MOVES) window.addEventListener(type, stop);
  setTimeout(stop, 3000);
};
B.MOVES = ["wheel", "touchstart", "keydown", "pointerdown"];

// One state for the page; parts subscribe to the keys they depend on.
B.state = {};
B.listeners = [];
B.on = (keys, run) => B.listeners.push([keys, run]);
B.set = function (change) {
  const changed = Object.keys(change).filter((k) => B.state[k] !== change[k]);
  if (!changed.length) return;
  Object.assign(B.state, change);
  for (const [keys, run] of B.listeners) if (keys.some((k) => changed.includes(k))) run();
};

// A row of buttons of which one is pressed.
// A row of buttons, one pressed. `options` may be a function; `read` and `write` are for a value that is part of a key.
B.segmented = function (id, options, key, read = () => B.state[key], write = (value) => ({ [key]: value })) {
  const box = B.$(id);
  const draw = () => B.fill(box, (typeof options === "function" ? options() : options).map(([value, label]) => B.h("button", {
    type: "button", "data-value": value, "aria-pressed": String(read() === value),
    on: { click: () => B.set(write(value)) },
  }, label)));
  B.on([key], draw);
  draw();
};

// Draw when the element is on (or near) the screen, and again when its data, width or theme changes.
B.lazy = function (node, draw) {
  let near = false, stale = true, width = 0, timer = 0;
  const run = () => { if (near && stale) { stale = false; draw(); } };
  new IntersectionObserver((entries) => { near = entries[entries.length - 1].isIntersecting; run(); }, { rootMargin: "600px" }).observe(node);
  new ResizeObserver(() => {
    if (Math.abs(node.clientWidth - width) < 4) return;
    width = node.clientWidth; stale = true;
    clearTimeout(timer); timer = setTimeout(run, 80);
  }).observe(node);
  const again = () => { stale = true; run(); };
  B.on(["theme"], again);
  return again;
};

B.css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
B.theme = function () {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let choice = "auto";
  try { choice = localStorage.getItem("binlj-theme") || "auto"; } catch { /* storage may be off for files */ }
  const apply = () => {
    const theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    document.documentElement.dataset.theme = theme;
    B.$("theme").textContent = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[choice];
    B.set({ theme });
  };
  dark.addEventListener("change", apply);
  B.$("theme").addEventListener("click", () => {
    choice = { auto: "light", light: "dark", dark: "auto" }[choice] || "auto";
    try { localStorage.setItem("binlj-theme", choice); } catch { /* as above */ }
    apply();
  });
  if (!["auto", "light", "dark"].includes(choice)) choice = "auto";
  apply();
};
