// Why something was not done, in the reader's language.

import { euros, known, moment, text } from "./text.js";

const readable = (name, value, zone) => {
  if (name.endsWith("_cents")) return euros(value);
  if (name.endsWith("_at") || name.endsWith("_until")) return moment(new Date(value), zone);
  return name === "state" ? text(`state_${value}`) : value;
};

export const isUnanswered = ({ status }) => status === 0 || status >= 500;

// Times are by the clock of `zone`, a venue's; without one by the reader's.
export const refusal = (problem, zone) => {
  if (isUnanswered(problem)) return text("no_answer");
  const key = `rule_${problem.rule}`;
  if (!known(key)) return problem.message;
  return text(key, Object.fromEntries(Object.entries(problem.members).map(([name, value]) => [name, readable(name, value, zone)])));
};
