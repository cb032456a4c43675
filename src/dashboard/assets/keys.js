// The reader's API keys. A secret is shown once, lives in one element, and goes with it.

import { ask } from './ask.js';
import { confirmButton } from './confirm.js';
import { byId, setText } from './dom.js';
import { formatMoment } from './format.js';
import { PanelNote } from './note.js';
import { showThings } from './things.js';

const PATH = '/auth/api-keys';
const HOURS_A_DAY = 24;
const MOST_DAYS = 3650;

export class ApiKeys {
  #list = byId('keys-list');
  #form = byId('key-form');
  #note = new PanelNote(byId('keys-note'), 'One key for each program, so that each can be revoked alone.');
  #secret = byId('key-secret');

  constructor() {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#make();
    });
    byId('key-copy').addEventListener('click', () => this.#copy());
    byId('key-done').addEventListener('click', () => {
      this.hideSecret();
      byId('key-name').focus();
    });
  }

  /**
   * Loads the list.
   * @param {string} role of the reader: who may not administer is not offered a key that does
   */
  async load(role) {
    if (role) byId('key-scope').querySelector('[value=admin]').hidden = role !== 'admin';
    const { value, trouble } = await ask('GET', PATH);
    if (trouble) return this.#note.trouble(trouble, () => this.load(role));
    this.#note.solved();
    const keys = value.api_keys.sort((one, other) => (other.state === 'good') - (one.state === 'good') || other.created_at.localeCompare(one.created_at));
    showThings(this.#list, keys.map((key) => this.#shown(key)), 'You have no API keys.');
  }

  /** Takes the secret from the page. */
  hideSecret() {
    this.#secret.hidden = true;
    byId('key-text').value = '';
  }

  #shown(key) {
    const good = key.state === 'good';
    const name = key.name || `Key ${key.key_id}`;
    const details = [
      `tg_${key.key_id}_…`,
      `scope ${key.scope}`,
      key.last_used_at ? `last used ${formatMoment(key.last_used_at)}` : 'never used',
      good ? (key.expires_at ? `until ${formatMoment(key.expires_at)}` : 'does not expire') : undefined,
      key.old_secret_until ? `the old secret is good until ${formatMoment(key.old_secret_until)}` : undefined,
    ];
    const about = `${name}, ${key.key_id}`;
    const actions = good ? [
      confirmButton({ label: 'Rotate', about, sure: 'New secret now' }, () => this.#rotate(key.key_id, name)),
      confirmButton({ label: 'Revoke', about, sure: 'Revoke for ever' }, () => this.#revoke(key.key_id, name)),
    ] : [];
    return { id: key.key_id, name, badge: key.state, dead: !good, details: details.filter(Boolean), actions };
  }

  async #make() {
    const days = byId('key-days');
    const count = days.value.trim() === '' ? undefined : Number(days.value);
    const wrong = count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= MOST_DAYS);
    days.setAttribute('aria-invalid', String(wrong));
    if (wrong) {
      days.focus();
      return this.#note.notice(`Days must be a whole number from 1 to ${MOST_DAYS}, or empty for a key that does not expire.`);
    }
    const wanted = {
      name: byId('key-name').value.trim() || undefined,
      scope: byId('key-scope').value,
      ttl_hours: count && count * HOURS_A_DAY,
    };
    const submit = this.#form.querySelector('[type=submit]');
    submit.disabled = true;
    const answer = await ask('POST', PATH, wanted);
    submit.disabled = false;
    if (answer.trouble) return this.#note.trouble(answer.trouble, () => (answer.status ? this.#make() : this.load()));
    this.#form.reset();
    await this.#showOnce(answer.value, 'This is your new key.');
  }

  async #rotate(id, name) {
    const answer = await ask('POST', `${PATH}/${encodeURIComponent(id)}/rotate`, {});
    if (answer.trouble) return this.#note.trouble(answer.trouble, () => this.load());
    const until = answer.value.old_secret_until;
    const grace = until ? ` The old one is good until ${formatMoment(until)}.` : '';
    await this.#showOnce(answer.value, `This is the new secret of ${name}.${grace}`);
  }

  async #revoke(id, name) {
    const { trouble, status } = await ask('DELETE', `${PATH}/${encodeURIComponent(id)}`);
    if (trouble && status !== 404) return this.#note.trouble(trouble, () => this.load());
    await this.load();
    this.#note.notice(`${name} is revoked.`);
  }

  async #showOnce({ key }, text) {
    this.#note.clear();
    await this.load();
    setText(byId('key-told'), `${text} It is shown this once: copy it now.`);
    byId('key-text').value = key;
    setText(byId('key-copied'), '');
    this.#secret.hidden = false;
    byId('key-copy').focus();
  }

  async #copy() {
    const field = byId('key-text');
    try {
      await navigator.clipboard.writeText(field.value);
      setText(byId('key-copied'), 'Copied.');
    } catch {
      // Without HTTPS browsers do not let pages write to the clipboard.
      setText(byId('key-copied'), 'It is selected: copy it with Ctrl+C or ⌘C.');
      field.focus();
      field.select();
    }
  }
}
