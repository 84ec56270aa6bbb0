//! Demo logins: three accounts for the user of the demo, signed in over the API like any other.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use client::{ApiError, Car, Point};
use serde_json::json;
use simulator::{Branch, ClockSync, Person, Resident, Simulation, baku_date, read_proof, settle};
use tokio::sync::watch;

use super::failed::DemoFailed;
use super::files::DemoFiles;

/// The phone of the operator's first agent.
pub const SUPPORT_PHONE: &str = "+994500000000";
/// The phone of the demo client, which no simulated person has.
const GUEST_PHONE: &str = "+994509999999";
/// The plate of the demo client's car; no simulated plate has a Q.
const GUEST_PLATE: &str = "90-QQ-001";
/// The class of the demo client's car.
const GUEST_CLASS: &str = "sedan";
/// So long before midnight tomorrow's slots are offered instead of today's.
const SLOTS_AHEAD: TimeDelta = TimeDelta::hours(2);
/// The demo client's distance from the branch: metres north and east.
const GUEST_FROM_M: (i32, i32) = (1_400, 900);
/// The pause between two refreshes, real time.
const ROUND: Duration = Duration::from_secs(10);
/// A refresh takes at most one in so many parts of the time: the proof slows down as data grows.
const ROUND_PART: u32 = 20;

/// The result of the newest ledger proof, and its time.
#[derive(Clone, Copy, Debug)]
pub struct ProofSummary {
    /// Whether everything matched.
    pub ok: bool,
    /// When it was read.
    pub at: Instant,
}

/// The demo logins: a client, an owner of the first branch, and a support agent.
pub struct DemoLogins {
    base_url: String,
    client: Arc<Person>,
    owner: Person,
    support: Person,
    wish: ExampleOrder,
    clock_sync: Arc<ClockSync>,
    branch_id: String,
    branch: String,
    point: Point,
    stop: client::StopSignal,
}

impl DemoLogins {
    /// Signs them in and registers a car for the client.
    ///
    /// # Errors
    /// When a sign-in fails.
    pub async fn arrive(simulation: &Simulation, base_url: &str) -> Result<Self, DemoFailed> {
        let shared = simulation.shared();
        let nowhere = || DemoFailed::because("the simulation has no branch");
        let branch = simulation.branches().first().ok_or_else(nowhere)?;
        let guest = Resident {
            name: "Qonaq".to_owned(),
            phone: GUEST_PHONE.to_owned(),
            plate: GUEST_PLATE.to_owned(),
            make: "Khazar SD",
            class: GUEST_CLASS,
        };
        let (client, car) = settle(shared, 0, &guest).await?;
        let owner = Person::sign_in(shared, 0, &branch.owner.phone, "Qonaq (desk)").await?;
        let support = Person::sign_in(shared, 0, SUPPORT_PHONE, "Qonaq (support)").await?;
        Ok(Self {
            base_url: base_url.to_owned(),
            client,
            owner,
            support,
            wish: ExampleOrder::of(branch, &car)?,
            clock_sync: Arc::clone(&shared.clock_sync),
            branch_id: branch.id.clone(),
            branch: branch.name.clone(),
            point: branch.point,
            stop: shared.stop.clone(),
        })
    }

    /// Keeps the tokens fresh and reads the ledger proof until the simulator stops.
    pub async fn stay(self, place: DemoFiles, proved: watch::Sender<Option<ProofSummary>>) {
        loop {
            let began = Instant::now();
            match read_proof(&self.support).await {
                Ok(ok) => drop(proved.send_replace(Some(ProofSummary { ok, at: Instant::now() }))),
                Err(trouble) => tracing::warn!(%trouble, "the proof could not be read"),
            }
            if let Err(failed) = self.leave_tokens(&place).await {
                tracing::warn!(%failed, "the tokens could not be written");
            }
            if !self.stop.rest(ROUND.max(began.elapsed() * ROUND_PART)).await {
                return;
            }
        }
    }

    /// Writes the tokens to a file that a shell can source.
    ///
    /// # Errors
    /// When a token cannot be refreshed, or the file cannot be written.
    pub async fn leave_tokens(&self, place: &DemoFiles) -> Result<(), DemoFailed> {
        let text = self.tokens().await?;
        place.write_env(&text).map_err(|error| DemoFailed::at(&place.env, &error))
    }

    async fn tokens(&self) -> Result<String, ApiError> {
        let Self { base_url, branch_id, .. } = self;
        let ExampleOrder { order, booking, service } = &self.wish;
        // Late in the day hardly a slot is left, so tomorrow's are offered.
        let day = self.clock_sync.now().map(|now| baku_date(now + SLOTS_AHEAD)).unwrap_or_default();
        let slots = format!("/v1/client/partners/{branch_id}/slots?date={day}&services={service}");
        let sockets = base_url.replacen("http", "ws", 1);
        let mut text = format!(
            "# Made by `yumo demo`, and kept fresh while it runs: read it again after a while.\n\
             export YUMO='{base_url}' YUMO_WS='{sockets}'\n\
             export BRANCH='{branch_id}' ORDER='{order}'\n\
             export SLOTS='{base_url}{slots}&class={GUEST_CLASS}' BOOKING='{booking}'\n"
        );
        let who = [("CLIENT", &*self.client), ("OWNER", &self.owner), ("SUPPORT", &self.support)];
        for (name, person) in who {
            let token = person.token().await?;
            // Writing to a string cannot fail.
            let _ = writeln!(text, "export {name}='Authorization: Bearer {token}'");
        }
        Ok(text)
    }

    /// The instructions for acting from another terminal.
    #[must_use]
    pub fn guide(&self, place: &DemoFiles) -> Vec<String> {
        let Point { lat, lon } = self.point;
        let (env, log) = (place.env.display(), place.log.display());
        let dot = if place.env.is_absolute() { "" } else { "./" };
        let (branch, owner) = (&self.branch, &self.owner.phone);
        [
            format!("You too, in another terminal ({log} has the one-time codes, should you sign in by hand):"),
            format!("  . {dot}{env}   # tokens: $CLIENT, $OWNER of {branch}, $SUPPORT; $ORDER, $BOOKING"),
            format!("  # phones: $CLIENT {GUEST_PHONE}, $OWNER {owner}, $SUPPORT {SUPPORT_PHONE}"),
            format!("  curl -s \"$YUMO/v1/client/partners?lat={lat}&lon={lon}&radius_m=1500\" -H \"$CLIENT\""),
            "  curl -s $YUMO/v1/client/orders -H \"$CLIENT\" -H \"Idempotency-Key: $RANDOM\" -d \"$ORDER\"".to_owned(),
            "  AT=$(curl -s \"$SLOTS\" -H \"$CLIENT\" | grep -o '\"starts_at\":\"[^\"]*' | head -1 | cut -c14-)".to_owned(),
            "  curl -s $YUMO/v1/client/orders -H \"$CLIENT\" -H \"Idempotency-Key: $RANDOM\" -d \"${BOOKING/AT/$AT}\"".to_owned(),
            "  curl -s \"$YUMO/v1/partner/orders?open=true\" -H \"$OWNER\"".to_owned(),
            "  (echo '{\"type\":\"resume\",\"after\":0}'; cat) | \\".to_owned(),
            "    websocat --protocol yumo.v1 -H=\"$OWNER\" \"$YUMO_WS/v1/feed?audience=branch:$BRANCH\"".to_owned(),
        ]
        .into()
    }
}

/// The demo client's prepared requests: the branch's cheapest service, from a street nearby.
struct ExampleOrder {
    /// The body of a quick order.
    order: String,
    /// The body of a booking, with a placeholder for its start.
    booking: String,
    service: String,
}

impl ExampleOrder {
    fn of(branch: &Branch, car: &Car) -> Result<Self, DemoFailed> {
        let offers = branch.services.iter().filter_map(|service| {
            let price = service.prices.iter().find(|price| price.class == car.class)?;
            Some((&service.id, price.price.amount()))
        });
        let nothing = || DemoFailed(format!("{} has nothing for a {}", branch.name, car.class));
        let (service, total) = offers.min_by_key(|(_, total)| *total).ok_or_else(nothing)?;
        let origin = branch.point.moved(GUEST_FROM_M.0, GUEST_FROM_M.1);
        let order = json!({
            "kind": "quick", "partner_id": branch.id, "car_id": car.id, "service_ids": [service],
            "origin": origin, "shown_total": total,
        });
        let mut booking = order.clone();
        if let Some(members) = booking.as_object_mut() {
            members.insert("kind".to_owned(), json!("booking"));
            members.insert("starts_at".to_owned(), json!("AT"));
        }
        let (order, booking) = (order.to_string(), booking.to_string());
        Ok(Self { order, booking, service: service.clone() })
    }
}
