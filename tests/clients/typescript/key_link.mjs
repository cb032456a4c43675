// Does a one-time link show its key in a real browser, once, and leave no trace of its secret?
//
//     CHROMIUM=/usr/bin/chromium node key_link.mjs LINK OTHER_LINK THIRD_LINK FOLDER
//
// The second link is opened by a browser without scripts: its person pastes what stands behind the #. The third is pasted into tabs that
// show something else. Each makes a key that expires. Pictures go to FOLDER.

import { expect, load, main } from './check.mjs';
import { pictures } from './pictures.mjs';

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

async function withScripts(browser, link, third, folder) {
    const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
    const page = await context.newPage();
    const { complaints, sent } = await listen(page);
    const secret = new URL(link).hash.slice(1);
    await page.goto(link.split('#')[0]);
    await page.getByRole('heading', { name: 'Which link?' }).waitFor();
    expect(await page.getByText('waits for you').isHidden(), 'no promise without a link', await page.innerText('main'));
    await pictures(page, folder, 'key-link-none');
    // Pasted into the same tab, it changes nothing but what stands behind the #.
    await page.goto(link);
    await page.waitForFunction(() => location.hash === '');
    await page.getByRole('heading', { name: 'An API key waits for you' }).waitFor();
    expect(await page.getByText('Which link?').isHidden(), 'no question', await page.innerText('main'));
    expect((await page.locator('#link').inputValue()) === secret, 'the secret in the form', await page.content());
    await page.getByRole('button').click();
    const key = await shownKey(page);
    expect(/^tg_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/.test(key), 'a key', key);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied.').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied === key, 'the key in the clipboard', 'something else');
    const words = await page.innerText('main');
    expect(/good until [A-Z][a-z]{2} \d{1,2}, \d{4}, \d\d:\d\d\./.test(words), 'a time as on other pages', words.replace(key, '…'));
    await pictures(page, folder, 'key-link-key');
    expect(!page.url().includes(secret), 'an address without the secret', page.url());
    expect(!sent.some(request => request.includes(secret)), 'no address and no header with the secret', sent);
    expect(complaints.length === 0, 'no console errors and no CSP violations', complaints);
    await page.goBack();
    expect(!(await page.content()).includes(key), 'no key behind the back button', await page.content());
    await page.goto('about:blank');
    await page.goto(link);
    await page.getByRole('button').click();
    await page.getByText('opened already').waitFor();
    expect(/opened already, at \d{4}-\d\d-\d\d \d\d:\d\d UTC\./.test(await page.innerText('main')), 'a time', await page.innerText('main'));
    await pictures(page, folder, 'key-link-fault');
    await page.goto(third);
    await page.getByRole('heading', { name: 'An API key waits for you' }).waitFor();
    expect(!page.url().includes('#') && !page.url().includes('?'), 'a plain address', page.url().split('#')[0]);
    await page.getByRole('button', { name: 'Show the key' }).click();
    const other = await shownKey(page);
    expect(other.startsWith('tg_') && other !== key, 'another key', 'the same');
    // A key that is shown once does not go for a link that can wait.
    await page.goto(link);
    await page.getByText('Open the other link in a new tab').waitFor();
    expect((await shownKey(page)) === other, 'the key still there', 'it is gone');
    const secrets = [secret, new URL(third).hash.slice(1)];
    expect(!sent.some(request => secrets.some(one => request.includes(one))), 'no address and no header with a secret', sent);
    const serious = complaints.filter(text => !text.includes('status of 410'));
    expect(serious.length === 0, 'no console errors and no CSP violations', serious);
}

async function withoutScripts(browser, link) {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(link);
    await page.locator('#link').fill(new URL(link).hash.slice(1));
    await page.getByRole('button').click();
    const key = await shownKey(page);
    expect(key.startsWith('tg_'), 'a key', key);
    const words = await page.innerText('main');
    expect(/good until \d{4}-\d\d-\d\d \d\d:\d\d UTC\./.test(words), 'a time to the minute', words.replace(key, '…'));
    expect(await page.locator('#copy').isHidden(), 'no button that does nothing', await page.innerHTML('#copying'));
}

await main('key_link', async ([link, other, third, folder]) => {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS });
    await withScripts(browser, link, third, folder);
    await withoutScripts(browser, other);
    await browser.close();
});
