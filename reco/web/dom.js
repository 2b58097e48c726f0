// Elements by one call.

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

// The same of what is drawn.
export const drawn = (name, attributes = {}, ...children) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};
