// Does a one-time link show its key in a real browser, once, and leave no trace of its secret?
//
//     CHROMIUM=/usr/bin/chromium node key_link.mjs LINK OTHER_LINK
//
// The second link is opened by a browser without scripts: its person pastes what stands behind the #.

import { expect, load, main } from './check.mjs';

const { chromium } = load('playwright-core');

const ARGS = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'];

/** Collects console errors, uncaught exceptions, CSP violations, and the addresses that are asked for. */
async function listen(page) {
    const heard = { complaints: [], sent: [] };
    page.on('console', message => message.type() === 'error' && heard.complaints.push(`console: ${message.text()}`));
    page.on('pageerror', error => heard.complaints.push(`exception: ${error.stack}`));
    page.on('request', request => heard.sent.push(`${request.url()} ${JSON.stringify(request.headers())}`));
    return heard;
}

const shownKey = page => page.locator('.place').textContent();

async function withScripts(browser, link) {
    const page = await browser.newPage();
    const { complaints, sent } = await listen(page);
    const secret = new URL(link).hash.slice(1);
    await page.goto(link);
    await page.waitForFunction(() => location.hash === '');
    expect((await page.locator('#link').inputValue()) === secret, 'the secret in the form', await page.content());
    await page.getByRole('button').click();
    const key = await shownKey(page);
    expect(/^tg_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/.test(key), 'a key', key);
    expect(!page.url().includes(secret), 'an address without the secret', page.url());
    expect(!sent.some(request => request.includes(secret)), 'no address and no header with the secret', sent);
    expect(complaints.length === 0, 'no console errors and no CSP violations', complaints);
    await page.goBack();
    expect(!(await page.content()).includes(key), 'no key behind the back button', await page.content());
    await page.goto('about:blank');
    await page.goto(link);
    await page.getByRole('button').click();
    await page.getByText('opened already').waitFor();
}

async function withoutScripts(browser, link) {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(link);
    await page.locator('#link').fill(new URL(link).hash.slice(1));
    await page.getByRole('button').click();
    const key = await shownKey(page);
    expect(key.startsWith('tg_'), 'a key', key);
}

await main('key_link', async ([link, other]) => {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS });
    await withScripts(browser, link);
    await withoutScripts(browser, other);
    await browser.close();
});
