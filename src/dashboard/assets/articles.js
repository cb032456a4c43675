// The list of articles: newest first, each once, bounded.

import { articleElement, publishedMs } from './article.js';
import { byId, element } from './dom.js';
import { isNewer } from './position.js';

const MAX_ARTICLES = 100;

export class ArticleList {
  #list = byId('news-list');
  #held = [];

  /**
   * Empties the list and says why it is empty.
   * @param {string} reason
   */
  clear(reason) {
    this.#held = [];
    this.#list.replaceChildren(element('li', { class: 'empty' }, reason));
  }

  /**
   * Puts an article in its place; one that is there already is replaced, never doubled.
   * @param {any} article
   * @param {boolean} [fresh] whether it has just come in, which the eye should notice
   */
  put(article, fresh = false) {
    if (typeof article?.id !== 'string' || !article.id) return;
    const old = this.#held.findIndex((held) => held.article.id === article.id);
    if (old >= 0 && !isNewer(article.position, this.#held[old].article.position)) return;
    const hadFocus = old >= 0 && this.#take(old);
    this.#insert(article, fresh, hadFocus);
    if (this.#held.length > MAX_ARTICLES) this.#take(MAX_ARTICLES);
  }

  /** @returns {number} */
  get size() {
    return this.#held.length;
  }

  #insert(article, fresh, focus) {
    const published = publishedMs(article);
    const node = articleElement(article);
    if (fresh) node.classList.add('fresh');
    if (this.#held.length === 0) this.#list.replaceChildren();
    const behind = this.#held.findIndex((held) => held.published <= published);
    const place = behind < 0 ? this.#held.length : behind;
    this.#list.insertBefore(node, this.#held[place]?.node ?? null);
    this.#held.splice(place, 0, { article, published, node });
    if (focus) node.querySelector('a')?.focus({ preventScroll: true });
  }

  #take(index) {
    const [{ node }] = this.#held.splice(index, 1);
    const hadFocus = node.contains(document.activeElement);
    node.remove();
    return hadFocus;
  }
}
