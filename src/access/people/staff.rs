//! Staff: who works at a branch, in which role, and who may change that (ACC-3, ACC-4).

use entity::kinds::CommandName;
use entity::staff::StaffRole;
use entity::value::{Actor, Instant, PartnerId, PersonId, Phone, SealedColumn, SealedField};
use entity::{partner, person, staff, staff_past};
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _, QueryTrait as _,
    Value,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::person::known_or_new;
use crate::access::Refusal;
use crate::context::{Context, Engine, Tx};
use crate::policy;
use platform::db::pool::Pool;
use platform::db::readable;
use platform::{By, Command, CommandError};

/// The bus topic for a change of a person's roles.
#[must_use]
pub fn topic(id: PersonId) -> String {
    format!("person:{id}")
}

/// A member of a branch's staff.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StaffView {
    /// Who.
    pub person_id: PersonId,
    /// The number they sign in with.
    pub phone: SealedField,
    /// The person's name.
    pub name: Option<SealedField>,
    /// Their role.
    pub role: StaffRole,
    /// When they joined.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
}

/// The staff of a branch, longest there first.
///
/// # Errors
/// A fault when the database fails.
pub async fn list(engine: &Engine, partner_id: PartnerId) -> Result<Vec<StaffView>, CommandError> {
    let db = &engine.shared().db.read;
    let mut rows = of_branch(db, partner_id).await?;
    rows.sort_by_key(|row| (row.created_at, row.person_id));
    let people = person::Entity::find()
        .filter(person::Column::Id.is_in(rows.iter().map(|row| row.person_id)))
        .all(db)
        .await?;
    let view = |row: staff::Model| {
        let who = people.iter().find(|p| p.id == row.person_id);
        let who = Tx::must("person", row.person_id, who)?;
        Ok(view(who, &row))
    };
    rows.into_iter().map(view).collect()
}

/// Gives a member of the branch's staff another role.
pub struct ChangeRole {
    /// The branch.
    pub partner_id: PartnerId,
    /// The person.
    pub person_id: PersonId,
    /// The new role.
    pub role: StaffRole,
}

impl Command<Context> for ChangeRole {
    type Answer = StaffView;

    const NAME: CommandName = CommandName::ChangeRole;

    async fn run(&self, tx: &mut Tx) -> Result<StaffView, CommandError> {
        hold_branch(tx, self.partner_id).await?;
        let before = tx.find::<staff::Entity>((self.partner_id, self.person_id)).await?;
        let before = before.ok_or(Refusal::NoSuchStaff)?;
        let was_owner = before.role == StaffRole::Owner;
        if was_owner || self.role == StaffRole::Owner {
            only_owners(tx.db(), tx.by(), self.partner_id).await?;
        }
        if was_owner && self.role != StaffRole::Owner {
            not_the_last(tx.db(), self.partner_id).await?;
        }
        let who = tx.find::<person::Entity>(self.person_id).await?;
        let who = Tx::must("person", self.person_id, who)?;
        let row = name(tx, self.partner_id, self.person_id, self.role, Some(before));
        Ok(view(&who, &row))
    }
}

/// Removes a person from the branch's staff, at once.
pub struct RemoveStaff {
    /// The branch.
    pub partner_id: PartnerId,
    /// The person.
    pub person_id: PersonId,
}

impl Command<Context> for RemoveStaff {
    type Answer = ();

    const NAME: CommandName = CommandName::RemoveStaff;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        hold_branch(tx, self.partner_id).await?;
        let row = tx.find::<staff::Entity>((self.partner_id, self.person_id)).await?;
        let row = row.ok_or(Refusal::NoSuchStaff)?;
        if row.role == StaffRole::Owner {
            only_owners(tx.db(), tx.by(), self.partner_id).await?;
            not_the_last(tx.db(), self.partner_id).await?;
        }
        let key = vec![
            ("partner_id", Value::from(self.partner_id.0)),
            ("person_id", Value::from(self.person_id.0)),
        ];
        tx.delete("staff", key);
        // Staff who left still count as staff for a while (LIM-6).
        tx.replace(staff_past::Model {
            partner_id: self.partner_id,
            person_id: self.person_id,
            left_at: tx.now(),
        });
        tx.wake(topic(self.person_id));
        Ok(())
    }
}

/// Adds the first owner of a branch that is being registered in the same transaction.
///
/// # Errors
/// A fault when the database fails.
pub async fn name_owner(
    tx: &mut Tx,
    partner_id: PartnerId,
    phone: &Phone,
) -> Result<PersonId, CommandError> {
    let person_id = known_or_new(tx, phone).await?.id;
    name(tx, partner_id, person_id, StaffRole::Owner, None);
    Ok(person_id)
}

pub(in crate::access) fn name(
    tx: &mut Tx,
    partner_id: PartnerId,
    person_id: PersonId,
    role: StaffRole,
    before: Option<staff::Model>,
) -> staff::Model {
    let created_at = before.map_or(tx.now(), |row| row.created_at);
    let row = staff::Model { partner_id, person_id, role, created_at };
    tx.replace(row.clone());
    tx.wake(topic(person_id));
    row
}

/// Serialises staff changes of one branch: each raises the branch's version, so of two owners who
/// remove each other at once the second is refused.
pub(in crate::access) async fn hold_branch(
    tx: &mut Tx,
    partner_id: PartnerId,
) -> Result<(), CommandError> {
    let branch = tx.find::<partner::Entity>(partner_id).await?;
    let branch = branch.ok_or(Refusal::NoSuchBranch)?;
    tx.update(&branch, &branch);
    Ok(())
}

/// May the branch have one more person, besides those invited (LIM-7)? Its version was raised
/// before, so two concurrent commands cannot both take the last place.
pub(in crate::access) async fn one_more(
    tx: &Tx,
    partner_id: PartnerId,
    invited: usize,
) -> Result<(), CommandError> {
    let most = policy::registry::in_force(tx)?.keys.catalogue.staff_max;
    if of_branch(tx.db(), partner_id).await?.len() + invited < most {
        return Ok(());
    }
    Err(Refusal::TooManyStaff.refused().with("limit", most).into())
}

pub(in crate::access) async fn only_owners(
    db: &Pool,
    by: By,
    partner_id: PartnerId,
) -> Result<(), CommandError> {
    let owner = match (by.actor, by.person_id) {
        (Actor::Support, _) => true,
        (Actor::Staff, Some(person_id)) => {
            let rows =
                staff::Entity::find().filter(staff::Column::PersonId.eq(person_id)).all(db).await?;
            let own = rows.into_iter().map(|row| (row.partner_id, row.role)).collect();
            with_organisations(db, own).await?.contains(&(partner_id, StaffRole::Owner))
        }
        (Actor::Staff | Actor::Client | Actor::Clock, _) => false,
    };
    if owner { Ok(()) } else { Err(Refusal::OwnerRequired.into()) }
}

async fn not_the_last(db: &Pool, partner_id: PartnerId) -> Result<(), CommandError> {
    let rows = of_branch(db, partner_id).await?;
    let owners = rows.iter().filter(|row| row.role == StaffRole::Owner).count();
    if owners > 1 { Ok(()) } else { Err(Refusal::LastOwner.into()) }
}

async fn of_branch(db: &Pool, partner_id: PartnerId) -> Result<Vec<staff::Model>, DbErr> {
    let rows = staff::Entity::find().filter(staff::Column::PartnerId.eq(partner_id));
    Ok(readable::all(db, rows).await?.rows)
}

/// Adds an owner's role on every branch of the organisation (ACC-3).
///
/// # Errors
/// When the database fails.
pub(in crate::access) async fn with_organisations(
    db: &Pool,
    own: Vec<(PartnerId, StaffRole)>,
) -> Result<Vec<(PartnerId, StaffRole)>, DbErr> {
    let owned: Vec<PartnerId> =
        own.iter().filter(|(_, role)| *role == StaffRole::Owner).map(|(id, _)| *id).collect();
    if owned.is_empty() {
        return Ok(own);
    }
    let organisations = partner::Entity::find()
        .select_only()
        .column(partner::Column::OrganisationId)
        .filter(partner::Column::Id.is_in(owned))
        .into_query();
    let all: Vec<PartnerId> = partner::Entity::find()
        .select_only()
        .column(partner::Column::Id)
        .filter(partner::Column::OrganisationId.in_subquery(organisations))
        .into_tuple()
        .all(db)
        .await?;
    let mut branches: Vec<_> = own.into_iter().filter(|(id, _)| !all.contains(id)).collect();
    branches.extend(all.into_iter().map(|id| (id, StaffRole::Owner)));
    branches.sort_by_key(|(id, _)| *id);
    Ok(branches)
}

fn view(who: &person::Model, row: &staff::Model) -> StaffView {
    StaffView {
        person_id: row.person_id,
        phone: who.phone.at(SealedColumn::PersonPhone, who.id),
        name: who.name.as_ref().map(|name| name.at(SealedColumn::PersonName, who.id)),
        role: row.role,
        created_at: row.created_at,
    }
}

/// The owners of a branch's organisation (ACC-3).
///
/// # Errors
/// When the database fails.
pub async fn owners(tx: &Tx, partner_id: PartnerId) -> Result<Vec<PersonId>, CommandError> {
    let organisation = partner::Entity::find()
        .select_only()
        .column(partner::Column::OrganisationId)
        .filter(partner::Column::Id.eq(partner_id))
        .into_query();
    let branches = partner::Entity::find()
        .select_only()
        .column(partner::Column::Id)
        .filter(partner::Column::OrganisationId.in_subquery(organisation))
        .into_query();
    let mut people: Vec<PersonId> = staff::Entity::find()
        .select_only()
        .column(staff::Column::PersonId)
        .filter(staff::Column::PartnerId.in_subquery(branches))
        .filter(staff::Column::Role.eq(StaffRole::Owner))
        .into_tuple()
        .all(tx.db())
        .await?;
    people.sort();
    people.dedup();
    Ok(people)
}
