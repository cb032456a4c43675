// Why the server gives no data. EventSource hides the status of a refusal, so it is asked for with fetch.

import { learnClock } from './freshness.js';
import { session } from './session.js';

const PATIENCE_MS = 8_000;
const MAX_DETAIL_LENGTH = 200;

/**
 * @typedef {object} Trouble
 * @property {string} text a sentence with what to do
 * @property {boolean} willRetry whether waiting may help
 * @property {number} [retryAfterMs] how long the server asks to wait
 * @property {boolean} [signIn] whether signing in may help
 * @property {boolean} [needsKey] whether only a key would help, which no page sends
 * @property {string} [unknownTopic] the topic that the server does not know, where that is why
 */

/**
 * Finds out why the browser gave a stream up: is the server there, and if so, does it refuse this stream?
 * @param {string} streamUrl
 * @returns {Promise<Trouble | undefined>} undefined where the stream would be given now
 */
export async function whyRefused(streamUrl) {
  try {
    const status = await ask('/api/status');
    learnClock(status);
    if (!status.ok) return await explain(status);
    const stream = await ask(streamUrl);
    return stream.status === 200 ? undefined : await explain(stream);
  } catch {
    return unreachable();
  }
}

/**
 * What an answer without data means to the reader.
 * @param {Response} response
 * @returns {Promise<Trouble>}
 */
export async function explain(response) {
  const problem = await problemOf(response);
  const detail = inBrackets(problem.detail);
  const seconds = Number(response.headers.get('Retry-After'));
  const retryAfterMs = seconds > 0 ? seconds * 1000 : undefined;
  switch (response.status) {
    case 401:
      return nobodySignedIn((await session())?.sign_in !== false);
    case 403:
      return { text: `This page may not read market data here${detail}. Ask an administrator for the read scope, or open the page at the server’s own address.`, willRetry: false };
    case 429:
      return { text: `Too many requests or open streams from here: close other tabs of this page. Trying again ${wait(retryAfterMs)}.`, willRetry: true, retryAfterMs };
    case 400:
    case 404:
      if (isUnknownSymbol(problem)) return unknown(problem);
      return { text: `The server does not know what was asked for${detail}. Check the symbols, then try again.`, willRetry: false };
    default:
      if (response.status >= 500) {
        return { text: `The server is restarting, full or in trouble (${response.status}). Trying again ${wait(retryAfterMs)}.`, willRetry: true, retryAfterMs };
      }
      return { text: `The server answered ${response.status}${detail}.`, willRetry: false };
  }
}

/**
 * The server gives data only to those whom it knows.
 * @param {boolean} canSignIn whether people can sign in there
 * @returns {Trouble}
 */
export function nobodySignedIn(canSignIn) {
  if (canSignIn) return { text: 'You are not signed in, or your sign-in has ended.', willRetry: false, signIn: true };
  return { text: 'This server wants an API key. This page cannot send one, and nobody can sign in here.', willRetry: false, needsKey: true };
}

/**
 * @returns {Trouble}
 */
export function unreachable() {
  return { text: 'The server cannot be reached. Trying again until it is back.', willRetry: true };
}

async function ask(url) {
  const cut = new AbortController();
  const timer = setTimeout(() => cut.abort(), PATIENCE_MS);
  try {
    const response = await fetch(url, { cache: 'no-store', signal: cut.signal });
    // The head of a stream says enough, and its body would never end.
    if (response.ok) cut.abort();
    return response;
  } finally {
    clearTimeout(timer);
  }
}

async function problemOf(response) {
  try {
    return (await response.json()) ?? {};
  } catch {
    return {};
  }
}

function inBrackets(detail) {
  return typeof detail === 'string' && detail ? ` (${detail.replace(/\.$/, '').slice(0, MAX_DETAIL_LENGTH)})` : '';
}

function isUnknownSymbol({ type, detail }) {
  return typeof type === 'string' && type.endsWith('/unknown-symbol') && typeof detail === 'string';
}

// The detail begins with the topic, `prices:X:NOPE: …`; the rest of it is advice for programs.
function unknown({ detail }) {
  const topic = detail.slice(0, detail.indexOf(': '));
  const symbol = topic.slice(topic.indexOf(':') + 1);
  return { text: `There is no symbol ${symbol}. Look at its spelling.`, willRetry: false, unknownTopic: topic };
}

function wait(retryAfterMs) {
  return retryAfterMs ? `in ${Math.ceil(retryAfterMs / 1000)} s` : 'in a moment';
}
