// Booking from a card: which session, for how many, and one attempt that is never booked twice.

import { button, make } from "./dom.js";
import { refusal } from "./refusals.js";
import { moment, price, text } from "./text.js";

export const bookButton = (item, actions, place) => {
  const toggle = button(text("book"), () => (place.firstChild ? close() : open()), {
    class: "primary", "aria-expanded": "false", "aria-label": text("book_title", { title: item.title ?? item.item_id }),
  });
  const open = () => {
    place.replaceChildren(bookingForm(item, actions, close));
    toggle.setAttribute("aria-expanded", "true");
    place.querySelector("input").focus();
  };
  const close = () => {
    place.replaceChildren();
    toggle.setAttribute("aria-expanded", "false");
    toggle.focus();
  };
  return toggle;
};

const bookingForm = (item, actions, close) => {
  const told = make("p", { class: "told", role: "alert" });
  const confirm = make("button", { class: "primary" });
  const form = make("form", { class: "booking" },
    choice("stock", isDated(item) ? text("which_session") : text("which_price"), item.sessions.map((session) => [session.stock_id, sessionLine(session, item)])),
    choice("quantity", text("for_whom"), [[1, text("for_one")], [2, text("for_two")]]),
    told, make("div", { class: "actions" }, confirm, button(text("close"), close)));
  const settle = () => { confirm.textContent = confirmWords(offered(form, item)); };
  form.addEventListener("change", settle);
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  form.addEventListener("submit", submission(form, item, actions, told));
  settle();
  return form;
};

const choice = (name, legend, options) => make("fieldset", {}, make("legend", {}, legend),
  ...options.map(([value, words], place) => {
    const input = make("input", { type: "radio", name, value });
    input.checked = place === 0;
    return make("label", {}, input, make("span", {}, words));
  }));

const isDated = (item) => item.sessions.some((session) => session.starts_at);

const sessionLine = (session, item) => [
  session.starts_at ? moment(new Date(session.starts_at), item.venue?.timezone) : text("any_day"),
  price(session.price_cents),
  session.left == null ? null : leftWords(session),
].filter(Boolean).join(" · ");

const leftWords = ({ starts_at: startsAt, left: n }) => {
  if (!startsAt) return text("left_undated", { n });
  return n === 1 ? text("one_place") : text("places", { n });
};

// What is chosen; where an offer is for one, or a session has one place left, two cannot be.
const offered = (form, item) => {
  const chosen = new FormData(form);
  const session = item.sessions.find(({ stock_id: id }) => id === chosen.get("stock"));
  const [one, two] = form.elements.quantity;
  two.disabled = !item.is_duo || form.dataset.single === "true" || session.left === 1;
  if (two.disabled) one.checked = true;
  const quantity = two.checked ? 2 : 1;
  return { stock_id: session.stock_id, quantity, amountCents: session.price_cents * quantity, startsAt: session.starts_at };
};

const confirmWords = ({ amountCents }) =>
  amountCents ? text("book_for", { price: price(amountCents) }) : text("book_free");

// The key stays while nobody knows what became of the attempt; a refusal ends it.
const submission = (form, item, actions, told) => {
  let attempt = null;
  return async (event) => {
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    const { stock_id, quantity, amountCents, startsAt } = offered(form, item);
    if (attempt?.order.stock_id !== stock_id || attempt.order.quantity !== quantity) {
      attempt = { key: crypto.randomUUID(), order: { stock_id, quantity, slate_id: item.slate_id, expected_amount_cents: amountCents, expected_starts_at: startsAt } };
    }
    form.ariaBusy = "true";
    told.textContent = "";
    try {
      await actions.book(item, attempt, () => { told.textContent = text("asking_again"); });
    } catch (problem) {
      const isDecided = problem.status >= 400 && problem.status < 500;
      told.textContent = isDecided ? refusal(problem, item.venue?.timezone) : text("outcome_unknown");
      if (isDecided) attempt = null;
      if (problem.rule === "no_duo") form.dataset.single = "true";
      form.dispatchEvent(new Event("change"));
    } finally {
      form.ariaBusy = "false";
    }
  };
};
