// Asks the server for what is the reader's own, and says in plain words why it was not done.

const PATIENCE_MS = 15_000;
const MAX_DETAIL_LENGTH = 300;

/**
 * @typedef {object} Answer
 * @property {any} [value] what was answered; undefined where there is nothing to tell
 * @property {import('./refusal.js').Trouble} [trouble] why it was not done
 * @property {number} [status]
 */

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<Answer>}
 */
export async function ask(method, path, body) {
  try {
    const response = await fetch(path, {
      method,
      cache: 'no-store',
      headers: body && { 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const { status } = response;
    if (!response.ok) return { status, trouble: await troubleOf(response) };
    return { status, value: status === 204 ? undefined : await response.json() };
  } catch (error) {
    const text = error?.name === 'TimeoutError'
      ? 'The server did not answer in time. Look whether it was done before you try again.'
      : 'The server cannot be reached, so nothing is known to be done. Try again when it is back.';
    return { trouble: { text, willRetry: false } };
  }
}

async function troubleOf(response) {
  const detail = await detailOf(response);
  switch (response.status) {
    case 401:
      return { text: 'Your sign-in has ended.', willRetry: false, signIn: true };
    case 404:
      return { text: 'It is not there any more.', willRetry: false };
    case 429: {
      const seconds = Number(response.headers.get('Retry-After')) || 1;
      return { text: `Too many requests at once. Try again in ${seconds} s.`, willRetry: false };
    }
    default:
      if (response.status >= 500) return { text: `The server cannot do it at the moment (${response.status}). ${detail}`, willRetry: false };
      return { text: `That was not done. ${detail}`, willRetry: false };
  }
}

async function detailOf(response) {
  try {
    const { detail } = await response.json();
    return typeof detail === 'string' ? detail.slice(0, MAX_DETAIL_LENGTH) : '';
  } catch {
    return '';
  }
}
