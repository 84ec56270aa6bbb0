//! The explanation of one order's commission: its bracket and its parts (BAL-4, COM-1).

use entity::order;
use entity::value::{Bp, Money, OrderId, PartnerId};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ledger::commission::{base, commission};
use crate::ledger::statement::{StatementLine, StatementOwner, of_order};
use crate::orders::Refusal;
use crate::policy::Registry;
use crate::policy::keys::CommissionMode;
use platform::CommandError;
use platform::db::readable;

/// The charges of an order to its partner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Charges {
    /// The order.
    pub order_id: OrderId,
    /// The order's short code, read aloud by people.
    pub code: String,
    /// The current total.
    pub agreed: Money,
    /// The total the client last agreed to (ORD-11).
    pub client_agreed: Money,
    /// The final amount paid.
    pub final_amount: Option<Money>,
    /// The base of the commission: the final amount, or the agreed one before; never less than the
    /// client agreed to, unless a lower one was confirmed (ORD-11).
    pub base: Money,
    /// The policy the order was placed under.
    pub policy_version: i32,
    /// How its brackets are applied.
    pub mode: CommissionMode,
    /// The rate of the bracket for that amount, basis points.
    pub rate_bp: Option<Bp>,
    /// The upper end of the bracket, inclusive; the last bracket has none.
    pub bracket_up_to: Option<Money>,
    /// The resulting commission.
    pub commission: Money,
    /// The part of it paid, or held, from bonus.
    pub from_bonus: Money,
    /// Whether the commission is held, not captured.
    pub held: bool,
    /// All postings of this order on the statement.
    pub lines: Vec<StatementLine>,
}

/// The charges of an order to its partner.
///
/// # Errors
/// `no_such_order`, or a fault.
pub async fn charges<C: ConnectionTrait>(
    db: &C,
    book: &Registry,
    partner_id: PartnerId,
    id: OrderId,
) -> Result<Charges, CommandError> {
    let row = readable::in_part::<_, order::Entity>(db, id.0).await?;
    let row = row.filter(|row| row.partner_id == partner_id).ok_or(Refusal::NoSuchOrder)?;
    let keys = book.version(row.policy_version)?;
    let base = base(&row);
    let fits = |up_to: Option<i64>| up_to.is_none_or(|up_to| base.0 <= up_to);
    let bracket = keys.commission.brackets.iter().find(|bracket| fits(bracket.up_to));
    let held = row.accepted_at.is_some() && !crate::orders::machine::terminal(row.status);
    let taken = row.completed_at.is_some();
    Ok(Charges {
        order_id: row.id,
        code: row.code,
        agreed: row.agreed,
        client_agreed: row.client_agreed,
        final_amount: row.final_amount,
        base,
        policy_version: row.policy_version,
        mode: keys.commission.mode,
        rate_bp: bracket.map(|bracket| bracket.rate_bp),
        bracket_up_to: bracket.and_then(|bracket| bracket.up_to).map(Money),
        commission: if held || taken { commission(base, &keys.commission) } else { Money::ZERO },
        from_bonus: row.commission_bonus,
        held,
        lines: of_order(db, StatementOwner::Partner(partner_id), id).await?,
    })
}
