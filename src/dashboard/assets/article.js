// One article as a list item. Everything in it was written by strangers: it goes in as text, and only web links become links.

import { element } from './dom.js';
import { formatTime } from './format.js';

const MAX_TITLE_LENGTH = 300;
const MAX_DESCRIPTION_LENGTH = 400;
const MAX_TICKERS = 6;
const SENTIMENTS = new Set(['positive', 'negative', 'neutral']);

/**
 * @param {any} article news data of the stream
 * @returns {HTMLElement}
 */
export function articleElement(article) {
  const node = element('li', { class: 'article', 'data-article-id': article.id }, headline(article), details(article));
  const description = text(article.description, MAX_DESCRIPTION_LENGTH);
  if (description) node.append(element('p', { class: 'description', dir: 'auto' }, description));
  return node;
}

/**
 * When it was published, for sorting; an article without a time sorts last.
 * @param {any} article
 * @returns {number}
 */
export function publishedMs(article) {
  return Date.parse(text(article.published_utc, 40)) || 0;
}

function headline(article) {
  const title = text(article.title, MAX_TITLE_LENGTH) || 'Untitled';
  const href = webAddress(article.url);
  const words = href
    ? element('a', { href, target: '_blank', rel: 'noopener noreferrer', dir: 'auto' }, title)
    : element('span', { dir: 'auto' }, title);
  return element('h3', {}, words);
}

function details(article) {
  const line = element('p', { class: 'details' });
  const add = (className, words) => words && line.append(element('span', { class: className, dir: 'auto' }, words));
  add('publisher', text(article.publisher, 80));
  const published = publishedMs(article);
  if (published) {
    const time = new Date(published);
    line.append(element('time', { datetime: time.toISOString(), title: time.toString() }, formatTime(time)));
  }
  if (SENTIMENTS.has(article.sentiment)) add(`badge ${article.sentiment}`, article.sentiment);
  if (article.updated === true) add('badge warn', 'updated');
  const tickers = Array.isArray(article.tickers) ? article.tickers.map((ticker) => text(ticker, 24)).filter(Boolean) : [];
  for (const ticker of tickers.slice(0, MAX_TICKERS)) add('ticker', ticker);
  if (tickers.length > MAX_TICKERS) add('ticker', `+${tickers.length - MAX_TICKERS}`);
  return line;
}

function text(value, maxLength) {
  if (typeof value !== 'string') return '';
  const characters = [...value.slice(0, 2 * maxLength).trim()];
  return characters.length > maxLength ? `${characters.slice(0, maxLength - 1).join('')}…` : characters.join('');
}

function webAddress(value) {
  try {
    const url = new URL(value);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : undefined;
  } catch {
    return undefined;
  }
}
