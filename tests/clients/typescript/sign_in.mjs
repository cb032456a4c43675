// Does the official TypeScript client 2.x (@modelcontextprotocol/client) get in with nothing but our URL?
//
//     node sign_in.mjs http://127.0.0.1:8080/mcp https://localhost:9443/client.json
//
// It registers, and once more is known by its metadata document, if one is named. A browser of ours plays the person: it goes
// where it is sent, signs in at the test provider, and agrees.

import { expect, fail, load, main } from './check.mjs';

const { Client, StreamableHTTPClientTransport, UnauthorizedError } = load('@modelcontextprotocol/client');

const REDIRECT = 'http://127.0.0.1:33418/callback';

/** Goes where it is sent until that is the client's own address. */
class Browser {
    cookies = new Map();
    consents = 0;

    async visit(url) {
        let form;
        for (let step = 0; step < 12; step++) {
            if (String(url).startsWith(REDIRECT)) return new URL(url);
            const { origin } = new URL(url);
            const jar = this.cookies.get(origin) ?? new Map();
            this.cookies.set(origin, jar);
            const cookie = [...jar].map(pair => pair.join('=')).join('; ');
            const headers = { ...(cookie && { Cookie: cookie }), ...(form && { Origin: origin }) };
            const answer = await fetch(url, { method: form ? 'POST' : 'GET', body: form, headers, redirect: 'manual' });
            form = undefined;
            for (const set of answer.headers.getSetCookie()) {
                const [name, ...value] = set.split(';')[0].split('=');
                jar.set(name, value.join('='));
            }
            const location = answer.headers.get('location');
            if (location) {
                url = new URL(location, url);
                continue;
            }
            const page = await answer.text();
            const csrf = /name="csrf" value="([^"]+)"/.exec(page);
            expect(answer.status === 200 && csrf, `a consent page at ${url}`, `${answer.status} ${page}`);
            this.consents++;
            form = new URLSearchParams({ csrf: csrf[1], decision: 'allow' });
            url = new URL('/authorize', url);
        }
        fail('an end of the redirects', String(url));
    }
}

/** What a client keeps, and where it sends its person. */
class Memory {
    redirectUrl = REDIRECT;
    clientMetadata = { client_name: 'TypeScript client', redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' };
    sentBack = [];

    constructor(browser, document) {
        this.browser = browser;
        if (document) this.clientMetadataUrl = document;
    }

    clientInformation() {
        return this.client;
    }

    saveClientInformation(client) {
        this.client = client;
    }

    tokens() {
        return this.kept;
    }

    saveTokens(tokens) {
        this.kept = tokens;
    }

    async redirectToAuthorization(url) {
        this.sentBack.push(await this.browser.visit(url));
    }

    saveCodeVerifier(verifier) {
        this.verifier = verifier;
    }

    codeVerifier() {
        return this.verifier;
    }
}

async function getsIn(url, document) {
    const browser = new Browser();
    const memory = new Memory(browser, document);
    const open = async () => {
        const client = new Client({ name: 'sign_in', version: '1.0.0' });
        const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: memory });
        return { client, transport };
    };
    const first = await open();
    const refused = await first.client.connect(first.transport).then(() => null, error => error);
    expect(refused instanceof UnauthorizedError, 'to be sent to sign in', refused);
    await first.transport.finishAuth(memory.sentBack[0].searchParams);
    const { client, transport } = await open();
    await client.connect(transport);
    const { tools } = await client.listTools();
    expect(tools.length > 5, 'tools', tools.length);
    expect(browser.consents === 1, 'one consent', browser.consents);
    expect((memory.client?.client_id === document) === Boolean(document), `a client known by ${document}`, memory.client);
    // An access token that is worth nothing: the library refreshes and asks again.
    const { refresh_token: before } = memory.kept;
    memory.kept = { ...memory.kept, access_token: `${memory.kept.access_token}x` };
    await client.listTools();
    expect(memory.kept.refresh_token !== before, 'another refresh token', memory.kept);
    expect(browser.consents === 1 && memory.sentBack.length === 1, 'a refresh without the person', memory.sentBack.map(String));
    await client.close();
}

await main('sign_in', async ([url, document]) => {
    await getsIn(url);
    if (document) await getsIn(url, document);
});
