// Requests that may be sent again without being acted on twice.

const WAITS_S = [1, 2, 4, 8, 15];
const NO_ANSWER = new Set([0, 502, 503, 504]);

const pause = (seconds) => new Promise((resolve) => {
  setTimeout(resolve, seconds * 1000);
  window.addEventListener("online", resolve, { once: true });
});

// While nobody answers, `onWait` is told and the same request goes out again; then the error stands.
export const persist = async (send, onWait) => {
  for (const waitS of WAITS_S) {
    try {
      return await send();
    } catch (problem) {
      if (!NO_ANSWER.has(problem.status)) throw problem;
      onWait();
      await pause(Math.max(waitS, problem.retryAfterS ?? 0));
    }
  }
  return send();
};
