// What any client can do with any server, against the gateway with the conformance fixtures.
//
// A `Library` holds what the two libraries say differently: `stateful`, `callTool(params, options)`, `unknownResource` (the
// code of the error), `heard` (below), and `watching(uri)`: from then on `heard` hears of the resource and of the lists,
// until the function that it gives is called.

import { expect, until } from './check.mjs';
import { textOf } from './market.mjs';

const ROOT = { uri: 'file:///srv/portfolio', name: 'portfolio' };
/** What the user says to a field of a form that has no default. */
const WORDS = { name: 'Ada', color: 'green', response: 'agreed', context: 'tides', word: 'swell' };

export const CAPABILITIES = { sampling: {}, elicitation: { form: {} }, roots: {} };

/** What the server told unasked. */
export const nothingHeard = () => ({ logs: [], updates: [], toolsChanged: 0, promptsChanged: 0 });

/** Has a client answer as a model and a user would, and note what it hears; `on` sets one handler by method. */
export function answerAndHear(onRequest, onNotification, heard) {
    onRequest('sampling/createMessage', ({ params }) => {
        const content = [params.messages[0].content].flat()[0];
        return { role: 'assistant', model: 'none', content: { type: 'text', text: `sampled: ${content.text}` } };
    });
    onRequest('elicitation/create', ({ params }) => filledIn(params));
    onRequest('roots/list', () => ({ roots: [ROOT] }));
    onNotification('notifications/message', ({ params }) => void heard.logs.push(params.data));
    onNotification('notifications/resources/updated', ({ params }) => void heard.updates.push(params.uri));
    onNotification('notifications/tools/list_changed', () => void heard.toolsChanged++);
    onNotification('notifications/prompts/list_changed', () => void heard.promptsChanged++);
}

function filledIn({ message, requestedSchema }) {
    for (const action of ['decline', 'cancel']) if (message.includes(action)) return { action };
    const fields = Object.entries(requestedSchema.properties);
    return { action: 'accept', content: Object.fromEntries(fields.map(([name, field]) => [name, answer(name, field)])) };
}

function answer(name, field) {
    if ('default' in field) return field.default;
    if (field.type === 'array') return [choices(field.items).at(-1)];
    if (choices(field).length) return choices(field).at(-1);
    return field.type === 'boolean' ? true : WORDS[name];
}

const choices = field => field.enum ?? (field.oneOf ?? field.anyOf ?? []).map(choice => choice.const);

/** Every page of `tools`, `prompts`, `resources` or `resourceTemplates`. */
export async function listAll(client, kind) {
    const verb = { tools: 'listTools', prompts: 'listPrompts', resources: 'listResources', resourceTemplates: 'listResourceTemplates' };
    const found = [];
    let cursor;
    do {
        const page = await client[verb[kind]](cursor === undefined ? undefined : { cursor });
        found.push(...page[kind]);
        cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found;
}

export async function everything(client, library) {
    const call = async (name, args = {}) => {
        const result = await library.callTool({ name, arguments: args });
        expect(!result.isError, `a good result of ${name}`, result);
        return textOf(result);
    };
    await listEverything(client);
    await contentsOfEveryKind(library, call);
    await progressAndLogs(library, call);
    await asked(call);
    await prompts(client);
    await completion(client);
    await resources(client, library);
    await changesOfTheLists(client, library, call);
    // Stateful: the server closes the connection, and the client resumes with the id of the last event.
    const text = await call('test_reconnection');
    expect(text === 'Reconnection test completed successfully', 'the result after a closed connection', text);
    if (library.stateful) await client.ping();
}

async function listEverything(client) {
    const expected = {
        // In tests/it/clients.rs two pages of other tools stand before these.
        tools: ['test_simple_text', 'test_sampling'],
        prompts: ['test_simple_prompt', 'test_prompt_with_arguments'],
        resources: ['Static Text', 'Static Binary', 'Watched Resource'],
        resourceTemplates: ['Template']
    };
    for (const [kind, names] of Object.entries(expected)) {
        const listed = (await listAll(client, kind)).map(({ name }) => name);
        expect(new Set(listed).size === listed.length, `every one of the ${kind} once`, listed);
        expect(names.every(name => listed.includes(name)), `the ${kind} ${names}`, listed);
    }
}

async function contentsOfEveryKind({ callTool }, call) {
    const mixed = await callTool({ name: 'test_multiple_content_types', arguments: {} });
    expect(mixed.content.map(({ type }) => type).join() === 'text,image,resource', 'a text, an image, a resource', mixed);
    const audio = await callTool({ name: 'test_audio_content', arguments: {} });
    expect(audio.content[0].type === 'audio' && audio.content[0].mimeType === 'audio/wav', 'audio', audio);
    const failed = await callTool({ name: 'test_error_handling', arguments: {} });
    expect(failed.isError === true && textOf(failed).includes('error'), 'isError and its reason', failed);
    // A stateless client repeats the argument in a header, which must be written in ASCII.
    const text = await call('test_header_param', { region: 'Zürich, Köln' });
    expect(text.includes('simple text'), 'an answer to an argument that is also a header', text);
}

async function progressAndLogs({ callTool, heard }, call) {
    const seen = [];
    const onprogress = ({ progress, total }) => seen.push(`${progress}/${total}`);
    await callTool({ name: 'test_tool_with_progress', arguments: {} }, { onprogress });
    await until(() => seen.join(' ') === '0/100 50/100 100/100', 2000, 'progress 0, 50, 100 of 100', () => seen);
    await call('test_tool_with_logging');
    const expected = 'Tool execution started, Tool processing data, Tool execution completed';
    await until(() => heard.logs.join(', ') === expected, 2000, 'three log messages in order', () => heard.logs);
}

async function asked(call) {
    const sampled = await call('test_sampling', { prompt: 'two and two?' });
    expect(sampled === 'LLM response: sampled: two and two?', "the words of the client's model", sampled);
    for (const [message, expected] of [
        ['Is it so?', 'User response: Accept {"response":"agreed"}'],
        ['Please decline', 'User response: Decline null'],
        ['Please cancel', 'User response: Cancel null']
    ]) {
        const text = await call('test_elicitation', { message });
        expect(text === expected, expected, text);
    }
    const content = text => JSON.parse(text.split('content=')[1]);
    const { name, age, score, status, verified } = content(await call('test_elicitation_sep1034_defaults'));
    const values = [name, age, score, status, verified].join();
    expect(values === 'John Doe,30,95.5,active,true', "the form's defaults", values);
    const { untitledSingle, titledSingle, legacyEnum, untitledMulti, titledMulti } = content(
        await call('test_elicitation_sep1330_enums')
    );
    const chosen = [untitledSingle, titledSingle, legacyEnum, ...untitledMulti, ...titledMulti].join();
    expect(chosen === 'option3,value3,opt3,option3,value3', 'the last choice of each', chosen);
    for (const [tool, expected] of [
        ['list_roots', `1 roots: ${ROOT.uri}`],
        ['multiple_inputs', 'sampled: Generate a greeting Ada (1 roots)'],
        ['multi_round', 'Ada likes green'],
        ['request_state', 'state-ok'],
        ['capabilities', 'Ada sampled: Greet']
    ]) {
        const text = await call(`test_input_required_result_${tool}`);
        expect(text === expected, `${tool}: ${expected}`, text);
    }
}

async function prompts(client) {
    const first = async params => (await client.getPrompt(params)).messages[0].content;
    const filled = await first({ name: 'test_prompt_with_arguments', arguments: { arg1: 'tide', arg2: 'ebb' } });
    expect(filled.text.includes("arg1='tide', arg2='ebb'"), 'a prompt with its arguments', filled);
    const image = await first({ name: 'test_prompt_with_image' });
    expect(image.type === 'image', 'a prompt with an image', image);
    const asking = await first({ name: 'test_input_required_result_prompt' });
    expect(asking.text === 'Context: tides', 'a prompt that asks the user', asking);
}

async function completion(client) {
    const ref = { type: 'ref/resource', uri: 'test://template/{id}/data' };
    const { completion } = await client.complete({ ref, argument: { name: 'id', value: '1' } });
    expect(completion.values.join() === '123', 'the completion 123', completion);
    const prompt = { type: 'ref/prompt', name: 'test_prompt_with_arguments' };
    const other = await client.complete({ ref: prompt, argument: { name: 'arg1', value: 't' } });
    expect(Array.isArray(other.completion.values), "an answer about a prompt's argument", other);
}

async function resources(client, { unknownResource: code }) {
    const read = async uri => (await client.readResource({ uri })).contents[0];
    const text = await read('test://static-text');
    expect(text.text === 'This is the content of the static text resource.', 'the text of a resource', text);
    const binary = await read('test://static-binary');
    expect(binary.mimeType === 'image/png' && binary.blob, 'the bytes of a resource', binary);
    const filled = await read('test://template/77/data');
    expect(JSON.parse(filled.text).id === '77', 'a resource of a template', filled);
    const missing = await read('test://nothing-here').catch(error => error);
    expect(missing instanceof Error && missing.code === code, `error ${code} for an unknown resource`, missing);
}

async function changesOfTheLists(client, { heard, watching }, call) {
    const isListed = async (kind, name) => (await listAll(client, kind)).some(entry => entry.name === name);
    const both = async () => [await isListed('tools', 'test_dynamic_tool'), await isListed('prompts', 'test_dynamic_prompt')];
    const before = await both();
    const stop = await watching('test://watched-resource');
    const { toolsChanged, promptsChanged } = heard;
    await call('test_trigger_tool_change');
    await until(() => heard.toolsChanged > toolsChanged, 5000, 'the news that the list of tools has changed');
    await call('test_trigger_prompt_change');
    await until(() => heard.promptsChanged > promptsChanged, 5000, 'the news that the list of prompts has changed');
    await stop();
    const after = await both();
    expect(after.every((listed, at) => listed !== before[at]), 'the changed lists', { before, after });
}
