// What has just been done, or could not be, told above all else.

import { Problem } from "./api.js";
import { refusal } from "./refusals.js";

const place = () => document.getElementById("notice").firstElementChild;
export const notify = (words) => { place().textContent = words; };
// Beside what is told already.
export const notifyToo = (words) => notify([place().textContent, words].filter(Boolean).join(" "));

// What goes wrong is told, by the clock of a venue's `zone`, and what is shown stays.
export const told = async (work, zone) => {
  try {
    await work();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    notify(refusal(problem, zone));
  }
};
