//! The postings as the proof needs them: summed by account, and by the order, penalty, payment or
//! payable they are about (BAL-6).

use std::collections::{BTreeMap, BTreeSet};

use entity::kinds::{PostingKind, PostingSubject};
use entity::value::{LotId, Money, OrderId, PartnerId, PersonId, PostingId};
use entity::{checkpoint_account, checkpoint_pending, order, payable, posting, proof_state};
use sea_orm::sea_query::{ExprTrait, Query};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::finding::Proof;
use super::scope::{BATCH, NAMED, ProofScope, Touched, Walk};
use crate::ledger::chart;
use platform::{CommandError, ReadSnapshot};

/// The amounts that postings about a subject moved, by subject and account.
pub(super) type Moved = BTreeMap<(Uuid, String), i64>;
/// The owner of a statement: a partner, a client or nobody.
pub(super) type Stated = (Option<PartnerId>, Option<PersonId>);

/// The sums of the postings.
#[derive(Default)]
pub(super) struct Posted {
    /// The sum of all postings, by account.
    pub accounts: BTreeMap<String, i64>,
    /// The commission paid, by order.
    pub commissions: BTreeMap<OrderId, i64>,
    /// The part of it that lots paid, by order.
    pub bonus_commissions: BTreeMap<OrderId, i64>,
    /// The part of the price that lots paid, by order.
    pub spent: BTreeMap<OrderId, i64>,
    /// The payables for that, by order and account.
    pub owed: Moved,
    /// The amounts moved, by penalty.
    pub penalties: Moved,
    /// The amounts moved, by payment and payout.
    pub payments: Moved,
    /// The amounts that left the payable's account, by payable.
    pub settled: Moved,
    /// The amount granted, by lot.
    pub granted: BTreeMap<LotId, i64>,
    /// The statements on which a lot's postings appear, with one posting of each.
    pub lots: BTreeMap<LotId, BTreeMap<Stated, PostingId>>,
    /// The orders that postings of a penalty or payable name, with one posting of each.
    pub about: BTreeMap<Uuid, BTreeMap<Option<OrderId>, PostingId>>,
    /// The postings that the checkpoint does not contain.
    pub pending: Vec<PostingId>,
}

/// Reads the postings: either all, or the pending ones with all others about the same subjects, and
/// the account sums of the checkpoint.
pub(super) async fn posted(
    read: &ReadSnapshot,
    proof: &mut Proof,
    whole: bool,
) -> Result<(Posted, ProofScope), CommandError> {
    let mut posted = Posted::default();
    let mut accounts: BTreeMap<String, i64> = checkpoint_account::Entity::find()
        .filter(checkpoint_account::Column::Amount.ne(0))
        .all(read)
        .await?
        .into_iter()
        .map(|row| (row.account, row.amount.0))
        .collect();
    let mut touched = Touched::default();
    pending(read, |row| {
        posted.pending.push(row.id);
        sum(&mut accounts, row);
        if !whole {
            touched.add(row);
        }
    })
    .await?;
    proof.checked("checkpoint_pending", posted.pending.len());
    if whole {
        let mut walk = Walk::all();
        while let Some(rows) =
            walk.next(read, proof, posting::Entity::find(), |row| row.id.0).await?
        {
            for row in &rows {
                sum(&mut posted.accounts, row);
                posted.take(proof, row);
            }
        }
        unique(read, proof).await?;
        checkpoint(proof, &accounts, &posted.accounts);
        return Ok((posted, ProofScope::Whole));
    }
    posted.accounts = accounts;
    touched.orders.extend(completed_since(read).await?);
    touched.payables = payables_of(read, &touched.orders).await?;
    let mut about = touched.subjects.clone();
    about.extend(touched.orders.iter().chain(&touched.payables).chain(&touched.lots));
    for subjects in about.into_iter().collect::<Vec<_>>().chunks(NAMED) {
        let rows = posting::Entity::find()
            .filter(posting::Column::Subject.is_in(subjects.iter().copied()))
            .all(read)
            .await?;
        proof.checked("posting", rows.len());
        for row in &rows {
            posted.take(proof, row);
        }
    }
    Ok((posted, ProofScope::Since(touched)))
}

/// Reads every posting that the checkpoint does not contain.
async fn pending(
    read: &ReadSnapshot,
    mut each: impl FnMut(&posting::Model),
) -> Result<(), CommandError> {
    let mut after = PostingId(Uuid::nil());
    loop {
        let mut waiting = Query::select();
        waiting.column(checkpoint_pending::Column::PostingId).from(checkpoint_pending::Entity);
        let rows = posting::Entity::find()
            .filter(posting::Column::Id.in_subquery(waiting))
            .filter(posting::Column::Id.gt(after))
            .order_by_asc(posting::Column::Id)
            .limit(BATCH)
            .all(read)
            .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.id;
        rows.iter().for_each(&mut each);
    }
}

/// Orders completed since the newest proof that held: their commission may be missing entirely.
async fn completed_since(read: &ReadSnapshot) -> Result<Vec<Uuid>, CommandError> {
    let state = proof_state::Entity::find().all(read).await?.pop();
    let Some(since) = state.and_then(|state| state.held_at) else { return Ok(Vec::new()) };
    let select = order::Entity::find().select_only().column(order::Column::Id);
    let select = select.filter(order::Column::CompletedAt.gte(since - OVERLAP));
    Ok(select.into_tuple().all(read).await?)
}

/// The payables of these orders.
async fn payables_of(
    read: &ReadSnapshot,
    orders: &BTreeSet<Uuid>,
) -> Result<BTreeSet<Uuid>, CommandError> {
    let orders: Vec<Uuid> = orders.iter().copied().collect();
    let mut ids = BTreeSet::new();
    for orders in orders.chunks(NAMED) {
        let select = payable::Entity::find().select_only().column(payable::Column::Id);
        let select = select.filter(payable::Column::OrderId.is_in(orders.to_vec()));
        ids.extend(select.into_tuple::<Uuid>().all(read).await?);
    }
    Ok(ids)
}

/// The maximum delay between the instant a commit carries and its becoming visible.
const OVERLAP: chrono::TimeDelta = chrono::TimeDelta::minutes(2);

/// Checks that no posting exists twice by its natural key, even if the unique index is damaged.
async fn unique(read: &ReadSnapshot, proof: &mut Proof) -> Result<(), CommandError> {
    use posting::Column::{Kind, N, Subject};
    let twice: Vec<(Uuid, String, i32)> = posting::Entity::find()
        .select_only()
        .columns([Subject, Kind, N])
        .group_by(Subject)
        .group_by(Kind)
        .group_by(N)
        .having(ExprTrait::gt(posting::Column::Id.count(), 1))
        .limit(BATCH)
        .into_tuple()
        .all(read)
        .await?;
    for (subject, kind, n) in twice {
        let detail = format!("{kind} {subject} {n} stands twice");
        proof.wrong("posting_once", "posting", subject, detail);
    }
    Ok(())
}

/// Compares the checkpoint with the postings, which reveals a folded posting that was changed.
fn checkpoint(proof: &mut Proof, kept: &BTreeMap<String, i64>, found: &BTreeMap<String, i64>) {
    let names = kept.keys().chain(found.keys());
    let mut names: Vec<&String> = names.collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let sum = |sums: &BTreeMap<String, i64>| Money(sums.get(name).copied().unwrap_or(0));
        let (kept, found) = (sum(kept), sum(found));
        if kept != found {
            let detail = format!("had {kept}, its postings now say {found}");
            proof.wrong("checkpoint_sum", "checkpoint_account", name, detail);
        }
    }
}

fn sum(accounts: &mut BTreeMap<String, i64>, row: &posting::Model) {
    *accounts.entry(row.debit.clone()).or_default() -= row.amount.0;
    *accounts.entry(row.credit.clone()).or_default() += row.amount.0;
}

/// Adds what a posting moved, by its subject and both accounts.
pub(super) fn add(moved: &mut Moved, row: &posting::Model) {
    *moved.entry((row.subject, row.credit.clone())).or_default() += row.amount.0;
    *moved.entry((row.subject, row.debit.clone())).or_default() -= row.amount.0;
}

impl Touched {
    fn add(&mut self, row: &posting::Model) {
        self.subjects.insert(row.subject);
        self.orders.extend(row.order_id.map(|id| id.0));
        self.lots.extend(row.lot_id.map(|id| id.0));
        self.lots.extend([&row.debit, &row.credit].into_iter().filter_map(|name| lot(name)));
    }
}

impl Posted {
    fn take(&mut self, proof: &mut Proof, row: &posting::Model) {
        if !row.amount.is_positive() || row.debit == row.credit {
            let detail = format!("moves {} from {} to {}", row.amount, row.debit, row.credit);
            proof.wrong("posting_moves", "posting", row.id, detail);
        }
        match row.kind.known() {
            Ok(kind) => self.sort(kind, row),
            Err(unknown) => proof.wrong("posting_kind", "posting", row.id, unknown.to_string()),
        }
        self.order(row);
        self.lot(row);
        stated(proof, row);
    }

    /// Adds a posting to the sums of what it is about.
    fn sort(&mut self, kind: PostingKind, row: &posting::Model) {
        match kind.subject() {
            PostingSubject::Penalty => add(&mut self.penalties, row),
            PostingSubject::Payment => add(&mut self.payments, row),
            PostingSubject::Payable => add(&mut self.settled, row),
            PostingSubject::Order | PostingSubject::Lot | PostingSubject::Act => {}
        }
        match kind.subject() {
            PostingSubject::Penalty | PostingSubject::Payable => {
                self.about.entry(row.subject).or_default().entry(row.order_id).or_insert(row.id);
            }
            PostingSubject::Order
            | PostingSubject::Lot
            | PostingSubject::Payment
            | PostingSubject::Act => {}
        }
    }

    fn order(&mut self, row: &posting::Model) {
        let order_id = OrderId(row.subject);
        let to_operator = row.credit == chart::COMMISSION;
        if to_operator || row.debit == chart::COMMISSION {
            let amount = if to_operator { row.amount.0 } else { -row.amount.0 };
            *self.commissions.entry(order_id).or_default() += amount;
            let other = if to_operator { &row.debit } else { &row.credit };
            if lot(other).is_some() {
                *self.bonus_commissions.entry(order_id).or_default() += amount;
            }
        }
        if row.kind.is_kind(PostingKind::PaidWithBonus) {
            *self.spent.entry(order_id).or_default() += row.amount.0;
            *self.owed.entry((row.subject, row.credit.clone())).or_default() += row.amount.0;
        }
    }

    fn lot(&mut self, row: &posting::Model) {
        let fills =
            [PostingKind::BonusGranted, PostingKind::BonusFromOwed, PostingKind::BonusReturned];
        if fills.iter().any(|kind| row.kind.is_kind(*kind))
            && row.credit == chart::lot(LotId(row.subject))
        {
            *self.granted.entry(LotId(row.subject)).or_default() += row.amount.0;
        }
        if let Some(lot_id) = row.lot_id {
            let whose = (row.partner_id, row.client_id);
            self.lots.entry(lot_id).or_default().entry(whose).or_insert(row.id);
        }
    }
}

impl Posted {
    /// Checks that postings about a penalty or a payable name its order (BAL-4).
    pub fn names(&self, proof: &mut Proof, subject: Uuid, order_id: OrderId) {
        let named = self.about.get(&subject).into_iter().flatten();
        for (_, posting) in named.filter(|(named, _)| **named != Some(order_id)) {
            let detail = format!("is about {subject}, names another order");
            proof.wrong("posting_stated", "posting", posting, detail);
        }
    }
}

/// Checks that a posting of a balance is on its partner's statement, that one of a lot names the
/// lot, that others are on none, and that a commission names its order (BAL-4). A lot's owner is
/// checked from the lot.
fn stated(proof: &mut Proof, row: &posting::Model) {
    let of_lot = lot(&row.credit).or_else(|| lot(&row.debit)).map(LotId);
    let of_partner = [&row.debit, &row.credit].into_iter().find_map(|name| partner(name));
    let whose = (row.partner_id, row.client_id);
    let right = match of_lot {
        Some(_) => row.lot_id == of_lot,
        None => row.lot_id.is_none() && whose == (of_partner, None),
    };
    let about_order = row.kind.known().is_ok_and(|kind| kind.subject() == PostingSubject::Order);
    if !right || (about_order && row.order_id != Some(OrderId(row.subject))) {
        let detail = format!("moves {} → {}, stands elsewhere", row.debit, row.credit);
        proof.wrong("posting_stated", "posting", row.id, detail);
    }
}

/// The id of the lot whose account this is.
pub(super) fn lot(account: &str) -> Option<Uuid> {
    account.strip_prefix("lot:").and_then(|id| id.parse().ok())
}

fn partner(account: &str) -> Option<PartnerId> {
    account.strip_prefix("partner:").and_then(|id| id.parse().ok())
}
