//! Redeeming campaign codes: codes are normalised, wrong attempts are counted, and each device gets
//! a campaign once (BON-8, LIM-6).

use chrono::TimeDelta;
use entity::code_try::{self, Column};
use entity::kinds::CommandName;
use entity::value::{CampaignId, Instant, PersonId, PostingId};
use entity::{campaign, campaign_claim, session};
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::campaign::give;
use super::code_text::typed;
use super::read::LotView;
use super::{Owner, Refusal};
use crate::context::{Context, Tx};
use crate::policy;
use platform::codes::General;
use platform::db::pool::Pool;
use platform::engine::write_set::Unique;
use platform::{Command, CommandError, Fault, Refused};

/// The period over which wrong codes are counted.
const HOUR: TimeDelta = TimeDelta::hours(1);

/// Redeems a code.
pub struct Redeem {
    /// The owner.
    pub owner: Owner,
    /// The code.
    pub code: String,
}

/// The result of a code. A wrong code is a result and not a refusal, because a refusal writes
/// nothing and wrong codes have to be counted.
#[derive(Debug, Serialize, Deserialize)]
pub enum Redeemed {
    /// The granted lot.
    Granted(Box<LotView>),
    /// No campaign has this code.
    Wrong,
}

impl Redeemed {
    /// The granted lot.
    ///
    /// # Errors
    /// `no_such_campaign`.
    pub fn granted(self) -> Result<LotView, Refused> {
        match self {
            Self::Granted(lot) => Ok(*lot),
            Self::Wrong => Err(Refusal::NoSuchCampaign.into()),
        }
    }
}

impl Command<Context> for Redeem {
    type Answer = Redeemed;
    const NAME: CommandName = CommandName::RedeemCode;

    async fn run(&self, tx: &mut Tx) -> Result<Redeemed, CommandError> {
        let nobody = || Fault::Other("a code is entered by somebody".to_owned());
        let person_id = tx.by().person_id.ok_or_else(nobody)?;
        let trying = Trying::begin(tx, person_id).await?;
        let rows = campaign::Entity::find()
            .filter(campaign::Column::Code.eq(typed(&self.code)))
            .all(tx.db())
            .await?;
        let row = rows.into_iter().find(|row| row.audience == self.owner.kind());
        trying.end(tx, row.is_none());
        let Some(row) = row else { return Ok(Redeemed::Wrong) };
        if matches!(self.owner, Owner::Client(_)) {
            claim(tx, row.id, person_id).await?;
        }
        let lot = give(tx, &row, self.owner).await?;
        Ok(Redeemed::Granted(Box::new(lot)))
    }
}

/// Records that a device has received a campaign's bonus, at most once (LIM-6).
async fn claim(
    tx: &mut Tx,
    campaign_id: CampaignId,
    person_id: PersonId,
) -> Result<(), CommandError> {
    let session = match tx.by().session_id {
        Some(id) => tx.find::<session::Entity>(id).await?,
        None => None,
    };
    let device_hash = session.and_then(|session| session.device_hash);
    let device_hash = device_hash.ok_or(Refusal::DeviceRequired)?;
    let known = (campaign_id, device_hash.clone());
    if tx.find::<campaign_claim::Entity>(known).await?.is_some() {
        return Err(Refusal::GrantedAlready.into());
    }
    tx.insert(campaign_claim::Model { campaign_id, device_hash, person_id, at: tx.now() });
    tx.unique(Unique {
        name: "campaign_claim_pkey",
        columns: "campaign_claim.campaign_id, campaign_claim.device_hash",
        refusal: Refusal::GrantedAlready.refused(),
        choose_again: false,
    });
    Ok(())
}

/// One attempt, numbered per person and per network address. Of two concurrent attempts with the
/// same number, one commits; the other runs again.
struct Trying {
    person_id: PersonId,
    person_n: i64,
    address: Option<(String, i64)>,
}

impl Trying {
    /// Counts earlier attempts, and refuses after too many wrong ones.
    async fn begin(tx: &mut Tx, person_id: PersonId) -> Result<Self, CommandError> {
        // The numbers are read first: an attempt committed after that has the same ones, and
        // conflicts.
        let person_n = newest(tx, CodeOwner::Person(person_id)).await? + 1;
        let address = tx.by().address.map(|address| address.to_string());
        let secrets = tx.keys();
        let address = match address.map(|address| secrets.lookup("address", &address)) {
            Some(hash) => {
                let n = newest(tx, CodeOwner::Address(&hash)).await?;
                Some((hash, n + 1))
            }
            None => None,
        };
        let keys = policy::registry::in_force(tx)?.keys;
        let own = wrong(tx, CodeOwner::Person(person_id)).await?;
        rested(tx, &own, keys.bonus.code_tries_person, "person")?;
        if let Some((hash, _)) = &address {
            let there = wrong(tx, CodeOwner::Address(hash)).await?;
            rested(tx, &there, keys.bonus.code_tries_address, "address")?;
        }
        Ok(Self { person_id, person_n, address })
    }

    fn end(self, tx: &mut Tx, wrong: bool) {
        let (address, address_n) = self.address.unzip();
        tx.insert(code_try::Model {
            id: PostingId::new().0,
            person_id: self.person_id,
            person_n: self.person_n,
            address,
            address_n,
            wrong,
            at: tx.now(),
        });
        for (name, columns) in [
            ("code_try_person", "code_try.person_id, code_try.person_n"),
            ("code_try_address", "code_try.address, code_try.address_n"),
        ] {
            let refusal = General::Busy.refused();
            tx.unique(Unique { name, columns, refusal, choose_again: true });
        }
    }
}

/// Whose attempts are counted.
#[derive(Clone, Copy)]
enum CodeOwner<'a> {
    Person(PersonId),
    Address(&'a str),
}

impl CodeOwner<'_> {
    fn tries(self) -> sea_orm::Select<code_try::Entity> {
        let rows = code_try::Entity::find();
        match self {
            Self::Person(id) => rows.filter(Column::PersonId.eq(id)),
            Self::Address(hash) => rows.filter(Column::Address.eq(hash)),
        }
    }
}

/// The instants of the wrong attempts in the last hour, newest first.
async fn wrong(tx: &Tx, whose: CodeOwner<'_>) -> Result<Vec<Instant>, CommandError> {
    let rows = whose
        .tries()
        .select_only()
        .column(Column::At)
        .filter(Column::Wrong.eq(true))
        .filter(Column::At.gt(tx.now() - HOUR))
        .order_by_desc(Column::At);
    Ok(rows.into_tuple().all(tx.db()).await?)
}

async fn newest(tx: &Tx, whose: CodeOwner<'_>) -> Result<i64, CommandError> {
    let number = match whose {
        CodeOwner::Person(_) => Column::PersonN,
        CodeOwner::Address(_) => Column::AddressN,
    };
    let rows: Vec<Option<i64>> = whose
        .tries()
        .select_only()
        .column_as(number.max(), "newest")
        .into_tuple()
        .all(tx.db())
        .await?;
    Ok(rows.into_iter().next().flatten().unwrap_or(0))
}

fn rested(tx: &Tx, wrong: &[Instant], most: usize, who: &str) -> Result<(), CommandError> {
    let Some(nth) = wrong.get(most.saturating_sub(1)) else { return Ok(()) };
    let left = *nth + HOUR - tx.now();
    let secs = left.num_seconds() + i64::from(left.subsec_nanos() > 0);
    let no = Refusal::CodesRest.refused();
    Err(no.with("retry_after_s", secs).with("counted", who).into())
}

/// Deletes attempts that no longer count.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &Pool, now: Instant) -> Result<(), DbErr> {
    let old = code_try::Entity::delete_many().filter(Column::At.lt(now - HOUR - HOUR));
    old.exec(db).await.map(|_| ())
}
