// One symbol of the watchlist: its cells, its latest item and its chart.

import { Sparkline } from './chart.js';
import { element, setText } from './dom.js';
import { formatChange, formatPrice } from './format.js';
import { ageOf, formatAge, isStale, nameSource } from './freshness.js';
import { isNewer } from './position.js';
import { kindOf } from './symbols.js';

const FLASH_MS = 700;
const SESSIONS = { pre: 'pre-market', after: 'after hours', closed: 'closed' };
const calm = matchMedia('(prefers-reduced-motion: reduce)');

export class WatchlistRow {
  #fields = {};
  #item;
  #unknown = false;

  /**
   * @param {string} symbol
   * @param {() => void} onRemove
   */
  constructor(symbol, onRemove) {
    this.symbol = symbol;
    this.element = this.#build(onRemove);
    this.chart = new Sparkline(this.#fields.chart);
  }

  /**
   * Shows an item, unless something newer is shown already.
   * @param {any} item price data of the stream
   */
  show(item) {
    if (!Number.isFinite(item.price) || !isNewer(item.position, this.#item?.position)) return;
    const before = this.#item?.price;
    this.#item = item;
    this.#setUnknown(false);
    const change = formatChange(item);
    setText(this.#fields.price, formatPrice(item.price));
    setText(this.#fields.change, change.text);
    setText(this.#fields.book, book(item));
    setText(this.#fields.source, nameSource(item.source));
    setText(this.#fields.session, SESSIONS[item.session] ?? '');
    this.#fields.delayed.hidden = item.delayed !== true;
    this.element.dataset.direction = change.direction;
    this.element.dataset.source = String(item.source);
    this.chart.tick(item.price);
    this.#flash(before, item.price);
  }

  /** There is no such symbol, so nothing is to be waited for. */
  showUnknown() {
    this.#setUnknown(true);
    setText(this.#fields.age, 'no such symbol');
    this.element.dataset.stale = 'true';
  }

  /** @returns {boolean} */
  get isUnknown() {
    return this.#unknown;
  }

  /**
   * Lets time pass: the age grows, and an old price turns grey.
   * @param {boolean} cutOff whether the stream has been away for too long to believe any price
   * @param {boolean} waiting whether a first price may still come
   */
  age(cutOff, waiting) {
    if (this.#unknown) return;
    if (!this.#item) return setText(this.#fields.age, waiting ? 'waiting' : '–');
    setText(this.#fields.age, formatAge(ageOf(this.#item)));
    this.element.dataset.stale = String(cutOff || isStale(this.#item));
  }

  /** @returns {HTMLElement} */
  get removeButton() {
    return this.#fields.remove;
  }

  #build(onRemove) {
    const field = (name, tag, attributes, ...children) => {
      this.#fields[name] = element(tag, { 'data-field': name, ...attributes }, ...children);
      return this.#fields[name];
    };
    const cell = (name, ...children) => element('td', { role: 'cell', class: `col-${name}` }, ...children);
    const remove = field('remove', 'button', { type: 'button', class: 'remove', 'aria-label': `Remove ${this.symbol}`, title: 'Remove' }, '×');
    remove.addEventListener('click', onRemove);
    const name = element('th', { scope: 'row', role: 'rowheader', class: 'col-symbol' },
      element('span', { class: 'symbol' }, this.symbol),
      element('span', { class: 'kind' }, element('span', {}, kindOf(this.symbol)), field('session', 'span', { class: 'session' })));
    const fresh = cell('fresh',
      field('age', 'span', {}, 'waiting'),
      element('span', { class: 'origin' },
        field('source', 'span', {}),
        field('delayed', 'span', { class: 'badge warn', hidden: '' }, 'delayed')));
    return element('tr', { role: 'row', 'data-symbol': this.symbol, 'data-stale': 'true', 'data-direction': 'flat' },
      name,
      cell('chart', field('chart', 'canvas', { role: 'img', 'aria-label': 'no trend yet' })),
      cell('price', field('price', 'span', {}, '–')),
      cell('change', field('change', 'span', {}, '–')),
      cell('book', field('book', 'span', {}, '–')),
      fresh,
      cell('remove', remove));
  }

  #setUnknown(unknown) {
    this.#unknown = unknown;
    this.element.dataset.unknown = String(unknown);
  }

  #flash(before, after) {
    if (before === undefined || before === after || calm.matches || document.hidden) return;
    const color = after > before ? 'var(--up-soft)' : 'var(--down-soft)';
    this.#fields.price.animate([{ backgroundColor: color }, { backgroundColor: 'transparent' }], FLASH_MS);
  }
}

function book({ bid, ask }) {
  return Number.isFinite(bid) && Number.isFinite(ask) ? `${formatPrice(bid)} / ${formatPrice(ask)}` : '–';
}
