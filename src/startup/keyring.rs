//! The keys of the deployment: from the settings, or from a file created at the first start.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::CryptoSettings;
use platform::crypto::{Keys, fresh_key};
use platform::{Fault, private};

#[derive(Serialize, Deserialize)]
struct File {
    current: String,
    lookup: String,
    signing: String,
    sealing: BTreeMap<String, String>,
}

/// Opens the keys. Losing them loses every phone, name and plate in the database: back up the file,
/// or better, set the keys from a vault. A missing file is created only if `may_make`: while the
/// database has no people.
///
/// # Errors
/// When they cannot be read or created.
pub fn open(settings: &CryptoSettings, may_make: bool) -> Result<Keys, Fault> {
    if !settings.current.is_empty() {
        let CryptoSettings { sealing, current, lookup, signing, .. } = settings;
        return Keys::new(sealing, current, lookup, signing);
    }
    let path = Path::new(&settings.key_file);
    keep_private(path)?;
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && may_make => make(path)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let why = "it is missing, and this database can be read with it alone: bring it back";
            return Err(broken(path, &why));
        }
        Err(error) => return Err(broken(path, &error)),
    };
    let file: File = toml::from_str(&text).map_err(|error| broken(path, &error))?;
    Keys::new(&file.sealing, &file.current, &file.lookup, &file.signing)
}

/// Removes all permissions of group and others from the key file. Where that fails (a mounted
/// secret), read access of the group is only a warning; that of others is an error.
fn keep_private(path: &Path) -> Result<(), Fault> {
    match private::tighten(path) {
        Ok(false) => Ok(()),
        Ok(true) => {
            tracing::warn!(path = %path.display(), "others could read the keys: mode 0600 now");
            Ok(())
        }
        Err(error) => {
            if private::open_to_others(path).map_err(|error| broken(path, &error))? {
                let why = format!("everybody may read it, and its mode cannot be set: {error}");
                return Err(broken(path, &why));
            }
            tracing::warn!(path = %path.display(), "a group can read the keys");
            Ok(())
        }
    }
}

fn make(path: &Path) -> Result<String, Fault> {
    let file = File {
        current: "k1".to_owned(),
        lookup: fresh_key()?,
        signing: fresh_key()?,
        sealing: BTreeMap::from([("k1".to_owned(), fresh_key()?)]),
    };
    let text = toml::to_string(&file).map_err(|error| broken(path, &error))?;
    let written = private::create_new(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| broken(path, &error))?;
    tracing::info!(path = %path.display(), "keys made: keep this file safe");
    Ok(text)
}

fn broken(path: &Path, error: &dyn std::fmt::Display) -> Fault {
    Fault::Other(format!("the key file {}: {error}", path.display()))
}
