//! Secrets of a development machine: made once and kept in `DATA_DIR`, each in a file that only its owner may read.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use secrecy::SecretString;

use super::folder;
use crate::settings::is_secret_key;

/// Bytes of a secret that is made here.
const SECRET_BYTES: usize = 32;

/// The secret in the file `name` of `folder`; made at the first call. Two that start at once get the same.
///
/// # Errors
/// When the folder or the file cannot be written or read, or the file holds no secret.
pub fn kept_secret(folder: &Path, name: &str) -> io::Result<SecretString> {
    let path = folder.join(name);
    match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        kept => return kept,
    }
    folder::create(folder)?;
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    // Written aside, so that nobody sees half a secret; made for the owner only.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(hex::encode(bytes).as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(&path) {
        Ok(_) => folder::sync(folder)?,
        // Another process was first: its secret holds.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.error),
    }
    read(&path)
}

fn read(path: &Path) -> io::Result<SecretString> {
    let text = fs::read_to_string(path)?;
    let secret = text.trim();
    if is_secret_key(secret) {
        return Ok(SecretString::from(secret));
    }
    let problem = format!("{} holds no secret: remove it to have another made; what depended on it is lost", path.display());
    Err(io::Error::new(io::ErrorKind::InvalidData, problem))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_secret_is_made_once_for_its_owner_only_and_each_name_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("deep/data");
        let first = kept_secret(&data, "one").unwrap();
        assert_eq!(kept_secret(&data, "one").unwrap().expose_secret(), first.expose_secret());
        assert_ne!(kept_secret(&data, "two").unwrap().expose_secret(), first.expose_secret());
        let mut names: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["one", "two"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(data.join("one")).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn those_that_start_at_once_get_the_same_secret() {
        let folder = tempfile::tempdir().unwrap();
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let data = folder.path().to_owned();
                std::thread::spawn(move || kept_secret(&data, "one").unwrap().expose_secret().to_owned())
            })
            .collect();
        let secrets: std::collections::HashSet<String> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(secrets.len(), 1);
    }

    #[test]
    fn an_empty_or_damaged_file_is_a_clear_error_and_not_a_weak_secret() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "\n", "hunter2"] {
            fs::write(folder.path().join("one"), text).unwrap();
            let error = kept_secret(folder.path(), "one").unwrap_err().to_string();
            assert!(error.contains("holds no secret") && !error.contains("hunter2"), "{error}");
        }
        assert!(kept_secret(&folder.path().join("one/two"), "x").is_err());
    }
}
