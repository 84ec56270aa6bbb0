//! A draft: a version with changes applied, parsed strictly; pure.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use toml::{Table, Value};

use super::Refusal;
use super::keys::Policy;
use platform::{CommandError, Refused};

/// The defaults of the rulebook.
pub const DEFAULTS: &str = include_str!("default.toml");

/// Changes of keys, by section: `{"quick": {"fee_cap": 300}}`.
pub type Changes = BTreeMap<String, BTreeMap<String, Json>>;

/// A version that may be published.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its whole body.
    pub body: Table,
    /// Its keys.
    pub keys: Policy,
}

/// A key whose value differs between two versions.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Changed {
    /// `section.key`.
    pub key: String,
    /// Its value before.
    #[schema(value_type = Value)]
    pub before: Json,
    /// Its value after.
    #[schema(value_type = Value)]
    pub after: Json,
}

/// A version's whole body; a key that it was published without has the default of the rulebook.
///
/// # Errors
/// When it is not valid TOML.
pub fn whole(body: &str) -> Result<Table, toml::de::Error> {
    let mut keys: Table = toml::from_str(DEFAULTS)?;
    for (name, section) in toml::from_str::<Table>(body)? {
        match (keys.get_mut(&name), section) {
            (Some(Value::Table(known)), Value::Table(said)) => known.extend(said),
            (_, section) => {
                keys.insert(name, section);
            }
        }
    }
    Ok(keys)
}

/// A version's keys.
///
/// # Errors
/// When it is not valid TOML, or a key is unknown or of another type.
pub fn keys(body: &str) -> Result<Policy, toml::de::Error> {
    whole(body)?.try_into()
}

/// Applies changes to a version, one key after the other, so that the error names the wrong one.
///
/// # Errors
/// `policy_key_unknown`, `policy_value_invalid`.
pub fn put(onto: Table, changes: &Changes) -> Result<Draft, CommandError> {
    let mut body = onto;
    for (section, keys) in changes {
        if keys.is_empty() && !body.contains_key(section) {
            return Err(unknown(section).into());
        }
        for (key, value) in keys {
            body = put_one(body, section, key, value)?;
        }
    }
    let keys = body.clone().try_into().map_err(|error| invalid("", &error))?;
    Ok(Draft { body, keys })
}

fn put_one(mut body: Table, section: &str, key: &str, value: &Json) -> Result<Table, CommandError> {
    let name = format!("{section}.{key}");
    let place = body.get_mut(section).and_then(Value::as_table_mut);
    let Some(place) = place.and_then(|place| place.get_mut(key)) else {
        return Err(unknown(&name).into());
    };
    *place = Value::try_from(value).map_err(|error| invalid(&name, &error))?;
    body.clone().try_into::<Policy>().map_err(|error| invalid(&name, &error))?;
    Ok(body)
}

fn unknown(name: &str) -> Refused {
    let detail = format!("There is no key {name}; GET /v1/support/policy shows all of them.");
    Refusal::KeyUnknown.refused().because(detail).with("key", name).at(pointer(name))
}

fn invalid(name: &str, error: &dyn std::fmt::Display) -> Refused {
    let said = error.to_string();
    let detail = format!("{name}: {}", said.split_whitespace().collect::<Vec<_>>().join(" "));
    Refusal::ValueInvalid.refused().because(detail).with("key", name).at(pointer(name))
}

/// Where a key, or a section, stands in the body that changes it.
fn pointer(name: &str) -> String {
    format!("/changes/{}", name.replace('~', "~0").replace('/', "~1").replacen('.', "/", 1))
}

/// Parses changes from the text of a file.
///
/// # Errors
/// When it is not valid TOML, or not made of sections.
pub fn changes(text: &str) -> Result<Changes, toml::de::Error> {
    toml::from_str(text)
}

/// Which keys differ, in order.
#[must_use]
pub fn changed(before: &Table, after: &Table) -> Vec<Changed> {
    let empty = Table::new();
    let mut found = Vec::new();
    for (name, section) in after {
        let section = section.as_table().unwrap_or(&empty);
        let old = before.get(name).and_then(Value::as_table).unwrap_or(&empty);
        for (key, value) in section.iter().filter(|(key, value)| old.get(*key) != Some(value)) {
            let json = |value: Option<&Value>| {
                value.and_then(|value| serde_json::to_value(value).ok()).unwrap_or(Json::Null)
            };
            let key_name = format!("{name}.{key}");
            let (before, after) = (json(old.get(key)), json(Some(value)));
            found.push(Changed { key: key_name, before, after });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn draft(changes: Json) -> Result<Draft, (String, String)> {
        let changes: Changes = serde_json::from_value(changes).unwrap();
        put(whole(DEFAULTS).unwrap(), &changes).map_err(|stop| {
            let CommandError::Refused(no) = stop else { panic!("{stop:?}") };
            (no.code.to_owned(), no.with["key"].as_str().unwrap().to_owned())
        })
    }

    /// A change applies to its key, and everything else stays.
    #[test]
    fn a_change_leaves_the_rest() {
        let draft = draft(json!({"quick": {"fee_cap": 300}, "commission": {"mode": "monotone"}}));
        let draft = draft.unwrap();
        assert_eq!(draft.keys.quick.fee_cap.0, 300);
        assert_eq!(draft.keys.quick.offer_ttl_s, 30);
        let keys: Vec<_> = changed(&whole(DEFAULTS).unwrap(), &draft.body);
        let keys: Vec<_> = keys.into_iter().map(|c| (c.key, c.before, c.after)).collect();
        assert_eq!(
            keys,
            [
                ("commission.mode".to_owned(), json!("flat"), json!("monotone")),
                ("quick.fee_cap".to_owned(), json!(200), json!(300)),
            ]
        );
    }

    /// The error names a key that is unknown or of another type.
    #[test]
    fn wrong_keys_are_named() {
        let err = |changes| draft(changes).unwrap_err();
        let no = |code: &str, key: &str| (code.to_owned(), key.to_owned());
        let (unknown, invalid) = ("policy_key_unknown", "policy_value_invalid");
        assert_eq!(err(json!({"quik": {"fee_cap": 1}})), no(unknown, "quik.fee_cap"));
        assert_eq!(err(json!({"quik": {}})), no(unknown, "quik"));
        assert_eq!(err(json!({"quick": {"cap": 1}})), no(unknown, "quick.cap"));
        for value in [json!("300"), json!(3.5), json!(null), json!({"amount": 3}), json!(u64::MAX)]
        {
            assert_eq!(err(json!({"quick": {"fee_cap": value}})), no(invalid, "quick.fee_cap"));
        }
        assert_eq!(err(json!({"client": {"ban_count": -1}})), no(invalid, "client.ban_count"));
        let brackets = json!([{"up_to": 1, "rate_bp": 900, "name": "x"}]);
        let broken = err(json!({"commission": {"brackets": brackets}}));
        assert_eq!(broken, no(invalid, "commission.brackets"));
        let holidays = json!(["2026-02-30"]);
        let broken = err(json!({"calendar": {"holidays": holidays}}));
        assert_eq!(broken, no(invalid, "calendar.holidays"));
        let both = json!({"fee": {"block_count": 3}, "quick": {"offer_ttl_s": "x"}});
        assert_eq!(err(both), no(invalid, "quick.offer_ttl_s"));
    }
}
