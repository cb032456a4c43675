// Numbers and times as a reader wants them.

const TIME = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const DAY_AND_TIME = new Intl.DateTimeFormat('en', {
  month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
});
const MOMENT = new Intl.DateTimeFormat('en', {
  year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
});
const BY_DIGITS = new Map();

/**
 * A price with digits that suit its size, so that its width stays the same from tick to tick.
 * @param {number | undefined} price
 * @returns {string}
 */
export function formatPrice(price) {
  if (!Number.isFinite(price)) return '–';
  return decimals(digitsFor(price)).format(price);
}

/**
 * The day's change, with its sign and direction in words of its own: colour alone is not enough.
 * @param {{price: number, change?: number, change_percent?: number}} item
 * @returns {{text: string, direction: 'up' | 'down' | 'flat'}}
 */
export function formatChange({ price, change, change_percent: percent }) {
  if (!Number.isFinite(change)) return { text: '–', direction: 'flat' };
  const direction = change > 0 ? 'up' : change < 0 ? 'down' : 'flat';
  const arrow = { up: '▲', down: '▼', flat: '•' }[direction];
  const amount = decimals(digitsFor(price)).format(Math.abs(change));
  const share = Number.isFinite(percent) ? ` (${decimals(2).format(Math.abs(percent))}%)` : '';
  const sign = { up: '+', down: '−', flat: '' }[direction];
  return { text: `${arrow} ${sign}${amount}${share}`, direction };
}

/**
 * The time of day, with the date where it is not today.
 * @param {Date} time
 * @returns {string}
 */
export function formatTime(time) {
  const today = time.toDateString() === new Date().toDateString();
  return (today ? TIME : DAY_AND_TIME).format(time);
}

/**
 * Day and time with the year, of what the server wrote down.
 * @param {string} text
 * @returns {string}
 */
export function formatMoment(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? 'unknown' : MOMENT.format(time);
}

// Currencies and penny stocks move in the fourth place and beyond.
function digitsFor(price) {
  const size = Math.abs(price);
  return size >= 10 ? 2 : size >= 1 ? 4 : 5;
}

function decimals(digits) {
  if (!BY_DIGITS.has(digits)) {
    BY_DIGITS.set(digits, new Intl.NumberFormat('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  return BY_DIGITS.get(digits);
}
