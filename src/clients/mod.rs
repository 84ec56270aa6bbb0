//! Clients: their profiles and cars.

pub mod cars;
pub mod profile;

platform::refusals! {
    /// Refusals of the clients' commands.
    Refusal {
        NoSuchCar = "no_such_car", NotFound, "There is no such car of yours", "Look at your cars again.";
        CarInvalid = "car_invalid", Unprocessable, "The car makes no sense", "A plate has 4 to 12 letters and digits, a make 1 to 60 characters.";
        CarKnown = "car_known", Conflict, "You have a car with this plate already", "Use the one you have.";
        CarInUse = "car_in_use", Conflict, "This car has an open order", "Finish or cancel the order first.";
        TooManyCars = "too_many_cars", Conflict, "You have as many cars as there may be", "Remove one first.";
        NameInvalid = "name_invalid", Unprocessable, "The name makes no sense", "A name has 1 to 60 characters.";
    }
}
