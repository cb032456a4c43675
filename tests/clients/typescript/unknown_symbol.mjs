// Does a symbol that does not exist stay the affair of its row, when it is added and when the page is loaded with it?
//
//     CHROMIUM=/usr/bin/chromium node unknown_symbol.mjs http://127.0.0.1:8080 FOLDER

import { expect, main, until } from './check.mjs';
import { openBrowser } from './browser.mjs';
import { pictures } from './pictures.mjs';

const NOBODYS = ['ZZZQQ', 'X:NOPENOPE'];
/** What a browser says by itself of a refusal that the page has to provoke to learn of it. */
const PROVOKED = /status of 404.*\/(events\?|api\/bars\/(ZZZQQ|X%3ANOPENOPE))/;

async function unknownSymbols([base, folder]) {
    const { browser, page, complaints } = await openBrowser(`${folder}/unknown-symbol-failed.png`);
    await page.goto(`${base}/`);
    await othersLive(page);
    for (const symbol of NOBODYS) {
        await page.fill('#symbol-input', symbol);
        await page.press('#symbol-input', 'Enter');
        await isMarked(page, symbol);
        await says(page, '#symbol-hint', `${symbol}: no such symbol`);
        expect((await page.getAttribute('#symbol-input', 'aria-invalid')) === 'false', 'an empty field that is not wrong', symbol);
        await othersLive(page);
    }
    await pictures(page, folder, 'unknown-symbol');
    await page.reload();
    for (const symbol of NOBODYS) await isMarked(page, symbol);
    await othersLive(page);
    // Removed and added again it is looked for again.
    await page.getByRole('button', { name: 'Remove ZZZQQ' }).click();
    await page.fill('#symbol-input', 'ZZZQQ');
    await page.press('#symbol-input', 'Enter');
    await isMarked(page, 'ZZZQQ');
    await othersLive(page);
    const serious = complaints.filter(text => !PROVOKED.test(text));
    expect(serious.length === 0, 'no console errors and no CSP violations', serious);
    await browser.close();
}

const field = (page, symbol, name) => page.locator(`[data-symbol="${symbol}"] [data-field=${name}]`).innerText();

const says = (page, selector, words) =>
    until(async () => (await page.innerText(selector)).includes(words), 15_000, `${selector} to say “${words}”`, () => page.innerText(selector));

const isMarked = (page, symbol) =>
    until(async () => (await field(page, symbol, 'age')) === 'no such symbol', 15_000, `${symbol} marked`, () => page.innerText('main'));

/** The stream is up, prices of AAPL change, the header and the note speak of nothing wrong. */
async function othersLive(page) {
    await says(page, '#connection', 'Live');
    const before = await field(page, 'AAPL', 'price');
    await until(async () => (await field(page, 'AAPL', 'price')) !== before, 15_000, 'a price that changes', () => page.innerText('main'));
    await says(page, '#upstream-health', 'Healthy');
    const tone = await page.getAttribute('#watchlist-note', 'data-tone');
    expect(tone === 'idle', 'no trouble of the panel', await page.innerText('#watchlist-note'));
    const words = await page.innerText('body');
    expect(!/unknown_symbol|list_tickers|prices:/.test(words), 'words for people', words);
}

await main('unknown_symbol', unknownSymbols, { deadlineSecs: 120 });
