// How long to wait before the next attempt: longer each time, and spread out, so that a restarted server is not stormed.

const FIRST_MS = 1_000;
const MOST_MS = 15_000;
const JITTER = 0.3;

export class Backoff {
  #attempts = 0;

  /**
   * @param {number} [atLeastMs] what the server asked for
   * @returns {number} milliseconds
   */
  next(atLeastMs = 0) {
    const base = Math.max(atLeastMs, Math.min(MOST_MS, FIRST_MS * 2 ** this.#attempts));
    this.#attempts += 1;
    return base * (1 + Math.random() * JITTER);
  }

  reset() {
    this.#attempts = 0;
  }
}
