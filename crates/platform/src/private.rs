//! Files that only their owner may read: keys, databases, backups, tokens.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Read and write for the owner, nothing for anybody else.
const PRIVATE: u32 = 0o600;
/// Any permission of the group or of others.
const WIDER: u32 = 0o077;
/// Any permission of others.
const OTHERS: u32 = 0o007;

/// Opens a file for writing, with mode 0600 whatever the umask is; its content is truncated. An
/// existing file keeps its content until its mode is right.
///
/// # Errors
/// When it cannot be created, or its mode cannot be set.
pub fn create(path: &Path) -> io::Result<File> {
    let file = options().create(true).truncate(false).open(path)?;
    tighten(path)?;
    file.set_len(0)?;
    Ok(file)
}

/// Creates a new file with mode 0600.
///
/// # Errors
/// When it cannot be created, or the name exists already.
pub fn create_new(path: &Path) -> io::Result<File> {
    options().create_new(true).open(path)
}

/// Opens a file for appending, with mode 0600.
///
/// # Errors
/// When it cannot be opened, or its mode cannot be set.
pub fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE);
    let file = options.open(path)?;
    tighten(path)?;
    Ok(file)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE);
    options
}

/// Removes every permission of the group and of others from a file; a missing file is no error.
/// True where it had any.
///
/// # Errors
/// When the mode cannot be read, or cannot be changed: the file has another owner, or the file
/// system is read-only.
pub fn tighten(path: &Path) -> io::Result<bool> {
    if mode(path)?.is_none_or(|mode| mode & WIDER == 0) {
        return Ok(false);
    }
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(PRIVATE))?;
    Ok(true)
}

/// May every user of this machine read, write or run it?
///
/// # Errors
/// When the mode cannot be read.
pub fn open_to_others(path: &Path) -> io::Result<bool> {
    Ok(mode(path)?.is_some_and(|mode| mode & OTHERS != 0))
}

fn mode(path: &Path) -> io::Result<Option<u32>> {
    match fs::metadata(path) {
        #[cfg(unix)]
        Ok(metadata) => Ok(Some(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()))),
        #[cfg(not(unix))]
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
