//! The visit that a simulated client wants.

/// The visit a slot is wanted for.
pub(crate) struct Visit<'a> {
    /// The branch.
    pub(crate) branch: &'a str,
    /// The services.
    pub(crate) services: &'a [String],
    /// The class of car.
    pub(crate) class: &'a str,
}
