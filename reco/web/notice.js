// What has just been done, or could not be, told above all else.

import { Problem } from "./api.js";
import { refusal } from "./refusals.js";

const GAP_PX = 24;
const notice = document.getElementById("notice");
const words = notice.firstElementChild;

export const notify = (told) => {
  words.textContent = told;
  // What gets the focus by the keyboard is scrolled to above it.
  document.documentElement.style.setProperty("--below", told ? `${notice.offsetHeight + GAP_PX}px` : "0px");
  uncover();
};
// Who puts it away goes on where they were.
let before = null;
const closing = document.getElementById("close-notice");
closing.addEventListener("focus", ({ relatedTarget }) => { before = relatedTarget; });
closing.addEventListener("click", () => {
  notify("");
  before?.focus({ preventScroll: true });
});

// Beside what is told already.
export const notifyToo = (told) => notify([words.textContent, told].filter(Boolean).join(" "));

// Where nothing else is told; and until it is so no longer.
export const mention = (told) => { if (!words.textContent) notify(told); };
export const takeBack = (told) => { if (words.textContent === told) notify(""); };

// What has the focus does not lie behind it.
export const uncover = () => {
  const held = document.activeElement;
  const [at, over] = [held.getBoundingClientRect(), notice.getBoundingClientRect()];
  if (words.textContent && held !== document.body && at.top < over.bottom && at.bottom > over.top) held.scrollIntoView({ block: "nearest" });
};

// What goes wrong is told, by the clock of a venue's `zone`, and what is shown stays.
export const told = async (work, zone) => {
  try {
    await work();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    notify(refusal(problem, zone));
  }
};
