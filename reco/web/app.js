// The first page: who is looked at, what is asked, what is shown.

import * as api from "./api.js";
import { drawDays } from "./agenda.js";
import { drawMap, highlight } from "./map.js";
import { categoryName, currentLanguage, distance, known, switchLanguage, text } from "./text.js";

const at = (id) => document.getElementById(id);
const state = { session: null, feed: null, items: [], around: [], categories: [] };

const actions = {
  hover: (venueId) => highlight(at("map"), venueId),
  interact: (item, kind) => api.interact(item.offer_id, kind, state.feed.slate_id),
  similar: (item) => api.similar(item.offer_id),
};

const lookAt = (venueId, scroll) => {
  highlight(at("map"), venueId);
  for (const card of document.querySelectorAll(".card")) card.classList.toggle("lit", card.dataset.venue === venueId);
  if (scroll) document.querySelector(".card.lit")?.scrollIntoView({ behavior: "smooth", block: "center" });
};

const filters = () => Object.fromEntries(new FormData(at("filters")));

const say = (message, retry) => {
  at("status").replaceChildren(message);
  if (!retry) return;
  const button = document.createElement("button");
  button.type = "button";
  button.append(text("retry"));
  button.addEventListener("click", retry);
  at("status").append(" ", button);
};

const guarded = (work) => async (...given) => {
  at("agenda").setAttribute("aria-busy", "true");
  try {
    await work(...given);
  } catch (problem) {
    if (!(problem instanceof api.Problem)) throw problem;
    if (problem.status === 401 && state.session) return start(state.session.user_id);
    say(`${text("error")} ${problem.message}`, () => (state.session ? load() : start()));
    if (problem.retryAfterS) setTimeout(() => (state.session ? load() : start()), problem.retryAfterS * 1000);
  } finally {
    at("agenda").setAttribute("aria-busy", "false");
  }
  return undefined;
};

const load = guarded(async () => {
  say(text("loading"));
  state.feed = await api.feed(filters());
  state.items = state.feed.items;
  const { lat, lon } = state.feed.location_used;
  state.around = lat == null ? [] : await api.venuesNear(lat, lon, Math.min(state.feed.radius_m, 30_000));
  draw();
});

const loadMore = guarded(async () => {
  const page = await api.feed(filters(), state.feed.next_cursor);
  state.items = [...state.items, ...page.items];
  state.feed = { ...page, notes: state.feed.notes };
  draw();
});

const start = guarded(async (userId) => {
  state.session = await api.openSession(userId);
  state.categories = await api.categories();
  drawControls();
  await load();
});

const drawControls = () => {
  document.documentElement.lang = currentLanguage();
  document.title = text("title");
  for (const labelled of document.querySelectorAll("[data-text]")) labelled.textContent = text(labelled.dataset.text);
  at("language").textContent = text("language");
  if (!state.session) return;
  at("person").replaceChildren(...state.session.users.map((user) =>
    new Option(`${user.user_id} · ${text("person_label", user)}`, user.user_id, false, user.user_id === state.session.user_id)));
  const chosen = filters().category;
  const list = at("filters").elements.category;
  list.replaceChildren(new Option(text("all_categories"), ""), ...state.categories.map((name) => new Option(categoryName(name), name, false, name === chosen)));
};

const draw = () => {
  const { feed, items } = state;
  const notes = feed.notes.map((code) => (known(`note_${code}`) ? text(`note_${code}`) : code)).filter(Boolean);
  const found = items.length ? text("found", { n: items.length, radius: distance(feed.radius_m) }) : text("empty");
  say([found, ...notes].join(" · "));
  const met = feed.horizon.categories.map(categoryName).join(", ");
  at("horizon").textContent = met ? text("horizon", { points: feed.horizon.points, categories: met }) : text("horizon_none");
  drawDays(at("days"), items, new Date(feed.now), actions);
  drawMap(at("map"), feed.location_used, items, state.around, lookAt);
  at("more").hidden = !feed.next_cursor;
  at("about").textContent = text("about", { model: feed.model_version, slate: feed.slate_id });
};

at("filters").addEventListener("change", load);
at("filters").addEventListener("submit", (event) => event.preventDefault());
at("person").addEventListener("change", (event) => start(event.target.value));
at("more").addEventListener("click", loadMore);
at("language").addEventListener("click", () => { switchLanguage(); drawControls(); if (state.feed) draw(); });
drawControls();
start();
