//! Registration bans while a block stands (SAN-4): for the owners of a blocked branch, and for its
//! address.
//!
//! The rule also covers the VÖEN and the document; neither is stored for a branch yet.

use std::collections::BTreeSet;

use entity::staff::StaffRole;
use entity::value::fold::fold;
use entity::value::{OrganisationId, PartnerId, Phone};
use entity::{partner, staff};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use crate::access::people::person::known;
use crate::context::Tx;
use crate::partners::Refusal;
use crate::reputation::read::blocks;
use platform::CommandError;

/// Blocked branches whose addresses are read in one query.
const BATCH: usize = 1_000;

/// Checks that a branch with this number and address may be registered.
///
/// # Errors
/// `registration_blocked` while a block stands on either, or a fault.
pub async fn admissible(tx: &Tx, phone: &Phone, address: &str) -> Result<(), CommandError> {
    let blocks = blocks(tx.db(), tx.now()).await?;
    if blocks.is_empty() {
        return Ok(());
    }
    let owned = owned(tx, phone).await?;
    if blocks.iter().any(|block| owned.contains(&PartnerId(block.subject))) {
        return Err(Refusal::RegistrationBlocked.into());
    }
    let banned = blocks.iter().filter(|block| !block.address_lifted);
    let banned: Vec<PartnerId> = banned.map(|block| PartnerId(block.subject)).collect();
    let wanted = plain(address);
    for some in banned.chunks(BATCH) {
        let addresses: Vec<String> = partner::Entity::find()
            .select_only()
            .column(partner::Column::Address)
            .filter(partner::Column::Id.is_in(some.iter().copied()))
            .into_tuple()
            .all(tx.db())
            .await?;
        if addresses.iter().any(|address| plain(address) == wanted) {
            return Err(Refusal::RegistrationBlocked.into());
        }
    }
    Ok(())
}

/// The branches of the person with this number: an owner owns all of the organisation's (ACC-3).
async fn owned(tx: &Tx, phone: &Phone) -> Result<BTreeSet<PartnerId>, CommandError> {
    let keys = tx.keys();
    let Some(who) = known(tx.db(), &keys, phone).await? else { return Ok(BTreeSet::new()) };
    let own: Vec<PartnerId> = staff::Entity::find()
        .select_only()
        .column(staff::Column::PartnerId)
        .filter(staff::Column::PersonId.eq(who.id))
        .filter(staff::Column::Role.eq(StaffRole::Owner))
        .into_tuple()
        .all(tx.db())
        .await?;
    let organisations: Vec<OrganisationId> = partner::Entity::find()
        .select_only()
        .column(partner::Column::OrganisationId)
        .filter(partner::Column::Id.is_in(own))
        .into_tuple()
        .all(tx.db())
        .await?;
    let all: Vec<PartnerId> = partner::Entity::find()
        .select_only()
        .column(partner::Column::Id)
        .filter(partner::Column::OrganisationId.is_in(organisations))
        .into_tuple()
        .all(tx.db())
        .await?;
    Ok(all.into_iter().collect())
}

/// Folded words for a kind of street, with the one each is replaced by: people abbreviate them and
/// write them in several languages.
const STREETS: [(&[&str], &str); 4] = [
    (&["kucesi", "kuce", "kuchesi", "kuc", "street", "str", "st"], "kuc"),
    (&["prospekti", "prospekt", "prospect", "avenue", "ave", "pr", "prosp"], "pr"),
    (&["dongesi", "donge", "dong", "lane"], "dong"),
    (&["sosesi", "sose", "sos", "highway", "hwy"], "sos"),
];

/// An address without variations of spelling: case, diacritics, keyboard layouts, punctuation,
/// spaces, and the word for the kind of street (SAN-4).
fn plain(address: &str) -> String {
    let folded = fold(address);
    let kind = |word| STREETS.iter().find(|(words, _)| words.contains(&word));
    let words = folded.split(' ').map(|word| kind(word).map_or(word, |(_, kind)| *kind));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SAN-4: the same address, however it is written.
    #[test]
    fn san_4_an_address_is_the_same_however_it_is_written() {
        for same in [
            "Nizami küç., 12-a",
            "  NİZAMİ  Küç 12/A ",
            "NIZAMI KUC 12 A",
            "Nizamı küçəsi 12 a",
            "Nizami Street, 12-A",
        ] {
            assert_eq!(plain(same), "nizami kuc 12 a", "{same}");
        }
        assert_ne!(plain("Nizami küç., 12-a"), plain("Nizami küç., 1 2a"));
        assert_ne!(plain("Nizami küç. 12"), plain("Nizami pr. 12"));
    }
}
