// The line of a panel that says what the reader should know. It always has its place, so that nothing moves when it speaks.

import { element } from './dom.js';

export class PanelNote {
  #node;
  #idleText;
  #tone = 'idle';

  /**
   * @param {HTMLElement} node
   * @param {string} idleText what it says when there is nothing to say
   */
  constructor(node, idleText) {
    this.#node = node;
    this.#idleText = idleText;
    this.clear();
  }

  /**
   * Something stands in the way; stays until it is solved.
   * @param {import('./refusal.js').Trouble} trouble
   * @param {() => void} retry
   */
  trouble(trouble, retry) {
    this.#write('trouble', trouble.text, ...this.#actions(trouble, retry));
  }

  /**
   * Something happened; stays until it is dismissed.
   * @param {string} text
   */
  notice(text) {
    const dismiss = element('button', { type: 'button', class: 'quiet' }, 'Dismiss');
    dismiss.addEventListener('click', () => this.clear());
    this.#write('notice', text, dismiss);
  }

  /** The trouble is over. A notice stays: it tells about the past. */
  solved() {
    if (this.#tone === 'trouble') this.clear();
  }

  clear() {
    this.#write('idle', this.#idleText);
  }

  #actions(trouble, retry) {
    if (trouble.signIn) return [element('a', { href: '/auth/login' }, 'Sign in')];
    if (trouble.needsKey) return [element('a', { href: '/account' }, 'How to get in')];
    if (trouble.willRetry) return [];
    const button = element('button', { type: 'button', class: 'quiet' }, 'Try again');
    button.addEventListener('click', retry);
    return [button];
  }

  #write(tone, text, ...actions) {
    this.#tone = tone;
    this.#node.dataset.tone = tone;
    this.#node.replaceChildren(element('span', {}, text), ...actions);
  }
}
