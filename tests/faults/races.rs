//! Races: of two concurrent commands exactly one wins, and the loser sees the winner's effect
//! (ORD-3); a command sent twice takes effect once (ORD-4).

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use strum::IntoEnumIterator as _;

use crate::city::{Branch, City, Client, PRICE, as_client, as_staff};
use crate::feed::Feed;
use crate::ground::{Backend, Ground};
use crate::kills::seed;
use crate::server::Server;
use crate::truth::{self, Whole};
use crate::wait::pause;
use crate::wire::{Answer, Request, Wire};

const ROUNDS: usize = 12;
const CLIENTS: usize = 32;
/// The random delay of either command, milliseconds.
const HEAD_START_MS: std::ops::Range<u64> = 0..10;

/// The commands that race.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::EnumIter)]
enum Race {
    /// Two of the staff accept.
    Accepts,
    /// One accepts, one declines.
    AcceptDecline,
    /// The staff accept while the client cancels: the cancel may come second and still commit.
    AcceptCancel,
    /// Client and staff cancel.
    Cancels,
    /// The car is admitted while the client cancels.
    AdmitCancel,
    /// Two of the staff complete, with different amounts.
    Completes,
    /// The same command twice.
    DoubleTap,
    /// The same key with another body.
    OtherBody,
}

impl Race {
    /// The commands that lead to the starting state.
    fn before(self) -> &'static [&'static str] {
        match self {
            Self::Accepts
            | Self::AcceptDecline
            | Self::AcceptCancel
            | Self::DoubleTap
            | Self::OtherBody => &[],
            Self::Cancels | Self::AdmitCancel => &["accept"],
            Self::Completes => &["accept", "admit"],
        }
    }

    fn pair(self, id: &str, client: &Client, branch: &Branch) -> [(String, Request); 2] {
        let none = json!({});
        let staff = |who: &String, act: &str, body: &Value| (who.clone(), as_staff(id, act, body));
        let accept = |who| {
            let (token, ask) = staff(who, "accept", &none);
            (token, ask.if_match(1))
        };
        let complete = |who, amount: i64| {
            let (token, ask) = staff(who, "complete", &json!({"final_amount": amount}));
            (token, ask.if_match(3))
        };
        let why = |why: &str| json!({"reason": why});
        let cancel = (client.token.clone(), as_client(id, "cancel", &none));
        let (one, two) = (&branch.owner, &branch.operator);
        match self {
            Self::Accepts => [accept(one), accept(two)],
            Self::AcceptDecline => [accept(one), staff(two, "decline", &why("növbə"))],
            Self::AcceptCancel => [accept(one), cancel],
            Self::Cancels => [staff(one, "cancel", &why("növbə")), cancel],
            Self::AdmitCancel => [staff(one, "admit", &none), cancel],
            Self::Completes => [complete(one, PRICE), complete(two, PRICE + 100)],
            Self::DoubleTap => {
                let tap = accept(one);
                [tap.clone(), tap]
            }
            Self::OtherBody => {
                let (token, ask) = staff(one, "decline", &why("növbə"));
                let mut other = ask.clone();
                other.body = Some(why("su yoxdur").to_string());
                [(token.clone(), ask), (token, other)]
            }
        }
    }

    /// Checks the outcome; returns the winner, 0 or 1.
    fn judge(self, id: &str, answers: &[Answer; 2], plate: &str) -> usize {
        let said = || {
            let [a, b] = answers;
            format!("{self:?} {id}: {} {} {} {}", a.status, a.text, b.status, b.text)
        };
        let yes = [answers[0].is_yes(), answers[1].is_yes()];
        match self {
            Self::DoubleTap => {
                assert_eq!(yes, [true; 2], "{}", said());
                assert_ne!(answers[0].replayed, answers[1].replayed, "{}", said());
                let same = |answer: &Answer| {
                    let mut body = answer.body.clone();
                    body["server_now"].take();
                    body
                };
                assert_eq!(same(&answers[0]), same(&answers[1]), "{}", said());
                return usize::from(answers[0].replayed);
            }
            Self::AcceptCancel if yes == [true; 2] => {
                assert_eq!(answers[1].body["version"], 3, "{}", said());
                return 0;
            }
            _ => assert_ne!(yes[0], yes[1], "{}", said()),
        }
        let winner = usize::from(yes[1]);
        let (won, lost) = (&answers[winner].body, &answers[1 - winner]);
        if self == Self::OtherBody {
            assert_eq!((lost.status, lost.code()), (422, "idempotency_key_reused"), "{}", said());
            return winner;
        }
        assert!(matches!(lost.status, 409 | 412), "{}", said());
        let order = &lost.body["order"];
        for field in ["id", "version", "status", "reason", "final_amount"] {
            assert_eq!(order[field], won[field], "{field}: {}", said());
        }
        assert_eq!(order["car"]["plate"], plate, "{}", said());
        winner
    }

    /// Runs it over a fresh order; returns the winner.
    async fn run(
        self,
        wire: &Wire,
        (city, client, branch): (&City, &Client, &Branch),
        pauses: [Duration; 2],
    ) -> usize {
        let id = client.places(wire, branch).await;
        for (version, act) in (1..).zip(self.before()) {
            let ask = as_staff(&id, act, &json!({})).if_match(version);
            wire.sure(&branch.owner, &ask).await.yes();
        }
        let [one, two] = self.pair(&id, client, branch);
        let send = async |(token, ask): (String, Request), real: Duration| {
            pause(real).await;
            wire.sure(&token, &ask).await
        };
        let answers = tokio::join!(send(one, pauses[0]), send(two, pauses[1]));
        let answers = [answers.0, answers.1];
        let winner = self.judge(&id, &answers, &client.plate);
        let whole = Whole::read(wire, &city.support, &id).await;
        let landed = answers.iter().filter(|answer| answer.is_yes() && !answer.replayed).count();
        let steps = 1 + self.before().len() + landed;
        assert_eq!(whole.steps.len(), steps, "{self:?} {id}: {:?}", whole.all);
        if !whole.is_over() {
            truth::force_cancel(wire, &city.support, &id).await;
        }
        winner
    }
}

async fn raced(backend: Backend) {
    let ground = Ground::new(backend).await;
    let mut dice = StdRng::seed_from_u64(seed("races"));
    let city = City::found(&ground, 1, CLIENTS, 100_000_000).await;
    let (branch, server) = (&city.branches[0], Server::start(&ground).await);
    let races: Vec<Race> = Race::iter().collect();
    let mut won: BTreeMap<Race, [usize; 2]> = BTreeMap::new();
    for round in 0..ROUNDS {
        let running = city.clients.iter().enumerate().map(|(n, client)| {
            let race = races[(n + round) % races.len()];
            let mut draw = || Duration::from_millis(dice.random_range(HEAD_START_MS));
            let run = race.run(&server.wire, (&city, client, branch), [draw(), draw()]);
            async move { (race, run.await) }
        });
        for (race, winner) in join_all(running).await {
            won.entry(race).or_default()[winner] += 1;
        }
    }
    println!("{backend:?}: won by the one and by the other: {won:?}");
    assert_eq!(branch.balance(&server.wire).await["held"]["amount"], 0);
    Feed::new(&branch.owner, format!("branch:{}", branch.id)).prove_whole(&server.wire).await;
    truth::books_are_right(&ground, server, &city.support).await;
}

/// ORD-3, ORD-4, BAL-6, on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hands_one_wins_on_sqlite() {
    raced(Backend::Sqlite).await;
}

/// ORD-3, ORD-4, BAL-6, on PostgreSQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hands_one_wins_on_postgres() {
    raced(Backend::Postgres).await;
}
