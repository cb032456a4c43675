// What a client of market data does with the product; client_v2.mjs and sdk_v1.mjs run it with their library.

import { expect, fail, isIncreasing, until } from './check.mjs';
import { listAll } from './everything.mjs';

const TOOLS = (
    'get_snapshot_ticker get_aggs get_previous_close_agg get_last_trade list_tickers get_ticker_details' +
    ' list_ticker_news get_market_status get_market_holidays stream_market_news stream_stock_prices read_tape'
).split(' ');
const STREAM_MS = 3_000;
/** How long "at once" may take on a loaded test machine. */
const PROMPT_MS = 2_000;

/** `library` is what the two libraries say differently: see Library in everything.mjs. */
export async function market(client, library) {
    await listTools(client);
    await callATool(client);
    await stream(client, library.callTool);
    await cancel(client, library.callTool, { ping: library.stateful });
    await watchAResource(client, library);
    await promptAndCompletion(client);
}

async function listTools(client) {
    const tools = new Map((await listAll(client, 'tools')).map(tool => [tool.name, tool]));
    for (const name of TOOLS) {
        const tool = tools.get(name);
        expect(tool, `the tool ${name}`, [...tools.keys()]);
        expect(tool.description, `a description of ${name}`, tool);
        expect(tool.inputSchema?.type === 'object', `an input schema of ${name}`, tool);
        expect(tool.outputSchema?.type === 'object', `an output schema of ${name}`, tool);
    }
}

/** The clients validate structuredContent against the output schema themselves and throw if they differ. */
async function callATool(client) {
    const good = await client.callTool({ name: 'get_snapshot_ticker', arguments: { market_type: 'stocks', ticker: 'AAPL' } });
    expect(!good.isError, 'a snapshot of AAPL', good);
    expect('results' in good.structuredContent, 'results in structuredContent', good);
    expect(good.structuredContent._freshness?.source === 'simulated', '_freshness.source simulated', good);
    JSON.parse(textOf(good));

    const bad = await client.callTool({ name: 'get_snapshot_ticker', arguments: { market_type: 'stocks', ticker: '../no symbol' } });
    expect(bad.isError === true, 'isError for a bad symbol', bad);
    expect(textOf(bad).includes('ticker'), 'an error text that names `ticker`', textOf(bad));

    const unknown = await client.callTool({ name: 'no_such_tool', arguments: {} }).catch(error => error);
    expect(unknown instanceof Error && unknown.code === -32602, 'JSON-RPC error -32602 for an unknown tool', unknown);
}

async function stream(client, callTool) {
    const started = Date.now();
    const seen = [];
    const onprogress = ({ progress, total, message }) => seen.push({ at: Date.now() - started, progress, total, message });
    const result = await callTool(pricesFor(STREAM_MS), { onprogress });
    const took = Date.now() - started;

    expect(seen.length >= 3, 'several progress notifications', seen);
    expect(seen[0].at < 1000, 'the first progress within 1 s', seen[0]);
    expect(isIncreasing(seen.map(entry => entry.progress)), 'strictly increasing progress', seen);
    expect(seen.every(entry => entry.total === STREAM_MS), `total = ${STREAM_MS}`, seen);
    const items = itemsOf(seen);
    expect(items.length >= 2, 'at least 2 prices', items);
    expect(items.every(item => item.symbol && item.price > 0), 'items with symbol and price', items);
    expect(new Set(items.map(item => item.symbol)).size === 2, 'prices of both symbols', items);
    expect(!result.isError, 'a result at the end of the stream', result);
    const { count, events } = result.structuredContent;
    expect(count >= 2 && events.length === count, 'count >= 2, the events shown', result);
    expect(took > STREAM_MS - 1000 && took < STREAM_MS + 3000, `a stream of ${STREAM_MS} ms`, took);
}

/** Cancels a 60 s stream by AbortSignal; `ping` says whether the session is alive where the era has ping. */
async function cancel(client, callTool, { ping }) {
    const abort = new AbortController();
    const streaming = Promise.withResolvers();
    const call = callTool(pricesFor(60_000), { onprogress: streaming.resolve, signal: abort.signal });
    await Promise.race([streaming.promise, call.then(result => fail('a stream of 60 s', result))]);
    const started = Date.now();
    abort.abort('seen enough');
    const outcome = await call.catch(error => error);
    expect(outcome instanceof Error, 'a rejected call after the abort', outcome);
    if (ping) await client.ping();
    const after = await client.callTool({ name: 'get_market_status', arguments: {} });
    const took = Date.now() - started;
    expect(!after.isError, 'an answer after the cancellation', after);
    expect(took < PROMPT_MS, `answers within ${PROMPT_MS} ms after a cancellation`, took);
}

async function watchAResource(client, { heard, watching }) {
    const uri = 'market://quote/AAPL';
    const stop = await watching(uri);
    await until(() => heard.updates.length >= 2, 10_000, `two changes of ${uri}`, () => heard.updates);
    expect(heard.updates.every(updated => updated === uri), `changes of ${uri} alone`, heard.updates);
    const [{ text }] = (await client.readResource({ uri })).contents;
    expect(text.includes('AAPL'), 'the quote of AAPL', text);
    await stop();
}

async function promptAndCompletion(client) {
    const names = (await listAll(client, 'prompts')).map(({ name }) => name);
    expect(names.includes('stock_brief'), 'the prompt stock_brief', names);
    const ref = { type: 'ref/resource', uri: 'market://quote/{symbol}' };
    const { completion } = await client.complete({ ref, argument: { name: 'symbol', value: 'AAP' } });
    expect(completion.values.includes('AAPL'), 'AAPL completes AAP', completion);
}

/** What a client reported through `onerror`, less the progress that was under way when a call was cancelled. */
export function expectNoErrors(errors) {
    const serious = errors.filter(error => !error.includes('a progress notification for an unknown token'));
    expect(serious.length === 0, 'no error reported by the client', serious);
}

export const pricesFor = duration => ({
    name: 'stream_stock_prices',
    arguments: { stream: true, symbols: ['AAPL', 'TSLA'], interval: 1000, duration }
});

/** The items among progress notifications; the first one may only say that the stream is connected. */
export const itemsOf = seen => seen.map(entry => JSON.parse(entry.message)).filter(item => !('status' in item));

export function textOf(result) {
    const block = result.content.find(({ type }) => type === 'text');
    return block?.text ?? fail('text content', result);
}
