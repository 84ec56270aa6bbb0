//! A simulated client: searches, previews the price, places an order and follows it to its end.

mod booking;
mod drive;
mod money;
mod mood;
mod slots;
mod visit;
mod wanted;

pub(crate) use money::CODE;
pub use slots::baku_date;
pub(crate) use slots::quarters_after;

use crate::chance::Dice;
use crate::city::{Resident, WASHES, Wash, resident};
use crate::people::{Board, Person, Shared};
use crate::statistics::{Phase, one};
use client::{
    ApiError, Audience, Car, Follower, FollowerEvent, Order, Page, PartnerFound, Point, Request,
    Start,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use wanted::Visit;

/// Events queued for a client.
const EVENTS_MAX: usize = 256;
/// The search radius, metres.
const RADIUS_M: u32 = 6000;
/// Search results a client reads.
const RESULTS_MAX: usize = 12;
/// How often one order request is placed again, after a price change or from alternatives.
const PLACINGS_MAX: u32 = 4;
/// Order requests of a thousand that are bookings instead of quick orders.
const BOOKED_PER_MILLE: u32 = 420;
/// Penalties of a thousand that are paid or disputed before the next order.
const AT_ONCE_PER_MILLE: u32 = 500;
/// A client's pause between two visits, simulated seconds.
const THINKING_SECS: (u64, u64) = (300, 5400);
/// Pause before a new client replaces one who may not order any more, simulated seconds.
const AWAY_SECS: u64 = 600;
/// New clients who may replace one client in succession.
const NEWCOMERS_MAX: usize = 50;

/// A client who has signed in, with a car and a feed.
pub struct Client {
    pub(crate) me: Arc<Person>,
    pub(crate) shared: Shared,
    pub(crate) dice: Dice,
    pub(crate) board: Arc<Board>,
    pub(crate) at: Point,
    pub(crate) phase: Phase,
    /// Whether the campaign code was redeemed.
    pub(crate) has_code: bool,
    events: mpsc::Receiver<FollowerEvent>,
    car: Car,
}

/// Why a client's session in the simulator ended.
enum Over {
    /// The simulator is stopping.
    Stopped,
    /// Debts or a ban: this client may not place orders any more.
    Barred,
}

#[derive(Deserialize)]
struct Alternative {
    place: Value,
}

/// Runs client `number` of `clients` and the new clients who replace it.
pub async fn live(shared: Shared, board: Arc<Board>, seed: u64, number: usize, clients: usize) {
    for newcomer in 0..NEWCOMERS_MAX {
        let who = number + newcomer * clients.max(1);
        let mut dice = Dice::of(seed, "client", who);
        let settling = if newcomer == 0 { dice.between(1, 240) } else { AWAY_SECS };
        if !shared.stop.rest(shared.pace.real(settling)).await {
            return;
        }
        let over = match Client::enrol(&shared, &board, dice, who).await {
            Ok(client) => client.days().await,
            Err(trouble) => {
                tracing::warn!(%trouble, who, "a client could not settle");
                Over::Barred
            }
        };
        match over {
            Over::Stopped => return,
            Over::Barred => one(&shared.census.count.newcomers),
        }
    }
}

/// Signs a resident in and ensures that name and car are recorded.
pub async fn settle(
    shared: &Shared,
    number: usize,
    who: &Resident,
) -> Result<(Arc<Person>, Car), ApiError> {
    let me = Person::sign_in(shared, number, &who.phone, &who.name).await?;
    let cars: Page<Car> = me.read(&Request::get("/v1/client/cars")).await?;
    if let Some(car) = cars.items.into_iter().next() {
        return Ok((Arc::new(me), car));
    }
    let lang = if number.is_multiple_of(4) { "ru" } else { "az" };
    me.done(&Request::put("/v1/client/profile", &json!({ "name": who.name, "lang": lang })))
        .await?;
    let body = json!({ "plate": who.plate, "make": who.make, "class": who.class });
    let car: Car = me.read(&Request::post("/v1/client/cars", &body)).await?;
    Ok((Arc::new(me), car))
}

impl Client {
    async fn enrol(
        shared: &Shared,
        board: &Arc<Board>,
        mut dice: Dice,
        number: usize,
    ) -> Result<Self, ApiError> {
        let who = resident(number);
        let (me, car) = settle(shared, number, &who).await?;
        let (sink, events) = mpsc::channel(EVENTS_MAX);
        tokio::spawn(
            Follower::new(me.session(), &Audience::Client, Start::Snapshot, sink).follow(),
        );
        let at = dice.somewhere();
        shared.census.enter(Phase::Idle);
        Ok(Self {
            me,
            shared: shared.clone(),
            dice,
            board: board.clone(),
            at,
            phase: Phase::Idle,
            has_code: false,
            events,
            car,
        })
    }

    async fn days(mut self) -> Over {
        for left in self.open_orders().await {
            self.see_through(left).await;
        }
        while !self.shared.stop.is_set() {
            self.enter(Phase::Idle);
            let thinking = self.dice.between(THINKING_SECS.0, THINKING_SECS.1);
            self.idle(thinking).await;
            if self.shared.stop.is_set() {
                break;
            }
            self.at = self.dice.somewhere();
            match self.wish().await {
                Ok(()) => {}
                Err(ApiError::Refused(problem))
                    if problem.speaks_of(&["debt", "penalt"]) && self.settles_debts().await => {}
                Err(ApiError::Refused(problem))
                    if problem.speaks_of(&["debt", "ban", "penalt"]) =>
                {
                    self.shared
                        .census
                        .tell(&self.me.name, format!("may order no more: {}", problem.code));
                    return Over::Barred;
                }
                Err(ApiError::Stopped) => break,
                Err(trouble) => tracing::debug!(%trouble, "a wish came to nothing"),
            }
        }
        Over::Stopped
    }

    /// Orders left open by an earlier run of the simulator.
    async fn open_orders(&self) -> Vec<Order> {
        let page: Result<Page<Order>, _> =
            self.me.read(&Request::get("/v1/client/orders?open=true")).await;
        page.map(|page| page.items).unwrap_or_default()
    }

    /// One order request, from the search to the end of the visit, alternatives included.
    async fn wish(&mut self) -> Result<(), ApiError> {
        let Some(mut body) = self.choose().await? else { return Ok(()) };
        for placing in 0..PLACINGS_MAX {
            let order = match self.me.order(&Request::post("/v1/client/orders", &body)).await {
                Ok(order) => order,
                Err(ApiError::Refused(problem)) if problem.total.is_some() => {
                    let total = problem.total.unwrap_or_default();
                    put(&mut body, "shown_total", json!(total.amount));
                    continue;
                }
                // The bonus was spent by another order of this client, or it has expired.
                Err(ApiError::Refused(problem)) if problem.speaks_of(&["bonus"]) => {
                    put(&mut body, "pay_with_bonus", json!(0));
                    continue;
                }
                Err(ApiError::Refused(problem))
                    if self.takes_another(&mut body, &problem.alternatives) =>
                {
                    continue;
                }
                Err(trouble) => return Err(trouble),
            };
            self.count_placed(&order, placing);
            let end = self.see_through(order).await;
            if end.penalty.is_some_and(|fee| fee.amount > 0) && self.dice.chance(AT_ONCE_PER_MILLE)
            {
                self.settles_debts().await;
            }
            let unlucky = end
                .reason
                .as_deref()
                .is_some_and(|why| matches!(why, "declined" | "offer_expired"));
            if !unlucky || !self.dice.chance(650) {
                return Ok(());
            }
            match self.alternative(&end).await? {
                Some(place) => body = place,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn count_placed(&self, order: &Order, placing: u32) {
        let census = &self.shared.census;
        one(&census.count.placed);
        if placing > 0 {
            one(&census.count.placed_again);
        }
        let mut verb = "placed";
        if order.bonus.amount > 0 {
            one(&census.count.with_bonus);
        }
        if order.is_booking() {
            one(&census.count.booked);
            verb = "booked";
        }
        census.tell(&self.me.name, format!("{verb} {} at {}", order.code, order.partner.name));
    }

    /// Searches, chooses a branch and previews the price; returns the body of the order request.
    async fn choose(&mut self) -> Result<Option<Value>, ApiError> {
        let census = self.shared.census.clone();
        let wished = self.wished();
        one(&census.count.searches);
        let Point { lat, lon } = self.at;
        let query = format!(
            "/v1/client/partners?lat={lat:.6}&lon={lon:.6}&radius_m={RADIUS_M}\
             &services={}&class={}",
            wished.join(","),
            self.car.class
        );
        let found: Page<PartnerFound> = self.me.read(&Request::get(query)).await?;
        let fits = |place: &PartnerFound| {
            place.open
                && wished.iter().all(|code| place.services.iter().any(|has| has.code == *code))
        };
        let fitting: Vec<PartnerFound> =
            found.items.into_iter().filter(fits).take(RESULTS_MAX).collect();
        // Half of the clients choose the nearest branch, the others any branch in the result.
        let near = self.dice.chance(500);
        let chosen = if near { self.dice.pick_early(&fitting) } else { self.dice.pick(&fitting) };
        let Some(place) = chosen else {
            one(&census.count.found_nothing);
            return Ok(None);
        };
        let wanted = |code: &&str| {
            place.services.iter().find(|has| has.code == **code).map(|has| has.id.clone())
        };
        let service_ids: Vec<String> = wished.iter().filter_map(wanted).collect();
        let mut body = json!({
            "kind": "quick", "partner_id": place.id, "car_id": self.car.id,
            "service_ids": service_ids, "origin": self.at,
        });
        if self.dice.chance(BOOKED_PER_MILLE) {
            let (branch, class) = (place.id.as_str(), self.car.class.clone());
            let visit = Visit { branch, services: &service_ids, class: &class };
            self.wants_a_slot(&mut body, &visit).await;
        }
        self.preview(&mut body).await?;
        self.hears_of_the_campaign().await;
        self.pays_with_bonus(&mut body).await?;
        let reading = self.dice.between(3, 40);
        self.idle(reading).await;
        Ok(Some(body))
    }

    /// One or two services that share a bay, rarely three, weighted towards the common ones.
    fn wished(&mut self) -> Vec<&'static str> {
        let number = self.dice.between(1, 3).min(self.dice.between(1, 3));
        let mut wished: Vec<&'static Wash> = Vec::new();
        for _ in 0..number {
            let fits = |wash: &&Wash| wished.first().is_none_or(|first| first.bay == wash.bay);
            if let Some(wash) = self.dice.pick_early(&WASHES).filter(fits)
                && !wished.iter().any(|had| had.code == wash.code)
            {
                wished.push(wash);
            }
        }
        wished.into_iter().map(|wash| wash.code).collect()
    }

    /// The order request for an alternative branch, with a new preview.
    async fn alternative(&mut self, end: &Order) -> Result<Option<Value>, ApiError> {
        let request = Request::get(format!("/v1/client/orders/{}/alternatives", end.id));
        let page: Page<Alternative> = self.me.read(&request).await?;
        let reading = self.dice.between(3, 30);
        self.idle(reading).await;
        Ok(self.dice.pick_early(&page.items).map(|other| other.place.clone()))
    }

    /// Records the client's phase in the statistics.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.shared.census.leave(self.phase);
        self.shared.census.enter(phase);
        self.phase = phase;
    }

    /// Waits simulated seconds; feed events received meanwhile are dropped.
    pub(crate) async fn idle(&mut self, secs: u64) {
        let wait = self.shared.pace.real(secs);
        let stop = self.shared.stop.clone();
        let events = &mut self.events;
        let hear = async {
            while events.recv().await.is_some() {}
            stop.wait().await;
        };
        let _time_is_up = tokio::time::timeout(wait, async {
            tokio::select! { () = hear => {}, () = stop.wait() => {} }
        })
        .await;
    }

    /// Waits for a newer version of an order; `None` after so many simulated seconds without one.
    pub(crate) async fn news(&mut self, of: &Order, secs: u64) -> Option<Order> {
        let wait = self.shared.pace.real(secs);
        self.news_within(of, wait).await
    }

    /// As `news`, with the limit in real time.
    pub(crate) async fn news_within(&mut self, of: &Order, wait: Duration) -> Option<Order> {
        let stop = self.shared.stop.clone();
        let hear = async {
            tokio::select! {
                newer = newer_than(&mut self.events, of) => Some(newer),
                () = stop.wait() => None,
            }
        };
        tokio::time::timeout(wait, hear).await.ok().flatten()
    }
}

/// The next version of the order from the feed that is newer than the known one; never resolves
/// once the feed has ended.
async fn newer_than(events: &mut mpsc::Receiver<FollowerEvent>, of: &Order) -> Order {
    loop {
        let Some(seen) = events.recv().await else { return std::future::pending().await };
        let newer = match seen {
            FollowerEvent::Snapshot(orders) => orders.into_iter().find(|order| order.id == of.id),
            FollowerEvent::Event(heard) => heard.event.data.order.map(|order| *order),
        };
        if let Some(order) = newer
            && order.id == of.id
            && order.version > of.version
        {
            return order;
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.census.leave(self.phase);
    }
}

/// Sets a member of a JSON object.
pub(crate) fn put(body: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = body {
        members.insert(name.to_owned(), value);
    }
}
