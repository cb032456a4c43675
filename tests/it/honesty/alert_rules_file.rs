//! The alerting rules for Prometheus: sound in their shape, and about metrics that there are.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{McpClient, TestGateway, get};

/// What is written of one rule.
#[derive(Debug, Default)]
struct Rule {
    alert: String,
    expr: String,
    wait: Option<String>,
    severity: String,
    summary: String,
    action: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads the file as the narrow YAML that it is: every line has its place, a foreign one is an error.
fn rules() -> Vec<Rule> {
    let text = std::fs::read_to_string(root().join("docs/alerts/tickgate.rules.yml")).unwrap();
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.is_empty());
    let mut head = || lines.next().unwrap_or_default();
    assert_eq!([head(), head(), head()], ["groups:", "  - name: tickgate", "    rules:"]);
    let mut rules: Vec<Rule> = Vec::new();
    for line in lines {
        assert!(!line.contains('\t') && line.trim_end() == line, "{line:?}");
        let (indent, word) = (line.len() - line.trim_start().len(), line.trim_start());
        let (key, value) = word.split_once(':').unwrap_or_else(|| panic!("{line:?} has no key"));
        let value = value.trim().to_owned();
        // A plain scalar may not begin or go on like something else of YAML's.
        let plain = !value.starts_with(['"', '\'', '{', '[', '&', '*', '!', '|', '>', '%', '@', '`']) && !value.contains(": ");
        let quoted = value.len() > 1 && value.starts_with('"') && value.ends_with('"');
        assert!(plain && !value.contains(" #") || quoted, "{line:?} has to be quoted");
        if (indent, key) == (6, "- alert") {
            rules.push(Rule { alert: value, ..Rule::default() });
            continue;
        }
        let rule = rules.last_mut().expect("a rule begins with its name");
        match (indent, key) {
            (8, "expr") => rule.expr = value,
            (8, "for") => rule.wait = Some(value),
            (8, "labels" | "annotations") => assert_eq!(value, ""),
            (10, "severity") => rule.severity = value,
            (10, "summary") => rule.summary = value,
            (10, "action") => rule.action = value,
            _ => panic!("{line:?} has no place"),
        }
    }
    rules
}

/// The names of metrics in an expression: what is no function, no label and no keyword.
fn metrics(expr: &str) -> BTreeSet<String> {
    let mut outside = String::new();
    let (mut in_braces, mut in_text) = (false, false);
    for c in expr.chars() {
        match c {
            '"' => in_text = !in_text,
            '{' => in_braces = true,
            '}' => in_braces = false,
            _ if !in_braces && !in_text => outside.push(c),
            _ => {}
        }
    }
    let words =
        outside.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.contains('_') || *word == "up");
    words.filter(|word| !matches!(*word, "histogram_quantile")).map(ToOwned::to_owned).collect()
}

/// Names that are registered: those that a running gateway shows, and those that have no series before something happens.
fn known() -> BTreeSet<String> {
    let gateway = TestGateway::start();
    McpClient::connect(gateway.address).call("get_market_status", serde_json::json!({}));
    let text = get("/metrics").send(gateway.address).text();
    let shown = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['{', ' ']).next());
    let mut known: BTreeSet<String> = shown.map(ToOwned::to_owned).collect();
    for file in ["actors/src/metrics.rs", "actors/src/quota/metrics.rs", "src/http/gateway.rs", "src/tools/metrics.rs"] {
        let source = std::fs::read_to_string(root().join(file)).unwrap();
        known.extend(source.split('"').filter(|text| text.starts_with("tickgate_")).map(ToOwned::to_owned));
    }
    // Prometheus makes this one itself.
    known.insert("up".to_owned());
    known
}

#[test]
fn every_rule_is_whole_and_every_metric_that_it_names_exists() {
    let (rules, known) = (rules(), known());
    assert!(rules.len() >= 10, "{}", rules.len());
    let names: BTreeSet<&str> = rules.iter().map(|rule| rule.alert.as_str()).collect();
    assert_eq!(names.len(), rules.len(), "names are unique");
    for rule in &rules {
        let name = &rule.alert;
        assert!(["critical", "warning"].contains(&rule.severity.as_str()), "{name}: {}", rule.severity);
        assert!(rule.summary.len() > 20 && rule.action.len() > 10, "{name} says what is wrong and what to do");
        // An incident is answered within five minutes (X17).
        let minutes = rule.wait.as_deref().map_or(0, |wait| wait.strip_suffix('m').unwrap().parse::<u64>().unwrap());
        assert!(minutes <= 5, "{name}: {minutes}");
        let open = |bracket| rule.expr.matches(bracket).count();
        assert_eq!((open('('), open('{'), open('[')), (open(')'), open('}'), open(']')), "{name}: {}", rule.expr);
        assert!(rule.expr.contains(['>', '=']), "{name} compares: {}", rule.expr);
        let named = metrics(&rule.expr);
        assert!(!named.is_empty(), "{name}: {}", rule.expr);
        for metric in named {
            assert!(known.contains(&metric), "{name}: there is no metric {metric}");
        }
    }
    for needed in ["tickgate_store_up", "tickgate_upstream_breaker", "tickgate_upstream_request_duration_seconds_bucket"] {
        assert!(rules.iter().any(|rule| rule.expr.contains(needed)), "nobody is woken by {needed}");
    }
}

#[test]
fn the_names_of_metrics_are_found_in_an_expression() {
    let expr = "histogram_quantile(0.9, sum by (instance, le) (rate(a_b_bucket{x=\"c_d\"}[5m]))) > up";
    assert_eq!(metrics(expr).into_iter().collect::<Vec<_>>(), ["a_b_bucket", "up"]);
}
