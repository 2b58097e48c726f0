// How far a person has gone, as a sunrise: a ring for worlds, one for venues, one for genres.

import { drawn, make } from "./dom.js";
import { number, percent, text, valueName } from "./text.js";

const [MIDDLE, GROUND] = [200, 196];
const GAP = 0.012;
const SUN = 54;
// The slots of a ring that has few values, so that one of them is not all of it. Of many values those that are
// not met yet are one.
const RINGS = [
  { attribute: "category", from: 60, to: 98, slots: 8 },
  { attribute: "venue_type", from: 103, to: 141, slots: 8 },
  { attribute: "genre", from: 146, to: 184, slots: 16, isLong: true },
];
const TOLD = 4;

// `world` has, by attribute, all values that there are.
export const drawHorizon = ({ picture, additions, all }, horizon, world) => {
  const rings = RINGS.map((ring) => ({ ...ring, values: valuesOf(ring, horizon, world) }));
  picture.replaceChildren(sunrise(horizon, rings));
  additions.replaceChildren(...horizon.additions.slice(0, TOLD).map(addition));
  all.replaceChildren(...rings.flatMap(listOf));
};

// Met, then what the agenda would add, then what the world has beside.
const valuesOf = ({ attribute, isLong }, horizon, world) => {
  const met = horizon.met[attribute].map((value) => ({ value, state: "met" }));
  const added = horizon.additions.filter((one) => one.attribute === attribute).map((one) => ({ ...one, state: "added" }));
  const known = new Set([...met, ...added].map(({ value }) => value));
  const open = world[attribute].filter((value) => !known.has(value)).map((value) => ({ value, state: "open" }));
  const rest = isLong && open.length ? [{ value: "", name: text("others", { n: open.length }), state: "open", isRest: true }] : open;
  return [...met, ...added, ...rest];
};

const sunrise = (horizon, rings) => {
  const svg = drawn("svg", { viewBox: "0 0 400 216", role: "img", "aria-label": summary(horizon, rings) });
  svg.append(drawn("path", { class: "sun", d: sector(0, SUN, 0, Math.PI) }));
  svg.append(drawn("text", { class: "points", x: MIDDLE, y: GROUND - 16 }, number(horizon.points)));
  svg.append(drawn("text", { class: "scale", x: MIDDLE, y: GROUND - 3 }, text("points")));
  for (const ring of rings) {
    const slot = Math.PI / Math.max(ring.values.length, ring.slots);
    svg.append(drawn("path", { class: "free", d: sector(ring.from, ring.to, 0, Math.PI) }));
    ring.values.forEach((one, at) => svg.append(segment(ring, one, at * slot, one.isRest ? Math.PI - at * slot : slot)));
    svg.append(drawn("text", { class: "scale", x: MIDDLE - (ring.from + ring.to) / 2, y: GROUND + 14 }, text(`ring_${ring.attribute}`)));
  }
  svg.append(drawn("line", { class: "ground", x1: 8, x2: 392, y1: GROUND, y2: GROUND }));
  return svg;
};

const segment = (ring, one, start, slot) => {
  const gap = Math.min(GAP, slot / 6);
  const made = drawn("path", { class: `value ${one.state}`, d: sector(ring.from, ring.to, start + gap, start + slot - gap) });
  Object.assign(made.dataset, { attribute: ring.attribute, value: one.value, state: one.state });
  if (one.state === "added") made.setAttribute("fill-opacity", (0.2 + 0.7 * one.chance).toFixed(2));
  made.append(drawn("title", {}, inWords(ring.attribute, one)));
  return made;
};

// From the left, where an angle is 0, over the top.
const sector = (from, to, start, end) => {
  const at = (radius, angle) => `${(MIDDLE - radius * Math.cos(angle)).toFixed(2)} ${(GROUND - radius * Math.sin(angle)).toFixed(2)}`;
  return `M${at(from, start)}L${at(to, start)}A${to} ${to} 0 0 1 ${at(to, end)}L${at(from, end)}A${from} ${from} 0 0 0 ${at(from, start)}Z`;
};

const inWords = (attribute, one) => {
  const name = one.name ?? valueName(attribute, one.value);
  if (one.state === "met") return text("value_met", { name });
  return one.state === "added" ? text("value_added", { name, points: one.points, chance: percent(one.chance) }) : text("value_open", { name });
};

const count = (rings, state) => rings.flatMap(({ values }) => values).filter((one) => one.state === state).length;

const summary = (horizon, rings) =>
  text("horizon_picture", { points: horizon.points, met: count(rings, "met"), added: count(rings, "added") });

const addition = (one) => {
  const name = one.name ?? valueName(one.attribute, one.value);
  return make("li", { "data-attribute": one.attribute, "data-value": one.value }, make("strong", {}, `+${number(one.points)}`), ` ${name} `,
    make("span", {}, text("chance", { chance: percent(one.chance) })));
};

const listOf = ({ attribute, values }) => [
  make("dt", {}, text(`attribute_${attribute}`)),
  ...values.map((one) => make("dd", { class: one.state }, inWords(attribute, one))),
];
