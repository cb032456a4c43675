// Who is signed in in this browser? Asked before anything that the server might refuse, so that no refusal is provoked.

import { element } from './dom.js';

/**
 * @typedef {object} Session
 * @property {boolean} sign_in whether people can sign in on this server
 * @property {boolean} reads whether this page may ask for market data
 * @property {'read' | 'write' | null} anonymous what whoever sends no key may do; null where all need one
 * @property {boolean} own_upstream_key whether people can have a key of their own for the source of the data
 * @property {{name?: string, email?: string, role: string, created: string} | null} user
 */

let asked;

/**
 * The session, asked for once; a server that does not answer is asked again the next time.
 * @returns {Promise<Session | undefined>} undefined where the server does not say
 */
export function session() {
  asked ??= ask().then((answer) => {
    // What was refused may be allowed after a sign-in in another tab.
    if (!answer?.reads) asked = undefined;
    return answer;
  });
  return asked;
}

/** Forgets what was answered: somebody has signed in or out. */
export function forgetSession() {
  asked = undefined;
}

/**
 * Whether to ask for market data. Where the server does not say, it is tried.
 * @returns {Promise<boolean>}
 */
export async function mayRead() {
  return (await session())?.reads !== false;
}

/**
 * What people are called here.
 * @param {{name?: string, email?: string}} user
 * @returns {string}
 */
export function nameOf({ name, email }) {
  return name || email || 'Signed in';
}

/**
 * Shows in the header who is signed in, or how to; nothing where nobody can.
 * @param {HTMLElement} node
 */
export async function showSession(node) {
  const now = await session();
  node.hidden = !now?.sign_in;
  if (!now?.sign_in) return;
  if (now.user) {
    const name = element('span', { class: 'who', title: nameOf(now.user) }, nameOf(now.user));
    node.replaceChildren(name, element('a', { href: '/account' }, 'Account'));
  } else {
    node.replaceChildren(element('a', { href: '/auth/login?return_to=/' }, 'Sign in'));
  }
}

async function ask() {
  try {
    const response = await fetch('/auth/session', { cache: 'no-store' });
    return response.ok ? await response.json() : undefined;
  } catch {
    return undefined;
  }
}
