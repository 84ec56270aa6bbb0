//! The services of a branch, with price and duration by class of car (ACC-7).

use std::collections::BTreeSet;

use entity::kinds::CommandName;
use entity::value::{PartnerId, ServiceId};
use entity::{partner, service, service_price};
use sea_orm::Value;

use super::read::{PriceView, ServiceView};
use super::register::says_something;
use crate::context::{Context, Tx};
use crate::partners::{Refusal, limits};
use platform::{Command, CommandError, all_right};

/// The unit of durations, minutes (BK-1).
pub const STEP_MIN: i32 = 5;
/// The longest service, minutes.
const MINUTES_MAX: i32 = 7 * 24 * 60;
/// The longest buffer of a bay, minutes.
const BUFFER_MAX: i32 = 240;
/// Characters of a service's code.
const CODE_MAX: usize = 64;

/// Adds a service, or changes one.
pub struct SaveService {
    /// The branch.
    pub partner_id: PartnerId,
    /// The service to change; if absent, a new one is added.
    pub service_id: Option<ServiceId>,
    /// The kind of work.
    pub code: Option<String>,
    /// The name clients see.
    pub name: Option<String>,
    /// Whether it is offered.
    pub active: Option<bool>,
    /// The required kind of bay; an empty text means any.
    pub bay_kind: Option<String>,
    /// The buffer of the bay after it, minutes.
    pub buffer_min: Option<i32>,
    /// By class of car; replaces all former prices.
    pub prices: Option<Vec<PriceView>>,
}

impl Command<Context> for SaveService {
    type Answer = ServiceView;
    const NAME: CommandName = CommandName::SaveService;

    async fn run(&self, tx: &mut Tx) -> Result<ServiceView, CommandError> {
        let rests = |min: i32| (0..=BUFFER_MAX).contains(&min) && min % STEP_MIN == 0;
        let kind = self.bay_kind.as_deref();
        let wrong = [
            ("/prices", self.prices.as_ref().is_some_and(|prices| !sensible(prices))),
            ("/buffer_min", self.buffer_min.is_some_and(|min| !rests(min))),
            ("/bay_kind", kind.is_some_and(|kind| !kind.is_empty() && !coded(kind))),
        ];
        all_right(Refusal::ServiceInvalid, &wrong)?;
        raise(tx, self.partner_id).await?;
        let row = match self.service_id {
            None => {
                limits::one_more_service(tx, self.partner_id).await?;
                self.add(tx)?
            }
            Some(id) => self.change(tx, id).await?,
        };
        self.price(tx, row.id).await?;
        let prices = match &self.prices {
            Some(prices) => prices.clone(),
            None => kept(tx, self.partner_id, row.id).await?,
        };
        Ok(ServiceView {
            id: row.id,
            code: row.code,
            name: row.name,
            active: row.active,
            bay_kind: row.bay_kind,
            buffer_min: row.buffer_min,
            prices,
            version: row.version,
        })
    }
}

impl SaveService {
    fn add(&self, tx: &mut Tx) -> Result<service::Model, CommandError> {
        let (Some(code), Some(name), Some(_)) = (&self.code, &self.name, &self.prices) else {
            let missing = [
                ("/code", self.code.is_none()),
                ("/name", self.name.is_none()),
                ("/prices", self.prices.is_none()),
            ];
            all_right(Refusal::ServiceInvalid, &missing)?;
            return Err(Refusal::ServiceInvalid.into());
        };
        let wrong = [("/code", !coded(code)), ("/name", !says_something(name))];
        all_right(Refusal::ServiceInvalid, &wrong)?;
        let row = service::Model {
            id: ServiceId::new(),
            partner_id: self.partner_id,
            code: code.clone(),
            name: name.clone(),
            active: self.active.unwrap_or(true),
            bay_kind: self.bay_kind.clone().filter(|kind| !kind.is_empty()),
            buffer_min: self.buffer_min,
            created_at: tx.now(),
            version: 1,
        };
        tx.insert(row.clone());
        Ok(row)
    }

    async fn change(&self, tx: &mut Tx, id: ServiceId) -> Result<service::Model, CommandError> {
        let old = tx.find::<service::Entity>(id).await?;
        let old = old.filter(|row| row.partner_id == self.partner_id);
        let old = old.ok_or(Refusal::NoSuchService)?;
        let mut new = old.clone();
        new.code = self.code.clone().unwrap_or(new.code);
        new.name = self.name.clone().unwrap_or(new.name);
        new.active = self.active.unwrap_or(new.active);
        new.buffer_min = self.buffer_min.or(new.buffer_min);
        if let Some(kind) = &self.bay_kind {
            new.bay_kind = Some(kind.clone()).filter(|kind| !kind.is_empty());
        }
        let wrong = [("/code", !coded(&new.code)), ("/name", !says_something(&new.name))];
        all_right(Refusal::ServiceInvalid, &wrong)?;
        tx.update(&old, &new);
        new.version += 1;
        Ok(new)
    }

    async fn price(&self, tx: &mut Tx, id: ServiceId) -> Result<(), CommandError> {
        let Some(prices) = &self.prices else { return Ok(()) };
        if self.service_id.is_some() {
            for old in kept(tx, self.partner_id, id).await? {
                if !prices.iter().any(|p| p.class == old.class) {
                    let class = sea_orm::ActiveEnum::into_value(old.class);
                    let key =
                        vec![("service_id", Value::from(id.0)), ("class", Value::from(class))];
                    tx.delete("service_price", key);
                }
            }
        }
        for price in prices {
            tx.replace(service_price::Model {
                service_id: id,
                class: price.class,
                price: price.price,
                minutes: price.minutes,
            });
        }
        Ok(())
    }
}

/// Raises the branch's version: cached older versions are read again.
///
/// # Errors
/// `no_such_partner`, or a fault.
pub(in crate::partners) async fn raise(
    tx: &mut Tx,
    id: PartnerId,
) -> Result<partner::Model, CommandError> {
    let row = tx.find::<partner::Entity>(id).await?.ok_or(Refusal::NoSuchPartner)?;
    tx.update(&row, &row.clone());
    Ok(row)
}

async fn kept(
    tx: &Tx,
    partner_id: PartnerId,
    id: ServiceId,
) -> Result<Vec<PriceView>, CommandError> {
    let mut services = super::read::services(tx.db(), &[partner_id]).await?;
    let services = services.remove(&partner_id).unwrap_or_default();
    Ok(services.into_iter().find(|s| s.id == id).map(|s| s.prices).unwrap_or_default())
}

fn coded(code: &str) -> bool {
    !code.is_empty()
        && code.len() <= CODE_MAX
        && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

fn sensible(prices: &[PriceView]) -> bool {
    let classes: BTreeSet<_> = prices.iter().map(|p| p.class).collect();
    !prices.is_empty()
        && classes.len() == prices.len()
        && prices.iter().all(|p| {
            p.price.is_positive()
                && (STEP_MIN..=MINUTES_MAX).contains(&p.minutes)
                && p.minutes % STEP_MIN == 0
        })
}
