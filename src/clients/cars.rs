//! Clients' cars (ACC-7).

use entity::car;
use entity::kinds::CommandName;
use entity::order::{self, OrderStatus};
use entity::value::fold::fold_code;
use entity::value::{CarClass, CarId, PersonId, SealedColumn, SealedField};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Refusal;
use crate::access::people::person;
use crate::context::{Context, Tx};
use crate::policy;
use platform::db::readable;
use platform::engine::shared::Shared;
use platform::engine::write_set::Unique;
use platform::page::Page;
use platform::{Command, CommandError, all_right};

/// Maximum characters of a make.
const MAKE_MAX: usize = 60;

/// A car as its owner sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CarView {
    /// The car.
    pub id: CarId,
    /// The plate.
    pub plate: SealedField,
    /// Make and model.
    pub make: String,
    /// Its class.
    pub class: CarClass,
}

impl From<car::Model> for CarView {
    fn from(row: car::Model) -> Self {
        let plate = row.plate.at(SealedColumn::CarPlate, row.id);
        Self { id: row.id, plate, make: row.make, class: row.class }
    }
}

/// Adds a car.
pub struct AddCar {
    /// The client.
    pub client_id: PersonId,
    /// The plate, as typed.
    pub plate: String,
    /// Make and model.
    pub make: String,
    /// Its class.
    pub class: CarClass,
}

impl Command<Context> for AddCar {
    type Answer = CarView;
    const NAME: CommandName = CommandName::AddCar;

    async fn run(&self, tx: &mut Tx) -> Result<CarView, CommandError> {
        // Lookalike letters fold to the same plate (ACC-7).
        let plate = fold_code(&self.plate);
        let make = self.make.trim();
        let wrong = [
            ("/plate", !(4..=12).contains(&plate.chars().count())),
            ("/make", !(1..=MAKE_MAX).contains(&make.chars().count())),
        ];
        all_right(Refusal::CarInvalid, &wrong)?;
        // LIM-7. Adding a car raises its owner's version: concurrent additions cannot exceed the
        // limit.
        let known = person::raise_read(tx, self.client_id).await?;
        Tx::must("person", self.client_id, known.then_some(()))?;
        let most = policy::registry::in_force(tx)?.keys.client.cars_max;
        let has = list(tx.db(), self.client_id).await?;
        if has.items.len() + has.unreadable.len() >= most {
            return Err(Refusal::TooManyCars.refused().with("limit", most).into());
        }
        let keys = tx.keys();
        let id = CarId::new();
        let row = car::Model {
            id,
            client_id: self.client_id,
            plate: keys.seal(SealedColumn::CarPlate, id, self.plate.trim())?,
            plate_hash: keys.lookup("plate", &plate),
            make: make.to_owned(),
            class: self.class,
            created_at: tx.now(),
            removed_at: None,
            version: 1,
        };
        tx.insert(row.clone());
        tx.unique(Unique {
            name: "car_plate",
            columns: "car.client_id, car.plate_hash",
            refusal: Refusal::CarKnown.refused(),
            choose_again: false,
        });
        Ok(row.into())
    }
}

/// Removes a car; its orders stay as they are.
pub struct RemoveCar {
    /// The client.
    pub client_id: PersonId,
    /// The car.
    pub car_id: CarId,
}

impl Command<Context> for RemoveCar {
    type Answer = ();
    const NAME: CommandName = CommandName::RemoveCar;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let old = tx.find::<car::Entity>(self.car_id).await?;
        let old = old.filter(|c| c.client_id == self.client_id && c.removed_at.is_none());
        let old = old.ok_or(Refusal::NoSuchCar)?;
        // Removed and added again, it would be a different car to QO-7 and BK-11.
        let open = [
            OrderStatus::Requested,
            OrderStatus::Confirmed,
            OrderStatus::OnTheWay,
            OrderStatus::Active,
        ];
        let in_use = order::Entity::find()
            .filter(order::Column::CarId.eq(self.car_id))
            .filter(order::Column::Status.is_in(open));
        let in_use = readable::partly(tx.db(), in_use).await?;
        if let Some(order) = in_use.first() {
            return Err(Refusal::CarInUse.refused().with("order_id", order.id).into());
        }
        tx.update(&old, &car::Model { removed_at: Some(tx.now()), ..old.clone() });
        Ok(())
    }
}

/// A client's cars.
///
/// # Errors
/// When the database fails.
pub async fn list<C: ConnectionTrait>(
    db: &C,
    client_id: PersonId,
) -> Result<Page<CarView>, CommandError> {
    let rows = car::Entity::find()
        .filter(car::Column::ClientId.eq(client_id))
        .filter(car::Column::RemovedAt.is_null())
        .order_by_asc(car::Column::Id);
    Ok(Page::whole(db, rows, CarView::from).await?)
}

/// The class of a client's own car, from the row cache if it is there.
///
/// # Errors
/// `no_such_car`, or a fault.
pub async fn class_of(
    shared: &Shared,
    client_id: PersonId,
    car_id: CarId,
) -> Result<CarClass, CommandError> {
    let own = |car: &car::Model| car.client_id == client_id && car.removed_at.is_none();
    let kept = shared.row_cache.get::<car::Model>(car_id.0).filter(own);
    let car = match kept {
        Some(car) => Some(car),
        None => car::Entity::find_by_id(car_id).all(&shared.db.read).await?.pop().filter(own),
    };
    let car = car.ok_or(Refusal::NoSuchCar)?;
    let class = car.class;
    shared.row_cache.put(car);
    Ok(class)
}
