"""What any client can do with any server, against the gateway with the conformance fixtures."""

import json

from check import expect, fail
from client import ROOT, Client, text_of, until


async def everything(client: Client, code_of) -> None:
    """`code_of(exception)` is the JSON-RPC code in an exception of the library."""
    await list_everything(client)
    await contents_of_every_kind(client)
    await progress_and_logs(client)
    await asked_for_a_model(client)
    await asked_for_the_user(client)
    await asked_for_more(client)
    await prompts(client)
    await completion(client)
    await resources(client, code_of)
    await changes_of_the_lists(client)
    # Stateful: the server closes the connection, and the client resumes with the id of the last event.
    text = await client.call_for_text("test_reconnection")
    expect(text == "Reconnection test completed successfully", "the result after a closed connection", text)
    if client.stateful:
        await client.ping()


async def list_everything(client: Client) -> None:
    tools = [tool["name"] for tool in await client.list_all("tools")]
    expect(len(set(tools)) == len(tools), "every tool once", tools)
    # In tests/it/clients.rs two pages of other tools stand before these.
    expect({"test_simple_text", "test_sampling"} <= {*tools}, "the tools of every page", tools)
    for kind, names in {
        "prompts": {"test_simple_prompt", "test_prompt_with_arguments"},
        "resources": {"Static Text", "Static Binary", "Watched Resource"},
        "templates": {"Template"},
    }.items():
        listed = {entry["name"] for entry in await client.list_all(kind)}
        expect(names <= listed, f"the {kind} {names}", listed)


async def contents_of_every_kind(client: Client) -> None:
    mixed = (await client.call("test_multiple_content_types"))["content"]
    expect([block["type"] for block in mixed] == ["text", "image", "resource"], "a text, an image, a resource", mixed)
    audio = (await client.call("test_audio_content"))["content"]
    expect(audio[0]["type"] == "audio" and audio[0]["mimeType"] == "audio/wav", "audio", audio)
    failed = await client.call("test_error_handling")
    expect(failed.get("isError") is True and "error" in text_of(failed), "isError and its reason", failed)
    # A stateless client repeats the argument in a header, which must be written in ASCII.
    text = await client.call_for_text("test_header_param", {"region": "Zürich, Köln"})
    expect("simple text" in text, "an answer to an argument that is also a header", text)


async def progress_and_logs(client: Client) -> None:
    seen = []

    async def on_progress(progress: float, total: float | None, _: str | None) -> None:
        seen.append((progress, total))

    await client.call("test_tool_with_progress", {}, on_progress)
    steps = [(0, 100), (50, 100), (100, 100)]
    await until(lambda: seen == steps, 2, "progress 0, 50, 100 of 100", lambda: seen)
    await client.call("test_tool_with_logging")
    expected = ["Tool execution started", "Tool processing data", "Tool execution completed"]
    logs = client.heard.logs
    await until(lambda: logs[-3:] == expected, 2, "three log messages in order", lambda: logs)


async def asked_for_a_model(client: Client) -> None:
    text = await client.call_for_text("test_sampling", {"prompt": "two and two?"})
    expect(text == "LLM response: sampled: two and two?", "the words of the client's model", text)


async def asked_for_the_user(client: Client) -> None:
    for message, expected in {
        "Is it so?": 'User response: Accept {"response":"agreed"}',
        "Please decline": "User response: Decline null",
        "Please cancel": "User response: Cancel null",
    }.items():
        text = await client.call_for_text("test_elicitation", {"message": message})
        expect(text == expected, expected, text)
    text = await client.call_for_text("test_elicitation_sep1034_defaults")
    values = json.loads(text.partition("content=")[2])
    defaults = {"name": "John Doe", "age": 30, "score": 95.5, "status": "active", "verified": True}
    expect(values == defaults, "the form's defaults", text)
    text = await client.call_for_text("test_elicitation_sep1330_enums")
    values = json.loads(text.partition("content=")[2])
    chosen = {"untitledSingle": "option3", "titledSingle": "value3", "legacyEnum": "opt3",
              "untitledMulti": ["option3"], "titledMulti": ["value3"]}
    expect(values == chosen, "the last choice of each", text)


async def asked_for_more(client: Client) -> None:
    for tool, expected in {
        "test_input_required_result_list_roots": f"1 roots: {ROOT['uri']}",
        "test_input_required_result_multiple_inputs": "sampled: Generate a greeting Ada (1 roots)",
        "test_input_required_result_multi_round": "Ada likes green",
        "test_input_required_result_request_state": "state-ok",
        "test_input_required_result_capabilities": "Ada sampled: Greet",
    }.items():
        text = await client.call_for_text(tool)
        expect(text == expected, f"{tool}: {expected}", text)


async def prompts(client: Client) -> None:
    got = await client.prompt("test_prompt_with_arguments", {"arg1": "tide", "arg2": "ebb"})
    expect("arg1='tide', arg2='ebb'" in got["messages"][0]["content"]["text"], "a prompt with its arguments", got)
    got = await client.prompt("test_prompt_with_image")
    expect(got["messages"][0]["content"]["type"] == "image", "a prompt with an image", got)
    got = await client.prompt("test_input_required_result_prompt")
    expect(got["messages"][0]["content"]["text"] == "Context: tides", "a prompt that asks the user", got)


async def completion(client: Client) -> None:
    ref = {"type": "ref/resource", "uri": "test://template/{id}/data"}
    values = await client.complete(ref, "id", "1")
    expect(values == ["123"], "the completion 123", values)
    values = await client.complete({"type": "ref/prompt", "name": "test_prompt_with_arguments"}, "arg1", "t")
    expect(isinstance(values, list), "an answer about a prompt's argument", values)


async def resources(client: Client, code_of) -> None:
    text = (await client.read("test://static-text"))["contents"][0]
    expect(text["text"] == "This is the content of the static text resource.", "the text of a resource", text)
    binary = (await client.read("test://static-binary"))["contents"][0]
    expect(binary["mimeType"] == "image/png" and binary["blob"], "the bytes of a resource", binary)
    filled = (await client.read("test://template/77/data"))["contents"][0]
    expect(json.loads(filled["text"])["id"] == "77", "a resource of a template", filled)
    expected = -32002 if client.stateful else -32602
    try:
        fail(f"error {expected} for an unknown resource", await client.read("test://nothing-here"))
    except Exception as error:
        expect(code_of(error) == expected, f"error {expected} for an unknown resource", error)


async def changes_of_the_lists(client: Client) -> None:
    async def is_listed() -> tuple[bool, bool]:
        tools, prompts = await client.list_all("tools"), await client.list_all("prompts")
        return (any(tool["name"] == "test_dynamic_tool" for tool in tools),
                any(prompt["name"] == "test_dynamic_prompt" for prompt in prompts))

    before, heard = await is_listed(), client.heard
    async with client.watching("test://watched-resource"):
        tools, prompts = heard.tools_changed, heard.prompts_changed
        await client.call("test_trigger_tool_change")
        await until(lambda: heard.tools_changed > tools, 5, "the news that the list of tools has changed")
        await client.call("test_trigger_prompt_change")
        await until(lambda: heard.prompts_changed > prompts, 5, "the news that the list of prompts has changed")
    after = await is_listed()
    expect(after == tuple(not listed for listed in before), "the changed lists", (before, after))
