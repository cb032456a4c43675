// What every JavaScript client program shares: its packages, arguments, deadline, way to fail and verdict.

import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { inspect, parseArgs } from 'node:util';

const modules = process.env.NODE_MODULES ?? join(import.meta.dirname, '../../../target/test-tools/node/node_modules');

/** Loads a package that scripts/test-tools.sh installed; an `import` would look beside this file instead. */
export const load = createRequire(join(modules, 'from-here.cjs'));

let hasFailed = false;
let lastWords = async () => {};

/** Has `act` run (for at most 5 s) between the report of a failure and the end of the program. */
export function beforeFailing(act) {
    lastWords = act;
}

/** Reports the failure at once, so that no library can swallow it, and ends the program from any callback. */
export function fail(expected, found) {
    if (!hasFailed) {
        hasFailed = true;
        const where = new Error().stack.split('\n').find(line => line.includes('.mjs') && !line.includes('check.mjs'));
        process.stdout.write(`FAILED ${where?.trim() ?? ''}\nexpected: ${expected}\nfound:    ${shown(found)}\n`);
        Promise.race([lastWords(), sleep(5000)]).finally(() => process.exit(1));
    }
    throw new Error(`expected: ${expected}`);
}

export function expect(holds, expected, found) {
    if (!holds) fail(expected, found);
}

/** Waits until `condition()` holds (returning what it returned) and fails after `ms`. */
export async function until(condition, ms, expected, found = () => 'nothing of the kind') {
    for (const end = Date.now() + ms; Date.now() < end; await sleep(50)) {
        const value = await condition();
        if (value) return value;
    }
    fail(`${expected} within ${ms} ms`, await found());
}

export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

export const isIncreasing = numbers => numbers.every((number, i) => i === 0 || numbers[i - 1] < number);

/** Runs `run(arguments, options)` under the deadline and says `ok NAME` when it returns. */
export async function main(name, run, { deadlineSecs = 60, flags = {} } = {}) {
    const { positionals, values } = parseArgs({
        allowPositionals: true,
        options: { key: { type: 'string' }, ...flags }
    });
    process.on('uncaughtException', error => hasFailed || fail('no uncaught exception', error));
    setTimeout(() => fail(`done within ${deadlineSecs} s`, 'still running'), deadlineSecs * 1000);
    try {
        await run(positionals, values);
    } catch (error) {
        if (!hasFailed) fail(`${basename(process.argv[1])} to run without an exception`, error);
    }
    if (hasFailed) return;
    process.stdout.write(`ok ${name}\n`, () => process.exit(0));
}

function shown(found) {
    if (found instanceof Error) return inspect(found);
    return typeof found === 'string' ? found : JSON.stringify(found, null, 1);
}
