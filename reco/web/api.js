// The public API: one function an endpoint, one kind of error.

export class Problem extends Error {
  constructor(status, document, retryAfterS) {
    super(document.detail ?? `HTTP ${status}`);
    this.status = status;
    this.field = document.field ?? null;
    this.rule = document.rule ?? null;
    this.members = document;
    this.retryAfterS = retryAfterS;
  }
}

let session = null;

async function send(path, { method = "GET", body, headers: own = {} } = {}) {
  const headers = { Accept: "application/json", ...own };
  // Kept for when the page is loaded anew: who books may leave the list of those to look at.
  const token = sessionStorage.getItem("token");
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Problem(0, {}, 2);
  }
  const answer = await response.json().catch(() => null);
  // Cut off in the middle: as good as no answer.
  if (response.ok && answer === null) throw new Problem(0, {}, 2);
  if (!response.ok) throw new Problem(response.status, answer ?? {}, Number(response.headers.get("Retry-After")) || null);
  return answer;
}

async function ask(path, options) {
  try {
    return await send(path, options);
  } catch (problem) {
    if (problem.status !== 401 || !session) throw problem;
    // Tokens last an hour; a page is read for longer.
    await openSession(session.user_id);
    return send(path, options);
  }
}

const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value != null);
  return new URLSearchParams(given).toString();
};

export async function openSession(userId) {
  session = await send("/v1/demo/session", { method: "POST", body: userId ? { user_id: userId } : {} });
  sessionStorage.setItem("token", session.token);
  return session;
}

export const feed = (filters, cursor) => ask(`/v1/feed?${query({ ...filters, cursor, n: 24 })}`);
export const categories = async () => (await ask("/v1/categories")).categories;
export const genres = async () => (await ask("/v1/genres")).genres;
export const venueTypes = async () => (await ask("/v1/venue-types")).venue_types;
export const tastes = (userId) => ask(`/v1/users/${encodeURIComponent(userId)}/tastes`);
export const sayTastes = (userId, body) => ask(`/v1/users/${encodeURIComponent(userId)}/tastes`, { method: "POST", body });
export const venuesNear = async (lat, lon, radiusM) =>
  (await ask(`/v1/venues/near?${query({ lat, lon, radius_km: Math.min(radiusM / 1000, 200), n: 300 })}`)).venues;
export const similar = async (offerId) => (await ask(`/v1/offers/${encodeURIComponent(offerId)}/similar?n=5`)).items;
export const interact = (offerId, kind, slateId, at) =>
  ask("/v1/interactions", { method: "POST", body: { interactions: [{ offer_id: offerId, kind, slate_id: slateId, at }] } });
export const credit = (userId) => ask(`/v1/users/${encodeURIComponent(userId)}/credit`);
export const bookings = (userId, state, cursor) =>
  ask(`/v1/users/${encodeURIComponent(userId)}/bookings?${query({ state, cursor, n: 12 })}`);
export const favourites = (userId, n, cursor) => ask(`/v1/users/${encodeURIComponent(userId)}/favourites?${query({ cursor, n })}`);
export const book = (order, key) =>
  ask("/v1/bookings", { method: "POST", body: order, headers: { "Idempotency-Key": key } });
export const cancel = (bookingId) => ask(`/v1/bookings/${encodeURIComponent(bookingId)}`, { method: "DELETE" });
