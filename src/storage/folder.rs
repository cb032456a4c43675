//! `DATA_DIR`: made for its owner only, and held by one gateway at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::OpenError;

/// The file that whoever holds the folder has locked. It stays: to remove it would let two in.
const LOCK_FILE: &str = "lock";

/// Holds the folder until it is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub(super) struct FolderLock(File);

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing alone would not do while a process that was just forked still has a copy of the file.
        let _ = self.0.unlock();
    }
}

impl FolderLock {
    /// Makes the folder if it is not there, and holds it.
    pub(super) fn take(folder: &Path) -> Result<Self, OpenError> {
        create(folder).map_err(|error| OpenError::Unwritable { path: folder.to_owned(), error })?;
        let path = folder.join(LOCK_FILE);
        let unwritable = |error| OpenError::Unwritable { path: path.clone(), error };
        let file = private_file(&path).map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(unwritable(error)),
        }
    }
}

/// Makes a folder that only its owner may enter. One that is there already is somebody's choice and stays as it is.
pub(super) fn create(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a file for reading and writing, made if it is not there; only its owner may use it, also when it was laxer before.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

/// Makes the names of a folder's files durable: that of a new file is when its folder is.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
