//! `tickgate doctor` as people type it: at our own gateway, well and wrongly set up, and at servers that are broken in one thing each.

mod broken;
mod certificates;
mod hostile;
mod ours;
mod sign_in;
mod site;

use std::process::{Command, Output};

use serde_json::Value;

/// What the doctor said.
pub(super) struct Told {
    pub(super) code: i32,
    pub(super) steps: Vec<Value>,
    /// All that was printed, on both ways.
    pub(super) printed: String,
}

impl Told {
    /// Whether a step ended so, with this word in what was seen or is to be done.
    pub(super) fn says(&self, result: &str, step: &str, word: &str) -> bool {
        let fits = |told: &&Value| told["result"] == result && told["step"] == step;
        let holds = |told: &Value| ["seen", "todo"].iter().any(|field| told[*field].as_str().unwrap().contains(word));
        self.steps.iter().filter(fits).any(holds)
    }

    #[track_caller]
    pub(super) fn must_say(&self, result: &str, step: &str, word: &str) {
        assert!(self.says(result, step, word), "no {result} {step} with {word:?} in\n{}", self.printed);
    }

    /// Steps that ended so.
    pub(super) fn all(&self, result: &str) -> Vec<&str> {
        let fits = |told: &&Value| told["result"] == result;
        self.steps.iter().filter(fits).map(|told| told["step"].as_str().unwrap()).collect()
    }

    #[track_caller]
    pub(super) fn has_found_nothing(&self) {
        assert_eq!((self.code, self.all("fail")), (0, Vec::new()), "{}", self.printed);
    }
}

/// The command with these arguments, and nothing else in its environment.
pub(super) fn command(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickgate"));
    command.arg("doctor").args(arguments).env_clear().envs(environment.iter().copied());
    command
}

pub(super) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    command(arguments, environment).output().unwrap()
}

/// Runs it with `--json`.
pub(super) fn doctor(arguments: &[&str], environment: &[(&str, &str)]) -> Told {
    let output = run(&[arguments, &["--json"]].concat(), environment);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    let steps = stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    Told { code: output.status.code().unwrap(), steps, printed: stdout + &stderr }
}
