// Does the official TypeScript client 2.x (@modelcontextprotocol/client) work with us, in both eras?
//
//     node client_v2.mjs http://127.0.0.1:8080/mcp [--key KEY]

import { expect, load, main } from './check.mjs';
import { callATool, cancel, expectNoErrors, listTools, stream } from './flow.mjs';

const { Client, StreamableHTTPClientTransport } = load('@modelcontextprotocol/client');

async function oneEra(url, key, mode, version) {
    const client = new Client({ name: 'client_v2', version: '1.0.0' }, { versionNegotiation: { mode } });
    const errors = [];
    client.onerror = error => errors.push(String(error));
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
    await client.connect(transport);
    console.log(`connected in mode ${mode}: ${client.getNegotiatedProtocolVersion()}, ${JSON.stringify(client.getServerVersion())}`);
    expect(client.getNegotiatedProtocolVersion() === version, `revision ${version}`, client.getNegotiatedProtocolVersion());

    const callTool = (params, options) => client.callTool(params, options);
    await listTools(client);
    await callATool(client);
    await stream(client, callTool);
    await cancel(client, callTool, { ping: mode === 'legacy' });
    if (mode === 'legacy') await transport.terminateSession();
    await client.close();
    expectNoErrors(errors);
}

await main('client_v2', async ([url], { key }) => {
    // `auto` asks `server/discover` first and must find the modern era; the default is `initialize`.
    await oneEra(url, key, 'auto', '2026-07-28');
    await oneEra(url, key, 'legacy', '2025-11-25');
});
