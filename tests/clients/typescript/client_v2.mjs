// Does the official TypeScript client 2.x (@modelcontextprotocol/client) work with us, whether it probes first or not?
//
//     node client_v2.mjs http://127.0.0.1:8080/mcp http://127.0.0.1:8090/mcp [--key KEY]

import { expect, load, main } from './check.mjs';
import { answerAndHear, CAPABILITIES, everything, nothingHeard } from './everything.mjs';
import { expectNoErrors, market } from './market.mjs';

const { Client, StreamableHTTPClientTransport } = load('@modelcontextprotocol/client');

/** Log messages are sent to a stateless client only when the request asks for them. */
const LOG_LEVEL = { 'io.modelcontextprotocol/logLevel': 'info' };

async function oneMode(url, headers, mode, checks) {
    const client = new Client(
        { name: 'client_v2', version: '1.0.0' },
        { capabilities: CAPABILITIES, versionNegotiation: { mode } }
    );
    const errors = [];
    client.onerror = error => errors.push(String(error));
    const heard = nothingHeard();
    answerAndHear(client.setRequestHandler.bind(client), client.setNotificationHandler.bind(client), heard);
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
    await client.connect(transport);
    const revision = client.getNegotiatedProtocolVersion();
    console.log(`${checks.name} in mode ${mode}: ${revision}`);
    const expected = mode === 'auto' ? '2026-07-28' : '2025-11-25';
    expect(revision === expected, `revision ${expected}`, revision);

    const stateful = mode === 'legacy';
    const watching = stateful ? subscribe(client) : listen(client);
    const meta = stateful ? {} : { _meta: LOG_LEVEL };
    const callTool = (params, options) => client.callTool({ ...params, ...meta }, options);
    // This library gives the newer code in both eras.
    await checks(client, { stateful, heard, watching, callTool, unknownResource: -32602 });
    if (stateful) await transport.terminateSession();
    await client.close();
    expectNoErrors(errors);
}

const subscribe = client => async uri => {
    await client.subscribeResource({ uri });
    return () => client.unsubscribeResource({ uri });
};

const listen = client => async uri => {
    const stream = await client.listen({ toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: [uri] });
    expect(stream.honoredFilter.resourceSubscriptions?.[0] === uri, `a subscription to ${uri}`, stream.honoredFilter);
    return () => stream.close();
};

await main('client_v2', async ([url, fixtures], { key }) => {
    // `auto` asks `server/discover` first and falls back to `initialize`; the default begins with it.
    await Promise.all([
        oneMode(url, key ? { Authorization: `Bearer ${key}` } : {}, 'auto', market),
        oneMode(url, key ? { 'X-API-Key': key } : {}, 'legacy', market),
        // One after the other: both change the lists.
        oneMode(fixtures, {}, 'auto', everything).then(() => oneMode(fixtures, {}, 'legacy', everything))
    ]);
});
