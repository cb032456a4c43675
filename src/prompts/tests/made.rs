//! Prompts made in code, and the mistakes that are found when they are.

use std::sync::Arc;

use serde_json::json;

use super::*;

fn spec(arguments: Vec<Argument>, body: Body) -> PromptSpec {
    PromptSpec { name: "sample".to_owned(), title: "Sample".to_owned(), description: "A sample.".to_owned(), arguments, body }
}

fn says(text: &str) -> Body {
    Body::Template(vec![Message { role: Role::User, text: text.to_owned() }])
}

#[test]
fn a_function_makes_messages_of_any_kind_from_checked_arguments() {
    let body = Body::Made(Arc::new(|arguments| {
        let uri = arguments.text("resourceUri");
        vec![json!({"role": "user", "content": {"type": "resource", "resource": {"uri": uri, "text": "data"}}})]
    }));
    let prompt = Prompt::new(spec(vec![Argument::text("resourceUri", "A URI.", true)], body)).unwrap();
    assert_eq!(prompt.get(None).unwrap_err()[0].field(), "resourceUri");
    let rendered = prompt.get(Some(&raw(&json!({"resourceUri": "test://a"})))).unwrap();
    assert_eq!(rendered.messages[0]["content"]["resource"]["uri"], "test://a");
    assert_eq!(json!(rendered)["description"], "A sample.");
}

#[test]
fn a_template_may_have_several_messages_of_either_role() {
    let messages = [(Role::User, "Say {{word}}."), (Role::Assistant, "Which way?"), (Role::User, "Loudly.")];
    let body = Body::Template(messages.map(|(role, text)| Message { role, text: text.to_owned() }).to_vec());
    let prompt = Prompt::new(spec(vec![Argument::text("word", "A word.", false)], body)).unwrap();
    let rendered = prompt.get(None).unwrap();
    assert_eq!(rendered.messages[0], json!({"role": "user", "content": {"type": "text", "text": "Say (not given)."}}));
    assert_eq!(rendered.messages[1]["role"], "assistant");
    assert_eq!(rendered.messages.len(), 3);
}

#[test]
fn a_prompt_without_arguments_says_that_it_takes_none() {
    let prompt = Prompt::new(spec(Vec::new(), says("Hello."))).unwrap();
    assert!(prompt.get(Some(&raw(&json!({})))).is_ok());
    let errors = prompt.get(Some(&raw(&json!({"a": "b"})))).unwrap_err();
    assert_eq!(errors[0].message(), "there is no such argument; sample takes no arguments");
}

#[test]
fn a_prompt_that_is_written_wrong_is_not_compiled() {
    let word = || Argument::text("word", "A word.", true);
    let with_schema = |schema: Value| Argument { schema: schema.as_object().unwrap().clone(), ..word() };
    for (arguments, body, problem) in [
        (vec![word()], says("Nothing."), "an argument without a placeholder"),
        (Vec::new(), says("{{word}}"), "a placeholder without an argument"),
        (vec![word(), word()], says("{{word}}"), "there twice"),
        (vec![Argument { name: "a b".to_owned(), ..word() }], says("x"), "malformed"),
        (vec![with_schema(json!({"type": "nosuch"}))], says("{{word}}"), "schema"),
        (vec![with_schema(json!({"format": "nosuch"}))], says("{{word}}"), "schema"),
        (vec![with_schema(json!({"pattern": "("}))], says("{{word}}"), "schema"),
        (vec![word()], says("{{word"), "without its"),
    ] {
        let error = Prompt::new(spec(arguments, body)).unwrap_err().to_string();
        assert!(error.starts_with("prompt sample: ") && error.contains(problem), "{error}");
    }
    let nameless = PromptSpec { description: " ".to_owned(), ..spec(Vec::new(), says("x")) };
    assert!(Prompt::new(nameless).unwrap_err().to_string().contains("no description"));
}

#[test]
fn a_file_with_an_unknown_key_is_refused() {
    let file = super::super::library::FILES[0].replace("title = \"Stock brief\"", "titel = \"Stock brief\"");
    assert!(super::super::library::read(&file).unwrap_err().to_string().contains("titel"));
}

#[test]
#[should_panic(expected = "prompt names are unique")]
fn two_prompts_of_one_name_are_a_mistake_of_the_program() {
    let _ = PromptRegistry::new(library().into_iter().chain(library()).collect());
}

#[test]
fn fixtures_stand_behind_the_library_and_are_found() {
    let fixture = Prompt::new(spec(Vec::new(), says("Hello."))).unwrap();
    let registry = PromptRegistry::new(library().into_iter().chain([fixture]).collect());
    assert_eq!(registry.prompts().len(), 6);
    assert_eq!(registry.find("sample").unwrap().title(), "Sample");
    assert!(registry.find("nosuch").is_none());
}
