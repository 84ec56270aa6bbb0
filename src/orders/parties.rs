//! The parties of an order as shown to its reader: partner, client, car.

use entity::order::Model;
use entity::value::{CarClass, CarId, PartnerId, PersonId, Point, SealedColumn, SealedField};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The partner of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PartnerOf {
    /// The branch.
    pub id: PartnerId,
    /// Its name at placing.
    pub name: String,
    /// Its address at placing.
    pub address: String,
    /// Its position.
    pub point: Point,
}

/// The client of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClientOf {
    /// The person.
    pub id: PersonId,
    /// Their name.
    pub name: Option<SealedField>,
}

/// The car of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CarOf {
    /// The car.
    pub id: CarId,
    /// Its plate.
    pub plate: SealedField,
    /// Make and model.
    pub make: String,
    /// The class it was priced by.
    pub class: CarClass,
}

/// The partner, as it was at placing.
pub(super) fn partner_of(order: &Model) -> PartnerOf {
    let snapshot = &order.snapshot;
    PartnerOf {
        id: order.partner_id,
        name: snapshot.partner_name.clone(),
        address: snapshot.partner_address.clone(),
        point: snapshot.partner_point,
    }
}

/// The car, as it was at placing.
pub(super) fn car_of(order: &Model) -> CarOf {
    CarOf {
        id: order.car_id,
        plate: plate(order),
        make: order.snapshot.car_make.clone(),
        class: order.car_class,
    }
}

/// The plate: a copy of the car's, so sealed for the car.
pub(super) fn plate(order: &Model) -> SealedField {
    order.plate.at(SealedColumn::CarPlate, order.car_id)
}

/// The client's name at placing: a copy of the person's, so sealed for the person.
pub(super) fn client_name(order: &Model) -> Option<SealedField> {
    order.client_name.as_ref().map(|name| name.at(SealedColumn::PersonName, order.client_id))
}
