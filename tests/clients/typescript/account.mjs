// Can a person do in a real browser what the account page offers: sign in, make and revoke a key, disconnect a client, sign out?
//
//     CHROMIUM=/usr/bin/chromium node account.mjs SIGN_IN_URL OPEN_URL READ_URL KEYS_URL FOLDER
//
// SIGN_IN_URL: a gateway with a provider that signs in whoever comes. OPEN_URL: one that lets everybody in and has no sign-in. READ_URL:
// one that lets everybody read. KEYS_URL: one that wants a key and has no sign-in. Pictures go to FOLDER.

import { createHash, randomBytes } from 'node:crypto';

import { openBrowser } from './browser.mjs';
import { expect, main, until } from './check.mjs';
import { pictures } from './pictures.mjs';

const REDIRECT = 'https://client.example/callback';
/** What a client calls itself comes from outside (attack 38 of the checklist). */
const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

async function account([signIn, open, read, keysOnly, folder]) {
    const { browser, context, page, complaints } = await openBrowser(`${folder}/account-failed.png`);
    await whereNobodyNeedsAKey(page, open, folder);
    await whereEverybodyReads(page, read);
    await whereOnlyAKeyHelps(page, keysOnly, folder);
    await signsInFromTheDashboard(page, signIn, folder);
    const key = await makesAKeyAndSeesItOnce(page, signIn, folder);
    const client = await connects(context, signIn);
    await page.reload();
    await shows(page, client.name);
    await pictures(page, folder, 'account');
    await revokes(page, signIn, key);
    await disconnects(page, signIn, client);
    await signsOut(page, signIn);
    await signsInAgainAndIsErased(page, signIn);
    expect(complaints.length === 0, 'no console errors and no CSP violations', complaints);
    await browser.close();
}

const text = (page, selector) => page.locator(selector).innerText();
const state = page => page.locator('#connection').getAttribute('data-state');
const says = (page, selector, words) =>
    until(async () => (await text(page, selector)).includes(words), 5_000, `${selector} to say “${words}”`, () => text(page, selector));

async function whereNobodyNeedsAKey(page, base, folder) {
    await page.goto(`${base}/`);
    await until(async () => (await state(page)) === 'live', 10_000, 'prices without a sign-in', () => state(page));
    expect(await page.locator('#session').isHidden(), 'nothing of a sign-in where there is none', await page.content());
    await page.goto(`${base}/account`);
    await says(page, '#signed-out', 'Nobody needs a key here, and there are no accounts.');
    const words = await text(page, '#signed-out');
    expect(!/keys create|X-API-Key|provider/.test(words), 'no word of keys that nobody needs', words);
    await pictures(page, folder, 'account-off');
}

async function whereEverybodyReads(page, base) {
    await page.goto(`${base}/account`);
    await says(page, '#signed-out', 'Nobody needs a key to read here, and there are no accounts.');
    for (const words of ['the scope write', 'tickgate keys create', 'X-API-Key:']) await says(page, '#signed-out', words);
    expect(!(await text(page, '#signed-out')).includes('Whoever reaches'), 'no word of a server without keys', await text(page, '#signed-out'));
}

async function whereOnlyAKeyHelps(page, base, folder) {
    await page.goto(`${base}/`);
    await page.click('#news-start');
    for (const note of ['#watchlist-note', '#news-note']) {
        await says(page, note, 'This server wants an API key. This page cannot send one, and nobody can sign in here.');
        const [link] = await page.locator(`${note} :is(a, button)`).all();
        expect((await link.getAttribute('href')) === '/account', `one thing to do in ${note}`, await page.innerHTML(note));
        expect((await page.locator(`${note} button`).count()) === 0, 'nothing to press that cannot help', await page.innerHTML(note));
    }
    expect((await state(page)) === 'stopped', 'no stream that would be refused', await state(page));
    await until(async () => !(await text(page, '#watchlist')).includes('waiting'), 5_000, 'no row that waits', () => text(page, '#watchlist'));
    await pictures(page, folder, 'dashboard-keys');
    await page.locator('#watchlist-note a').click();
    await says(page, '#signed-out', 'This server has no sign-in.');
    for (const words of ['tickgate keys create', 'Authorization: Bearer', 'X-API-Key:']) await says(page, '#signed-out', words);
    for (const link of await page.locator('a:visible').all()) {
        const path = await link.getAttribute('href');
        if (path.startsWith('#')) continue;
        const { headers } = await fetch(new URL(path, base));
        expect(headers.get('content-type').startsWith('text/html'), `a page behind ${path}`, headers.get('content-type'));
    }
    await pictures(page, folder, 'account-keys');
}

async function signsInFromTheDashboard(page, base, folder) {
    await page.goto(`${base}/`);
    await says(page, '#watchlist-note', 'You are not signed in');
    await page.goto(`${base}/account`);
    await says(page, '#signed-out', 'Sign in to see your account.');
    await pictures(page, folder, 'signed-out');
    await page.goto(`${base}/`);
    await page.getByRole('navigation', { name: 'Your account' }).getByRole('link', { name: 'Sign in' }).click();
    await until(async () => (await state(page)) === 'live', 10_000, 'prices after the sign-in', () => state(page));
    await says(page, '#session', 'Ada');
    await pictures(page, folder, 'dashboard');
    await page.getByRole('link', { name: 'Account', exact: true }).click();
    await says(page, '#you', 'ada@example.com');
    expect((await text(page, '#you-role')) === 'User', 'a role', await text(page, '#you-role'));
    await says(page, '#clients-list', 'No client is connected.');
    await says(page, '#keys-list', 'You have no API keys.');
    await says(page, '#upstream-state', 'Not set');
}

const statusWith = async (base, key) => (await fetch(`${base}/api/status`, { headers: { 'X-API-Key': key } })).status;

async function makesAKeyAndSeesItOnce(page, base, folder) {
    await page.fill('#key-days', 'a month');
    await page.click('#key-form [type=submit]');
    await says(page, '#keys-note', 'Days must be a whole number');
    // By keyboard alone, from the name to the key in the clipboard.
    await page.focus('#key-name');
    await page.keyboard.type('nightly report');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.type('30');
    await page.keyboard.press('Enter');
    await says(page, '#key-told', 'shown this once');
    const key = await page.inputValue('#key-text');
    expect(/^tg_\w{12}_\w+$/.test(key), 'a key', key.slice(0, 15));
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: base });
    await page.keyboard.press('Enter');
    await says(page, '#key-copied', 'Copied.');
    await pictures(page, folder, 'new-key');
    expect((await page.evaluate(() => navigator.clipboard.readText())) === key, 'the key in the clipboard', 'something else');
    expect((await statusWith(base, key)) === 200, 'a key that is let in', await statusWith(base, key));
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.locator('#key-secret').isHidden(), 'a secret that is gone', await page.content());
    for (const load of ['done', 'loaded again']) {
        expect(!(await page.content()).includes(key) && (await page.inputValue('#key-text')) === '', `no secret when ${load}`, 'it is there');
        await page.reload();
    }
    await says(page, '#keys-list', 'nightly report');
    await says(page, '#keys-list', 'last used');
    return key;
}

/** A client that its person lets in, with nothing but HTTP: what it says of itself is hostile. */
async function connects(context, base) {
    const post = (path, type, body) => fetch(`${base}${path}`, { method: 'POST', headers: { 'Content-Type': type }, body });
    const asked = JSON.stringify({ redirect_uris: [REDIRECT], client_name: HOSTILE });
    const { client_id: id, client_name: name } = await (await post('/register', 'application/json', asked)).json();
    const verifier = randomBytes(32).toString('base64url');
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const query = new URLSearchParams({
        response_type: 'code', client_id: id, redirect_uri: REDIRECT, code_challenge: challenge, code_challenge_method: 'S256', scope: 'read'
    });
    const consent = await (await context.request.get(`${base}/authorize?${query}`)).text();
    const csrf = /name="csrf" value="([^"]+)"/.exec(consent)?.[1];
    expect(csrf, 'a consent page', consent);
    const decided = await context.request.post(`${base}/authorize`, {
        form: { csrf, decision: 'allow' }, headers: { Origin: base }, maxRedirects: 0
    });
    const code = new URL(decided.headers().location).searchParams.get('code');
    const token = async form => {
        const answer = await post('/token', 'application/x-www-form-urlencoded', new URLSearchParams({ client_id: id, ...form }));
        return { status: answer.status, ...(await answer.json()) };
    };
    const tokens = await token({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: verifier });
    expect(tokens.status === 200, 'tokens', tokens.status);
    const refresh = refresh_token => token({ grant_type: 'refresh_token', refresh_token });
    return { name, tokens, refresh };
}

async function shows(page, name) {
    const row = page.locator('#clients-list > li');
    await says(page, '#clients-list', 'signed in');
    const shown = await row.locator('bdi').first().innerText();
    expect(shown === name && name.includes('<img'), 'the name as text', shown);
    expect((await page.locator('#clients-list :is(img, script)').count()) === 0, 'no markup of a client', await row.innerHTML());
    for (const words of ['leads to client.example', 'may read', 'agreed']) await says(page, '#clients-list', words);
}

async function revokes(page, base, key) {
    await page.getByRole('button', { name: /^Revoke nightly report/ }).click();
    await page.getByRole('button', { name: /^Keep nightly report/ }).click();
    expect((await statusWith(base, key)) === 200, 'a key that was kept', await statusWith(base, key));
    await page.getByRole('button', { name: /^Revoke nightly report/ }).click();
    await page.getByRole('button', { name: /^Revoke for ever/ }).click();
    await says(page, '#keys-note', 'nightly report is revoked.');
    await says(page, '#keys-list', 'revoked');
    expect((await statusWith(base, key)) === 401, 'a key that is worth nothing', await statusWith(base, key));
    const focused = await page.evaluate(() => document.activeElement?.id);
    expect(focused === 'keys-list', 'the keyboard in the list', focused);
}

async function disconnects(page, base, { name, tokens, refresh }) {
    const again = await refresh(tokens.refresh_token);
    expect(again.status === 200, 'a client that is let in', again.status);
    await page.getByRole('button', { name: `Disconnect ${name}`, exact: true }).click();
    await page.getByRole('button', { name: /^Disconnect now/ }).click();
    await says(page, '#clients-list', 'No client is connected.');
    const refused = await refresh(again.refresh_token);
    expect(refused.error === 'invalid_grant', 'a client that is out', refused.status);
    const { status } = await fetch(`${base}/tools/list`, { headers: { Authorization: `Bearer ${again.access_token}` } });
    expect(status === 401, 'an access token that is worth nothing', status);
}

async function signsOut(page, base) {
    await page.click('#sign-out');
    await says(page, '#signed-out', 'You are signed out.');
    expect(await page.locator('#signed-in').isHidden(), 'nothing of the person', await page.content());
    expect(!(await page.content()).includes('ada@example.com'), 'no word of the person', 'the address is there');
    const session = await page.evaluate(async () => (await fetch('/auth/session')).json());
    expect(session.user === null && session.sign_in === true, 'nobody signed in', session);
    await page.goto(`${base}/`);
    await says(page, '#session', 'Sign in');
}

async function signsInAgainAndIsErased(page, base) {
    await page.goto(`${base}/account`);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await says(page, '#you', 'ada@example.com');
    await page.click('#erase-form [type=submit]');
    await says(page, '#erase-note', 'Nothing was erased.');
    await page.fill('#erase-word', 'erase');
    await page.click('#erase-form [type=submit]');
    await says(page, '#signed-out', 'Your account is erased.');
    await page.goto(`${base}/account`);
    await says(page, '#signed-out', 'Sign in to see your account.');
}

await main('account', account, { deadlineSecs: 90 });
