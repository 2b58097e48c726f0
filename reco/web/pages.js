// Pages of one feed, told as one.

// A page's chances leave out what the pages before lead to when they are seen once; here all are seen as often.
const either = (before, chance, intensity) => before + chance * (1 - before) ** (1 - 1 / intensity);

const together = (before, after, intensity) => {
  const found = new Map(before.map((one) => [keyOf(one), one]));
  for (const one of after) {
    const former = found.get(keyOf(one))?.chance ?? 0;
    found.set(keyOf(one), { ...one, chance: either(former, one.chance, intensity) });
  }
  return [...found.values()].sort((a, b) => b.points * b.chance - a.points * a.chance);
};

const keyOf = ({ attribute, value }) => `${attribute} ${value}`;

// What the first page tells of the person and of itself stays.
export const joined = (before, page) => {
  const { notes, horizon, explanation } = before;
  const additions = together(horizon.additions, page.horizon.additions, horizon.intensity);
  return { ...page, notes, explanation, horizon: { ...horizon, additions } };
};

// Cut short and empty is not the end: the same page can be asked for again.
export const isToBeAskedAgain = (page) => !page.items.length && page.notes.includes("cut_short");
