// Does the official TypeScript client 2.x (@modelcontextprotocol/client) work with us, whether it probes first or not?
//
//     node client_v2.mjs http://127.0.0.1:8080/mcp [--key KEY]

import { expect, load, main } from './check.mjs';
import { callATool, cancel, expectNoErrors, listTools, stream } from './flow.mjs';

const { Client, StreamableHTTPClientTransport } = load('@modelcontextprotocol/client');

async function oneMode(url, key, mode, version) {
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
    await cancel(client, callTool, { ping: true });
    await transport.terminateSession();
    await client.close();
    expectNoErrors(errors);
}

await main('client_v2', async ([url], { key }) => {
    // `auto` asks `server/discover` first and falls back to `initialize`; the default begins with it.
    await oneMode(url, key, 'auto', '2025-11-25');
    await oneMode(url, key, 'legacy', '2025-11-25');
});
