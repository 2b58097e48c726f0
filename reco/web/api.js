// The public API: one function an endpoint, one kind of error.

export class Problem extends Error {
  constructor(status, document, retryAfterS) {
    super(document.detail ?? `HTTP ${status}`);
    this.status = status;
    this.field = document.field ?? null;
    this.retryAfterS = retryAfterS;
  }
}

let token = null;

async function ask(path, { method = "GET", body } = {}) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Problem(0, {}, 2);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, answer, Number(response.headers.get("Retry-After")) || null);
  return answer;
}

const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value != null);
  return new URLSearchParams(given).toString();
};

export async function openSession(userId) {
  token = null;
  const session = await ask("/v1/demo/session", { method: "POST", body: userId ? { user_id: userId } : {} });
  token = session.token;
  return session;
}

export const feed = (filters, cursor) => ask(`/v1/feed?${query({ ...filters, cursor, n: 24 })}`);
export const categories = async () => (await ask("/v1/categories")).categories;
export const venuesNear = async (lat, lon, radiusM) =>
  (await ask(`/v1/venues/near?${query({ lat, lon, radius_km: Math.min(radiusM / 1000, 200), n: 300 })}`)).venues;
export const similar = async (offerId) => (await ask(`/v1/offers/${encodeURIComponent(offerId)}/similar?n=5`)).items;
export const interact = (offerId, kind, slateId) =>
  ask("/v1/interactions", { method: "POST", body: { interactions: [{ offer_id: offerId, kind, slate_id: slateId }] } });
