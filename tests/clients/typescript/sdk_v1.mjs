// Does the official TypeScript SDK 1.x (@modelcontextprotocol/sdk), which most clients still use, work with us,
// and does a stream survive a cut connection: once mended by the SDK itself, once by a client that starts anew?
//
//     node sdk_v1.mjs http://127.0.0.1:8080/mcp http://127.0.0.1:8090/mcp [--key KEY]

import { expect, fail, isIncreasing, load, main, until } from './check.mjs';
import { answerAndHear, CAPABILITIES, everything, nothingHeard } from './everything.mjs';
import { expectNoErrors, itemsOf, market, pricesFor } from './market.mjs';

const { Client } = load('@modelcontextprotocol/sdk/client/index.js');
const { StreamableHTTPClientTransport } = load('@modelcontextprotocol/sdk/client/streamableHttp.js');
const types = load('@modelcontextprotocol/sdk/types.js');
const { CallToolResultSchema } = types;

const STREAM_MS = 6_000;

/** This generation sets its handlers by the schema of what they answer or hear. */
const SCHEMAS = {
    'sampling/createMessage': types.CreateMessageRequestSchema,
    'elicitation/create': types.ElicitRequestSchema,
    'roots/list': types.ListRootsRequestSchema,
    'notifications/message': types.LoggingMessageNotificationSchema,
    'notifications/resources/updated': types.ResourceUpdatedNotificationSchema,
    'notifications/tools/list_changed': types.ToolListChangedNotificationSchema,
    'notifications/prompts/list_changed': types.PromptListChangedNotificationSchema
};

async function connect(url, options) {
    const client = new Client({ name: 'sdk_v1', version: '1.0.0' }, { capabilities: CAPABILITIES });
    const errors = [];
    client.onerror = error => errors.push(String(error));
    const transport = new StreamableHTTPClientTransport(new URL(url), options);
    await client.connect(transport);
    return { client, transport, errors };
}

/** The SDK sees its POST stream break after the third event and reconnects with Last-Event-ID: nothing is missing. */
async function reconnectByItself(url, requestInit) {
    const wire = cuttableFetch();
    const { client, transport } = await connect(url, { requestInit, fetch: wire.fetch });
    const seen = [];
    const onprogress = entry => {
        seen.push(entry);
        if (seen.length === 3) wire.cut();
    };
    const result = await client.callTool(pricesFor(STREAM_MS), CallToolResultSchema, { onprogress });
    expect(wire.resumed() >= 1, 'a GET with Last-Event-ID', wire.requests);
    expect(isIncreasing(seen.map(entry => entry.progress)), 'strictly increasing progress over the cut', seen);
    expectSameItems(result, itemsOf(seen));
    await transport.terminateSession();
    await client.close();
}

/** A client that lost its transport in mid-stream resumes in a new one, knowing only session id and token. */
async function resumeWithAToken(url, requestInit) {
    const first = await connect(url, { requestInit });
    const seen = [];
    let token;
    const lost = first.client.callTool(pricesFor(STREAM_MS), CallToolResultSchema, {
        onprogress: entry => seen.push(entry),
        onresumptiontoken: newest => (token = newest)
    });
    const outcome = lost.catch(error => error);
    await until(() => itemsOf(seen).length >= 2, 5000, 'two prices before the cut', () => seen);
    const { sessionId } = first.transport;
    await first.client.close();
    const rejected = await outcome;
    expect(rejected instanceof Error, 'the call to fail with its transport', rejected);
    expect(token && sessionId, 'a resumption token and a session id', { token, sessionId });

    // With a session id the SDK does not initialize again, so it must be told the negotiated revision.
    const client = new Client({ name: 'sdk_v1', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit, sessionId });
    transport.setProtocolVersion(first.transport.protocolVersion);
    await client.connect(transport);
    // The replayed notifications bear the first client's progress token, which the new client knows no handler for.
    const deliver = transport.onmessage;
    transport.onmessage = (message, extra) => {
        if (message.method === 'notifications/progress') seen.push(message.params);
        else deliver(message, extra);
    };
    const result = await client.request({ method: 'tools/call', params: pricesFor(STREAM_MS) }, CallToolResultSchema, {
        resumptionToken: token
    });
    expect(isIncreasing(seen.map(entry => entry.progress)), 'strictly increasing progress over both transports', seen);
    expectSameItems(result, itemsOf(seen));
    await client.ping();
    await transport.terminateSession();
    await client.close();
}

/** A fetch whose streams can be broken from outside, as a proxy or a network would. */
function cuttableFetch() {
    const requests = [];
    let cut = () => fail('a POST stream to cut', requests);
    const fetchAndWatch = async (url, init) => {
        requests.push({ method: init.method, lastEventId: new Headers(init.headers).get('last-event-id') });
        const response = await fetch(url, init);
        if (init.method !== 'POST' || !response.headers.get('content-type')?.startsWith('text/event-stream')) return response;
        const broken = new AbortController();
        cut = () => broken.abort(new TypeError('the connection was cut'));
        const body = response.body.pipeThrough(new TransformStream(), { signal: broken.signal });
        return new Response(body, { status: response.status, headers: response.headers });
    };
    return {
        fetch: fetchAndWatch,
        cut: () => cut(),
        requests,
        resumed: () => requests.filter(request => request.method === 'GET' && request.lastEventId).length
    };
}

function expectSameItems(result, items) {
    expect(!result.isError, 'a result at the end of the stream', result);
    const positions = list => list.map(item => item.position).join(' ');
    expect(items.length >= 4, 'several prices', items);
    expect(positions(result.structuredContent.events) === positions(items), "the result's events = those delivered", {
        result: positions(result.structuredContent.events),
        delivered: positions(items)
    });
}

async function checked(url, options, checks) {
    const { client, transport, errors } = await connect(url, options);
    const heard = nothingHeard();
    answerAndHear(
        (method, answer) => client.setRequestHandler(SCHEMAS[method], answer),
        (method, hear) => client.setNotificationHandler(SCHEMAS[method], hear),
        heard
    );
    const watching = async uri => {
        await client.subscribeResource({ uri });
        return () => client.unsubscribeResource({ uri });
    };
    const callTool = (params, options) => client.callTool(params, CallToolResultSchema, options);
    await checks(client, { stateful: true, heard, watching, callTool, unknownResource: -32002 });
    expectNoErrors(errors);
    await transport.terminateSession();
    await client.close();
}

await main('sdk_v1', async ([url, fixtures], { key }) => {
    const requestInit = { headers: key ? { 'X-API-Key': key } : {} };
    await Promise.all([
        checked(url, { requestInit }, market),
        checked(fixtures, {}, everything),
        reconnectByItself(url, requestInit),
        resumeWithAToken(url, requestInit)
    ]);
});
