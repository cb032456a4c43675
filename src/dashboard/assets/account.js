// Starts the account page: who the reader is, what may act for them, and how they leave.

import { ask } from './ask.js';
import { ConnectedClients } from './clients.js';
import { confirmButton } from './confirm.js';
import { byId, setText } from './dom.js';
import { formatMoment } from './format.js';
import { ApiKeys } from './keys.js';
import { PanelNote } from './note.js';
import { forgetSession, nameOf, session } from './session.js';

const ERASE_WORD = 'erase';
// By what whoever sends no key may do.
const WITHOUT_SIGN_IN = {
  write: 'Nobody needs a key here, and there are no accounts.',
  read: 'Nobody needs a key to read here, and there are no accounts.',
  nothing: 'This server has no sign-in.',
};

const clients = new ConnectedClients();
const keys = new ApiKeys();
const note = new PanelNote(byId('page-note'), '');
const upstreamNote = new PanelNote(byId('upstream-note'), 'With a key of your own, what you ask goes out on your own budget. It is never shown.');
const eraseNote = new PanelNote(byId('erase-note'), 'Your keys, connected clients, alerts, tasks and your entry here are deleted. Nobody can bring them back.');

async function start() {
  const now = await session();
  if (!now) return failed();
  byId('page-note').hidden = true;
  byId('signed-in').hidden = !now.user;
  byId('signed-out').hidden = Boolean(now.user);
  if (!now.user) return showSignedOut(now);
  showPerson(now.user);
  byId('upstream').hidden = !now.own_upstream_key;
  const parts = [clients.load(), keys.load(now.user.role)];
  if (now.own_upstream_key) parts.push(loadUpstream());
  await Promise.all(parts);
}

function failed() {
  const trouble = { text: 'The server does not say who is signed in: it cannot be reached, or is in trouble.', willRetry: false };
  note.trouble(trouble, start);
}

function showPerson(user) {
  setText(byId('you-name'), nameOf(user));
  setText(byId('you-email'), user.email ? `${user.email}${user.email_verified ? '' : ' (not verified)'}` : 'not told');
  setText(byId('you-role'), user.role === 'admin' ? 'Administrator' : 'User');
  setText(byId('you-since'), formatMoment(user.created));
}

function showSignedOut({ sign_in: canSignIn, anonymous }, text) {
  byId('can-sign-in').hidden = !canSignIn;
  byId('cannot-sign-in').hidden = canSignIn;
  for (const node of byId('cannot-sign-in').children) node.hidden = !node.dataset.anonymous.split(' ').includes(anonymous ?? 'nothing');
  setText(byId('signed-out-text'), text ?? (canSignIn ? 'Sign in to see your account.' : WITHOUT_SIGN_IN[anonymous ?? 'nothing']));
}

// The page forgets what it has shown of somebody who has left.
async function leave(text) {
  keys.hideSecret();
  for (const id of ['clients-list', 'keys-list']) byId(id).replaceChildren();
  for (const id of ['you-name', 'you-email', 'you-role', 'you-since']) setText(byId(id), '');
  forgetSession();
  const now = await session();
  byId('signed-in').hidden = true;
  byId('signed-out').hidden = false;
  showSignedOut(now ?? { sign_in: true }, text);
  byId('signed-out').focus();
}

async function signOut() {
  const { trouble } = await ask('POST', '/auth/logout');
  if (trouble) {
    byId('page-note').hidden = false;
    return note.trouble(trouble, signOut);
  }
  await leave('You are signed out.');
}

async function loadUpstream() {
  const { value, trouble } = await ask('GET', '/api/user/upstream-key');
  if (trouble) return upstreamNote.trouble(trouble, loadUpstream);
  upstreamNote.solved();
  const text = value.set ? `Set, plan ${value.plan}, since ${formatMoment(value.since)}.` : 'Not set: what you ask goes out with the server’s key.';
  setText(byId('upstream-state'), text);
  byId('upstream-remove').replaceChildren(...(value.set ? [removeButton()] : []));
}

function removeButton() {
  return confirmButton({ label: 'Remove', about: 'your own upstream key', sure: 'Remove now' }, async () => {
    const { trouble } = await ask('DELETE', '/api/user/upstream-key');
    if (trouble) return upstreamNote.trouble(trouble, loadUpstream);
    await loadUpstream();
    byId('upstream').focus();
  });
}

async function erase() {
  const field = byId('erase-word');
  const typed = field.value.trim().toLowerCase() === ERASE_WORD;
  field.setAttribute('aria-invalid', String(!typed));
  if (!typed) {
    field.focus();
    return eraseNote.notice(`Nothing was erased. Type ${ERASE_WORD} to confirm.`);
  }
  const submit = byId('erase-form').querySelector('[type=submit]');
  submit.disabled = true;
  const { trouble } = await ask('DELETE', '/api/user');
  submit.disabled = false;
  if (trouble) return eraseNote.trouble(trouble, erase);
  field.value = '';
  eraseNote.clear();
  await leave('Your account is erased.');
}

byId('sign-out').addEventListener('click', signOut);
byId('erase-form').addEventListener('submit', (event) => {
  event.preventDefault();
  erase();
});
window.addEventListener('pagehide', () => keys.hideSecret());
window.addEventListener('pageshow', (event) => {
  // The browser brings the page back as it was; somebody else may be signed in by now.
  if (event.persisted) location.reload();
});

start();
