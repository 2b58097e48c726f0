// What the person has, credit and bookings: asked for, shown, changed.

import * as api from "./api.js";
import { bookedWords, cancelledWords, drawBookings } from "./bookings.js";
import { drawCredit } from "./credit.js";
import { persist } from "./persist.js";
import { refusal } from "./refusals.js";
import { text } from "./text.js";

const at = (id) => document.getElementById(id);
const mine = { userId: null, credit: null, bookings: [], nextCursor: null, now: null, onCancelled: null };

export const openMine = (userId, now, onCancelled) => {
  Object.assign(mine, { userId, credit: null, bookings: [], nextCursor: null, now, onCancelled });
  drawMine();
  return refreshMine();
};

export const refreshMine = () => kept(async (userId) => {
  const both = () => Promise.all([api.credit(userId), api.bookings(userId, at("state").value)]);
  const [credit, page] = await persist(both, () => {});
  if (userId !== mine.userId) return;
  Object.assign(mine, { credit, bookings: page.bookings, nextCursor: page.next_cursor });
  drawMine();
});

export const moreBookings = () => kept(async (userId) => {
  const page = await api.bookings(userId, at("state").value, mine.nextCursor);
  if (userId !== mine.userId) return;
  mine.bookings.push(...page.bookings);
  mine.nextCursor = page.next_cursor;
  drawMine();
});

export const drawMine = () => {
  drawCredit(at("credit"), mine.credit);
  drawBookings(at("booked"), mine.bookings, mine.now(), { cancel });
  at("booked-count").textContent = mine.bookings.length ? `${mine.bookings.length}${mine.nextCursor ? "+" : ""}` : "";
  at("more-booked").hidden = !mine.nextCursor;
};

// Returns once it is booked; the gauge and the list follow.
export const book = async ({ key, order }, onWait) => {
  const { userId } = mine;
  const booking = await persist(() => api.book({ user_id: userId, ...order }, key), onWait);
  notify(bookedWords(booking, mine.now()));
  refreshMine();
};

const cancel = async (booking) => {
  await kept(async () => {
    const done = await persist(() => api.cancel(booking.booking_id), () => notify(text("asking_again")));
    notify(cancelledWords(done));
    await mine.onCancelled();
  });
  await refreshMine();
  (at("booked").querySelector(`[data-booking="${booking.booking_id}"]`) ?? at("my-bookings").firstElementChild).focus({ preventScroll: true });
};

// What goes wrong here is told, and what is shown is what was known last.
const kept = async (work) => {
  try {
    await work(mine.userId);
  } catch (problem) {
    if (!(problem instanceof api.Problem)) throw problem;
    notify(refusal(problem));
  }
};

export const notify = (words) => { at("notice").firstElementChild.textContent = words; };
