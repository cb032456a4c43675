// How old a number is, by the server's clock, and when to stop trusting it.

const STALE_AFTER_MS = 60_000;
// Delayed plans run fifteen minutes behind; twice that means that something is wrong.
const DELAYED_STALE_AFTER_MS = 30 * 60_000;
// The Date header counts whole seconds, so a smaller difference is noise.
const CLOCK_NOISE_MS = 2_000;
const SOURCES = { simulated: 'simulated', poll: 'polled', cache: 'cached', ws: 'live feed' };

let clockOffsetMs = 0;

/**
 * Learns how far this computer's clock is from the server's, so that ages are not wrong by it.
 * @param {Response} response
 */
export function learnClock(response) {
  const served = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isNaN(served)) return;
  const offset = served + 500 - Date.now();
  clockOffsetMs = Math.abs(offset) > CLOCK_NOISE_MS ? offset : 0;
}

/**
 * @param {{as_of?: string}} item
 * @returns {number | undefined} age in milliseconds, never negative; undefined where the item does not say
 */
export function ageOf(item) {
  const asOf = Date.parse(item.as_of ?? '');
  return Number.isNaN(asOf) ? undefined : Math.max(0, Date.now() + clockOffsetMs - asOf);
}

/**
 * Whether a price has aged beyond what its source and session explain. In a closed market an old price is the right one.
 * @param {{as_of?: string, delayed?: boolean, session?: string}} item
 * @returns {boolean}
 */
export function isStale(item) {
  const age = ageOf(item);
  if (age === undefined) return true;
  if (item.session === 'closed') return false;
  return age > (item.delayed ? DELAYED_STALE_AFTER_MS : STALE_AFTER_MS);
}

/**
 * @param {number | undefined} ageMs
 * @returns {string}
 */
export function formatAge(ageMs) {
  if (ageMs === undefined) return 'age unknown';
  const seconds = Math.floor(ageMs / 1000);
  if (seconds < 1) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}

/**
 * @param {unknown} source
 * @returns {string}
 */
export function nameSource(source) {
  return SOURCES[source] ?? 'unknown source';
}
