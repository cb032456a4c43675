// A button for what cannot be undone: it asks once more, in its own place, and the keyboard stays there.

import { element } from './dom.js';

/**
 * @param {object} words
 * @param {string} words.label what the button says
 * @param {string} words.about whom or what it is about, for who does not see the row
 * @param {string} words.sure what the second button says
 * @param {() => Promise<void>} act
 * @returns {HTMLElement}
 */
export function confirmButton({ label, about, sure }, act) {
  const first = button(label, `${label} ${about}`);
  const yes = button(sure, `${sure}: ${label} ${about}`, 'danger');
  const no = button('Keep', `Keep ${about}`);
  const group = element('span', { class: 'confirm', role: 'group', 'aria-label': `${label} ${about}` }, first);
  const back = () => {
    group.replaceChildren(first);
    first.focus();
  };
  first.addEventListener('click', () => {
    group.replaceChildren(yes, no);
    // Not the one that does it: a second press of Enter must not.
    no.focus();
  });
  no.addEventListener('click', back);
  group.addEventListener('keydown', (event) => event.key === 'Escape' && group.contains(no) && back());
  // Not `disabled`, which would take the focus away.
  let busy = false;
  yes.addEventListener('click', async () => {
    if (busy) return;
    busy = true;
    await act();
    busy = false;
    if (group.isConnected) back();
  });
  return group;
}

function button(label, described, kind) {
  return element('button', { type: 'button', class: kind ? `quiet ${kind}` : 'quiet', 'aria-label': described }, label);
}
