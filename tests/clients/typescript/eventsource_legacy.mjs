// Does an EventSource front end of the older kind, which knows only the JSON-RPC progress form, work with us?
//
//     node eventsource_legacy.mjs http://127.0.0.1:8080 [--key KEY]

import { expect, fail, isIncreasing, load, main, until } from './check.mjs';

const { EventSource } = load('eventsource');

/** Closes at the result, as such front ends do; a later reconnect is told by 204 that nothing more will come. */
async function watchNews(base, headers) {
    const url = `${base}/api/mcp/stream-news?symbol=TSLA&interval=1000&duration=6000`;
    const { source, seen, ended } = open(url, headers, { closeAtEnd: true });
    source.onerror = error => fail('a news stream without errors', { code: error.code, message: error.message });
    await until(() => ended.result, 12_000, 'the result of the news stream', () => seen);
    expect(seen.length >= 1, 'at least one article', seen);
    for (const { item } of seen) {
        expect(item.title && /^https?:\/\//.test(item.url), 'an article with title and url', item);
    }
    const again = await fetch(url, { headers: { ...headers, Accept: 'text/event-stream', 'Last-Event-ID': ended.lastEventId } });
    expect(again.status === 204, '204 to a reconnect after the end', again.status);
    expect((await again.text()) === '', 'no body with 204', 'a body');
    return seen.length;
}

/** Does not close at the result: the automatic reconnect is answered 204 and the EventSource stops for good. */
async function watchPrices(base, headers) {
    const url = `${base}/api/mcp/stream-prices?symbols=AAPL,TSLA&interval=1000&duration=4000`;
    const { source, seen, ended } = open(url, headers, { closeAtEnd: false });
    const codes = [];
    source.onerror = error => codes.push(error.code ?? 'dropped');
    await until(() => ended.result, 10_000, 'the result of the price stream', () => seen);
    expect(seen.length >= 3, 'several prices', seen);
    for (const { item } of seen) {
        expect(['AAPL', 'TSLA'].includes(item.symbol) && item.price > 0, 'a price of AAPL or TSLA', item);
    }
    expect(new Set(seen.map(({ item }) => item.symbol)).size === 2, 'prices of both symbols', seen);
    const items = seen.length;
    await until(() => source.readyState === EventSource.CLOSED, 10_000, 'the EventSource to stop by itself', () => codes);
    expect(codes.at(-1) === 204, 'to be stopped by 204', codes);
    expect(seen.length === items, 'no further items after the result', seen.slice(items));
    return items;
}

function open(url, headers, { closeAtEnd }) {
    const withKey = (target, init) => fetch(target, { ...init, headers: { ...init.headers, ...headers } });
    const source = new EventSource(url, { fetch: withKey });
    const seen = [];
    const ended = {};
    source.onmessage = event => {
        const data = JSON.parse(event.data);
        expect(data.jsonrpc === '2.0', 'JSON-RPC 2.0', data);
        if (data.method === 'notifications/progress') {
            const { progressToken, progress, total, message } = data.params;
            expect(/^.+~\d{13}$/.test(event.lastEventId), 'an id <position>~<end in unix ms>', event.lastEventId);
            seen.push({ id: event.lastEventId, progressToken, progress, total, item: JSON.parse(message) });
        } else if ('result' in data) {
            expect(!ended.result, 'one result', data);
            expect(Array.isArray(data.result.content) && data.result.isError === false, 'a good result', data);
            expect(seen.every(({ progressToken }) => progressToken === data.id), 'the token of the progress as id', data);
            expectOrder(seen);
            Object.assign(ended, { result: data.result, lastEventId: event.lastEventId });
            if (closeAtEnd) source.close();
        }
    };
    return { source, seen, ended };
}

function expectOrder(seen) {
    expect(isIncreasing(seen.map(({ progress }) => progress)), 'strictly increasing progress', seen);
    expect(new Set(seen.map(({ id }) => id)).size === seen.length, 'every event id once', seen);
    expect(new Set(seen.map(({ id }) => id.split('~')[1])).size <= 1, 'the same end in every id', seen);
}

await main('eventsource_legacy', async ([base], { key }) => {
    const headers = key ? { 'X-API-Key': key } : {};
    const [news, prices] = await Promise.all([watchNews(base, headers), watchPrices(base, headers)]);
    console.log(`${news} news items, ${prices} prices`);
});
