//! Invitations: a branch invites a phone number, and the person with that number accepts or
//! declines (ACC-4). Until then the branch learns nothing of them, not even whether the number is
//! known.

use chrono::TimeDelta;
use entity::kinds::CommandName;
use entity::staff::StaffRole;
use entity::staff_invitation::{Column, Entity, InvitationState, Model};
use entity::value::{Instant, InvitationId, PartnerId, PersonId, Phone, SealedColumn, SealedField};
use entity::{partner, person, staff};
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::person::{known, phone_hash};
use super::staff::{hold_branch, name, one_more, only_owners};
use crate::access::Refusal;
use crate::context::{Context, Engine, Tx};
use platform::db::pool::Pool;
use platform::db::readable;
use platform::{Command, CommandError};

/// Days an invitation can be accepted.
const GOOD_DAYS: i64 = 7;

/// An invitation, as the branch that sent it sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InvitationView {
    /// The invitation.
    pub id: InvitationId,
    /// The number, as the branch entered it.
    pub phone: SealedField,
    /// The role offered.
    pub role: StaffRole,
    /// When it was sent.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Instant,
    /// When it expires.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Instant,
}

impl From<&Model> for InvitationView {
    fn from(row: &Model) -> Self {
        Self {
            id: row.id,
            phone: row.phone.at(SealedColumn::InvitationPhone, row.id),
            role: row.role,
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

/// An invitation, as the invited person sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OwnInvitationView {
    /// The invitation.
    pub id: InvitationId,
    /// The branch.
    pub partner_id: PartnerId,
    /// The branch's name for clients.
    pub partner_name: String,
    /// The role offered.
    pub role: StaffRole,
    /// When it expires.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Instant,
}

/// The open invitations of a branch, oldest first.
///
/// # Errors
/// A fault when the database fails.
pub async fn of_branch(
    engine: &Engine,
    partner_id: PartnerId,
) -> Result<Vec<InvitationView>, CommandError> {
    let shared = engine.shared();
    let query = Column::PartnerId.eq(partner_id);
    let rows = pending(&shared.db.read, query, shared.clock.now()).await?;
    Ok(rows.iter().map(InvitationView::from).collect())
}

/// The open invitations of a person, oldest first.
///
/// # Errors
/// A fault when the database fails.
pub async fn of_person(
    engine: &Engine,
    person_id: PersonId,
) -> Result<Vec<OwnInvitationView>, CommandError> {
    let shared = engine.shared();
    let db = &shared.db.read;
    let who = person::Entity::find_by_id(person_id).all(db).await?.pop();
    let who = Tx::must("person", person_id, who)?;
    let query = Column::PhoneHash.eq(who.phone_hash);
    let rows = pending(db, query, shared.clock.now()).await?;
    let branches = rows.iter().map(|row| row.partner_id);
    let branches =
        partner::Entity::find().filter(partner::Column::Id.is_in(branches)).all(db).await?;
    let view = |row: Model| {
        let branch = branches.iter().find(|branch| branch.id == row.partner_id);
        let branch = Tx::must("partner", row.partner_id, branch)?;
        Ok(OwnInvitationView {
            id: row.id,
            partner_id: row.partner_id,
            partner_name: branch.name.clone(),
            role: row.role,
            expires_at: row.expires_at,
        })
    };
    rows.into_iter().map(view).collect()
}

async fn pending(
    db: &Pool,
    whose: sea_orm::sea_query::SimpleExpr,
    now: Instant,
) -> Result<Vec<Model>, DbErr> {
    let rows = Entity::find()
        .filter(whose)
        .filter(Column::State.eq(InvitationState::Pending))
        .filter(Column::ExpiresAt.gte(now));
    let mut rows = readable::all(db, rows).await?.rows;
    rows.sort_by_key(|row| (row.created_at, row.id));
    Ok(rows)
}

/// Invites the person with this number to work at the branch; an earlier open invitation of the
/// number is replaced.
pub struct Invite {
    /// The branch.
    pub partner_id: PartnerId,
    /// The phone number.
    pub phone: Phone,
    /// The role offered.
    pub role: StaffRole,
}

impl Command<Context> for Invite {
    type Answer = InvitationView;

    const NAME: CommandName = CommandName::InviteStaff;

    async fn run(&self, tx: &mut Tx) -> Result<InvitationView, CommandError> {
        hold_branch(tx, self.partner_id).await?;
        if self.role == StaffRole::Owner {
            only_owners(tx.db(), tx.by(), self.partner_id).await?;
        }
        let keys = tx.keys();
        if let Some(who) = known(tx.db(), &keys, &self.phone).await?
            && tx.find::<staff::Entity>((self.partner_id, who.id)).await?.is_some()
        {
            // The branch can see its staff with their numbers anyway, so this reveals nothing.
            return Err(Refusal::AlreadyStaff.refused().with("person_id", who.id).into());
        }
        let phone_hash = phone_hash(&keys, &self.phone);
        let earlier = Entity::find()
            .filter(Column::PartnerId.eq(self.partner_id))
            .filter(Column::PhoneHash.eq(&phone_hash))
            .filter(Column::State.eq(InvitationState::Pending))
            .all(tx.db())
            .await?
            .pop();
        let waiting = pending(tx.db(), Column::PartnerId.eq(self.partner_id), tx.now()).await?;
        let others = waiting.iter().filter(|row| row.phone_hash != phone_hash).count();
        one_more(tx, self.partner_id, others).await?;
        let id = earlier.as_ref().map_or_else(InvitationId::new, |row| row.id);
        let row = Model {
            id,
            partner_id: self.partner_id,
            phone: keys.seal(SealedColumn::InvitationPhone, id, self.phone.as_str())?,
            phone_hash,
            role: self.role,
            state: InvitationState::Pending,
            by_person: tx.by().person_id,
            created_at: tx.now(),
            expires_at: tx.now() + TimeDelta::days(GOOD_DAYS),
            answered_at: None,
            version: earlier.as_ref().map_or(1, |row| row.version),
        };
        match &earlier {
            Some(earlier) => tx.update(earlier, &row),
            None => tx.insert(row.clone()),
        }
        Ok(InvitationView::from(&row))
    }
}

/// Withdraws an invitation of the branch.
pub struct Withdraw {
    /// The branch that sent it.
    pub partner_id: PartnerId,
    /// Which invitation.
    pub invitation_id: InvitationId,
}

impl Command<Context> for Withdraw {
    type Answer = ();

    const NAME: CommandName = CommandName::WithdrawInvitation;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = tx.find::<Entity>(self.invitation_id).await?;
        let row = row.filter(|row| row.partner_id == self.partner_id && open(row, tx.now()));
        let row = row.ok_or(Refusal::NoSuchInvitation)?;
        let answered_at = Some(tx.now());
        let state = InvitationState::Withdrawn;
        tx.update(&row, &Model { state, answered_at, ..row.clone() });
        Ok(())
    }
}

/// Accepts an invitation, with immediate effect, or declines it.
pub struct AnswerInvitation {
    /// The invited person.
    pub person_id: PersonId,
    /// Which invitation.
    pub invitation_id: InvitationId,
    /// Whether it is accepted.
    pub accept: bool,
}

impl Command<Context> for AnswerInvitation {
    type Answer = ();

    const NAME: CommandName = CommandName::AnswerInvitation;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let who = tx.find::<person::Entity>(self.person_id).await?;
        let who = Tx::must("person", self.person_id, who)?;
        let row = tx.find::<Entity>(self.invitation_id).await?;
        let row = row.filter(|row| row.phone_hash == who.phone_hash && open(row, tx.now()));
        let row = row.ok_or(Refusal::NoSuchInvitation)?;
        let state = if self.accept { InvitationState::Accepted } else { InvitationState::Declined };
        let answered_at = Some(tx.now());
        tx.update(&row, &Model { state, answered_at, ..row.clone() });
        if self.accept {
            hold_branch(tx, row.partner_id).await?;
            let before = tx.find::<staff::Entity>((row.partner_id, self.person_id)).await?;
            // An old invitation does not lower a role that the person was given meanwhile.
            let role = before.as_ref().map_or(row.role, |before| before.role);
            if before.is_none() {
                one_more(tx, row.partner_id, 0).await?;
            }
            name(tx, row.partner_id, self.person_id, role, before);
        }
        Ok(())
    }
}

fn open(row: &Model, now: Instant) -> bool {
    row.state == InvitationState::Pending && now <= row.expires_at
}
