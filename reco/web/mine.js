// What the person has, credit and bookings: asked for, shown, changed.

import * as api from "./api.js";
import { bookedWords, cancelledWords, drawBookings } from "./bookings.js";
import { drawCredit } from "./credit.js";
import { notify, told } from "./notice.js";
import { persist } from "./persist.js";
import { text } from "./text.js";

const at = (id) => document.getElementById(id);
const mine = { userId: null, turn: 0, credit: null, state: "", bookings: [], nextCursor: null, now: null, onCancelled: null };

export const openMine = (userId, now, onCancelled) => {
  Object.assign(mine, { userId, credit: null, state: at("state").value, bookings: [], nextCursor: null, now, onCancelled });
  drawMine();
  return refreshMine();
};

export const refreshMine = () => told(async () => {
  const [{ userId }, turn, state] = [mine, ++mine.turn, at("state").value];
  const both = () => Promise.all([api.credit(userId), api.bookings(userId, state)]);
  const [credit, page] = await persist(both, () => {});
  // Somebody else, or another state, was asked for in the meantime.
  if (turn !== mine.turn) return;
  Object.assign(mine, { credit, state, bookings: page.bookings, nextCursor: page.next_cursor });
  drawMine();
});

export const moreBookings = () => told(async () => {
  const { userId, turn, nextCursor } = mine;
  const page = await api.bookings(userId, at("state").value, nextCursor);
  if (turn !== mine.turn || nextCursor !== mine.nextCursor) return;
  mine.bookings.push(...page.bookings);
  mine.nextCursor = page.next_cursor;
  drawMine();
});

export const drawMine = () => {
  drawCredit(at("credit"), mine.credit);
  drawBookings(at("booked"), mine.bookings, mine.state, mine.now(), { cancel });
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
  await told(async () => {
    const done = await persist(() => api.cancel(booking.booking_id), () => notify(text("asking_again")));
    notify(cancelledWords(done));
    await mine.onCancelled();
  }, booking.venue?.timezone);
  await refreshMine();
  (at("booked").querySelector(`[data-booking="${booking.booking_id}"]`) ?? at("my-bookings").firstElementChild).focus({ preventScroll: true });
};
