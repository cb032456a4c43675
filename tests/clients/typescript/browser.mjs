// A real browser that keeps what it complains of.

import { beforeFailing, load } from './check.mjs';

const { chromium } = load('playwright-core');

const ARGS = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync'
];

/** A page in a browser of its own; if the test fails, `screenshot` shows how it looked then. */
export async function openBrowser(screenshot, key) {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS });
    const context = await browser.newContext({
        viewport: { width: 1280, height: 900 },
        extraHTTPHeaders: key ? { 'X-API-Key': key } : {}
    });
    const page = await context.newPage();
    const complaints = await listen(page);
    beforeFailing(async () => {
        console.log('complaints of the browser:', complaints);
        await page.screenshot({ path: screenshot });
        await browser.close();
    });
    return { browser, context, page, complaints };
}

/** Collects console errors, uncaught exceptions and CSP violations. */
async function listen(page) {
    const complaints = [];
    page.on('console', message => {
        if (message.type() === 'error') complaints.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('pageerror', error => complaints.push(`exception: ${error.stack}`));
    await page.exposeFunction('reportViolation', violation => complaints.push(`CSP: ${violation}`));
    await page.addInitScript(() => {
        addEventListener('securitypolicyviolation', event =>
            window.reportViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`)
        );
    });
    return complaints;
}
