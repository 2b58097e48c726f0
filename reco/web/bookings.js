// What is booked: each booking a line, with what can still be done about it.

import { buttonOf, make } from "./dom.js";
import { calendarDate, known, moment, price, text, titleOf } from "./text.js";

export const drawBookings = (list, bookings, state, now, actions) => {
  const lines = bookings.map((booking) => line(booking, now, actions));
  list.replaceChildren(...(lines.length ? lines : [make("li", { class: "none" }, text(state === "booked" ? "none_ahead" : "no_bookings"))]));
};

export const canCancel = (booking, now) => booking.state === "booked"
  && (booking.cancellable_until == null || new Date(booking.cancellable_until) > now);

// What somebody who has just booked wants to know.
export const bookedWords = (booking, now) =>
  `${text("booked_now", { title: titleOf(booking), when: when(booking), price: price(booking.amount_cents) })} ${deadline(booking, now)}`;

export const cancelledWords = (booking) => booking.amount_cents
  ? text("cancelled_now", { title: titleOf(booking), price: price(booking.amount_cents) })
  : text("cancelled_free", { title: titleOf(booking) });

const zone = (booking) => booking.venue?.timezone;
const when = (booking) => booking.starts_at ? moment(new Date(booking.starts_at), zone(booking)) : text("any_day");

const deadline = (booking, now) => {
  if (!canCancel(booking, now)) return text("not_cancellable");
  if (booking.cancellable_until) return text("cancellable_until", { when: moment(new Date(booking.cancellable_until), zone(booking)) });
  return booking.collect_by ? text("cancellable_until_expiry", { date: calendarDate(new Date(booking.collect_by)) }) : text("cancellable");
};

const stateWords = (booking) => {
  const key = `cancelled_by_${booking.cancel_reason}`;
  return booking.state === "cancelled" && known(key) ? text(key) : text(`state_${booking.state}`);
};

const line = (booking, now, actions) => {
  const place = [booking.venue ? booking.venue.name ?? booking.venue.venue_id : text("online"), when(booking)];
  const amount = [booking.quantity === 2 ? text("for_two") : text("for_one"), price(booking.amount_cents)];
  const made = make("li", { class: "line", tabindex: -1, "data-booking": booking.booking_id },
    make("div", { class: "head" }, make("h3", {}, titleOf(booking)), make("span", { class: `chip ${booking.state}` }, stateWords(booking))),
    make("p", { class: "where" }, place.join(" · ")), make("p", {}, amount.join(" · ")));
  if (booking.state === "booked") made.append(make("p", { class: "deadline" }, deadline(booking, now)));
  if (canCancel(booking, now)) made.append(cancelling(booking, actions));
  return made;
};

// Two steps: a place that is given back may be gone for good.
const cancelling = (booking, actions) => {
  const title = titleOf(booking);
  const place = make("div", { class: "actions" });
  const ask = () => place.replaceChildren(buttonOf(title, text("cancel"), () => {
    const sure = buttonOf(title, text("cancel_sure"), () => actions.cancel(booking), { class: "risky" });
    place.replaceChildren(sure, buttonOf(title, text("cancel_not"), () => { ask(); place.firstChild.focus(); }));
    sure.focus();
  }));
  ask();
  return place;
};
