// Does the official TypeScript SDK 1.x (@modelcontextprotocol/sdk) work with us over HTTP+SSE and over stdio?
//
//     node sdk_v1_pipes.mjs http://127.0.0.1:8080/sse [--key KEY]
//     node sdk_v1_pipes.mjs PROGRAM

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, load, main } from './check.mjs';
import { callATool, cancel, expectNoErrors, listTools, stream } from './flow.mjs';

const { Client } = load('@modelcontextprotocol/sdk/client/index.js');
const { SSEClientTransport } = load('@modelcontextprotocol/sdk/client/sse.js');
const { StdioClientTransport } = load('@modelcontextprotocol/sdk/client/stdio.js');
const { CallToolResultSchema } = load('@modelcontextprotocol/sdk/types.js');

/** Until this long after the client has left, the program may take to end before the SDK kills it. */
const LEAVING_MS = 2_000;

async function converse(transport) {
    const client = new Client({ name: 'sdk_v1_pipes', version: '1.0.0' });
    const errors = [];
    client.onerror = error => errors.push(String(error));
    await client.connect(transport);
    const callTool = (params, options) => client.callTool(params, CallToolResultSchema, options);
    await listTools(client);
    await callATool(client);
    await stream(client, callTool);
    await cancel(client, callTool, { ping: true });
    expectNoErrors(errors);
    return client;
}

async function overStdio(program) {
    const folder = mkdtempSync(join(tmpdir(), 'tickgate-'));
    const args = ['serve', '--transport', 'stdio', '--data-dir', folder];
    const client = await converse(new StdioClientTransport({ command: program, args, cwd: folder, stderr: 'ignore' }));
    const leaving = Date.now();
    await client.close();
    expect(Date.now() - leaving < LEAVING_MS, `an end within ${LEAVING_MS} ms`, Date.now() - leaving);
    rmSync(folder, { recursive: true });
}

async function overHttpSse(url, key) {
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    await (await converse(new SSEClientTransport(new URL(url), { requestInit: { headers } }))).close();
}

await main('sdk_v1_pipes', ([target], { key }) => (target.startsWith('http') ? overHttpSse(target, key) : overStdio(target)));
