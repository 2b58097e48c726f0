// The first page: who is looked at, what is asked, what is shown.

import * as api from "./api.js";
import { drawDays, foldAll, onwards, redrawEntry, removeWork, steadily } from "./agenda.js";
import { endForms, leaveForms, leaveFormsOf } from "./booking.js";
import { drawHorizon } from "./horizon.js";
import { drawKept, isKept, keepWork, moreKept, openKept, refreshKept } from "./kept.js";
import { drawMap, highlight } from "./map.js";
import { book, drawMine, moreBookings, openMine, refreshMine } from "./mine.js";
import { mention, notify, notifyToo, takeBack } from "./notice.js";
import { isToBeAskedAgain, joined } from "./pages.js";
import { isUnanswered, refusal } from "./refusals.js";
import { drawTastes, openTastes } from "./tastes.js";
import { categoryName, currentLanguage, dayKey, distance, known, percent, price, switchLanguage, text } from "./text.js";

const at = (id) => document.getElementById(id);
const LAST_DAY = "9999-12-31";
const state = { session: null, feed: null, askedAtMs: 0, pages: 0, wanted: 1, items: [], around: [], categories: [], venueTypes: [], genres: [], away: new Set(), toldAtMs: 0, turn: 0, works: 0, attempts: 0, again: null };

const actions = {
  now: () => now(),
  hover: (venueId) => highlight(at("map"), venueId),
  isKept,
  redraw: () => { if (state.feed) draw(); },
  keep: async (item) => {
    await interact(item, "favourite");
    keepWork(item);
  },
  similar: (item) => api.similar(item.offer_id),
  isAway: (item) => state.away.has(item.item_id),
  dismiss: async (item) => {
    await interact(item, "dismiss");
    leaveFormsOf(item);
    state.away.add(item.item_id);
    turnOver(item);
  },
  restore: async (item) => {
    await interact(item, "restore");
    state.away.delete(item.item_id);
    turnOver(item);
    // The agenda was asked for meanwhile, without it.
    if (state.works || !state.items.some(({ item_id: itemId }) => itemId === item.item_id)) reload();
  },
  book: async (item, attempt, onWait) => {
    await book(attempt, onWait);
    leave(item);
    refreshKept();
    reload();
  },
};

// Of what is told of a work the later counts, and the clock may go back a little each time the agenda is asked.
const interact = (item, kind) => {
  state.toldAtMs = Math.max(now(), state.toldAtMs + 1);
  return api.interact(item.offer_id, kind, item.slate_id, new Date(state.toldAtMs).toISOString());
};

// Each item with the slate that it was shown in; a list holds several.
const shown = ({ items, slate_id }) => items.map((item) => ({ ...item, slate_id }));

// The service's clock, where it has answered; the reader's may be wrong. It errs towards too late.
const now = () => (state.feed ? new Date(Date.parse(state.feed.now) + performance.now() - state.askedAtMs) : new Date());

const leave = (item) => {
  leaveFormsOf(item);
  state.items = state.items.filter((other) => other.item_id !== item.item_id);
  removeWork(at("days"), item);
  drawRest();
};

// A card becomes what is told of one that was put away, or the other way round.
const turnOver = (item) => {
  redrawEntry(at("days"), item, actions);
  drawRest();
  refreshKept();
};

const wanted = () => state.items.filter((item) => !actions.isAway(item));

const drawRest = () => {
  // What was kept can be booked where no agenda could be had.
  if (!state.feed) return;
  drawAround();
  // What was read of it is not all there is.
  if (!wanted().length && state.feed.next_cursor) loadMore();
};

const lookAt = (venueId, scroll) => {
  highlight(at("map"), venueId);
  for (const card of document.querySelectorAll(".card")) card.classList.toggle("lit", card.dataset.venue === venueId);
  if (scroll) document.querySelector(".card.lit")?.scrollIntoView({ behavior: "smooth", block: "center" });
};

const filters = () => Object.fromEntries(new FormData(at("filters")));
const question = () => {
  const { floor, ...asked } = { ...filters(), lang: currentLanguage() };
  // A day is a day where the reader is.
  if (asked.from || asked.to) asked.tz = Intl.DateTimeFormat().resolvedOptions().timeZone;
  // Left alone, the dial leaves the floor to the service, which may try another on some people.
  return state.isDialled ? { ...asked, floor } : asked;
};

const say = (message, retry) => {
  at("status").replaceChildren(message);
  if (!retry) return;
  const button = document.createElement("button");
  button.type = "button";
  button.append(text("retry"));
  button.addEventListener("click", retry);
  at("status").append(" ", button);
};

const busy = (works) => {
  state.works += works;
  at("agenda").setAttribute("aria-busy", String(state.works > 0));
};

const guarded = (work) => {
  const attempt = async (...given) => {
    const attempted = ++state.attempts;
    clearTimeout(state.again);
    busy(1);
    try {
      await work(...given);
      takeBack(text("error"));
    } catch (problem) {
      if (!(problem instanceof api.Problem)) throw problem;
      // Something else was asked for since, and that is told, and asked again.
      if (attempted !== state.attempts) return;
      meet(problem, () => attempt(...given));
    } finally {
      busy(-1);
    }
  };
  return attempt;
};

const meet = (problem, again) => {
  // It would be refused for ever: the first page is asked for again.
  if (problem.field === "cursor") return load();
  if (["from", "to"].includes(problem.field)) return refuseDates();
  const words = isUnanswered(problem) ? text("error") : refusal(problem);
  say(words, again);
  // It stands at the head of the list, of which another part may be on the screen.
  if (isOutOfSight(at("status"))) mention(words);
  if (problem.retryAfterS) state.again = setTimeout(again, problem.retryAfterS * 1000);
};

const isOutOfSight = (part) => {
  const { top, bottom } = part.getBoundingClientRect();
  return bottom < 0 || top > innerHeight;
};

// Nothing that was read before answers what is asked now.
const refuseDates = () => {
  state.items = [];
  for (const id of ["days", "map"]) at(id).replaceChildren();
  say(text("wrong_dates"));
};

const read = guarded(async (pagesRead) => {
  if (!state.session) return start();
  // The next page of what was asked before is none of what is asked now.
  at("more").hidden = true;
  const [turn, askedAtMs] = [++state.turn, performance.now()];
  state.wanted = pagesRead;
  say(text("loading"));
  const pages = await firstPages(pagesRead);
  const feed = pages.reduce(joined);
  const { lat, lon } = feed.location_used;
  // Dots on the map, without which the agenda can be read.
  const around = lat == null ? [] : await api.venuesNear(lat, lon, Math.min(feed.radius_m, 30_000)).catch(() => []);
  // Somebody else, or something else, was asked for in the meantime.
  if (turn !== state.turn) return;
  Object.assign(state, { feed, around, pages: pages.length, items: pages.flatMap(shown), askedAtMs });
  draw();
});
const load = () => read(1);
// What was booked changes what all the rest would add; who has read on stays there.
const reload = () => read(state.wanted);

const firstPages = async (count) => {
  const asked = question();
  const pages = [await api.feed(asked)];
  while (pages.length < count && pages.at(-1).next_cursor) {
    const page = await api.feed(asked, pages.at(-1).next_cursor);
    if (isToBeAskedAgain(page)) break;
    pages.push(page);
  }
  return pages;
};

const loadMore = guarded(async () => {
  const [{ turn, feed: { next_cursor: cursor } }, askedAtMs] = [state, performance.now()];
  state.wanted = state.pages + 1;
  const page = await api.feed(question(), cursor);
  // Or this very page has come already: who asks twice gets it once.
  if (turn !== state.turn || cursor !== state.feed.next_cursor) return;
  if (isToBeAskedAgain(page)) return say(text("note_cut_short"));
  Object.assign(state, { feed: joined(state.feed, page), pages: state.pages + 1, askedAtMs });
  state.items.push(...shown(page));
  // Who has gone elsewhere since, or put away all there was, stays there.
  if (document.activeElement === at("more")) onwards(at("days"), drawAll);
  else draw();
});

const start = guarded(async (userId = sessionStorage.getItem("person")) => {
  state.session = await api.openSession(userId).catch((problem) => {
    // Whom it showed long ago is not to be looked at any more: somebody else is.
    if (problem.status !== 403 || !userId) throw problem;
    return api.openSession();
  });
  sessionStorage.setItem("person", state.session.user_id);
  state.away.clear();
  leaveForms();
  foldAll();
  const all = [api.categories(), api.venueTypes(), api.genres(), openKept(state.session.user_id, actions)];
  [state.categories, state.venueTypes, state.genres] = await Promise.all(all);
  drawControls();
  notify("");
  await load();
  openTastes(state.session.user_id, state, state.feed?.horizon.points === 0, load);
  await openMine(state.session.user_id, now, reload);
});

const drawControls = () => {
  document.documentElement.lang = currentLanguage();
  document.title = text("title");
  for (const labelled of document.querySelectorAll("[data-text]")) labelled.textContent = text(labelled.dataset.text);
  at("language").textContent = text("language");
  const { radius_km: radii, max_price_eur: prices } = at("filters").elements;
  for (const option of radii.options) if (option.value) option.textContent = distance(1000 * option.value);
  for (const option of prices.options) if (option.value) option.textContent = price(100 * option.value);
  showFloor();
  if (!state.session) return;
  const { users, user_id: current } = state.session;
  const people = users.map((user) => new Option(personWords(user), user.user_id));
  // Who books may leave the list of those to look at.
  if (!users.some((user) => user.user_id === current)) people.unshift(new Option(current, current));
  at("person").replaceChildren(...people);
  at("person").value = current;
  const chosen = filters().category;
  const list = at("filters").elements.category;
  list.replaceChildren(new Option(text("all_categories"), ""), ...state.categories.map((name) => new Option(categoryName(name), name, false, name === chosen)));
};

const personWords = ({ user_id: userId, bookings, categories }) =>
  `${userId} · ${text("bookings_made", { n: bookings })}, ${text("worlds_met", { n: categories })}`;

const draw = () => steadily(at("days"), drawAll);

const drawAll = () => {
  const { feed, items } = state;
  if (!state.isDialled) {
    at("floor").value = feed.floor;
    showFloor();
  }
  const met = feed.horizon.categories.map(categoryName).join(", ");
  at("horizon-told").textContent = met ? text("horizon", { points: feed.horizon.points, categories: met }) : text("horizon_none");
  const told = feed.explanation.map((one) => one.text).join(" ");
  at("slate-told").textContent = state.pages > 1 ? text("of_first_page", { told }) : told;
  at("would-add").textContent = feed.horizon.additions.length ? text("would_add", { n: feed.horizon.intensity }) : "";
  drawHorizon({ picture: at("sunrise"), additions: at("additions"), all: at("values") }, feed.horizon, { category: state.categories, venue_type: state.venueTypes, genre: state.genres });
  drawDays(at("days"), items, new Date(feed.now), actions);
  const ended = endForms();
  ended.forEach(notifyToo);
  // One of them may have been booked all the same.
  if (ended.length) refreshMine();
  drawAround();
  boundDates();
  at("more").hidden = !feed.next_cursor;
  at("about").textContent = text("about", { model: feed.model_version, slate: feed.slate_id });
};

const drawAround = () => {
  const [{ feed }, items] = [state, wanted()];
  const notes = feed.notes.map((code) => (known(`note_${code}`) ? text(`note_${code}`) : code)).filter(Boolean);
  const found = items.length ? foundWords(items, feed.radius_m) : text(feed.next_cursor ? "loading" : "empty");
  say([found, ...notes].join(" · "));
  drawMap(at("map"), feed.location_used, items, state.around, lookAt);
};

// Without a place nothing was looked around, and a note says so.
const foundWords = (items, radiusM) => {
  const n = items.length;
  if (radiusM == null) return text("found_anywhere", { n });
  return items.some(({ venue }) => venue) ? text("found", { n, radius: distance(radiusM) }) : text("found_online", { n });
};

// The floor in force, which the dial may have no place for, until the dial is used.
const showFloor = () => {
  const dial = at("floor");
  const floor = percent(state.feed && !state.isDialled ? state.feed.floor : Number(dial.value), 1);
  at("floor-shown").textContent = floor;
  dial.setAttribute("aria-valuetext", text("floor_told", { floor }));
};

const boundDates = () => {
  const { from, to } = at("filters").elements;
  const today = dayKey(now());
  bound(from, "max", to.value || LAST_DAY);
  bound(to, "min", from.value > today ? from.value : today);
};

// A field whose bounds are set, were they the same, forgets what is being typed.
const bound = (field, end, day) => { if (field[end] !== day) field[end] = day; };

// Of a year the first digits come first, as 0002.
const isBeingTyped = ({ type, value }) => type === "date" && value !== "" && value < "1000";

at("filters").addEventListener("change", ({ target }) => {
  if (isBeingTyped(target)) return;
  boundDates();
  load();
});
at("floor").addEventListener("input", () => {
  state.isDialled = true;
  showFloor();
});
at("floor").addEventListener("change", load);
at("filters").addEventListener("submit", (event) => event.preventDefault());
at("person").addEventListener("change", (event) => start(event.target.value));
at("more").addEventListener("click", loadMore);
at("state").addEventListener("change", refreshMine);
at("more-booked").addEventListener("click", moreBookings);
at("more-kept").addEventListener("click", moreKept);
at("language").addEventListener("click", () => {
  switchLanguage();
  drawControls();
  notify("");
  drawMine();
  drawKept();
  drawTastes();
  if (!state.feed) return;
  draw();
  // What is explained is told in the language that was asked for.
  load();
});
// Wide enough to stand beside the agenda.
at("my-bookings").open = matchMedia("(min-width: 48rem)").matches;
drawControls();
start();
