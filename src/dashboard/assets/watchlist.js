// The list of watched symbols: which rows there are, and what reaches them.

import { redrawAll } from './chart.js';
import { byId, setText } from './dom.js';
import { WatchlistRow } from './row.js';
import { mayRead } from './session.js';
import { MAX_SYMBOLS, loadSymbols, parseSymbol, saveSymbols } from './symbols.js';

// A rotation of the stream takes a few seconds and makes no price wrong.
const CUT_OFF_AFTER_MS = 6_000;
const CLOCK_MS = 1_000;

export class Watchlist {
  #body = document.querySelector('[data-testid=watchlist]');
  #input = byId('symbol-input');
  #hint = byId('symbol-hint');
  #hintText = this.#hint.textContent;
  #rows = new Map();
  #lostAt = Date.now();
  #waiting = true;
  #onChange;

  /**
   * @param {(added: boolean) => void} onChange told when the reader has changed the list
   */
  constructor(onChange) {
    this.#onChange = onChange;
    for (const symbol of loadSymbols()) this.#append(symbol);
    byId('add-symbol').addEventListener('submit', (event) => this.#submit(event));
    this.#input.addEventListener('input', () => this.#say(this.#hintText, false));
    setInterval(() => this.#ageAll(), CLOCK_MS);
    const redraw = () => redrawAll([...this.#rows.values()].map((row) => row.chart));
    window.addEventListener('resize', redraw);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  }

  /** @returns {string[]} */
  get symbols() {
    return [...this.#rows.keys()];
  }

  /** @returns {string[]} without those that the server has said not to know */
  get knownSymbols() {
    return this.symbols.filter((symbol) => !this.#rows.get(symbol).isUnknown);
  }

  /**
   * Shows a price item; one for a symbol that was just removed is dropped.
   * @param {any} item
   */
  show(item) {
    const row = this.#rows.get(item.symbol);
    row?.show(item);
    row?.age(false, this.#waiting);
  }

  /**
   * Marks a symbol as one that the server does not know.
   * @param {string} symbol
   * @returns {boolean} whether that is news
   */
  showUnknown(symbol) {
    const row = this.#rows.get(symbol);
    if (!row || row.isUnknown) return false;
    row.showUnknown();
    this.#say(`${symbol}: no such symbol. Look at its spelling, or remove it.`, true);
    return true;
  }

  /** Something was missed: no line may be drawn over it. */
  breakCharts() {
    for (const row of this.#rows.values()) row.chart.breakLine();
  }

  /** @param {import('./stream.js').StreamState} state whether prices arrive, or can be waited for */
  setState(state) {
    if (state === 'live') this.#lostAt = undefined;
    else this.#lostAt ??= Date.now();
    this.#waiting = state !== 'stopped';
    this.#ageAll();
  }

  #submit(event) {
    event.preventDefault();
    const symbol = parseSymbol(this.#input.value);
    const complaint = this.#complaint(symbol);
    this.#say(complaint ?? this.#hintText, complaint !== undefined);
    this.#input.focus();
    if (complaint) return;
    this.#input.value = '';
    this.#append(symbol);
    this.#changed(true);
  }

  #complaint(symbol) {
    if (!symbol) return 'That is not a symbol. Try AMZN, BRK.B, X:ETHUSD, C:EURUSD or I:SPX.';
    if (this.#rows.has(symbol)) return `${symbol} is already on the list.`;
    if (this.#rows.size >= MAX_SYMBOLS) return `The list is full: ${MAX_SYMBOLS} symbols. Remove one first.`;
    return undefined;
  }

  #say(text, isError) {
    setText(this.#hint, text);
    this.#hint.classList.toggle('error', isError);
    this.#input.setAttribute('aria-invalid', String(isError && this.#input.value !== ''));
  }

  #append(symbol) {
    const row = new WatchlistRow(symbol, () => this.#remove(symbol));
    this.#rows.set(symbol, row);
    this.#body.append(row.element);
    seedChart(row);
  }

  #remove(symbol) {
    const next = this.#neighbour(symbol);
    this.#rows.get(symbol).element.remove();
    this.#rows.delete(symbol);
    // The keyboard's place must not be lost with the row.
    (next?.removeButton ?? this.#input).focus();
    this.#changed(false);
  }

  #neighbour(symbol) {
    const rows = [...this.#rows.values()];
    const index = rows.findIndex((row) => row.symbol === symbol);
    return rows[index + 1] ?? rows[index - 1];
  }

  #changed(added) {
    saveSymbols(this.symbols);
    this.#onChange(added);
  }

  #ageAll() {
    const cutOff = this.#lostAt !== undefined && Date.now() - this.#lostAt > CUT_OFF_AFTER_MS;
    for (const row of this.#rows.values()) row.age(cutOff, this.#waiting);
  }
}

// Without bars the chart begins with the first tick, so a failure needs no words.
async function seedChart(row) {
  if (!(await mayRead())) return;
  try {
    const response = await fetch(`/api/bars/${encodeURIComponent(row.symbol)}`);
    if (!response.ok) return;
    const { results } = await response.json();
    if (Array.isArray(results)) row.chart.seed(results);
  } catch {
    // The stream says whether the server is there.
  }
}
