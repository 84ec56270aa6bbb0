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

/// A file to be written, with mode 0600 whatever the umask says; what it held is gone. A file that
/// was there keeps its content until its mode is right.
///
/// # Errors
/// When it cannot be made, or its mode not be set.
pub fn create(path: &Path) -> io::Result<File> {
    let file = options().create(true).truncate(false).open(path)?;
    tighten(path)?;
    file.set_len(0)?;
    Ok(file)
}

/// A new file with mode 0600.
///
/// # Errors
/// When it cannot be made, or something of that name is there already.
pub fn create_new(path: &Path) -> io::Result<File> {
    options().create_new(true).open(path)
}

/// A file to be added to, with mode 0600.
///
/// # Errors
/// When it cannot be opened, or its mode not be set.
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

/// Takes every permission of the group and of others away from a file; a file that is not there is
/// fine. True where it had any.
///
/// # Errors
/// When the mode cannot be read, or cannot be changed: the file is somebody else's, or the file
/// system is read-only.
pub fn tighten(path: &Path) -> io::Result<bool> {
    if mode(path)?.is_none_or(|mode| mode & WIDER == 0) {
        return Ok(false);
    }
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(PRIVATE))?;
    Ok(true)
}

/// May everybody on this machine read, write or run it?
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
