//! Campaign codes as they are entered: found however they are typed, wrong ones counted, each
//! device once (BON-8, LIM-6).

use chrono::TimeDelta;
use entity::code_try::{self, Column};
use entity::value::fold::fold_code;
use entity::value::{CampaignId, Instant, PersonId, PostingId};
use entity::{campaign, campaign_claim, session};
use sea_orm::{
    ColumnTrait as _, DatabaseConnection, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde::{Deserialize, Serialize};

use super::campaign::give;
use super::read::LotView;
use super::{Owner, Refusal};
use crate::platform::codes::General;
use crate::platform::crypto::Keys;
use crate::platform::write_set::Unique;
use crate::platform::{Command, Fault, Refused, Stop, Tx};
use crate::policy;

/// The span in which wrong codes count.
const HOUR: TimeDelta = TimeDelta::hours(1);
/// Characters of a code that nobody can guess: 60 bits.
const RANDOM_CHARS: usize = 12;
/// What such a code is made of: nothing that reads like something else.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A code however it is typed, on whatever keyboard (BON-8).
#[must_use]
pub fn typed(code: &str) -> String {
    fold_code(code)
}

/// A code that nobody can guess.
#[must_use]
pub fn random() -> String {
    let one = || ALPHABET.get(rand::random_range(0..ALPHABET.len())).copied().map(char::from);
    (0..RANDOM_CHARS).filter_map(|_| one()).collect()
}

/// An owner types a code in.
pub struct Redeem {
    /// Who.
    pub owner: Owner,
    /// The code.
    pub code: String,
}

/// What came of a code. A refusal writes nothing, so a wrong code, which is counted, is an answer.
#[derive(Debug, Serialize, Deserialize)]
pub enum Redeemed {
    /// Its bonus.
    Granted(Box<LotView>),
    /// There is no such campaign.
    Wrong,
}

impl Redeemed {
    /// The bonus.
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

impl Command for Redeem {
    type Answer = Redeemed;
    const NAME: &'static str = "redeem_code";

    async fn run(&self, tx: &mut Tx) -> Result<Redeemed, Stop> {
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

/// A client gets a campaign's bonus once on one device (LIM-6).
async fn claim(tx: &mut Tx, campaign_id: CampaignId, person_id: PersonId) -> Result<(), Stop> {
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

/// One try, with its number of the person and of the network address: of two tries that counted the
/// same, one lands and the other counts anew.
struct Trying {
    person_id: PersonId,
    person_n: i64,
    address: Option<(String, i64)>,
}

impl Trying {
    /// Counts what came before; whoever entered too many wrong ones rests.
    async fn begin(tx: &mut Tx, person_id: PersonId) -> Result<Self, Stop> {
        // The numbers first: what lands after they were read takes the same ones.
        let person_n = newest(tx, Whose::Person(person_id)).await? + 1;
        let address = tx.by().address.map(|address| address.to_string());
        let secrets = tx.shared::<Keys>()?;
        let address = match address.map(|address| secrets.lookup("address", &address)) {
            Some(hash) => {
                let n = newest(tx, Whose::Address(&hash)).await?;
                Some((hash, n + 1))
            }
            None => None,
        };
        let keys = policy::book::in_force(tx)?.keys;
        let own = wrong(tx, Whose::Person(person_id)).await?;
        rested(tx, &own, keys.bonus.code_tries_person, "person")?;
        if let Some((hash, _)) = &address {
            let there = wrong(tx, Whose::Address(hash)).await?;
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

/// Whose tries are counted.
#[derive(Clone, Copy)]
enum Whose<'a> {
    Person(PersonId),
    Address(&'a str),
}

impl Whose<'_> {
    fn tries(self) -> sea_orm::Select<code_try::Entity> {
        let rows = code_try::Entity::find();
        match self {
            Self::Person(id) => rows.filter(Column::PersonId.eq(id)),
            Self::Address(hash) => rows.filter(Column::Address.eq(hash)),
        }
    }
}

/// When the wrong ones of the last hour were entered, newest first.
async fn wrong(tx: &Tx, whose: Whose<'_>) -> Result<Vec<Instant>, Stop> {
    let rows = whose
        .tries()
        .select_only()
        .column(Column::At)
        .filter(Column::Wrong.eq(true))
        .filter(Column::At.gt(tx.now() - HOUR))
        .order_by_desc(Column::At);
    Ok(rows.into_tuple().all(tx.db()).await?)
}

async fn newest(tx: &Tx, whose: Whose<'_>) -> Result<i64, Stop> {
    let number = match whose {
        Whose::Person(_) => Column::PersonN,
        Whose::Address(_) => Column::AddressN,
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

fn rested(tx: &Tx, wrong: &[Instant], most: usize, who: &str) -> Result<(), Stop> {
    let Some(nth) = wrong.get(most.saturating_sub(1)) else { return Ok(()) };
    let left = *nth + HOUR - tx.now();
    let secs = left.num_seconds() + i64::from(left.subsec_nanos() > 0);
    let no = Refusal::CodesRest.refused();
    Err(no.with("retry_after_s", secs).with("counted", who).into())
}

/// Forgets tries nobody counts any more.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &DatabaseConnection, now: Instant) -> Result<(), DbErr> {
    let old = code_try::Entity::delete_many().filter(Column::At.lt(now - HOUR - HOUR));
    old.exec(db).await.map(|_| ())
}
