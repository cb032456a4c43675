//! Where a setting's text comes from.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::reader::SettingError;
use super::specs::{SPECS, Spec};

/// Other names of a setting in the environment.
const ALIASES: &[(&str, &str)] = &[("MASSIVE_API_KEY", "POLYGON_API_KEY")];
/// Largest secret file read, in bytes.
const MAX_SECRET_FILE_BYTES: u64 = 64 * 1024;

/// A setting's key in the file; the flag is the same with dashes.
#[must_use]
pub fn key_of(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// The three places that can name a setting.
#[derive(Debug, Default)]
pub struct Sources {
    flags: HashMap<&'static str, String>,
    environment: HashMap<String, String>,
    file: BTreeMap<String, String>,
}

impl Sources {
    /// Only these variables: no flags, no file.
    #[must_use]
    pub fn from_environment(environment: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { environment: environment.into_iter().collect(), ..Self::default() }
    }

    /// Says a setting on the command line.
    pub fn set_flag(&mut self, name: &'static str, value: String) {
        self.flags.insert(name, value);
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or has a key that is no setting or a value that is no scalar.
    pub fn read_file(&mut self, path: &Path) -> Result<(), SettingError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| SettingError::file(&name, &error.to_string()))?;
        self.parse_file(&name, &text)
    }

    /// The same for text at hand.
    ///
    /// # Errors
    /// As [`Self::read_file`].
    pub fn parse_file(&mut self, name: &str, text: &str) -> Result<(), SettingError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| SettingError::file(name, error.message()))?;
        for (key, value) in table {
            let spelled = SPECS
                .iter()
                .any(|spec| key_of(spec.name) == key || (spec.secret && format!("{}_file", key_of(spec.name)) == key));
            if !spelled {
                let near = nearest(&key).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                return Err(SettingError::file(name, &format!("unknown key `{key}`{near} `tickgate --help` lists all settings")));
            }
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(truth) => truth.to_string(),
                toml::Value::Array(entries) if entries.iter().all(toml::Value::is_str) => {
                    entries.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(",")
                }
                _ => {
                    return Err(SettingError::file(
                        name,
                        &format!("`{key}` must be a text, a number, true or false, or a list of texts"),
                    ));
                }
            };
            self.file.insert(key, text);
        }
        Ok(())
    }

    /// The text of a setting, from the first place that says it; blank counts as unsaid.
    pub(super) fn text(&self, spec: &Spec) -> Result<Option<String>, SettingError> {
        if let Some(text) = self.flags.get(spec.name) {
            return Ok(Some(text.clone()));
        }
        let alias = ALIASES.iter().filter(|(name, _)| *name == spec.name).map(|(_, alias)| *alias);
        for name in [spec.name].into_iter().chain(alias) {
            if let Some(text) = self.said(&self.environment, name, spec.secret, "_FILE")? {
                return Ok(Some(text));
            }
        }
        let file: HashMap<String, String> = self.file.clone().into_iter().collect();
        self.said(&file, &key_of(spec.name), spec.secret, "_file")
    }

    fn said(
        &self,
        place: &HashMap<String, String>,
        name: &str,
        secret: bool,
        suffix: &str,
    ) -> Result<Option<String>, SettingError> {
        if let Some(text) = place.get(name).map(|text| text.trim()).filter(|text| !text.is_empty()) {
            return Ok(Some(text.to_owned()));
        }
        let Some(path) = secret.then(|| place.get(&format!("{name}{suffix}"))).flatten().filter(|path| !path.trim().is_empty())
        else {
            return Ok(None);
        };
        let unreadable = |error: String| SettingError::file(&format!("{name}{suffix}"), &error);
        let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
        if size > MAX_SECRET_FILE_BYTES {
            return Err(unreadable(format!("the file has {size} bytes; a secret has at most {MAX_SECRET_FILE_BYTES}")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    }
}

/// The known key that differs least, if one is near.
fn nearest(key: &str) -> Option<String> {
    let distance = |known: &str| {
        let mut row: Vec<usize> = (0..=known.len()).collect();
        for (i, a) in key.bytes().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, b) in known.bytes().enumerate() {
                let cost = diagonal + usize::from(a != b);
                diagonal = row[j + 1];
                row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
            }
        }
        row[known.len()]
    };
    SPECS
        .iter()
        .map(|spec| key_of(spec.name))
        .map(|known| (distance(&known), known))
        .min()
        .filter(|(least, _)| *least <= 3)
        .map(|(_, known)| known)
}
