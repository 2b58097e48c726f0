// The list by day: each offer a card, at its first session.

import { bookButton, sessionLine } from "./booking.js";
import { buttonOf, label, make } from "./dom.js";
import { notify, told, uncover } from "./notice.js";
import { categoryName, day, distance, hue, price, text, time, titleOf } from "./text.js";

const FEW = 10;
// Reasons that no explanation tells in other words.
const PRACTICAL = ["close_to_you", "soon", "free"];

// By offer, what is unfolded as more like it: it stays so when the agenda is drawn anew.
const unfolded = new Map();
export const foldAll = () => unfolded.clear();

export const drawDays = (container, items, now, actions) => {
  const offers = new Set(items.map((item) => item.offer_id));
  for (const offer of unfolded.keys()) if (!offers.has(offer)) unfolded.delete(offer);
  const groups = new Map();
  for (const item of items) {
    const first = item.sessions[0]?.starts_at;
    const { key, name } = first ? day(new Date(first), zone(item), now) : { key: "z", name: text("any_day") };
    if (!groups.has(key)) groups.set(key, { name, items: [] });
    groups.get(key).items.push(item);
  }
  const sections = [...groups].sort(([a], [b]) => a.localeCompare(b)).map(([, group]) =>
    make("section", { class: "day" }, make("h2", {}, group.name), make("ul", {}, ...group.items.map((item) => entry(item, actions)))));
  container.replaceChildren(...sections);
};

const zone = (item) => item.venue?.timezone ?? undefined;

const entry = (item, actions) => (actions.isAway(item) ? away(item, actions) : card(item, actions));

// What is wanted no more, in the place of its card: until the agenda is asked again it can be put back.
const away = (item, actions) => make("li", { class: "away", "data-offer": item.offer_id },
  make("h3", { tabindex: -1 }, text("dismissed", { title: titleOf(item) })),
  asking(item, text("undo"), () => actions.restore(item)));

const card = (item, actions) => {
  const head = make("div", { class: "head" }, make("h3", { tabindex: -1 }, titleOf(item)),
    make("span", { class: `chip hue-${hue(item.category)}` }, categoryName(item.category)));
  const facts = item.explanation.map((told) => make("li", { class: told.code }, told.text));
  const practical = PRACTICAL.filter((code) => item.reasons.includes(code)).map((code) => make("li", { class: code }, text(`reason_${code}`)));
  const more = make("div", { class: "more" });
  const form = make("div");
  const made = make("li", { class: "card", "data-offer": item.offer_id, "data-item": item.item_id, "data-venue": item.venue?.venue_id ?? "" }, head, where(item), when(item), make("ul", { class: "why" }, ...facts, ...practical), buttons(item, actions, more, form), form, more);
  made.addEventListener("mouseenter", () => actions.hover(item.venue?.venue_id));
  made.addEventListener("focusin", () => actions.hover(item.venue?.venue_id));
  return made;
};

const placeName = ({ venue }) => venue ? venue.name ?? venue.venue_id : text("online");

const where = (item) => make("p", { class: "where" },
  [placeName(item), item.venue && item.distance_m != null ? text("away", { distance: distance(item.distance_m) }) : null].filter(Boolean).join(" · "));

const when = (item) => {
  const dated = item.sessions.filter((session) => session.starts_at);
  const prices = item.sessions.map((session) => session.price_cents);
  const cheapest = Math.min(...prices);
  const shown = cheapest < Math.max(...prices) ? text("from_price", { price: price(cheapest) }) : price(cheapest);
  const line = make("p", { class: "when" });
  if (dated.length) line.append(make("time", { datetime: dated[0].starts_at }, time(new Date(dated[0].starts_at), zone(item))));
  line.append(make("strong", {}, shown));
  const others = dated.length ? item.sessions_total - 1 : 0;
  if (others === 1) line.append(make("span", {}, text("one_more_session")));
  if (others > 1) line.append(make("span", {}, text("more_sessions", { n: others })));
  const [first] = item.sessions;
  if (first?.left != null && first.left <= FEW) line.append(make("span", { class: "few" }, fewWords(first)));
  return line;
};

const fewWords = ({ starts_at: startsAt, left: n }) => {
  if (!startsAt) return text("left_undated", { n });
  return n === 1 ? text("last") : text("left", { n });
};

const buttons = (item, actions, more, form) =>
  make("div", { class: "actions" },
    bookButton(item, actions, form),
    keepButton(item, actions),
    similarButton(item, actions, more),
    asking(item, text("dismiss"), () => actions.dismiss(item)));

const keepButton = (item, actions) => {
  const settle = (made) => { label(made, titleOf(item), text("kept")); made.ariaDisabled = "true"; };
  const made = asking(item, text("favourite"), async () => {
    if (actions.isKept(item)) return;
    await actions.keep(item);
    settle(made);
  });
  if (actions.isKept(item)) settle(made);
  return made;
};

// Pressed again, it folds what it has shown.
const similarButton = (item, actions, more) => {
  const show = () => {
    more.replaceChildren(...(unfolded.has(item.offer_id) ? [alike(item, unfolded.get(item.offer_id), actions)] : []));
    made.ariaExpanded = String(more.hasChildNodes());
  };
  const made = asking(item, text("similar"), async () => {
    if (unfolded.delete(item.offer_id)) return show();
    const items = await actions.similar(item);
    // Drawn anew in the meantime, for somebody else perhaps: nobody waits for it there.
    if (!more.isConnected) return;
    unfolded.set(item.offer_id, items);
    show();
  });
  show();
  return made;
};

const asking = (item, words, act) => buttonOf(titleOf(item), words, (made) => {
  notify("");
  return told(() => act(made));
});

const cardsIn = (container) => [...container.querySelectorAll(".card, .away")];
const focusOn = (card, container) => {
  (card?.querySelector("h3") ?? container.closest("[tabindex]")).focus({ preventScroll: true });
  uncover();
};

// Who is at a card stays there: it, or what was held in its form, has the focus again, where it was on the screen.
export const steadily = (container, redraw) => {
  const held = document.activeElement;
  const place = cardsIn(container).findIndex((card) => card.contains(held));
  if (place < 0) return redraw();
  const former = cardsIn(container)[place];
  const { top } = former.getBoundingClientRect();
  redraw();
  const cards = cardsIn(container);
  const card = cards.find(({ dataset }) => dataset.offer === former.dataset.offer) ?? cards[place] ?? cards.at(-1);
  if (held.isConnected) held.focus({ preventScroll: true });
  else focusOn(card, container);
  if (card) scrollBy(0, card.getBoundingClientRect().top - top);
  uncover();
};

// Who asked for more goes on where the list ended: that stays on the screen, and the focus goes to what is new after it.
export const onwards = (container, redraw) => {
  const former = new Map(cardsIn(container).map((card) => [card.dataset.offer, card.getBoundingClientRect().top]));
  redraw();
  const cards = cardsIn(container);
  const end = cards.findLastIndex(({ dataset }) => former.has(dataset.offer));
  const isNew = ({ dataset }) => !former.has(dataset.offer);
  const next = cards.slice(end + 1).find(isNew) ?? cards.find(isNew) ?? cards.at(-1);
  if (end >= 0) scrollBy(0, cards[end].getBoundingClientRect().top - former.get(cards[end].dataset.offer));
  focusOn(next, container);
  document.activeElement.scrollIntoView({ block: "nearest" });
};

// Who is at it stays there.
export const redrawEntry = (container, item, actions) => {
  const former = cardsIn(container).find(({ dataset }) => dataset.offer === item.offer_id);
  if (!former) return;
  const hadFocus = former.contains(document.activeElement);
  const drawn = entry(item, actions);
  former.replaceWith(drawn);
  if (hadFocus) focusOn(drawn, container);
};

const isOf = (work) => ({ dataset }) => dataset.item === work.item_id;

// Of a work, wherever it is shown; focus goes to what takes its place.
export const removeWork = (container, work) => {
  for (const [offer, items] of unfolded) unfolded.set(offer, items.filter(({ item_id: itemId }) => itemId !== work.item_id));
  for (const line of [...container.querySelectorAll(".short")].filter(isOf(work))) {
    const host = line.closest(".card");
    const hadFocus = line.contains(document.activeElement);
    line.remove();
    if (hadFocus) focusOn(host, container);
  }
  const cards = cardsIn(container);
  const place = cards.findIndex(isOf(work));
  if (place < 0) return;
  const hadFocus = cards[place].contains(document.activeElement);
  const day = cards[place].closest(".day");
  cards[place].remove();
  if (!cardsIn(day).length) day.remove();
  if (hadFocus) focusOn(cards[place + 1] ?? cards[place - 1], container);
};

const alike = (host, items, actions) => {
  const lines = items.map((item) => short(item, actions, `${host.offer_id}\n${item.offer_id}`));
  return lines.length ? make("ul", {}, ...lines) : make("p", {}, text("no_similar"));
};

// A work beside those of the agenda, booked by the same form; `key` tells this one from others of its offer.
export const short = (item, actions, key, heading = "h4") => {
  const form = make("div");
  // How far it is is told of somewhere else than where the person is.
  return make("li", { class: "short", "data-offer": item.offer_id, "data-item": item.item_id },
    make(heading, { tabindex: -1 }, titleOf(item)), make("p", { class: "where" }, placeName(item)), ...item.sessions.slice(0, 1).map((first) => make("p", {}, sessionLine(first, item))),
    make("div", { class: "actions" }, bookButton(item, actions, form, key)), form);
};
