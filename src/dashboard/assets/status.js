// The states in the header: our stream, the market's session, the health of the server's source.

import { byId, setText } from './dom.js';
import { learnClock } from './freshness.js';
import { mayRead } from './session.js';

const CONNECTION = { connecting: 'Connecting…', live: 'Live', reconnecting: 'Reconnecting…', stopped: 'Stopped' };
const SESSIONS = { pre: 'Pre-market', regular: 'Open', after: 'After hours', closed: 'Closed' };
// The vendor's own words for the same.
const MARKETS = { open: 'regular', 'extended-hours': 'after', closed: 'closed' };
const HEALTH = { ok: 'good', market_closed: 'good', live: 'good', healthy: 'good', up: 'good', degraded: 'degraded', down: 'down', unavailable: 'down' };
const HEALTH_WORDS = { good: 'Healthy', degraded: 'Degraded', down: 'Down' };

/**
 * @param {import('./stream.js').StreamState} state
 */
export function showConnection(state) {
  const node = byId('connection');
  node.dataset.state = state;
  setText(node, CONNECTION[state]);
}

/**
 * Shows a status item; what it does not mention stays as it was.
 * @param {any} status status data of the stream or of GET /api/status
 */
export function showStatus(status) {
  const session = SESSIONS[status.session] ? status.session : MARKETS[status.market];
  if (session) write('market-session', 'session', session, SESSIONS[session]);
  if (typeof status.state !== 'string') return;
  const health = HEALTH[status.state] ?? 'unknown';
  write('upstream-health', 'health', health, HEALTH_WORDS[health] ?? status.state.slice(0, 24));
}

/** Asks for the status once, so that the header does not wait for the stream. */
export async function loadStatus() {
  if (!(await mayRead())) return;
  try {
    const response = await fetch('/api/status', { cache: 'no-store' });
    learnClock(response);
    if (!response.ok) return;
    const body = await response.json();
    const freshness = body._freshness ?? {};
    showStatus({ session: freshness.session, ...body, ...body.results });
  } catch {
    // The stream says whether the server is there.
  }
}

function write(id, name, value, words) {
  const node = byId(id);
  node.dataset[name] = value;
  setText(node, words);
}
