//! Statements: every line with its order, its rule and its lot (BAL-4).

use chrono::{DateTime, Utc};
use entity::kinds::PostingKind;
use entity::value::{Instant, LotId, Money, OrderId, PartnerId, PersonId, PostingId, Span};
use entity::{lot, posting};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Refusal, chart, checkpoint};
use platform::CommandError;
use platform::page::{Page, PageQuery};

/// Maximum number of lines in one file.
pub const LINES_MAX: u64 = 50_000;
/// The kind that moves a returned part of a lot within its owner's bonus: it changes no sum.
const WITHIN: PostingKind = PostingKind::BonusReturned;

/// Which of an owner's two accounts a line changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatementAccount {
    /// The money balance.
    Balance,
    /// The bonus account.
    Bonus,
}

/// One line of a statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatementLine {
    /// The posting.
    pub id: PostingId,
    /// When it was posted.
    pub at: DateTime<Utc>,
    /// The kind of the posting.
    pub kind: String,
    /// The rule of the rulebook.
    pub rule: String,
    /// The account that changes.
    pub account: StatementAccount,
    /// The change; above zero is a gain of the owner.
    pub amount: Money,
    /// The order.
    pub order_id: Option<OrderId>,
    /// The bonus lot.
    pub lot_id: Option<LotId>,
    /// The order or act that caused it.
    pub subject: Uuid,
    /// A note for people.
    pub note: String,
}

/// The owner of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementOwner {
    /// A partner.
    Partner(PartnerId),
    /// A client, who has bonus only.
    Client(PersonId),
}

impl StatementOwner {
    fn rows(self) -> Select<posting::Entity> {
        let rows = posting::Entity::find().filter(posting::Column::Kind.ne(WITHIN));
        match self {
            Self::Partner(id) => rows.filter(posting::Column::PartnerId.eq(id)),
            Self::Client(id) => rows.filter(posting::Column::ClientId.eq(id)),
        }
    }
}

/// The rule behind a kind of posting.
#[must_use]
pub const fn rule(kind: PostingKind) -> &'static str {
    match kind {
        PostingKind::Credit
        | PostingKind::TopUp
        | PostingKind::TopUpRefund
        | PostingKind::TopUpKept
        | PostingKind::BonusRevoked => "BAL-5",
        PostingKind::PenaltyShare => "PEN-5",
        PostingKind::PenaltyShareBack => "PEN-7",
        PostingKind::BonusGranted => "BON-8",
        PostingKind::BonusExpired => "BON-1",
        PostingKind::BonusBurned => "BON-3",
        PostingKind::PaidWithBonus | PostingKind::PayableBalance | PostingKind::BonusFromOwed => {
            "BON-5"
        }
        // Commission, its corrections, and the accounts that paid them.
        PostingKind::Commission
        | PostingKind::CommissionAmended
        | PostingKind::CommissionBonus
        | PostingKind::CommissionBonusAmended
        | PostingKind::Goodwill
        | PostingKind::BonusReturned
        | PostingKind::PenaltyFee
        | PostingKind::PenaltyFeeBack
        | PostingKind::TopUpRefunded
        | PostingKind::TopUpChargeBack
        | PostingKind::Payment
        | PostingKind::PaymentRefund
        | PostingKind::PaymentRefunded
        | PostingKind::PaymentKept
        | PostingKind::PaymentChargeBack
        | PostingKind::PayableBonus
        | PostingKind::PayableRefused
        | PostingKind::Payout
        | PostingKind::PayoutPaid
        | PostingKind::PayoutFailed => "COM-3",
    }
}

/// A posting as a line of a statement.
#[must_use]
pub fn line(row: posting::Model) -> StatementLine {
    let bonus = row.lot_id.is_some();
    let own = |account: &str| account.starts_with(if bonus { "lot:" } else { "partner:" });
    let amount = if own(&row.credit) { row.amount } else { Money(-row.amount.0) };
    StatementLine {
        id: row.id,
        at: row.at,
        rule: row.kind.known().map_or_else(|_| String::new(), |kind| rule(kind).to_owned()),
        kind: row.kind.to_string(),
        account: if bonus { StatementAccount::Bonus } else { StatementAccount::Balance },
        amount,
        order_id: row.order_id,
        lot_id: row.lot_id,
        subject: row.subject,
        note: row.note,
    }
}

/// A statement, newest first.
///
/// # Errors
/// When the database fails.
pub async fn page<C: ConnectionTrait>(
    db: &C,
    whose: StatementOwner,
    query: &PageQuery,
) -> Result<Page<StatementLine>, CommandError> {
    let mut rows = whose.rows().order_by_desc(posting::Column::Id).limit(query.reach());
    if let Some(cursor) = query.cursor {
        rows = rows.filter(posting::Column::Id.lt(PostingId(cursor)));
    }
    Ok(Page::read(db, rows, query, |row| row.id.0, line).await?)
}

/// The lines of a span, oldest first.
///
/// # Errors
/// `statement_too_long`, or a fault.
pub async fn lines<C: ConnectionTrait>(
    db: &C,
    whose: StatementOwner,
    span: Span,
) -> Result<Vec<StatementLine>, CommandError> {
    let rows = whose
        .rows()
        .filter(posting::Column::At.gte(span.from))
        .filter(posting::Column::At.lt(span.until))
        .order_by_asc(posting::Column::At)
        .order_by_asc(posting::Column::Id)
        .limit(LINES_MAX + 1)
        .all(db)
        .await?;
    if u64::try_from(rows.len()).is_ok_and(|n| n > LINES_MAX) {
        return Err(Refusal::StatementTooLong.into());
    }
    Ok(rows.into_iter().map(line).collect())
}

/// The opening sums of the balance and of the bonus at an instant. They are counted back from the
/// checkpoint, so that postings before the span need not be read (BAL-6).
///
/// # Errors
/// When the database fails.
pub async fn sums_before<C: ConnectionTrait>(
    db: &C,
    whose: StatementOwner,
    before: Instant,
) -> Result<(Money, Money), CommandError> {
    let owner = match whose {
        StatementOwner::Partner(id) => id.0,
        StatementOwner::Client(id) => id.0,
    };
    let balance = match whose {
        StatementOwner::Partner(id) => {
            checkpoint::before(db, &[chart::partner(id)], Some(id), before).await?
        }
        StatementOwner::Client(_) => Money::ZERO,
    };
    let lots = lot::Entity::find().select_only().column(lot::Column::Id);
    let lots: Vec<LotId> = lots.filter(lot::Column::Owner.eq(owner)).into_tuple().all(db).await?;
    let lots: Vec<String> = lots.into_iter().map(chart::lot).collect();
    Ok((balance, checkpoint::before(db, &lots, None, before).await?))
}

/// The sums of the balance and of the bonus.
fn sums(lines: impl Iterator<Item = StatementLine>) -> (Money, Money) {
    let (mut balance, mut bonus) = (0, 0);
    for line in lines {
        match line.account {
            StatementAccount::Balance => balance += line.amount.0,
            StatementAccount::Bonus => bonus += line.amount.0,
        }
    }
    (Money(balance), Money(bonus))
}

/// One kind of line over a month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Total {
    /// The kind of the postings.
    pub kind: String,
    /// The rule.
    pub rule: String,
    /// The account.
    pub account: StatementAccount,
    /// The number of lines.
    pub lines: u64,
    /// The sum of their changes.
    pub amount: Money,
}

/// A month's summary: opening sums, totals by kind, closing sums.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Month {
    /// The start of the span.
    pub from: DateTime<Utc>,
    /// The end of the span, exclusive.
    pub until: DateTime<Utc>,
    /// The balance at the start.
    pub opening_balance: Money,
    /// The bonus at the start.
    pub opening_bonus: Money,
    /// The totals by kind.
    pub totals: Vec<Total>,
    /// The balance at the end.
    pub closing_balance: Money,
    /// The bonus at the end.
    pub closing_bonus: Money,
}

/// The summary of a span.
///
/// # Errors
/// `statement_too_long`, or a fault.
pub async fn month<C: ConnectionTrait>(
    db: &C,
    whose: StatementOwner,
    span: Span,
) -> Result<Month, CommandError> {
    let (opening_balance, opening_bonus) = sums_before(db, whose, span.from).await?;
    let lines = lines(db, whose, span).await?;
    let mut totals: Vec<Total> = Vec::new();
    for line in &lines {
        let same = |t: &&mut Total| t.kind == line.kind && t.account == line.account;
        match totals.iter_mut().find(same) {
            Some(total) => {
                total.lines += 1;
                total.amount.0 += line.amount.0;
            }
            None => totals.push(Total {
                kind: line.kind.clone(),
                rule: line.rule.clone(),
                account: line.account,
                lines: 1,
                amount: line.amount,
            }),
        }
    }
    totals.sort_by(|a, b| (a.account, &a.kind).cmp(&(b.account, &b.kind)));
    let (balance, bonus) = sums(lines.into_iter());
    Ok(Month {
        from: span.from,
        until: span.until,
        opening_balance,
        opening_bonus,
        totals,
        closing_balance: Money(opening_balance.0 + balance.0),
        closing_bonus: Money(opening_bonus.0 + bonus.0),
    })
}

/// The lines of one order on a statement, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_order<C: ConnectionTrait>(
    db: &C,
    whose: StatementOwner,
    order_id: OrderId,
) -> Result<Vec<StatementLine>, CommandError> {
    let rows = whose
        .rows()
        .filter(posting::Column::OrderId.eq(order_id))
        .order_by_asc(posting::Column::At)
        .order_by_asc(posting::Column::Id)
        .limit(LINES_MAX)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(line).collect())
}
