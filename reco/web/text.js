// Words in the reader's language, and how dates, prices and distances read in it.

const texts = await (await fetch("texts.json")).json();
let language = navigator.language.startsWith("en") ? "en" : "fr";

export const currentLanguage = () => language;
export const switchLanguage = () => { language = language === "fr" ? "en" : "fr"; };

export const known = (key) => key in texts[language];
// As explanations write it, with one place after the point at most.
export const number = (value) => new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(value);

// What is counted, n, can have words of its own where there is one of it, and below two: French has the singular there.
const form = (n) => {
  // As it is written: 1.04 is told as one.
  const rounded = Math.round(n * 10) / 10;
  if (rounded === 1) return "_one";
  return rounded < 2 ? "_below_two" : "";
};
const wordsFor = (key, { n }) => texts[language][`${key}${form(n)}`] ?? texts[language][key] ?? key;
const written = (value) => (typeof value === "number" ? number(value) : value);
export const text = (key, values = {}) => wordsFor(key, values).replace(/\{(\w+)\}/g, (_, name) => written(values[name]));

export const titleOf = ({ title, item_id: itemId }) => title ?? itemId;

export const euros = (cents) =>
  new Intl.NumberFormat(language, { style: "currency", currency: "EUR", minimumFractionDigits: cents % 100 ? 2 : 0 }).format(cents / 100);

export const price = (cents) => cents === 0 ? text("free") : euros(cents);

export const distance = (metres) => {
  const kilometres = metres >= 1000;
  const value = kilometres ? metres / 1000 : Math.max(100, Math.round(metres / 100) * 100);
  return new Intl.NumberFormat(language, {
    style: "unit", unit: kilometres ? "kilometer" : "meter", maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value);
};

// As 2026-11-28, in a zone; without one in the reader's.
export const dayKey = (moment, timeZone) => new Intl.DateTimeFormat("sv-SE", { timeZone }).format(moment);

// Counted on the calendar: a day may have 23 hours, or 25.
const dayAfter = (key) => new Date(Date.parse(key) + 86_400_000).toISOString().slice(0, 10);

export const day = (moment, timeZone, now) => {
  const key = dayKey(moment, timeZone);
  const today = dayKey(now, timeZone);
  const away = { [today]: "today", [dayAfter(today)]: "tomorrow" }[key];
  const name = away ? text(away) : new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", timeZone }).format(moment);
  return { key, name };
};

export const time = (moment, timeZone) =>
  new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", timeZone }).format(moment);

export const moment = (at, timeZone) => new Intl.DateTimeFormat(language, {
  weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: timeZone ?? undefined,
}).format(at);

export const calendarDate = (at) =>
  new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" }).format(at);

export const valueName = (attribute, code) => {
  if (known(`${attribute}_${code}`)) return text(`${attribute}_${code}`);
  const words = code.replaceAll("_", " ");
  return code === code.toUpperCase() ? words.charAt(0) + words.slice(1).toLowerCase() : words;
};

export const categoryName = (code) => valueName("category", code);

export const percent = (share, digits = share < 0.1 ? 1 : 0) =>
  new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: digits }).format(share);

export const hue = (code) => [...code].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 12, 7);
