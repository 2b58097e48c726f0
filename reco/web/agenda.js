// The list by day: each offer a card, at its first session.

import { categoryName, day, distance, hue, known, price, text, time } from "./text.js";

const FEW = 10;

const make = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

export const drawDays = (container, items, now, actions) => {
  const groups = new Map();
  for (const item of items) {
    const first = item.sessions[0]?.starts_at;
    const { key, name } = first ? day(new Date(first), zone(item), now) : { key: "z", name: text("any_day") };
    if (!groups.has(key)) groups.set(key, { name, items: [] });
    groups.get(key).items.push(item);
  }
  const sections = [...groups].sort(([a], [b]) => a.localeCompare(b)).map(([, group]) =>
    make("section", { class: "day" }, make("h2", {}, group.name), make("ul", {}, ...group.items.map((item) => card(item, actions)))));
  container.replaceChildren(...sections);
};

const zone = (item) => item.venue?.timezone ?? undefined;

const card = (item, actions) => {
  const head = make("div", { class: "head" }, make("h3", {}, item.title ?? item.item_id),
    make("span", { class: `chip hue-${hue(item.category)}` }, categoryName(item.category)));
  const whys = item.reasons.filter((code) => known(`reason_${code}`)).map((code) => make("li", { class: code }, text(`reason_${code}`)));
  const more = make("div", { class: "more" });
  const made = make("li", { class: "card", "data-venue": item.venue?.venue_id ?? "" }, head, where(item), when(item), make("ul", { class: "why" }, ...whys), buttons(item, actions, more), more);
  made.addEventListener("mouseenter", () => actions.hover(item.venue?.venue_id));
  made.addEventListener("focusin", () => actions.hover(item.venue?.venue_id));
  return made;
};

const where = (item) => make("p", { class: "where" }, item.venue
  ? [item.venue.name ?? item.venue.venue_id, item.distance_m == null ? null : text("away", { distance: distance(item.distance_m) })].filter(Boolean).join(" · ")
  : text("online"));

const when = (item) => {
  const dated = item.sessions.filter((session) => session.starts_at);
  const prices = item.sessions.map((session) => session.price_cents);
  const cheapest = Math.min(...prices);
  const shown = cheapest < Math.max(...prices) ? text("from_price", { price: price(cheapest) }) : price(cheapest);
  const line = make("p", { class: "when" });
  if (dated.length) line.append(make("time", { datetime: dated[0].starts_at }, time(new Date(dated[0].starts_at), zone(item))));
  line.append(make("strong", {}, shown));
  if (dated.length === 2) line.append(make("span", {}, text("one_more_session")));
  if (dated.length > 2) line.append(make("span", {}, text("more_sessions", { n: dated.length - 1 })));
  const { left } = item.sessions[0] ?? {};
  if (left != null && left <= FEW) line.append(make("span", { class: "few" }, left === 1 ? text("last") : text("left", { n: left })));
  return line;
};

const buttons = (item, actions, more) => {
  const button = (key, act) => {
    const made = make("button", { type: "button" }, text(key));
    made.addEventListener("click", () => act(made));
    return made;
  };
  return make("div", { class: "actions" },
    button("favourite", async (made) => { await actions.interact(item, "favourite"); made.textContent = text("kept"); made.disabled = true; }),
    button("similar", async () => showSimilar(more, await actions.similar(item))),
    button("dismiss", async (made) => { await actions.interact(item, "dismiss"); made.closest(".card").remove(); }));
};

const showSimilar = (more, items) => {
  const lines = items.map((item) => make("li", {}, make("strong", {}, item.title ?? item.item_id), ` ${item.venue?.name ?? text("online")}`));
  more.replaceChildren(lines.length ? make("ul", {}, ...lines) : make("p", {}, text("no_similar")));
};
