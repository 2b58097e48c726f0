// Booking from a card: which session, for how many, and one attempt that is never booked twice.

import { button, buttonOf, label, make } from "./dom.js";
import { notify } from "./notice.js";
import { refusal } from "./refusals.js";
import { moment, price, text, titleOf } from "./text.js";

// By offer and place, the forms that are open: each stays when the agenda is drawn anew, with what was entered.
const opened = new Map();
// Forms that were ever open: each has something that is told by its id.
let made = 0;
// An event can be cancelled until so long before it begins, and for so long after it is booked.
const CANCELLABLE_MS = 48 * 3_600_000;

export const bookButton = (item, actions, place, key = item.offer_id) => {
  const toggle = buttonOf(titleOf(item), text("book"), () => (place.firstChild ? close() : open()), { class: "primary", "aria-expanded": "false" });
  const show = (booking) => {
    booking.fill(item, close);
    place.replaceChildren(booking.form);
    toggle.setAttribute("aria-expanded", "true");
  };
  const open = () => {
    notify("");
    opened.set(key, bookingForm(actions));
    show(opened.get(key));
    place.querySelector("input").focus();
  };
  const close = () => {
    opened.delete(key);
    place.replaceChildren();
    toggle.setAttribute("aria-expanded", "false");
    toggle.focus();
  };
  if (opened.has(key)) show(opened.get(key));
  return toggle;
};

export const leaveFormsOf = (work) => {
  for (const [key, booking] of opened) if (booking.isOf(work)) opened.delete(key);
};
export const leaveForms = () => opened.clear();

// Ends the forms whose offers are no longer shown; returns what is to be told of each.
export const endForms = () => [...opened].filter(([, { form }]) => !form.isConnected).map(([key, booking]) => {
  opened.delete(key);
  return booking.endWords();
}).filter(Boolean);

const bookingForm = (actions) => {
  const state = { item: null, close: null, attempt: null, tell: () => "" };
  const told = make("p", { class: "told", role: "alert" });
  const terms = make("p", { id: `terms-${made += 1}`, role: "status" });
  const confirm = make("button", { class: "primary", "aria-describedby": terms.id });
  const leave = button("", () => state.close());
  const form = make("form", { class: "booking" });
  const say = (tell) => {
    state.tell = tell;
    told.textContent = tell();
  };
  const settle = () => {
    const chosen = offered(form, state.item);
    label(confirm, titleOf(state.item), confirmWords(chosen));
    tellTerms(terms, chosen, state.item, actions.now());
  };
  const fill = (item, close) => {
    const chosen = form.elements.stock?.value;
    Object.assign(state, { item, close });
    label(leave, titleOf(item), text("close"));
    form.replaceChildren(
      choice(form, "stock", isDated(item) ? text("which_session") : text("which_price"), item.sessions.map((session) => [session.stock_id, sessionLine(session, item)])),
      choice(form, "quantity", text("for_whom"), [[1, text("for_one")], [2, text("for_two")]]),
      terms, told, make("div", { class: "actions" }, confirm, leave));
    const isGone = chosen && !item.sessions.some((session) => session.stock_id === chosen);
    // Once: what is chosen then stays.
    told.textContent = isGone && form.ariaBusy !== "true" ? text("session_gone") : state.tell();
    settle();
  };
  form.addEventListener("change", settle);
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") state.close(); });
  form.addEventListener("submit", submission(form, state, actions, say));
  const endWords = () => form.ariaBusy === "true" ? "" : text(state.attempt ? "form_ended_unknown" : "form_ended", { title: titleOf(state.item) });
  const isOf = (work) => state.item.item_id === work.item_id;
  return { form, fill, endWords, isOf };
};

// What was there before stays the same element: it is checked if it was, and can have the focus again.
const choice = (form, name, legend, options) => {
  const former = new Map([...form.querySelectorAll(`[name=${name}]`)].map((input) => [input.value, input]));
  const inputs = options.map(([value]) => former.get(String(value)) ?? make("input", { type: "radio", name, value }));
  if (!inputs.some((input) => input.checked)) inputs[0].checked = true;
  return make("fieldset", {}, make("legend", {}, legend),
    ...inputs.map((input, place) => make("label", {}, input, make("span", {}, options[place][1]))));
};

const isDated = (item) => item.sessions.some((session) => session.starts_at);

export const sessionLine = (session, item) => [
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

// Before it is booked: whether it can be given up then, and until when.
const tellTerms = (terms, { startsAt }, item, now) => {
  const untilMs = startsAt && Math.min(new Date(startsAt) - CANCELLABLE_MS, now.getTime() + CANCELLABLE_MS);
  const isFinal = startsAt && untilMs <= now;
  const open = () => startsAt ? text("cancellable_until", { when: moment(new Date(untilMs), item.venue?.timezone) }) : text("cancellable");
  const words = isFinal ? text("final") : open();
  terms.className = isFinal ? "final" : "deadline";
  // Set anew it would be read out again.
  if (terms.textContent !== words) terms.textContent = words;
};

// The key stays while nobody knows what became of the attempt; a refusal ends it.
const submission = (form, state, actions, say) => async (event) => {
  event.preventDefault();
  if (form.ariaBusy === "true") return;
  const { item } = state;
  const { stock_id, quantity, amountCents, startsAt } = offered(form, item);
  if (state.attempt?.order.stock_id !== stock_id || state.attempt.order.quantity !== quantity) {
    state.attempt = { key: crypto.randomUUID(), order: { stock_id, quantity, slate_id: item.slate_id, expected_amount_cents: amountCents, expected_starts_at: startsAt } };
  }
  form.ariaBusy = "true";
  say(() => "");
  try {
    await actions.book(item, state.attempt, () => say(() => text("asking_again")));
  } catch (problem) {
    const isDecided = problem.status >= 400 && problem.status < 500;
    if (isDecided) state.attempt = null;
    if (problem.rule === "no_duo") form.dataset.single = "true";
    say(() => isDecided ? refusal(problem, item.venue?.timezone) : text("outcome_unknown"));
    // Its offer is no longer shown: nobody would see it there.
    if (!form.isConnected) notify(isDecided ? `${titleOf(item)}: ${state.tell()}` : text("form_ended_unknown", { title: titleOf(item) }));
    form.dispatchEvent(new Event("change"));
  } finally {
    form.ariaBusy = "false";
  }
};
