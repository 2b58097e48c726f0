// A map without tiles: the person, the venues around, distance rings and a scale, as SVG.

import { drawn } from "./dom.js";
import { distance, text } from "./text.js";

const SIZE = 400;
const METRES_A_DEGREE = 111_320;
const ROUND = [500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000];

export const drawMap = (section, here, items, around, onVenue) => {
  section.replaceChildren();
  const venues = byVenue(items);
  // All of it is online: there is nowhere to go.
  if (here.lat == null || !venues.size) return;
  const reach = Math.max(1_000, ...[...venues.values()].map((venue) => venue.distanceM)) * 1.1;
  const project = (lat, lon) => {
    const east = (lon - here.lon) * Math.cos((here.lat * Math.PI) / 180) * METRES_A_DEGREE;
    const north = (lat - here.lat) * METRES_A_DEGREE;
    return [(SIZE / 2) * (1 + east / reach), (SIZE / 2) * (1 - north / reach)];
  };
  const svg = drawn("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "group", "aria-label": text("map", { n: venues.size }) });
  const rings = ringsWithin(reach);
  for (const { r } of rings) svg.append(drawn("circle", { class: "ring", cx: SIZE / 2, cy: SIZE / 2, r }));
  for (const venue of around) {
    const [x, y] = project(venue.lat, venue.lon);
    if (!venues.has(venue.venue_id) && Math.hypot(x - SIZE / 2, y - SIZE / 2) < SIZE / 2) svg.append(drawn("circle", { class: "other", cx: x, cy: y, r: 1.6 }));
  }
  for (const [id, venue] of venues) svg.append(dot(id, venue, project(venue.lat, venue.lon), onVenue));
  const me = drawn("circle", { class: "me", cx: SIZE / 2, cy: SIZE / 2, r: 5 });
  me.append(drawn("title", {}, text("you")));
  svg.append(me);
  for (const { radius, r } of rings) svg.append(drawn("text", { class: "scale", x: SIZE / 2, y: SIZE / 2 - r - 3 }, distance(radius)));
  section.append(svg);
};

export const highlight = (section, venueId) => {
  for (const circle of section.querySelectorAll(".venue")) circle.classList.toggle("lit", circle.dataset.venue === venueId);
};

const byVenue = (items) => {
  const venues = new Map();
  for (const { venue, distance_m: distanceM } of items) {
    if (!venue) continue;
    const known = venues.get(venue.venue_id) ?? { ...venue, distanceM: distanceM ?? 0, offers: 0 };
    known.offers += 1;
    venues.set(venue.venue_id, known);
  }
  return venues;
};

const ringsWithin = (reach) =>
  ROUND.filter((radius) => radius < reach * 0.93).slice(-2).map((radius) => ({ radius, r: (SIZE / 2) * (radius / reach) }));

const dot = (id, venue, [cx, cy], onVenue) => {
  const circle = drawn("circle", { class: "venue", cx, cy, r: 5 + 2 * Math.min(venue.offers, 4), tabindex: 0, role: "button" });
  circle.dataset.venue = id;
  const name = `${venue.name ?? id}, ${distance(venue.distanceM)}`;
  circle.setAttribute("aria-label", name);
  circle.append(drawn("title", {}, name));
  for (const event of ["click", "focus", "mouseenter"]) circle.addEventListener(event, () => onVenue(id, event === "click"));
  circle.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); onVenue(id, true); } });
  return circle;
};
