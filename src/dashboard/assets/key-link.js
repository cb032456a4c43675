// What the pages of a one-time link do by themselves: take its secret out of the address, tell times, copy the key.

import { formatMoment } from './format.js';

const field = document.querySelector('#link');
const copying = document.querySelector('#copying');

// The secret is to be in no history and no bookmark. Whoever pastes another link here changes only what stands behind the #, which loads
// nothing anew; without the form, that of the page before is wanted: with `?` it is another address, and so really asked for.
function take() {
  const secret = location.hash.slice(1);
  if (!secret) return;
  if (copying) return say('Open the other link in a new tab: this key is shown only here, and only now.');
  if (!field) return location.replace(`${location.pathname}?${location.hash}`);
  field.value = secret;
  history.replaceState(null, '', location.pathname);
  document.querySelector('#missing').hidden = true;
  document.querySelector('#waits').hidden = false;
  document.querySelector('button').focus();
}

function say(text) {
  document.querySelector('#copied').textContent = text;
}

async function copyKey() {
  const key = document.querySelector('#key');
  try {
    await navigator.clipboard.writeText(key.textContent);
    say('Copied.');
  } catch {
    // Without HTTPS browsers do not let pages write to the clipboard.
    getSelection().selectAllChildren(key);
    say('It is selected: copy it with Ctrl+C or ⌘C.');
  }
}

// A whole address is as good as what stands behind its #.
field?.form.addEventListener('submit', () => {
  field.value = field.value.slice(field.value.indexOf('#') + 1);
});
for (const time of document.querySelectorAll('time')) time.textContent = formatMoment(time.dateTime);
if (copying) {
  copying.hidden = false;
  document.querySelector('#copy').addEventListener('click', copyKey);
}
window.addEventListener('hashchange', take);
take();
