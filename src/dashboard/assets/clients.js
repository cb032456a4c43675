// The MCP clients that may act for the reader.

import { ask } from './ask.js';
import { confirmButton } from './confirm.js';
import { byId } from './dom.js';
import { formatMoment } from './format.js';
import { PanelNote } from './note.js';
import { showThings } from './things.js';

const PATH = '/api/user/clients';
const MAY = { read: 'may read', write: 'may read and write', admin: 'may administer' };

export class ConnectedClients {
  #list = byId('clients-list');
  #note = new PanelNote(byId('clients-note'), 'A disconnected client is out at once and everywhere. It can ask you again.');

  async load() {
    const { value, trouble } = await ask('GET', PATH);
    if (trouble) return this.#note.trouble(trouble, () => this.load());
    this.#note.solved();
    const clients = value.clients.map((client) => this.#shown(client));
    showThings(this.#list, clients, 'No client is connected. Give one the address of this server with /mcp behind it.');
  }

  #shown(client) {
    const greatest = client.scopes.split(' ').pop();
    const details = [
      client.place && client.place !== client.name ? `leads to ${client.place}` : undefined,
      MAY[greatest] ?? client.scopes,
      `agreed ${formatMoment(client.agreed_at)}`,
      client.last_used_at ? `last token ${formatMoment(client.last_used_at)}` : undefined,
    ];
    const actions = [
      confirmButton({ label: 'Disconnect', about: client.name, sure: 'Disconnect now' }, () => this.#disconnect(client)),
    ];
    const badge = client.signed_in > 0 ? (client.signed_in > 1 ? `signed in ${client.signed_in} times` : 'signed in') : undefined;
    return { id: client.id, name: client.name, badge, details: details.filter(Boolean), actions };
  }

  async #disconnect({ id, name }) {
    const { trouble, status } = await ask('DELETE', `${PATH}/${encodeURIComponent(id)}`);
    // Another tab was quicker: that is as good.
    if (trouble && status !== 404) return this.#note.trouble(trouble, () => this.load());
    await this.load();
    this.#note.notice(`${name} is disconnected.`);
  }
}
