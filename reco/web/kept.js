// What the person has kept: asked for, shown, and booked from there.

import { short } from "./agenda.js";
import * as api from "./api.js";
import { make } from "./dom.js";
import { told } from "./notice.js";
import { persist } from "./persist.js";
import { text, titleOf } from "./text.js";

const at = (id) => document.getElementById(id);
// Null: nobody has answered yet.
const kept = { userId: null, turn: 0, favourites: null, nextCursor: null, works: new Set(), actions: null };
const PAGE = 24, LONGEST_PAGE = 200;

export const isKept = (item) => kept.works.has(item.item_id);

export const openKept = async (userId, actions) => {
  Object.assign(kept, { userId, favourites: null, nextCursor: null, works: new Set(), actions });
  drawKept();
  // The agenda waits for it, and can be read without: then it is asked for again beside it.
  await read((ask) => ask());
  if (userId === kept.userId && !kept.favourites) refreshKept().then(actions.redraw);
};

// What is told of what was just done stays told while nobody answers.
export const refreshKept = () => read((ask) => persist(ask, () => {}));

const read = (send) => told(async () => {
  const [{ userId }, turn] = [kept, ++kept.turn];
  // As many as are shown.
  const n = Math.min(LONGEST_PAGE, Math.max(PAGE, kept.favourites?.length ?? 0));
  const page = await send(() => api.favourites(userId, n));
  // It was asked for again in the meantime, of somebody else perhaps.
  if (turn === kept.turn) take(page, []);
});

export const moreKept = () => told(async () => {
  const { turn, nextCursor, userId } = kept;
  const page = await api.favourites(userId, PAGE, nextCursor);
  if (turn === kept.turn && nextCursor === kept.nextCursor) take(page, kept.favourites);
});

const take = ({ favourites, next_cursor: nextCursor }, before) => {
  Object.assign(kept, { favourites: [...before, ...favourites], nextCursor });
  for (const favourite of favourites) kept.works.add(favourite.item_id);
  drawKept();
};

// Told before the list says so.
export const keepWork = (item) => {
  kept.works.add(item.item_id);
  refreshKept();
};

// Who is at one of them stays there.
export const drawKept = () => {
  const held = document.activeElement;
  const former = held.closest("#kept .short");
  const lines = kept.favourites?.map(line) ?? [];
  at("kept").replaceChildren(...(kept.favourites?.length === 0 ? [make("li", { class: "none" }, text("nothing_kept"))] : lines));
  at("kept-count").textContent = lines.length ? `${lines.length}${kept.nextCursor ? "+" : ""}` : "";
  at("more-kept").hidden = !kept.nextCursor;
  if (!former) return;
  const same = [...at("kept").children].find(({ dataset }) => dataset.item === former.dataset.item);
  (held.isConnected ? held : same?.querySelector("h3") ?? at("my-kept").firstElementChild).focus({ preventScroll: true });
};

const line = (favourite) => {
  const offer = favourite.offer?.sessions.length ? favourite.offer : favourite.elsewhere;
  if (!offer) return gone(favourite);
  const made = short(offer, kept.actions, `kept\n${offer.offer_id}`, "h3");
  if (offer === favourite.elsewhere) made.querySelector("h3").after(make("p", { class: "none" }, text("kept_elsewhere")));
  return made;
};

const gone = (favourite) => make("li", { class: "short", "data-item": favourite.item_id }, make("h3", { tabindex: -1 }, titleOf(favourite)), make("p", { class: "none" }, text("kept_gone")));
