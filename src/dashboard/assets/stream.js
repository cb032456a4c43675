// One EventSource that goes on where it was cut: the browser resumes by itself while it can; when it gives up, we reopen.

import { Backoff } from './backoff.js';
import { nobodySignedIn, unreachable, whyRefused } from './refusal.js';
import { session } from './session.js';

// Longer than the server's rotation of a stream, which needs no words.
const WORRY_MS = 8_000;
// A browser opens six connections to a server without HTTP/2 and lets the seventh wait without a word.
const SLOW_CONNECT = {
  text: 'Still waiting for a connection. If this page is open in several tabs, close some of them.',
  willRetry: true,
};

/**
 * @typedef {'connecting' | 'live' | 'reconnecting' | 'stopped'} StreamState
 * @typedef {object} StreamListener
 * @property {Record<string, (item: any) => void>} on what to do with each named event
 * @property {(gap: {reason: string, snapshot?: any[]}) => void} onGap
 * @property {(state: StreamState) => void} onState
 * @property {(trouble: import('./refusal.js').Trouble) => void} onTrouble
 * @property {(topic: string) => void} [onUnknown] told of a topic that the server does not know; the others go on without it
 */

export class ResumingStream {
  #listener;
  #backoff = new Backoff();
  #source = null;
  #attempt;
  #topics = [];
  #cursor;
  #state = 'stopped';
  #retryTimer;
  #worryTimer;

  /** @param {StreamListener} listener */
  constructor(listener) {
    this.#listener = listener;
    // After sleep or a lost network the wait may be long and pointless.
    window.addEventListener('online', () => this.#retryTimer && this.#connect());
  }

  /**
   * Opens the stream, or opens it anew with other topics.
   * @param {string[]} topics
   * @param {string} [cursor] the position to go on from; without it the server begins with the latest of each topic
   */
  open(topics, cursor) {
    this.#topics = topics;
    this.#cursor = cursor;
    this.#backoff.reset();
    this.#enter('connecting');
    this.#worry(SLOW_CONNECT);
    this.#begin();
  }

  /** Opens it again where it stopped. */
  resume() {
    this.open(this.#topics, this.#cursor);
  }

  close() {
    clearTimeout(this.#worryTimer);
    this.#drop();
    this.#enter('stopped');
  }

  /** @returns {string | undefined} the position of the last event */
  get cursor() {
    return this.#cursor;
  }

  // A stream that would be refused is not asked for: the browser would complain of it in the console.
  async #begin() {
    this.#drop();
    const attempt = Symbol('an attempt');
    this.#attempt = attempt;
    const now = await session();
    // Closed or opened anew by the reader meanwhile.
    if (attempt !== this.#attempt) return;
    if (now?.reads !== false) return this.#connect();
    this.close();
    this.#listener.onTrouble(nobodySignedIn(now.sign_in));
  }

  #connect() {
    this.#drop();
    const source = new EventSource(this.#url());
    this.#source = source;
    source.onopen = () => {
      clearTimeout(this.#worryTimer);
      this.#backoff.reset();
      this.#enter('live');
    };
    source.onerror = () => this.#lost(source);
    for (const [name, handle] of Object.entries(this.#listener.on)) this.#hear(source, name, handle);
    this.#hear(source, 'gap', this.#listener.onGap);
  }

  #hear(source, name, handle) {
    source.addEventListener(name, (event) => {
      if (event.lastEventId) this.#cursor = event.lastEventId;
      const item = parse(event.data);
      if (item) handle(item);
    });
  }

  #url() {
    // Topics are made of checked symbols, and `:` `,` `*` are plain characters of a query.
    const cursor = this.#cursor ? `&last_event_id=${encodeURIComponent(this.#cursor)}` : '';
    return `/events?topics=${this.#topics.join(',')}${cursor}`;
  }

  #lost(source) {
    if (source !== this.#source) return;
    if (this.#state !== 'reconnecting') this.#worry(unreachable());
    this.#enter('reconnecting');
    if (source.readyState === EventSource.CLOSED) this.#recover(source);
  }

  async #recover(source) {
    const trouble = await whyRefused(this.#url());
    // Closed or reopened by the reader meanwhile.
    if (source !== this.#source) return;
    if (trouble?.unknownTopic && this.#leaveOut(trouble.unknownTopic)) return this.#connect();
    if (trouble && !trouble.willRetry) this.close();
    if (trouble) this.#listener.onTrouble(trouble);
    if (trouble && !trouble.willRetry) return;
    clearTimeout(this.#worryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), this.#backoff.next(trouble?.retryAfterMs));
  }

  // One topic that does not exist must not cost the others. Each call makes the list shorter, so this ends.
  #leaveOut(topic) {
    const others = this.#topics.filter((other) => other !== topic);
    if (!this.#listener.onUnknown || others.length === 0 || others.length === this.#topics.length) return false;
    this.#topics = others;
    this.#listener.onUnknown(topic);
    return true;
  }

  #drop() {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#attempt = undefined;
    this.#source?.close();
    this.#source = null;
  }

  // Says what is wrong where it lasts.
  #worry(trouble) {
    clearTimeout(this.#worryTimer);
    this.#worryTimer = setTimeout(() => this.#listener.onTrouble(trouble), WORRY_MS);
  }

  #enter(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#listener.onState(state);
  }
}

function parse(data) {
  try {
    const item = JSON.parse(data);
    return item && typeof item === 'object' ? item : undefined;
  } catch {
    return undefined;
  }
}
