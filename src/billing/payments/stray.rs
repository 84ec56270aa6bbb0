//! Stray payments: money at a provider for a payment that this engine does not know, as after a
//! restore. Each is stored with the provider's data, notified to support, and queried once a day
//! until it is closed (LIM-11).

use chrono::{DateTime, TimeDelta, Utc};
use entity::kinds::{CommandName, EventKind, SupportQueue, TimerKind};
use entity::payment::Driver;
use entity::stray_payment::{Column, Entity, Model};
use entity::value::{EventId, Money, PaymentId, StrayId};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::limits;
use crate::billing::Refusal;
use crate::billing::gateway::{Hint, Identified, PaymentLookup};
use crate::context::{Context, Engine, Tx};
use platform::codes::given;
use platform::engine::audit::AuditedAct;
use platform::engine::write_set::{Fired, Unique};
use platform::page::{Page, PageQuery};
use platform::{Audience, Command, CommandError};

/// The interval between queries.
const DAILY: TimeDelta = TimeDelta::hours(24);

/// A stray payment as support sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StrayView {
    /// The row.
    pub id: StrayId,
    /// The provider.
    pub driver: Driver,
    /// The name that the callback gave.
    pub name: String,
    /// This engine's payment id, as the provider has it.
    pub payment_id: Option<PaymentId>,
    /// The provider's reference.
    pub reference: Option<String>,
    /// The amount paid, as the provider reports it.
    pub amount: Option<Money>,
    /// The provider's status text.
    pub status: String,
    /// When it was found.
    pub found_at: DateTime<Utc>,
    /// When the provider was last queried.
    pub looked_at: DateTime<Utc>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// How it was closed.
    pub note: String,
}

fn view(row: &Model) -> StrayView {
    StrayView {
        id: row.id,
        driver: row.driver,
        name: row.name.clone(),
        payment_id: row.payment_id,
        reference: row.reference.clone(),
        amount: row.amount,
        status: row.status.clone(),
        found_at: row.found_at,
        looked_at: row.looked_at,
        closed_at: row.closed_at,
        note: row.note.clone(),
    }
}

fn emit(tx: &mut Tx, row: &Model) -> Result<(), CommandError> {
    tracing::error!(alarm = "payment_unknown", driver = ?row.driver, name = row.name);
    let payload = json!({"payment": view(row)});
    let event = EventKind::SupportPaymentUnknown;
    tx.emit(&Audience::Support(SupportQueue::Money), event, None, EventId::new(), &payload)
}

/// Records that a provider has money for an unknown payment.
pub struct RecordStray {
    /// The provider.
    pub driver: Driver,
    /// The name that the callback gave.
    pub name: String,
    /// The provider's answer.
    pub says: Identified,
}

impl Command<Context> for RecordStray {
    type Answer = ();
    const NAME: CommandName = CommandName::FindStrayPayment;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let known = Entity::find()
            .filter(Column::Driver.eq(self.driver))
            .filter(Column::Name.eq(&self.name));
        if !known.all(tx.db()).await?.is_empty() {
            return Ok(());
        }
        let row = Model {
            id: StrayId::new(),
            driver: self.driver,
            name: self.name.clone(),
            payment_id: self.says.payment_id,
            reference: self.says.reference.clone(),
            amount: self.says.amount,
            status: self.says.status.clone(),
            found_at: tx.now(),
            looked_at: tx.now(),
            closed_at: None,
            note: String::new(),
            version: 1,
        };
        emit(tx, &row)?;
        tx.arm(TimerKind::CheckStray, row.id.0, tx.now() + DAILY);
        tx.unique(Unique {
            name: "stray_payment_name",
            columns: "stray_payment.driver, stray_payment.name",
            refusal: Refusal::NoSuchPayment.refused(),
            choose_again: true,
        });
        tx.insert(row);
        Ok(())
    }
}

/// Queries the provider again, and executes the resulting command.
///
/// # Errors
/// Faults alone.
pub async fn fired(engine: &Engine, fired: &Fired) -> Result<(), CommandError> {
    let stray_id = StrayId(fired.subject);
    let rows = Entity::find_by_id(stray_id).all(&engine.shared().db.write).await?;
    let Some(row) = rows.into_iter().next().filter(|row| row.closed_at.is_none()) else {
        return engine.consume(fired).await;
    };
    let order = row.payment_id.map(|id| id.to_string());
    let hint = Hint { payment_id: row.payment_id, order, reference: row.reference.clone() };
    let says = match engine.context().gateways.of(row.driver) {
        Some(gateway) => gateway.identify(&hint).await.ok(),
        None => None,
    };
    engine.fire(fired, Looked { stray_id, says }).await
}

/// Records a query: if the money is still there, support is notified again; if the provider
/// returned it, the stray payment is closed.
struct Looked {
    stray_id: StrayId,
    says: Option<Identified>,
}

impl Command<Context> for Looked {
    type Answer = ();
    const NAME: CommandName = CommandName::LookAtStrayPayment;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let row = load(tx, self.stray_id).await?;
        if row.closed_at.is_some() {
            return Ok(());
        }
        let mut next = Model { looked_at: tx.now(), ..row.clone() };
        if let Some(says) = &self.says {
            next.status.clone_from(&says.status);
        }
        if self.says.as_ref().is_some_and(|says| says.standing == PaymentLookup::WentBack) {
            next.closed_at = Some(tx.now());
            "It went back at the provider".clone_into(&mut next.note);
        } else {
            tx.arm(TimerKind::CheckStray, row.id.0, tx.now() + DAILY);
        }
        tx.update(&row, &next);
        emit(tx, &next)
    }
}

/// Closes a stray payment that support settled.
pub struct Close {
    /// The stray payment.
    pub stray_id: StrayId,
    /// How it was settled.
    pub reason: String,
}

impl Command<Context> for Close {
    type Answer = StrayView;
    const NAME: CommandName = CommandName::CloseStrayPayment;

    async fn run(&self, tx: &mut Tx) -> Result<StrayView, CommandError> {
        let reason = given(&self.reason)?;
        let row = load(tx, self.stray_id).await?;
        if row.closed_at.is_some() {
            return Err(Refusal::StrayClosed.into());
        }
        let next = Model { closed_at: Some(tx.now()), note: reason.to_owned(), ..row.clone() };
        tx.update(&row, &next);
        tx.disarm(TimerKind::CheckStray, row.id.0);
        let act = AuditedAct {
            kind: "close_stray_payment",
            subject: ("stray_payment", row.id.0),
            amount: Money::ZERO,
            reason,
            before: json!(view(&row)),
            after: json!(view(&next)),
        };
        limits::act(tx, act).await?;
        Ok(view(&next))
    }
}

async fn load(tx: &mut Tx, id: StrayId) -> Result<Model, CommandError> {
    tx.find::<Entity>(id).await?.ok_or_else(|| Refusal::NoSuchPayment.into())
}

/// A page of stray payments, newest first; with `open`, only those that are not closed.
///
/// # Errors
/// When the database fails.
pub async fn page<C: ConnectionTrait>(
    db: &C,
    open: bool,
    query: &PageQuery,
) -> Result<Page<StrayView>, CommandError> {
    let mut rows = Entity::find().order_by_desc(Column::Id).limit(query.reach());
    if open {
        rows = rows.filter(Column::ClosedAt.is_null());
    }
    if let Some(cursor) = query.cursor {
        rows = rows.filter(Column::Id.lt(StrayId(cursor)));
    }
    Ok(Page::read(db, rows, query, |row| row.id.0, |row| view(&row)).await?)
}
