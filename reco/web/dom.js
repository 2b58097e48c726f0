// Elements by one call.

import { text } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";

export const make = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

export const button = (words, act, attributes = {}) => {
  const made = make("button", { type: "button", ...attributes }, words);
  // Pressed again before it is done it does nothing; unlike one that is disabled it keeps the focus.
  made.addEventListener("click", async () => {
    if (made.ariaBusy === "true") return;
    made.ariaBusy = "true";
    try {
      await act(made);
    } finally {
      made.ariaBusy = "false";
    }
  });
  return made;
};

// Of many that read alike, each is named by what it reads and what it is about.
export const buttonOf = (title, words, act, attributes) => {
  const made = button("", act, attributes);
  label(made, title, words);
  return made;
};

export const label = (made, title, words) => {
  made.textContent = words;
  made.ariaLabel = text("button_of", { words, title });
};

// The same of what is drawn.
export const drawn = (name, attributes = {}, ...children) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};
