//! The only writer of wallets, holds and postings.

pub mod hold;
pub mod lots;
pub mod penalty;
pub mod pending;

use entity::kinds::PostingKind;
use entity::value::{LotId, Money, OrderId, PartnerId, PersonId, PostingId};
use entity::wallet::WalletKind;
use entity::{posting, wallet};
use sea_orm::Value;
use uuid::Uuid;

use super::{Refusal, chart};
use crate::context::Tx;
use crate::policy::{self, Policy};
use platform::CommandError;
use platform::engine::write_set::{Cell, Computed, RelativeUpdate};

/// One movement of money.
pub struct Movement<'a> {
    /// The account that is debited.
    pub debit: String,
    /// The account that is credited.
    pub credit: String,
    /// Above zero.
    pub amount: Money,
    /// The kind of the posting.
    pub kind: PostingKind,
    /// The order or act that caused it.
    pub subject: Uuid,
    /// 1, 2, 3 … within kind and subject: the natural key.
    pub n: i32,
    /// The statement on which it appears.
    pub on: On,
    /// A note for people.
    pub note: &'a str,
}

/// On whose statement a movement appears, and what it is about (BAL-4).
#[derive(Clone, Copy, Debug, Default)]
pub struct On {
    /// The partner whose statement it is.
    pub partner_id: Option<PartnerId>,
    /// The client whose statement it is.
    pub client_id: Option<PersonId>,
    /// The order.
    pub order_id: Option<OrderId>,
    /// The lot that is credited or debited.
    pub lot_id: Option<LotId>,
}

impl On {
    /// On a partner's statement, about an order.
    #[must_use]
    pub fn order(partner_id: PartnerId, order_id: OrderId) -> Self {
        Self { partner_id: Some(partner_id), order_id: Some(order_id), ..Self::default() }
    }

    /// On a partner's statement, about no order.
    #[must_use]
    pub fn partner(partner_id: PartnerId) -> Self {
        Self { partner_id: Some(partner_id), ..Self::default() }
    }
}

/// Creates a new partner's wallet.
pub fn open_wallet(tx: &mut Tx, partner_id: PartnerId) {
    tx.insert(wallet::Model {
        id: partner_id.0,
        kind: WalletKind::Partner,
        posted: Money::ZERO,
        held: Money::ZERO,
        pending: Money::ZERO,
        floor: None,
        restricted: false,
        low: false,
        told_restricted: false,
        told_low: false,
        locked: false,
    });
}

/// Credits a partner's balance with money support received outside the app.
///
/// # Errors
/// Faults only.
pub fn credit(
    tx: &mut Tx,
    partner_id: PartnerId,
    amount: Money,
    act: Uuid,
    note: &str,
) -> Result<(), CommandError> {
    change(tx, partner_id, amount, Money::ZERO)?;
    post(
        tx,
        Movement {
            debit: chart::RECEIVED.to_owned(),
            credit: chart::partner(partner_id),
            amount,
            kind: PostingKind::Credit,
            subject: act,
            n: 1,
            on: On::partner(partner_id),
            note,
        },
    );
    Ok(())
}

/// Credits a partner's balance with the operator's own money, without a payment.
///
/// # Errors
/// Faults only.
pub fn goodwill(
    tx: &mut Tx,
    partner_id: PartnerId,
    amount: Money,
    act: Uuid,
    note: &str,
) -> Result<(), CommandError> {
    change(tx, partner_id, amount, Money::ZERO)?;
    let (debit, credit) = (chart::GOODWILL.to_owned(), chart::partner(partner_id));
    let (kind, on) = (PostingKind::Goodwill, On::partner(partner_id));
    post(tx, Movement { debit, credit, amount, kind, subject: act, n: 1, on, note });
    Ok(())
}

/// Debits a charge-back, even below the floor, and locks the balance: nothing more is accepted
/// until support unlocks it (LIM-11).
///
/// # Errors
/// Faults only.
pub(super) fn take_charged_back(
    tx: &mut Tx,
    partner_id: PartnerId,
    amount: Money,
) -> Result<(), CommandError> {
    let keys = policy::registry::in_force(tx)?.keys;
    tx.adjust(RelativeUpdate {
        table: entity::wallet::TABLE,
        key: vec![("id", Value::from(partner_id.0))],
        add: vec![("posted", -amount.0)],
        set: vec![("locked", true.into()), ("restricted", true.into())],
        also: vec![low(&keys, Money(-amount.0))],
        condition: None,
        refusal: Some(Refusal::NoSuchPartner.refused()),
    });
    Ok(())
}

/// Unlocks a balance after a charge-back; it stays restricted only where it is below its floor
/// (LIM-11).
///
/// # Errors
/// `balance_not_locked` at the flush, or a fault.
pub fn unlock(tx: &mut Tx, partner_id: PartnerId) -> Result<(), CommandError> {
    let keys = policy::registry::in_force(tx)?.keys;
    let restricted = Computed {
        column: "restricted",
        sql: "\"posted\" - \"held\" < coalesce(\"floor\", ?)",
        values: vec![keys.balance.floor.0.into()],
    };
    tx.adjust(RelativeUpdate {
        table: entity::wallet::TABLE,
        key: vec![("id", Value::from(partner_id.0))],
        add: Vec::new(),
        set: vec![("locked", false.into())],
        also: vec![restricted],
        condition: Some(("\"locked\"", Vec::new())),
        refusal: Some(Refusal::NotLocked.refused()),
    });
    Ok(())
}

fn change_by(tx: &mut Tx, partner_id: PartnerId, amount: Money) -> Result<(), CommandError> {
    if amount == Money::ZERO { Ok(()) } else { change(tx, partner_id, amount, Money::ZERO) }
}

pub(super) fn post(tx: &mut Tx, movement: Movement<'_>) {
    if !movement.amount.is_positive() {
        return;
    }
    let On { partner_id, client_id, order_id, lot_id } = movement.on;
    tx.insert(posting::Model {
        id: PostingId::new(),
        debit: movement.debit,
        credit: movement.credit,
        amount: movement.amount,
        kind: movement.kind.into(),
        subject: movement.subject,
        n: movement.n,
        partner_id,
        client_id,
        order_id,
        lot_id,
        at: tx.now(),
        note: movement.note.to_owned(),
    });
}

/// Holds an amount of the available balance, if that leaves it at the floor or above and nothing
/// restricts it (BAL-2, BAL-3). The floor is the current policy's. Where the guard fails, the
/// command runs again and refuses with a reason: `balance_restricted` by what it reads, else this
/// refusal.
fn reserve(tx: &mut Tx, partner_id: PartnerId, amount: Money) -> Result<(), CommandError> {
    let keys = policy::registry::in_force(tx)?.keys;
    let floor = keys.balance.floor;
    tx.adjust(RelativeUpdate {
        table: entity::wallet::TABLE,
        key: vec![("id", Value::from(partner_id.0))],
        add: vec![("held", amount.0)],
        set: Vec::new(),
        also: vec![low(&keys, Money(-amount.0))],
        condition: Some((
            "NOT \"restricted\" AND \"posted\" - \"held\" - ? >= coalesce(\"floor\", ?)",
            vec![Value::from(amount.0), Value::from(floor.0)],
        )),
        refusal: (!tx.first_run())
            .then(|| Refusal::InsufficientBalance.refused().with("needed", amount)),
    });
    Ok(())
}

/// Guards that the balance is not restricted (BAL-3).
fn unrestricted(tx: &mut Tx, partner_id: PartnerId) {
    tx.adjust(RelativeUpdate {
        table: entity::wallet::TABLE,
        key: vec![("id", Value::from(partner_id.0))],
        add: vec![("held", 0)],
        set: Vec::new(),
        also: Vec::new(),
        condition: Some(("NOT \"restricted\"", Vec::new())),
        refusal: Some(Refusal::Restricted.refused()),
    });
}

/// Changes a balance; below its floor it becomes restricted until it has recovered (BAL-3).
///
/// # Errors
/// Faults only.
pub(super) fn change(
    tx: &mut Tx,
    partner_id: PartnerId,
    posted: Money,
    held: Money,
) -> Result<(), CommandError> {
    let keys = policy::registry::in_force(tx)?.keys;
    let by = Money(posted.0 - held.0);
    let adds = [("posted", posted.0), ("held", held.0)];
    tx.adjust(RelativeUpdate {
        table: entity::wallet::TABLE,
        key: vec![("id", Value::from(partner_id.0))],
        add: adds.into_iter().filter(|(_, by)| *by != 0).collect(),
        set: Vec::new(),
        also: vec![restricted(&keys, by), low(&keys, by)],
        condition: None,
        refusal: Some(Refusal::NoSuchPartner.refused()),
    });
    Ok(())
}

/// Debits a balance that is as it was read and has no hold; otherwise the command runs again
/// (BAL-5).
///
/// # Errors
/// Faults only.
pub(super) fn take_unspent(
    tx: &mut Tx,
    partner_id: PartnerId,
    amount: Money,
    seen: Money,
) -> Result<(), CommandError> {
    let keys = policy::registry::in_force(tx)?.keys;
    let by = Money(-amount.0);
    tx.adjust(RelativeUpdate {
        table: entity::wallet::TABLE,
        key: vec![("id", Value::from(partner_id.0))],
        add: vec![("posted", by.0)],
        set: Vec::new(),
        also: vec![restricted(&keys, by), low(&keys, by)],
        condition: Some((
            "\"held\" = 0 AND \"posted\" = ? AND NOT EXISTS (SELECT 1 FROM \"hold\" \
             WHERE \"hold\".\"wallet_id\" = \"wallet\".\"id\" AND \"hold\".\"state\" = 'open')",
            vec![Value::from(seen.0)],
        )),
        refusal: None,
    });
    Ok(())
}

/// Records the balance flags that were emitted to the branch, if they are still current.
pub(super) fn emit(
    tx: &mut Tx,
    partner_id: PartnerId,
    (restricted, low): (bool, bool),
    set: Vec<Cell>,
) {
    tx.adjust(RelativeUpdate {
        table: entity::wallet::TABLE,
        key: vec![("id", Value::from(partner_id.0))],
        add: Vec::new(),
        set,
        also: Vec::new(),
        condition: Some((
            "\"restricted\" = ? AND \"low\" = ?",
            vec![restricted.into(), low.into()],
        )),
        refusal: None,
    });
}

/// The new `restricted` flag: set after a charge-back until support unlocks the balance (LIM-11),
/// set below the floor, cleared from the policy's threshold on, and unchanged in between (BAL-3).
fn restricted(keys: &Policy, by: Money) -> Computed {
    Computed {
        column: "restricted",
        sql: "CASE WHEN \"locked\" THEN true \
              WHEN \"posted\" - \"held\" + ? < coalesce(\"floor\", ?) THEN true \
              WHEN \"posted\" - \"held\" + ? >= ? THEN false ELSE \"restricted\" END",
        values: vec![
            by.0.into(),
            keys.balance.floor.0.into(),
            by.0.into(),
            keys.balance.unrestrict_at.0.into(),
        ],
    }
}

/// The new `low` flag: less is available than the policy's threshold (BAL-4).
fn low(keys: &Policy, by: Money) -> Computed {
    Computed {
        column: "low",
        sql: "\"posted\" - \"held\" + ? < ?",
        values: vec![by.0.into(), keys.balance.low.0.into()],
    }
}
