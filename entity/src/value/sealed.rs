//! Sealed text: personal data as it lies in the database (ACC-5).

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

/// Encrypted text: `sealed:<key id>:<base64 of nonce and ciphertext>`. It is opened only at the
/// edge, for whoever may read it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, DeriveValueType)]
#[serde(transparent)]
pub struct Sealed(pub String);

/// How a sealed text begins.
pub const SEALED_PREFIX: &str = "sealed:";

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(…)")
    }
}

impl utoipa::PartialSchema for Sealed {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        String::schema()
    }
}

impl utoipa::ToSchema for Sealed {}
