// What a symbol is, and which ones this browser watches.

const GRAMMAR = /^(?:[A-Z0-9]{1,10}(?:\.[A-Z])?|[XCI]:[A-Z0-9]{1,20}|O:[A-Z0-9]{1,22})$/;
const STORAGE_KEY = 'tickgate.watchlist';
const DEFAULT_SYMBOLS = ['AAPL', 'MSFT', 'TSLA', 'NVDA', 'X:BTCUSD'];
const KINDS = { 'X:': 'Crypto', 'C:': 'Currency', 'I:': 'Index', 'O:': 'Option' };

/** Leaves room under the server's limit of topics per stream, and keeps the page readable. */
export const MAX_SYMBOLS = 50;

/**
 * The symbol that was typed, in upper case, or undefined where the server would refuse it.
 * @param {string} typed
 * @returns {string | undefined}
 */
export function parseSymbol(typed) {
  const symbol = typed.trim().toUpperCase();
  return GRAMMAR.test(symbol) ? symbol : undefined;
}

/**
 * @param {string} symbol
 * @returns {string} Stock, Crypto, Currency, Index or Option
 */
export function kindOf(symbol) {
  return KINDS[symbol.slice(0, 2)] ?? 'Stock';
}

/**
 * The remembered watchlist, or the default. What was stored is checked again: another page of this origin may have written it.
 * @returns {string[]}
 */
export function loadSymbols() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? 'null');
    if (Array.isArray(stored)) {
      const valid = stored.filter((entry) => typeof entry === 'string' && parseSymbol(entry) === entry);
      return [...new Set(valid)].slice(0, MAX_SYMBOLS);
    }
  } catch {
    // Storage is blocked or holds something else: the default list works without it.
  }
  return [...DEFAULT_SYMBOLS];
}

/**
 * @param {string[]} symbols
 */
export function saveSymbols(symbols) {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(symbols));
  } catch {
    // Private windows may refuse storage; the list then lasts as long as the page.
  }
}
