//! Rows of other tables that the whole proof only decodes: those that cannot be decoded are listed
//! (BAL-6).

use entity::{bay, bay_block, car, partner, payout_terms, sanction, service};
use sea_orm::EntityTrait;
use uuid::Uuid;

use super::finding::Proof;
use super::scope::{Reading, Walk};
use platform::CommandError;

/// Decodes them, in the whole proof.
pub(super) async fn decoded(reading: &Reading<'_>, proof: &mut Proof) -> Result<(), CommandError> {
    if reading.whole() {
        all::<partner::Entity>(reading, proof, |row| row.id.0).await?;
        all::<payout_terms::Entity>(reading, proof, |row| row.id.0).await?;
        all::<sanction::Entity>(reading, proof, |row| row.id.0).await?;
        all::<car::Entity>(reading, proof, |row| row.id.0).await?;
        all::<service::Entity>(reading, proof, |row| row.id.0).await?;
        all::<bay::Entity>(reading, proof, |row| row.id.0).await?;
        all::<bay_block::Entity>(reading, proof, |row| row.id.0).await?;
    }
    Ok(())
}

async fn all<E: EntityTrait>(
    reading: &Reading<'_>,
    proof: &mut Proof,
    id: impl Fn(&E::Model) -> Uuid,
) -> Result<(), CommandError> {
    let mut walk = Walk::all();
    while walk.next(reading.read, proof, E::find(), &id).await?.is_some() {}
    Ok(())
}
