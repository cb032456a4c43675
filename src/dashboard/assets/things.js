// A list of things that are the reader's own, each with what is known of it and what can be done with it.

import { element } from './dom.js';

/**
 * @typedef {object} Thing
 * @property {string} id
 * @property {string} name may come from outside: it becomes a text node
 * @property {string} [badge]
 * @property {string[]} details
 * @property {HTMLElement[]} actions
 * @property {boolean} [dead] it is shown only for the record
 */

/**
 * @param {HTMLElement} list
 * @param {Thing[]} things
 * @param {string} emptyText
 */
export function showThings(list, things, emptyText) {
  const hadFocus = list.contains(document.activeElement);
  const rows = things.map(row);
  list.replaceChildren(...(rows.length > 0 ? rows : [element('li', { class: 'empty' }, emptyText)]));
  // The keyboard's place must not be lost with the row.
  if (hadFocus) (list.querySelector('button') ?? list).focus();
}

function row({ id, name, badge, details, actions, dead }) {
  const head = element('p', { class: 'thing-name' }, element('bdi', {}, name));
  if (badge) head.append(element('span', { class: dead ? 'badge' : 'badge positive' }, badge));
  const about = element('p', { class: 'thing-details' }, ...details.map((text) => element('span', {}, element('bdi', {}, text))));
  const buttons = element('div', { class: 'thing-actions' }, ...actions);
  return element('li', { 'data-id': id, 'data-dead': dead ? 'true' : undefined }, element('div', {}, head, about), buttons);
}
