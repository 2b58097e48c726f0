// What the person says to like: asked of who has no history yet, and open to anybody.

import * as api from "./api.js";
import { button, make } from "./dom.js";
import { notify, told } from "./notice.js";
import { persist } from "./persist.js";
import { categoryName, text, valueName } from "./text.js";

const place = document.getElementById("my-tastes");
const form = place.querySelector("form");
const tastes = { userId: null, turn: 0, said: null, categories: [], genres: [], onSaid: null };

// Who has put it off is not asked again, for as long as the page is open.
const putOff = (userId) => `tastes put off by ${userId}`;

export const openTastes = async (userId, { categories, genres }, isNew, onSaid) => {
  Object.assign(tastes, { userId, said: null, categories, genres, onSaid });
  place.open = false;
  form.replaceChildren();
  if (!isNew || sessionStorage.getItem(putOff(userId))) return;
  // The agenda can be read without.
  const said = await api.tastes(userId).catch(() => null);
  if (said && !said.stated_at && userId === tastes.userId) place.open = true;
};

// Anew each time it is opened: it may have been said elsewhere.
const read = () => told(async () => {
  const [{ userId }, turn] = [tastes, ++tastes.turn];
  const said = await persist(() => api.tastes(userId), () => {});
  // Somebody else was asked for in the meantime.
  if (turn !== tastes.turn || userId !== tastes.userId) return;
  tastes.said = said;
  draw(said);
});

const draw = (ticked) => form.replaceChildren(
  make("p", {}, text("tastes_lead")),
  choices("categories", text("tastes_categories"), tastes.categories, ticked, categoryName),
  choices("genres", text("tastes_genres"), tastes.genres, ticked, (genre) => valueName("genre", genre)),
  make("div", { class: "actions" }, make("button", { class: "primary" }, text("tastes_say")), button(text("tastes_later"), leave)));

// What is ticked stays so in another language.
export const drawTastes = () => { if (tastes.said) draw(chosen()); };

const choices = (name, legend, values, ticked, words) => make("fieldset", {}, make("legend", {}, legend),
  ...values.map((value) => {
    const box = make("input", { type: "checkbox", name, value });
    box.checked = ticked[name].includes(value);
    return make("label", {}, box, make("span", {}, words(value)));
  }));

const chosen = () => {
  const given = new FormData(form);
  return { categories: given.getAll("categories"), genres: given.getAll("genres") };
};

const close = () => {
  place.open = false;
  place.firstElementChild.focus();
};

const leave = () => {
  sessionStorage.setItem(putOff(tastes.userId), "yes");
  close();
};

const say = async () => {
  const { userId, said: { items } } = tastes;
  // What is left out is liked no more: the works that were named stay.
  const body = { ...chosen(), items };
  await persist(() => api.sayTastes(userId, body), () => notify(text("asking_again")));
  if (userId !== tastes.userId) return;
  close();
  notify(text("tastes_said"));
  await tastes.onSaid();
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.ariaBusy === "true") return;
  form.ariaBusy = "true";
  await told(say);
  form.ariaBusy = "false";
});
form.addEventListener("keydown", (event) => { if (event.key === "Escape") leave(); });
place.addEventListener("toggle", () => { if (place.open) read(); });
