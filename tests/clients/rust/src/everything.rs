//! What any client can do with any server, against the gateway with the conformance fixtures.

use std::time::Duration;

use rmcp::model::{CallToolResponse, CancelTaskParams, GetTaskParams, UpdateTaskParams};
use serde_json::{Value, json};

use crate::client::{Client, ROOT, code_of, expect, filled_in, given};

pub(crate) async fn everything(client: &Client) {
    lists(client).await;
    contents(client).await;
    progress_and_logs(client).await;
    asked(client).await;
    prompts_and_completion(client).await;
    resources(client).await;
    changes_of_the_lists(client).await;
    // Stateful: the server closes the connection, and the client resumes with the id of the last event.
    let text = client.call_for_text("test_reconnection", json!({})).await;
    expect(text == "Reconnection test completed successfully", "the result after a closed connection", text);
}

async fn lists(client: &Client) {
    let tools = given(client.service.list_all_tools().await, "every tool");
    let mut names: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    // In tests/it/clients.rs two pages of other tools stand before these.
    expect(["test_simple_text", "test_sampling"].iter().all(|name| names.contains(name)), "the tools of every page", &names);
    names.sort_unstable();
    names.dedup();
    expect(names.len() == tools.len(), "every tool once", &names);
    let prompts = given(client.service.list_all_prompts().await, "every prompt");
    expect(prompts.iter().any(|prompt| prompt.name == "test_simple_prompt"), "test_simple_prompt", prompts);
    let resources = given(client.service.list_all_resources().await, "every resource");
    expect(resources.iter().any(|resource| resource.uri == "test://static-text"), "test://static-text", resources);
    let templates = given(client.service.list_all_resource_templates().await, "every template");
    expect(templates.iter().any(|template| template.name == "Template"), "Template", templates);
}

async fn contents(client: &Client) {
    let mixed = json!(client.call("test_multiple_content_types", json!({})).await);
    let types: Vec<_> = mixed["content"].as_array().into_iter().flatten().map(|block| block["type"].as_str()).collect();
    expect(types == [Some("text"), Some("image"), Some("resource")], "a text, an image, a resource", &mixed);
    let audio = json!(client.call("test_audio_content", json!({})).await);
    expect(audio["content"][0]["mimeType"] == "audio/wav", "audio", &audio);
    let failed = client.call("test_error_handling", json!({})).await;
    expect(failed.is_error == Some(true), "isError", &failed);
    // A stateless client repeats the argument in a header, which must be written in ASCII.
    client.call_for_text("test_header_param", json!({"region": "Zürich, Köln"})).await;
}

async fn progress_and_logs(client: &Client) {
    let before = client.heard(|heard| heard.progress.len());
    client.call("test_tool_with_progress", json!({})).await;
    let steps = [(0.0, Some(100.0)), (50.0, Some(100.0)), (100.0, Some(100.0))];
    let seen = |progress: &[_]| -> Vec<(f64, Option<f64>)> {
        progress.iter().map(|step: &rmcp::model::ProgressNotificationParam| (step.progress, step.total)).collect()
    };
    client.until("progress 0, 50, 100 of 100", |heard| seen(&heard.progress[before..]) == steps).await;
    client.call("test_tool_with_logging", json!({})).await;
    let expected = ["Tool execution started", "Tool processing data", "Tool execution completed"];
    client.until("three log messages in order", |heard| heard.logs == expected).await;
}

async fn asked(client: &Client) {
    for (tool, arguments, expected) in [
        ("test_sampling", json!({"prompt": "two and two?"}), "LLM response: sampled: two and two?"),
        ("test_elicitation", json!({"message": "Is it so?"}), r#"User response: Accept {"response":"agreed"}"#),
        ("test_elicitation", json!({"message": "Please decline"}), "User response: Decline null"),
        ("test_elicitation", json!({"message": "Please cancel"}), "User response: Cancel null"),
        ("test_input_required_result_list_roots", json!({}), &format!("1 roots: {ROOT}")),
        ("test_input_required_result_multiple_inputs", json!({}), "sampled: Generate a greeting Ada (1 roots)"),
        ("test_input_required_result_multi_round", json!({}), "Ada likes green"),
        ("test_input_required_result_request_state", json!({}), "state-ok"),
        ("test_input_required_result_capabilities", json!({}), "Ada sampled: Greet"),
    ] {
        let text = client.call_for_text(tool, arguments).await;
        expect(text == expected, expected, text);
    }
    for (tool, expected) in [
        (
            "test_elicitation_sep1034_defaults",
            json!({"name": "John Doe", "age": 30, "score": 95.5, "status": "active", "verified": true}),
        ),
        (
            "test_elicitation_sep1330_enums",
            json!({"untitledSingle": "option3", "titledSingle": "value3", "legacyEnum": "opt3", "untitledMulti": ["option3"],
                "titledMulti": ["value3"]}),
        ),
    ] {
        let text = client.call_for_text(tool, json!({})).await;
        let content: Option<Value> = text.split_once("content=").and_then(|(_, content)| serde_json::from_str(content).ok());
        expect(content == Some(expected), "each default, the last choice of each", text);
    }
}

async fn prompts_and_completion(client: &Client) {
    let filled = client.prompt("test_prompt_with_arguments", json!({"arg1": "tide", "arg2": "ebb"})).await;
    expect(filled["text"].as_str().is_some_and(|text| text.contains("arg1='tide', arg2='ebb'")), "a filled prompt", filled);
    let image = client.prompt("test_prompt_with_image", json!({})).await;
    expect(image["type"] == "image", "a prompt with an image", image);
    let asking = client.prompt("test_input_required_result_prompt", json!({})).await;
    expect(asking["text"] == "Context: tides", "a prompt that asks the user", asking);
    let values = client.complete(json!({"type": "ref/resource", "uri": "test://template/{id}/data"}), "id", "1").await;
    expect(values == ["123"], "the completion 123", values);
}

async fn resources(client: &Client) {
    let text = given(client.read("test://static-text").await, "a text");
    expect(text["text"] == "This is the content of the static text resource.", "the text of a resource", text);
    let binary = given(client.read("test://static-binary").await, "bytes");
    expect(binary["blob"].is_string(), "the bytes of a resource", binary);
    let filled = given(client.read("test://template/77/data").await, "a resource of a template");
    expect(filled["text"].as_str().is_some_and(|text| text.contains(r#""id":"77""#)), "a resource of a template", filled);
    let expected = if client.stateful { -32002 } else { -32602 };
    let code = code_of(client.read("test://nothing-here").await);
    expect(code == Some(expected), &format!("error {expected} for an unknown resource"), code);
}

async fn changes_of_the_lists(client: &Client) {
    let before = dynamic(client).await;
    let watching = client.watch("test://watched-resource").await;
    let (tools, prompts) = client.heard(|heard| (heard.tools_changed, heard.prompts_changed));
    client.call("test_trigger_tool_change", json!({})).await;
    client.until("the news that the list of tools has changed", |heard| heard.tools_changed > tools).await;
    client.call("test_trigger_prompt_change", json!({})).await;
    client.until("the news that the list of prompts has changed", |heard| heard.prompts_changed > prompts).await;
    watching.stop().await;
    let after = dynamic(client).await;
    expect(after == (!before.0, !before.1), "the changed lists", (before, after));
}

/// Whether the tool and the prompt that come and go are listed.
async fn dynamic(client: &Client) -> (bool, bool) {
    let tools = given(client.service.list_all_tools().await, "every tool");
    let prompts = given(client.service.list_all_prompts().await, "every prompt");
    (tools.iter().any(|tool| tool.name == "test_dynamic_tool"), prompts.iter().any(|prompt| prompt.name == "test_dynamic_prompt"))
}

/// Calls that become tasks: one that ends, one that is cancelled, one that asks.
pub(crate) async fn tasks(client: &Client) {
    let id = begun(client, "slow_compute", json!({"seconds": 0.3})).await;
    let task = until_status(client, &id, "completed").await;
    expect(task["result"]["content"][0]["text"] == "computed for 0.3 s", "the result of the task", task);

    let id = begun(client, "slow_compute", json!({"seconds": 60})).await;
    given(client.service.cancel_task(CancelTaskParams::new(&id)).await, "a cancellation");
    until_status(client, &id, "cancelled").await;

    let id = begun(client, "confirm_delete", json!({"filename": "old"})).await;
    let task = until_status(client, &id, "input_required").await;
    let asked = task["inputRequests"].as_object().expect("what is asked");
    let answers = asked.iter().map(|(key, request)| {
        (key.clone(), json!({"action": "accept", "content": filled_in(&request["params"]["requestedSchema"])}))
    });
    given(client.service.update_task(UpdateTaskParams::new(&id, answers.collect())).await, "an update");
    let task = until_status(client, &id, "completed").await;
    expect(task["result"]["content"][0]["text"] == "deleted", "what the user agreed to", task);
}

/// Calls a tool; the id of the task that it becomes.
async fn begun(client: &Client, tool: &'static str, arguments: Value) -> String {
    match given(client.service.call_tool_once(client.params(tool, arguments)).await, tool) {
        CallToolResponse::Task(created) => created.task.task_id,
        other => {
            expect(false, "a task", other);
            unreachable!("the program has ended");
        }
    }
}

async fn until_status(client: &Client, id: &str, status: &str) -> Value {
    loop {
        let task = json!(given(client.service.get_task(GetTaskParams::new(id)).await, "the task"));
        if task["status"] == status {
            return task;
        }
        expect(task["status"] == "working" || task["status"] == "input_required", status, &task);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
