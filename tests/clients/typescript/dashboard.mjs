// Does the dashboard live in a real browser: prices that move, news that start and stop, a server that restarts?
//
//     CHROMIUM=/usr/bin/chromium node dashboard.mjs http://127.0.0.1:8080 SHOT.png [--expect-restart] [--key KEY]

import { expect, main, sleep, until } from './check.mjs';
import { openBrowser } from './browser.mjs';

const ROWS = '[data-testid=watchlist] [data-symbol]';

async function watch([base, screenshot], { key, 'expect-restart': expectRestart }) {
    const { browser, page, complaints } = await openBrowser(screenshot, key);
    await page.goto(`${base}/`);

    expect((await page.title()) === 'Dashboard · tickgate', 'a title', await page.title());
    await pricesMove(page);
    await pricesStandInTheirColumn(page);
    await newsStartAndStop(page);
    expect(complaints.length === 0, 'no console errors and no CSP violations', complaints);
    await page.screenshot({ path: screenshot });
    if (expectRestart) {
        await surviveRestart(page, complaints);
        await page.screenshot({ path: screenshot });
    }
    await browser.close();
}

async function pricesMove(page) {
    const priced = async () => Object.values(await prices(page)).filter(text => /\d/.test(text)).length >= 3;
    await until(priced, 15_000, 'at least 3 watchlist rows with a price', () => page.locator(ROWS).allInnerTexts());
    await until(async () => (await state(page, '#connection')) === 'live', 5_000, '#connection live', () => state(page, '#connection'));
    await aPriceChanges(page);
    const row = page.locator('[data-testid=watchlist] [data-symbol="AAPL"]');
    expect((await row.count()) === 1, 'a row of AAPL', await page.locator(ROWS).allInnerTexts());
    for (const field of ['price', 'change', 'age']) {
        const text = await row.locator(`[data-field=${field}]`).innerText();
        expect(/\d|now/.test(text), `a figure in the field ${field} of AAPL`, text);
    }
    await until(() => somethingDrawn(page), 10_000, 'a chart with something drawn');
}

async function aPriceChanges(page) {
    const before = await prices(page);
    const changed = async () => Object.entries(await prices(page)).some(([symbol, text]) => before[symbol] !== text);
    await until(changed, 15_000, 'a price text that changes', () => prices(page));
}

/** The widest price, of bitcoin, ends where the others end; nothing of its row is cut off or outside of the panel, however wide the page. */
async function pricesStandInTheirColumn(page) {
    const btc = page.locator('[data-symbol="X:BTCUSD"] [data-field=price]');
    await until(async () => /\d/.test(await btc.innerText()), 15_000, 'a price of X:BTCUSD', () => btc.innerText());
    for (const width of [701, 919, 920, 1160, 1161, 1400, 1401, 1280]) {
        await page.setViewportSize({ width, height: 900 });
        const { table, panel, change } = await btc.evaluate(node => {
            const cell = node.closest('tr').querySelector('.col-change');
            return {
                table: node.closest('table').getBoundingClientRect().right,
                panel: node.closest('section').getBoundingClientRect().right,
                change: cell.scrollWidth - cell.clientWidth
            };
        });
        expect(table < panel && change <= 0, `a row that fits into a page of ${width} px`, { table, panel, change });
    }
    const ends = await page.locator('[data-field=price]').evaluateAll(nodes => nodes.map(node => Math.round(node.getBoundingClientRect().right)));
    const cell = await btc.evaluate(node => {
        const { right, left } = node.parentElement.getBoundingClientRect();
        return { right, left, from: node.getBoundingClientRect().left };
    });
    expect(new Set(ends).size === 1 && ends[0] <= cell.right && cell.from >= cell.left, 'prices that end in one line', { ends, cell });
}

const prices = page =>
    page.locator(ROWS).evaluateAll(rows =>
        Object.fromEntries(rows.map(row => [row.dataset.symbol, row.querySelector('[data-field=price]')?.textContent.trim() ?? '']))
    );

const somethingDrawn = page =>
    page.locator(`${ROWS} canvas[data-field=chart]`).evaluateAll(canvases =>
        canvases.some(canvas => {
            if (canvas.width === 0 || canvas.height === 0) return false;
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return data.some((value, i) => i % 4 === 3 && value > 0);
        })
    );

async function newsStartAndStop(page) {
    const before = new Set(await articles(page));
    await page.click('#news-start');
    await until(async () => (await state(page, '#news-state')) === 'live', 5_000, '#news-state live', () => state(page, '#news-state'));
    const fresh = async () => (await articles(page)).some(id => !before.has(id));
    await until(fresh, 25_000, 'a news item after Start', () => articles(page));

    await page.click('#news-stop');
    await until(async () => (await state(page, '#news-state')) === 'stopped', 2_000, '#news-state stopped', () => state(page, '#news-state'));
    const stopped = await articles(page);
    await sleep(3_000);
    expect(JSON.stringify(await articles(page)) === JSON.stringify(stopped), 'no further items after Stop', {
        then: stopped,
        now: await articles(page)
    });
    expect((await state(page, '#news-state')) === 'stopped', '#news-state still stopped', await state(page, '#news-state'));
    expect((await state(page, '#connection')) === 'live', 'prices untouched by Stop', await state(page, '#connection'));
}

const articles = page => page.locator('#news-list [data-article-id]').evaluateAll(items => items.map(item => item.dataset.articleId));

const state = (page, selector) => page.locator(selector).getAttribute('data-state');

/** The test restarts the server once this says it is ready; refused connections are no complaints meanwhile. */
async function surviveRestart(page, complaints) {
    console.log('ready-for-restart');
    const connection = () => state(page, '#connection');
    await until(async () => (await connection()) !== 'live', 30_000, '#connection to leave live', connection);
    await until(async () => (await connection()) === 'live', 30_000, '#connection live again', connection);
    await aPriceChanges(page);
    const serious = complaints.filter(text => !/net::ERR_|Failed to load resource|503/.test(text));
    expect(serious.length === 0, 'no errors over the restart but refused connections', serious);
}

await main('dashboard', watch, {
    deadlineSecs: process.argv.includes('--expect-restart') ? 120 : 60,
    flags: { 'expect-restart': { type: 'boolean', default: false } }
});
