// The gauge: what is left of the deposit, until when, and of its caps.

import { make } from "./dom.js";
import { calendarDate, euros, text } from "./text.js";

const FALL_MS = 700;

export const drawCredit = (section, credit) => {
  const former = new Map([...section.querySelectorAll(".fill")].map((fill) => [fill.dataset.kind, fill.style.inlineSize]));
  section.replaceChildren(...(credit ? parts(credit) : []));
  for (const fill of section.querySelectorAll(".fill")) move(fill, former.get(fill.dataset.kind));
};

const parts = (credit) => {
  if (credit.deposit_cents == null) return [make("p", {}, text("credit_none"))];
  if (credit.is_over) return [make("p", {}, text("credit_over", { date: calendarDate(new Date(credit.expires_at)) }))];
  // Of a cap no more can be spent than there is of all.
  const caps = credit.caps.map((cap) => gauge(cap.kind, text(`cap_${cap.kind}`), Math.min(cap.left_cents, credit.left_cents), cap.cap_cents));
  return [
    make("div", { class: "deposit" }, gauge("deposit", text("credit"), credit.left_cents, credit.deposit_cents), make("p", { class: "until" }, terms(credit))),
    ...(caps.length ? caps : [make("p", { class: "until" }, text("no_caps"))]),
  ];
};

const terms = (credit) => [
  credit.expires_at ? text("credit_until", { date: calendarDate(new Date(credit.expires_at)) }) : text("credit_without_end"),
  credit.offer_limit_cents == null ? null : text("offer_limit", { limit: euros(credit.offer_limit_cents) }),
].filter(Boolean).join(" · ");

const gauge = (kind, name, leftCents, ofCents) => {
  const values = text("left_of", { left: euros(leftCents), all: euros(ofCents) });
  const fill = make("span", { class: "fill", "data-kind": kind });
  fill.style.inlineSize = `${ofCents ? (100 * leftCents) / ofCents : 0}%`;
  return make("div", { class: "gauge" },
    make("p", {}, make("span", {}, name), " ", make("strong", {}, euros(leftCents)), " ", make("span", {}, text("of", { all: euros(ofCents) }))),
    make("div", { class: "track", role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": ofCents / 100, "aria-valuenow": leftCents / 100, "aria-valuetext": values }, fill));
};

const move = (fill, from) => {
  const to = fill.style.inlineSize;
  if (!from || from === to || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  fill.animate([{ inlineSize: from }, { inlineSize: to }], { duration: FALL_MS, easing: "ease-out" });
};
